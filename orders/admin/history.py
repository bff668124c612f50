"""What happened to orders."""

from django.contrib import admin
from django.http import HttpRequest

from orders.models import OrderEvent
from shop_backend.kernel import admin_columns
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopTabularInline

EVENT_FIELDS = ("created_at", "kind", "status", "details", "actor_id")


class OrderEventInline(ShopTabularInline):
    model = OrderEvent
    extra = 0
    can_delete = False
    fields = EVENT_FIELDS
    readonly_fields = EVENT_FIELDS
    ordering = ["pk"]

    @admin.display(description="Details")
    def details(self, event: OrderEvent) -> str:
        return admin_columns.tell(event.data, event.order.currency)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ["order", "kind", "status", "details", "actor_id", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["order"]
    search_fields = ["order__number"]
    fields = ["order", "kind", "status", "details", "actor_id", "created_at"]

    @admin.display(description="Details")
    def details(self, event: OrderEvent) -> str:
        return admin_columns.tell(event.data, event.order.currency)
