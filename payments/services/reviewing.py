"""Payments that a person had to look at."""

from payments.models import Payment
from shop_backend.kernel.transactions import use_case


@use_case
def close_review(*, payment_id: int) -> None:
    """Note that a person has settled what did not fit; the payment goes on as before."""
    Payment.objects.filter(pk=payment_id).update(review_reason="")
