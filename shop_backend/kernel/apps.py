from django.apps import AppConfig

from shop_backend.kernel import converters


class KernelConfig(AppConfig):
    """What every app stands on; it imports none of them."""

    name = "shop_backend.kernel"
    label = "kernel"
    verbose_name = "Background work"

    def ready(self) -> None:
        converters.register()
