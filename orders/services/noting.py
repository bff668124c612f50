"""Notes that shop workers write on orders."""

from orders.models import Order, OrderEvent, OrderNote
from orders.services import history
from orders.services._lock import lock_order
from shop_backend.kernel import transactions


@transactions.use_case
def add_note(*, number: str, text: str, is_internal: bool, author_id: int) -> OrderNote:
    """Write a note on an order; the history says that it was written, not what it says.

    :param is_internal: for the house alone; otherwise the customer reads it on the order.
    :raises OrderNotFound: there is no such order.
    """
    order: Order = lock_order(number=number)
    note = OrderNote.objects.create(
        order=order, text=text, is_internal=is_internal, author_id=author_id
    )
    history.record(
        order=order,
        kind=OrderEvent.INTERNAL_NOTE if is_internal else "note_added",
        actor_id=author_id,
        note_id=note.pk,
    )
    return note
