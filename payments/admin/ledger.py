"""The money ledger."""

from django.contrib import admin
from django.db.models import Prefetch, QuerySet
from django.http import HttpRequest

from payments.admin.history import HistoryInline
from payments.models import MoneyEntry, MoneyMovement
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.money import Money


class MovementInline(HistoryInline):
    """The payment's part of the money ledger."""

    model = MoneyMovement
    fields = ("kind", "booked", "refund", "actor_id", "created_at")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[MoneyMovement]:
        entries = MoneyEntry.objects.order_by("pk")
        return super().get_queryset(request).prefetch_related(Prefetch("entries", entries))

    @admin.display(description="entries")
    def booked(self, movement: MoneyMovement) -> str:
        return ", ".join(
            f"{entry.account} {Money(entry.amount_minor, entry.currency)}"
            for entry in movement.entries.all()
        )


@admin.register(MoneyMovement)
class MoneyMovementAdmin(ReadOnlyAdmin):
    list_display = ["payment", "kind", "refund", "actor_id", "created_at"]
    list_filter = ["kind", "created_at"]
    list_select_related = ["payment", "refund"]
    search_fields = ["payment__reference", "once_key"]


@admin.register(MoneyEntry)
class MoneyEntryAdmin(ReadOnlyAdmin):
    list_display = ["movement", "account", "amount", "currency"]
    list_filter = ["account", "currency"]
    list_select_related = ["movement"]
    search_fields = ["movement__payment__reference"]

    @admin.display(ordering="amount_minor")
    def amount(self, entry: MoneyEntry) -> Money:
        return Money(entry.amount_minor, entry.currency)
