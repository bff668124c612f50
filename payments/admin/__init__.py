"""Payments for the people who run the shop: looked at here, moved by the services."""

from payments.admin.inbox import ProviderEventAdmin
from payments.admin.ledger import MoneyEntryAdmin, MoneyMovementAdmin
from payments.admin.payments import PaymentAdmin
from payments.admin.refunds import RefundAdmin
from payments.admin.reviews import PaymentReviewAdmin
from payments.admin.sandbox import (
    SandboxEventAdmin,
    SandboxIntentAdmin,
    SandboxRefundAdmin,
    SandboxRequestAdmin,
)

__all__ = [
    "MoneyEntryAdmin",
    "MoneyMovementAdmin",
    "PaymentAdmin",
    "PaymentReviewAdmin",
    "ProviderEventAdmin",
    "RefundAdmin",
    "SandboxEventAdmin",
    "SandboxIntentAdmin",
    "SandboxRefundAdmin",
    "SandboxRequestAdmin",
]
