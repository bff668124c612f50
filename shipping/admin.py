"""Shipping for the people who run the shop."""

from typing import Any

from django.contrib import admin
from django.db.models import BigIntegerField, Field, QuerySet
from django.forms import Field as FormField
from django.http import HttpRequest

from shipping import services
from shipping.models import (
    Address,
    Shipment,
    ShipmentEvent,
    ShipmentLine,
    ShippingMethod,
    ShippingRate,
    Zone,
    ZoneArea,
)
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin, ShopTabularInline
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import MoneyFormField
from shop_backend.kernel.money import Money


@admin.register(Address)
class AddressAdmin(ReadOnlyAdmin):
    """Address books belong to their owners; here they are looked at."""

    list_display = ["full_name", "user", "line1", "city", "postal_code", "country", "is_default"]
    list_filter = ["country"]
    list_select_related = ["user"]
    search_fields = ["full_name", "line1", "city", "postal_code", "user__username", "user__email"]

    @admin.display(boolean=True)
    def is_default(self, address: Address) -> bool:
        return address.is_default


class ZoneAreaInline(ShopTabularInline):
    model = ZoneArea
    extra = 1


@admin.register(Zone)
class ZoneAdmin(ShopModelAdmin):
    list_display = ["name", "countries"]
    search_fields = ["name"]
    inlines = [ZoneAreaInline]
    actions = None

    def get_queryset(self, request: HttpRequest) -> QuerySet[Zone]:
        return Zone.objects.with_areas()

    @admin.display
    def countries(self, zone: Zone) -> str:
        return ", ".join(str(area) for area in zone.areas.all())

    def has_delete_permission(self, request: HttpRequest, obj: Zone | None = None) -> bool:
        # Without its zone a method would go everywhere.
        if obj is not None and obj.methods.exists():
            return False
        return super().has_delete_permission(request, obj)


@admin.register(ZoneArea)
class ZoneAreaAdmin(ShopModelAdmin):
    list_display = ["zone", "country", "region"]
    list_filter = ["zone", "country"]
    list_select_related = ["zone"]
    search_fields = ["country", "region"]
    autocomplete_fields = ["zone"]


class MoneyForms:
    """Prices are typed as a customer reads them."""

    def formfield_for_dbfield(
        self, db_field: Field, request: HttpRequest, **kwargs: Any
    ) -> FormField | None:
        if isinstance(db_field, BigIntegerField) and db_field.name.endswith("_minor"):
            kwargs["form_class"] = MoneyFormField
            return db_field.formfield(**kwargs)
        return super().formfield_for_dbfield(db_field, request, **kwargs)  # type: ignore[misc]  # of the mixin's other base


class ShippingRateInline(MoneyForms, ShopTabularInline):
    model = ShippingRate
    extra = 0
    ordering = ["from_weight_grams"]


@admin.register(ShippingRate)
class ShippingRateAdmin(MoneyForms, ShopModelAdmin):
    list_display = ["method", "from_weight_grams", "price"]
    list_filter = ["method"]
    list_select_related = ["method"]
    search_fields = ["method__name", "method__code"]
    autocomplete_fields = ["method"]

    @admin.display(ordering="price_minor")
    def price(self, rate: ShippingRate) -> Money:
        return Money(rate.price_minor, rate.method.currency)


@admin.register(ShippingMethod)
class ShippingMethodAdmin(MoneyForms, ShopModelAdmin):
    list_display = ["name", "code", "price", "is_active", "position", "min_days", "max_days"]
    list_filter = ["is_active", "zones"]
    search_fields = ["name", "code"]
    filter_horizontal = ["zones"]
    inlines = [ShippingRateInline]


class ReadOnlyInline(ShopTabularInline):
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ShipmentLineInline(ReadOnlyInline):
    model = ShipmentLine


class ShipmentEventInline(ReadOnlyInline):
    model = ShipmentEvent


@admin.register(Shipment)
class ShipmentAdmin(ReadOnlyAdmin):
    """Parcels are packed by the API, which asks the order; here they are moved on."""

    list_display = ["tracking_number", "reference", "customer", "status", "carrier", "created_at"]
    list_filter = ["status", "carrier"]
    list_select_related = ["customer"]
    search_fields = ["tracking_number", "reference", "customer__username"]
    date_hierarchy = "created_at"
    inlines = [ShipmentLineInline, ShipmentEventInline]
    actions = ["mark_shipped", "mark_delivered"]

    def has_move_permission(self, request: HttpRequest) -> bool:
        """Whether this member of staff may move parcels on."""
        return request.user.has_perm("shipping.change_shipment")

    @admin.action(description="Mark as shipped", permissions=["move"])
    def mark_shipped(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> None:
        self._move(request, queryset, services.mark_shipped)

    @admin.action(description="Mark as delivered", permissions=["move"])
    def mark_delivered(self, request: HttpRequest, queryset: QuerySet[Shipment]) -> None:
        self._move(request, queryset, services.mark_delivered)

    def _move(self, request: HttpRequest, queryset: QuerySet[Shipment], move: Any) -> None:
        for pk, number in queryset.order_by("pk").values_list("pk", "tracking_number"):
            try:
                move(shipment_id=pk, actor_id=request.user.pk)
            except ShopError as refusal:
                self.message_user(request, f"{number}: {refusal}", "ERROR")
            else:
                self.message_user(request, f"{number} was moved on.")


@admin.register(ShipmentLine)
class ShipmentLineAdmin(ReadOnlyAdmin):
    list_display = ["shipment", "sku", "name", "quantity"]
    list_select_related = ["shipment"]
    search_fields = ["sku", "name", "shipment__tracking_number"]


@admin.register(ShipmentEvent)
class ShipmentEventAdmin(ReadOnlyAdmin):
    list_display = ["shipment", "status", "actor_id", "created_at"]
    list_filter = ["status"]
    list_select_related = ["shipment"]
    search_fields = ["shipment__tracking_number"]
