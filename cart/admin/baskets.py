"""Carts for the people who run the shop."""

from django.contrib import admin

from cart.models import Cart, CartLine
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopTabularInline


class CartLineInline(ShopTabularInline):
    model = CartLine
    extra = 0
    can_delete = False
    fields = ["variant", "quantity", "seen_price_minor"]
    readonly_fields = ["variant", "quantity", "seen_price_minor"]
    ordering = ["pk"]

    def has_add_permission(self, request: object, obj: object = None) -> bool:
        return False


@admin.register(Cart)
class CartAdmin(ReadOnlyAdmin):
    """Carts are the customers' own; the shop looks, it does not touch."""

    list_display = ["id", "user", "open_for", "coupon", "updated_at"]
    list_select_related = ["user", "coupon"]
    search_fields = ["user__username", "user__email"]
    date_hierarchy = "updated_at"
    inlines = [CartLineInline]
