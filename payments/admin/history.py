"""What the inlines of payments share."""

from typing import Any

from django.http import HttpRequest

from shop_backend.kernel.admin import ShopTabularInline


class HistoryInline(ShopTabularInline):
    """Rows that are looked at here, and changed by the services alone."""

    extra = 0
    can_delete = False
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
