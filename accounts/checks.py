"""What should be right about accounts before the shop is deployed."""

from typing import Any

from django.conf import settings
from django.core import checks

_POWERFUL = {"admin", "manager"}


def check_second_factors(**kwargs: Any) -> list[checks.CheckMessage]:
    """Warn of roles that open the whole shop to whoever has a password."""
    lacking = _POWERFUL - set(settings.TWO_FACTOR_ROLES)
    if settings.DEBUG or not lacking:
        return []
    return [
        checks.Warning(
            f"A stolen password is enough for: {', '.join(sorted(lacking))}.",
            hint="Set TWO_FACTOR_ROLES=admin,manager: they count only with a second factor then.",
            id="accounts.W001",
        )
    ]
