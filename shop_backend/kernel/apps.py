from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from shop_backend.kernel import converters, triggers


class KernelConfig(AppConfig):
    """What every app stands on; it imports none of them."""

    name = "shop_backend.kernel"
    label = "kernel"
    verbose_name = "Background work"

    def ready(self) -> None:
        converters.register()
        post_migrate.connect(_keep_histories, sender=self, dispatch_uid="kernel.keep_histories")


def _keep_histories(*, using: str, **_: Any) -> None:
    triggers.install_what_is_missing(using)
