"""Stock in the admin site: looked at here, moved by the services alone."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect

from inventory import services
from inventory.models import (
    MAX_UNITS,
    Location,
    Reservation,
    StockItem,
    StockLevel,
    StockMovement,
)
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.errors import ShopError


@admin.register(Location)
class LocationAdmin(admin.ModelAdmin):
    list_display = ["code", "name", "priority", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["code", "name"]


class StockLevelInline(admin.TabularInline):
    model = StockLevel
    extra = 0
    can_delete = False
    fields = ["location", "on_hand", "reserved"]
    readonly_fields = ["location", "on_hand", "reserved"]
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(StockItem)
class StockItemAdmin(admin.ModelAdmin):
    list_display = ["sku", "is_tracked", "created_at"]
    list_filter = ["is_tracked"]
    search_fields = ["sku"]
    fields = ["sku", "is_tracked", "created_at"]
    readonly_fields = ["sku", "created_at"]
    inlines = [StockLevelInline]

    def save_model(self, request: HttpRequest, obj: StockItem, form: Any, change: Any) -> None:
        try:
            services.set_tracking(item_id=obj.pk, is_tracked=obj.is_tracked)
        except ShopError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class CountForm(forms.ModelForm):
    """Takes a count of the shelf, and why it was counted."""

    counted = forms.IntegerField(
        min_value=0,
        max_value=MAX_UNITS,
        required=False,
        help_text="Units found on the shelf, reserved ones among them. Empty: no change.",
    )
    reason = forms.CharField(max_length=200, required=False)

    class Meta:
        model = StockLevel
        fields: list[str] = []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("counted") is not None and not cleaned.get("reason"):
            self.add_error("reason", "Say why the stock is adjusted.")
        return cleaned


@admin.register(StockLevel)
class StockLevelAdmin(admin.ModelAdmin):
    """Counters are read-only; a count with a reason books the difference."""

    form = CountForm
    list_display = ["item", "location", "on_hand", "reserved", "available"]
    list_filter = ["location"]
    list_select_related = ["item", "location"]
    search_fields = ["item__sku"]
    fields = ["item", "location", "on_hand", "reserved", "available", "counted", "reason"]
    readonly_fields = ["item", "location", "on_hand", "reserved", "available"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: StockLevel, form: Any, change: Any) -> None:
        counted = form.cleaned_data.get("counted")
        if counted is None:
            return
        try:
            services.count(
                item_id=obj.item_id,
                location_id=obj.location_id,
                counted=counted,
                reason=form.cleaned_data["reason"],
                actor_id=request.user.pk,
            )
        except ShopError as refusal:
            request.refusal = refusal  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: StockLevel) -> HttpResponse:
        refusal = getattr(request, "refusal", None)
        if refusal is None:
            return super().response_change(request, obj)
        self.message_user(request, str(refusal), messages.ERROR)
        return HttpResponseRedirect(request.path)


@admin.register(Reservation)
class ReservationAdmin(ReadOnlyAdmin):
    list_display = ["reference", "level", "quantity", "status", "expires_at", "created_at"]
    list_filter = ["status"]
    list_select_related = ["level__item", "level__location"]
    search_fields = ["reference", "level__item__sku"]


@admin.register(StockMovement)
class StockMovementAdmin(ReadOnlyAdmin):
    list_display = [
        "created_at",
        "level",
        "kind",
        "on_hand_delta",
        "reserved_delta",
        "reference",
        "reason",
        "actor_id",
    ]
    list_filter = ["kind", "level__location"]
    list_select_related = ["level__item", "level__location"]
    search_fields = ["level__item__sku", "reference", "reason"]
    date_hierarchy = "created_at"
