from django.apps import AppConfig


class ShopConfig(AppConfig):
    """Wires the house once all apps are there."""

    name = "shop_backend"

    def ready(self) -> None:
        from shop_backend import wiring  # noqa: PLC0415  # models must be loaded first

        wiring.connect()
