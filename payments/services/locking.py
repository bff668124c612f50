"""The order in which payments are locked: all of a reference, by primary key.

Whoever hears the news of one payment may refund every payment of its reference, after locking
the order. So whoever publishes has locked them all, before the order.
"""

from payments.models import Payment
from shop_backend.kernel import statements
from shop_backend.kernel.transactions import requires_transaction


@requires_transaction
def lock_payments(*, reference: str) -> list[Payment]:
    """Lock all payments of a reference, in primary-key order, and return them."""
    return statements.lock(Payment, reference=reference)


@requires_transaction
def lock_payment(pk: int) -> Payment:
    """Return a payment, locked together with all others of its reference."""
    reference = Payment.objects.values_list("reference", flat=True).get(pk=pk)
    return lock_payment_of(pk=pk, reference=reference)


@requires_transaction
def lock_payment_of(*, pk: int, reference: str) -> Payment:
    """Return a payment whose reference is known (it never changes), locked as ``lock_payment``."""
    return next(payment for payment in lock_payments(reference=reference) if payment.pk == pk)
