from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed_apps
from django.core import checks
from django.db.models.signals import post_migrate

from accounts.checks import check_second_factors


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        checks.register(check_second_factors, deploy=True)
        # auth makes the permissions in a receiver of its own, connected before this one.
        post_migrate.connect(_sync_roles, dispatch_uid="accounts.sync_roles")


def _sync_roles(app_config: AppConfig, apps: Any = installed_apps, **kwargs: Any) -> None:
    from accounts import services  # models must be loaded first

    try:
        apps.get_model("auth", "Group")
    except LookupError:  # migrated backwards to before there were groups
        return
    services.sync_roles(app_config.label)
