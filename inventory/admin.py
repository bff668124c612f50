"""Stock in the admin site: looked at here, moved by the services alone."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import F, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.decorators import action

from inventory import services
from inventory.models import (
    MAX_UNITS,
    Location,
    Reservation,
    StockItem,
    StockLevel,
    StockMovement,
)
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin, ShopTabularInline
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import ThemedForm


@admin.register(Location)
class LocationAdmin(ShopModelAdmin):
    list_display = ["code", "name", "priority", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["code", "name"]


class LowStockFilter(admin.SimpleListFilter):
    """The items that run low."""

    title = "stock"
    parameter_name = "stock"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("low", "Running low")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StockItem]) -> QuerySet[StockItem]:
        if self.value() != "low":
            return queryset
        items: Any = StockItem.objects.with_totals().with_low_stock_at()
        low = items.filter(is_tracked=True, sellable__lte=F("low_at"))
        return queryset.filter(pk__in=low.values("pk"))


class CountStockForm(ThemedForm, forms.Form):
    """What was counted, where, and why it was counted."""

    location = forms.ModelChoiceField(Location.objects.none(), empty_label=None)
    counted = forms.IntegerField(
        min_value=0,
        max_value=MAX_UNITS,
        help_text="Units found on the shelf, reserved ones among them.",
    )
    reason = forms.CharField(max_length=200)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        places = Location.objects.filter(is_active=True).order_by("priority", "pk")
        field: Any = self.fields["location"]
        field.queryset = places
        field.initial = places.first()  # where stock goes when nobody names a place


class StockLevelInline(ShopTabularInline):
    model = StockLevel
    extra = 0
    can_delete = False
    fields = ["location", "on_hand", "reserved"]
    readonly_fields = ["location", "on_hand", "reserved"]
    show_change_link = True

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(StockItem)
class StockItemAdmin(ShopModelAdmin):
    list_display = ["sku", "on_hand", "reserved", "sellable", "is_tracked", "low_stock_threshold"]
    list_filter = [LowStockFilter, "is_tracked"]
    search_fields = ["sku"]
    fields = ["sku", "is_tracked", "low_stock_threshold", "created_at"]
    readonly_fields = ["sku", "created_at"]
    inlines = [StockLevelInline]
    actions_detail = ["count_stock"]

    @action(description="Count stock", url_path="count", permissions=["count"])
    def count_stock(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Book what is on a shelf, also on one that never had any of the item."""
        item = self.get_object(request, object_id)
        if item is None or not self.has_view_permission(request, item):
            raise Http404

        def act(answers: dict[str, Any]) -> str:
            level = services.count(
                item_id=item.pk,
                location_id=answers["location"].pk,
                counted=answers["counted"],
                reason=answers["reason"],
                actor_id=request.user.pk,
            )
            return f"{item.sku} at {answers['location']}: {level.on_hand} on hand."

        return self.form_page(
            request,
            row=item,
            title=f"Count {item.sku}",
            form=CountStockForm,
            submit="Book the count",
            act=act,
        )

    def has_count_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Return whether this role books counts; the API asks for the same."""
        return request.user.has_perm("inventory.change_stocklevel")

    def get_queryset(self, request: HttpRequest) -> QuerySet[StockItem]:
        return StockItem.objects.with_totals()

    @admin.display(ordering="on_hand")
    def on_hand(self, item: Any) -> int:
        return item.on_hand

    @admin.display(ordering="reserved")
    def reserved(self, item: Any) -> int:
        return item.reserved

    @admin.display(ordering="sellable", description="Available")
    def sellable(self, item: Any) -> int:
        return item.sellable

    def save_model(self, request: HttpRequest, obj: StockItem, form: Any, change: Any) -> None:
        services.set_low_stock_threshold(item_id=obj.pk, threshold=obj.low_stock_threshold)
        try:
            services.set_tracking(item_id=obj.pk, is_tracked=obj.is_tracked)
        except ShopError as refusal:
            self.message_user(request, str(refusal), messages.ERROR)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class CountForm(ThemedForm, forms.ModelForm):
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
class StockLevelAdmin(ShopModelAdmin):
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
            request.refusal = refusal  # type: ignore[attr-defined]  # a note of our own on it

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
