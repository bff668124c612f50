"""The lines of orders."""

from django.contrib import admin
from django.http import HttpRequest

from orders import taxes
from orders.models import OrderLine
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopTabularInline

LINE_FIELDS = (
    "sku",
    "name",
    "quantity",
    "unit_price",
    "line_total",
    "taxed_as",
    "shipped_quantity",
    "returned_quantity",
)


class OrderLineInline(ShopTabularInline):
    model = OrderLine
    extra = 0
    can_delete = False
    fields = LINE_FIELDS
    readonly_fields = LINE_FIELDS
    ordering = ["pk"]

    @admin.display(description="Tax")
    def taxed_as(self, line: OrderLine) -> str:
        return str(taxes.get_tax_of(line)) if line.tax_minor else "None"

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    list_display = ["order", "sku", "name", "quantity", "line_total"]
    list_select_related = ["order"]
    search_fields = ["sku", "order__number"]
