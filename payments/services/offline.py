"""Money that was received outside: a bank transfer, cash."""

from payments.errors import AmountExceedsDue
from payments.events import PaymentCaptured
from payments.models import Payment
from payments.ports import payable_orders
from payments.services import ledger
from payments.services.canceling import cancel_open_payments
from shop_backend.kernel import events
from shop_backend.kernel.money import Money
from shop_backend.kernel.transactions import use_case


@use_case
def record_offline_payment(
    *, reference: str, amount: Money | None, note: str, actor_id: int | None
) -> Payment:
    """Enter money that was received outside; what is open at the provider is given up.

    :param amount: ``None`` for all that is due.
    :raises AmountExceedsDue: more than is due is not taken.
    """
    # First, because it locks the reference's payments, which come before the order.
    cancel_open_payments(reference=reference)
    due = payable_orders.answerer.get_amount_due(reference=reference, customer_id=None)
    amount = due if amount is None else amount
    if amount > due:
        raise AmountExceedsDue(requested=str(amount), due=str(due))
    payment = Payment.objects.create(
        reference=reference,
        customer_id=payable_orders.answerer.get_customer_id(reference=reference),
        provider=Payment.OFFLINE,
        status=Payment.Status.SUCCEEDED,
        amount_minor=amount.minor,
        captured_minor=amount.minor,
        currency=amount.currency,
        note=note,
        recorded_by_id=actor_id,
    )
    ledger.book_offline(payment=payment, actor_id=actor_id)
    events.publish(PaymentCaptured(reference, payment.pk, amount, actor_id))
    return payment
