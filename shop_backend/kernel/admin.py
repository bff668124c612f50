from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from shop_backend.kernel import outbox
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage


class ReadOnlyAdmin(admin.ModelAdmin):
    """History and counters: looked at here, changed by the services alone."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False


@admin.register(IdempotencyKey)
class IdempotencyKeyAdmin(ReadOnlyAdmin):
    list_display = ["operation", "key", "user", "status", "created_at"]
    list_filter = ["operation"]
    list_select_related = ["user"]
    search_fields = ["key"]
    exclude = ["payload"]


@admin.register(OutboxMessage)
class OutboxMessageAdmin(ReadOnlyAdmin):
    list_display = ["kind", "created_at", "attempts", "sent_at", "dead_at", "last_error"]
    list_filter = ["kind", "dead_at", "sent_at"]
    actions = ["send_again"]

    @admin.action(description="Send again", permissions=["view"])
    def send_again(self, request: HttpRequest, queryset: QuerySet[OutboxMessage]) -> None:
        count = outbox.send_again(queryset.values_list("pk", flat=True))
        self.message_user(request, f"{count} messages are due again.")
