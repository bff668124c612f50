"""Paying over HTTP."""

from payments.views.config import PaymentConfigView
from payments.views.payments import PaymentViewSet
from payments.views.webhooks import SandboxWebhookView, StripeWebhookView

__all__ = [
    "PaymentConfigView",
    "PaymentViewSet",
    "SandboxWebhookView",
    "StripeWebhookView",
]
