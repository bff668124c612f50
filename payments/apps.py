from django.apps import AppConfig
from django.core import checks


class PaymentsConfig(AppConfig):
    name = "payments"

    def ready(self) -> None:
        from payments.checks import check_provider  # noqa: PLC0415  # models come first

        checks.register(check_provider)
