import logging

from django.apps import AppConfig
from django.conf import settings

logger = logging.getLogger(__name__)


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        if settings.PAYMENT_PROVIDER == "sandbox" and not settings.DEBUG:
            logger.warning("PAYMENT_PROVIDER=sandbox: test cards pay, no real money is taken.")
