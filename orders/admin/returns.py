"""Returns and notes in the admin: looked at, and moved by the services alone."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.selectors import signed_in
from orders import services
from orders.models import OrderNote, Return, ReturnLine
from orders.services import Receipt, ReturnStep
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopModelAdmin, ShopTabularInline
from shop_backend.kernel.errors import ShopError

RETURN_FIELDS = ("status", "reason", "requested_by_id", "created_at", "received_at")
NOTE_FIELDS = ("text", "is_internal", "author_id", "created_at")
RETURN_LINE_FIELDS = ("order_line", "quantity", "good_quantity", "damaged_quantity")


class _ShownInline(ShopTabularInline):
    """Rows that are looked at here."""

    extra = 0
    can_delete = False
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


class ReturnInline(_ShownInline):
    model = Return
    fields = ("number", *RETURN_FIELDS)
    readonly_fields = ("number", *RETURN_FIELDS)

    def number(self, found: Return) -> str:
        # The theme's table shows no change link of its own.
        url = reverse("admin:orders_return_change", args=[found.pk])
        return format_html('<a href="{}">{}</a>', url, found)


class OrderNoteInline(_ShownInline):
    model = OrderNote
    fields = NOTE_FIELDS
    readonly_fields = NOTE_FIELDS


class ReturnLineInline(_ShownInline):
    model = ReturnLine
    fields = RETURN_LINE_FIELDS
    readonly_fields = RETURN_LINE_FIELDS

    def get_queryset(self, request: HttpRequest) -> QuerySet[ReturnLine]:
        return super().get_queryset(request).select_related("order_line")


@admin.register(Return)
class ReturnAdmin(ReadOnlyAdmin):
    """Goods that come back. What came partly damaged is received over the API, by line."""

    list_display = ["pk", "order", "status", "reason", "created_at", "received_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["order"]
    search_fields = ["order__number", "order__email", "lines__order_line__sku"]
    date_hierarchy = "created_at"
    fields = ["order", *RETURN_FIELDS]
    inlines = [ReturnLineInline]
    actions = ["approve", "reject", "receive_good", "receive_damaged", "restock", "close"]

    @admin.action(description="Approve", permissions=["view"])
    def approve(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.APPROVED)

    @admin.action(description="Reject", permissions=["view"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.REJECTED)

    @admin.action(description="Received: all in good condition", permissions=["view"])
    def receive_good(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.RECEIVED)

    @admin.action(description="Received: all damaged", permissions=["view"])
    def receive_damaged(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.RECEIVED, is_damaged=True)

    @admin.action(description="Put on the shelf of the default location", permissions=["view"])
    def restock(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.RESTOCKED)

    @admin.action(description="Close: the goods never came", permissions=["view"])
    def close(self, request: HttpRequest, queryset: QuerySet[Return]) -> None:
        self._move(request, queryset, Return.Status.CLOSED)

    def _move(
        self,
        request: HttpRequest,
        queryset: QuerySet[Return],
        status: str,
        *,
        is_damaged: bool = False,
    ) -> None:
        for found in queryset.select_related("order").with_lines().order_by("pk"):  # type: ignore[attr-defined]  # the model's own queryset
            lines = [Receipt(line.pk, 0, line.quantity) for line in found.lines.all()]
            try:
                services.move_return(
                    number=found.order.number,
                    return_id=found.pk,
                    step=ReturnStep(status=status, receipts=lines if is_damaged else None),
                    actor=signed_in(request),
                )
            except ShopError as refusal:
                self.message_user(request, f"{found}: {refusal}", level="error")
            else:
                self.message_user(request, f"{found} is {status}.")


@admin.register(OrderNote)
class OrderNoteAdmin(ShopModelAdmin):
    """Notes are written here too, and never rewritten."""

    list_display = ["order", "text", "is_internal", "author_id", "created_at"]
    list_filter = ["is_internal", "created_at"]
    list_select_related = ["order"]
    search_fields = ["order__number", "text"]
    autocomplete_fields = ["order"]
    fields = ["order", "text", "is_internal"]

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: OrderNote, form: Any, change: Any) -> None:
        note = services.add_note(
            number=obj.order.number,
            text=obj.text,
            is_internal=obj.is_internal,
            author_id=signed_in(request).pk,
        )
        obj.pk = note.pk
