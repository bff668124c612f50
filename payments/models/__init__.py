"""Payments, the ledger of their money, the inbox of their providers, and the sandbox's tables."""

from payments.models.inbox import PaymentReview, ProviderEvent
from payments.models.ledger import Account, MoneyEntry, MoneyMovement
from payments.models.payment import Payment, PaymentQuerySet, Refund, new_provider_key
from payments.models.sandbox import SandboxEvent, SandboxIntent, SandboxRefund, SandboxRequest

__all__ = [
    "Account",
    "MoneyEntry",
    "MoneyMovement",
    "Payment",
    "PaymentQuerySet",
    "PaymentReview",
    "ProviderEvent",
    "Refund",
    "SandboxEvent",
    "SandboxIntent",
    "SandboxRefund",
    "SandboxRequest",
    "new_provider_key",
]
