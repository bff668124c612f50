"""What must be right before the shop takes a payment, beside what the settings refuse."""

from typing import Any

from django.conf import settings
from django.core import checks

from payments import conf
from payments.models import Payment
from payments.providers import is_known, sandbox_faults


def check_provider(**kwargs: Any) -> list[checks.CheckMessage]:
    """Refuse what the settings cannot know: they see no provider."""
    found: list[checks.CheckMessage] = []
    if not is_known(settings.PAYMENT_PROVIDER):
        found.append(
            checks.Error(
                f"PAYMENT_PROVIDER={settings.PAYMENT_PROVIDER} has no key to collect with.",
                hint="Set STRIPE_SECRET_KEY, or PAYMENT_PROVIDER=sandbox to try the shop out.",
                id="payments.E001",
            )
        )
    if conf.get_capture_method() not in Payment.CaptureMethod.values:
        found.append(
            checks.Error(
                "PAYMENT_CAPTURE_METHOD is automatic or manual.",
                id="payments.E002",
            )
        )
    try:
        sandbox_faults.read(settings.SANDBOX_FAULTS)
    except ValueError as error:
        found.append(
            checks.Error(
                f"SANDBOX_FAULTS holds what the sandbox does not know: {error}",
                hint="A seed, and shares between 0 and 1: seed=7,decline=0.1,drop=0.2",
                id="payments.E004",
            )
        )
    return found
