"""What payments answers to the questions of accounts; bound in shop_backend/wiring.py."""

from typing import Any

from payments.models import Payment
from shop_backend.kernel.money import Money


class PaymentRecords:
    """Answers accounts: what do you hold about this person, and forget it."""

    def export(self, *, user_id: int) -> dict[str, Any]:
        """Return what the person paid and got back. Cards are the provider's alone."""
        payments = Payment.objects.filter(customer_id=user_id).with_refunds().order_by("pk")
        return {
            "payments": [
                {
                    "order": payment.reference,
                    "provider": payment.provider,
                    "status": str(payment.status),
                    "amount": payment.amount.decimal_string,
                    "captured": Money(payment.captured_minor, payment.currency).decimal_string,
                    "refunded": Money(payment.refunded_minor, payment.currency).decimal_string,
                    "currency": payment.currency,
                    "at": payment.created_at.isoformat(),
                    "refunds": [
                        {
                            "amount": refund.amount.decimal_string,
                            "status": str(refund.status),
                            "reason": refund.reason,
                            "at": refund.created_at.isoformat(),
                        }
                        for refund in payment.refunds.all()
                    ],
                }
                for payment in payments
            ]
        }

    def forget(self, *, user_id: int) -> None:
        """Keep the books: they hold ids and amounts alone."""
