from django.apps import AppConfig
from django.conf import settings


class ShopConfig(AppConfig):
    """Wires the house once all apps are there."""

    name = "shop_backend"

    def ready(self) -> None:
        from shop_backend import wiring  # noqa: PLC0415  # models must be loaded first

        wiring.connect()
        if settings.OUTBOX_DELIVERY == "celery":
            from shop_backend import celery  # noqa: PLC0415  # a shop without a broker needs none
            from shop_backend.kernel import outbox  # noqa: PLC0415  # as above

            outbox.nudge_by(celery.nudge)
