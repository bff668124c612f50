from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from orders import services
from orders.models import Order, OrderEvent, OrderLine
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money

LINE_FIELDS = (
    "sku",
    "name",
    "quantity",
    "unit_price",
    "line_total",
    "shipped_quantity",
    "returned_quantity",
)
TOTALS = ("subtotal", "discount", "shipping", "tax", "total", "captured", "refunded")
EVENT_FIELDS = ("created_at", "kind", "status", "data", "actor_id")


class OrderLineInline(admin.TabularInline):
    model = OrderLine
    extra = 0
    can_delete = False
    fields = LINE_FIELDS
    readonly_fields = LINE_FIELDS
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class OrderEventInline(admin.TabularInline):
    model = OrderEvent
    extra = 0
    can_delete = False
    fields = EVENT_FIELDS
    readonly_fields = EVENT_FIELDS
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(Order)
class OrderAdmin(ReadOnlyAdmin):
    """Orders are snapshots; what the shop does with them are actions."""

    list_display = ["number", "customer", "status", "payment_status", "total", "placed_at"]
    list_filter = ["status", "placed_at"]
    list_select_related = ["customer"]
    search_fields = ["number", "customer__username", "customer__email", "lines__sku"]
    date_hierarchy = "placed_at"
    fieldsets = (
        (None, {"fields": ("number", "customer", "email", "status", "note")}),
        (
            "Money",
            {"fields": ("payment_status", *TOTALS)},
        ),
        (
            "Delivery",
            {
                "fields": (
                    "fulfilment_status",
                    "shipping_method_name",
                    "full_name",
                    "line1",
                    "line2",
                    "city",
                    "region",
                    "postal_code",
                    "country",
                    "phone",
                )
            },
        ),
        ("Times", {"fields": ("placed_at", "expires_at", "hidden_at")}),
    )
    readonly_fields = ("payment_status", "fulfilment_status", *TOTALS)
    inlines = [OrderLineInline, OrderEventInline]
    actions = ["start_processing", "ship", "deliver", "cancel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Order]:
        return super().get_queryset(request).with_lines()  # type: ignore[attr-defined]

    @admin.action(description="Start processing", permissions=["view"])
    def start_processing(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.PROCESSING)

    @admin.action(description="Ship what is left", permissions=["view"])
    def ship(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.SHIPPED)

    @admin.action(description="Mark as delivered", permissions=["view"])
    def deliver(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.DELIVERED)

    @admin.action(description="Cancel and refund", permissions=["view"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Order]) -> None:
        self._set_status(request, queryset, Order.Status.CANCELLED)

    def subtotal(self, order: Order) -> Money:
        return Money(order.subtotal_minor, order.currency)

    def discount(self, order: Order) -> Money:
        return Money(order.discount_minor, order.currency)

    def shipping(self, order: Order) -> Money:
        return Money(order.shipping_minor, order.currency)

    def tax(self, order: Order) -> Money:
        return Money(order.tax_minor, order.currency)

    def captured(self, order: Order) -> Money:
        return Money(order.captured_minor, order.currency)

    def refunded(self, order: Order) -> Money:
        return Money(order.refunded_minor, order.currency)

    def _set_status(self, request: HttpRequest, queryset: QuerySet[Order], status: str) -> None:
        for order in queryset.order_by("pk"):
            try:
                services.set_status(number=order.number, status=status, actor=request.user)  # type: ignore[arg-type]
            except ShopError as refusal:
                self.message_user(request, f"{order.number}: {refusal}", level="error")
            else:
                self.message_user(request, f"{order.number} is {status}.")


@admin.register(OrderEvent)
class OrderEventAdmin(ReadOnlyAdmin):
    list_display = ["order", "kind", "status", "actor_id", "created_at"]
    list_filter = ["kind"]
    list_select_related = ["order"]
    search_fields = ["order__number"]


@admin.register(OrderLine)
class OrderLineAdmin(ReadOnlyAdmin):
    list_display = ["order", "sku", "name", "quantity", "line_total"]
    list_select_related = ["order"]
    search_fields = ["sku", "order__number"]
