import logging

from django.apps import AppConfig
from django.conf import settings
from django.core import checks

logger = logging.getLogger(__name__)


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments.checks import check_provider  # noqa: PLC0415  # models come first

        checks.register(check_provider)
        if settings.PAYMENT_PROVIDER == "sandbox" and not settings.DEBUG:
            logger.warning("PAYMENT_PROVIDER=sandbox: test cards pay, no real money is taken.")
