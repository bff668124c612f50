"""What the providers reported."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from payments import services
from payments.models import ProviderEvent
from shop_backend.kernel.admin import ReadOnlyAdmin


class EventStateFilter(admin.SimpleListFilter):
    """How far an event got."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("waiting", "Waiting"), ("applied", "Dealt with"), ("given_up", "Given up")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[ProviderEvent]
    ) -> QuerySet[ProviderEvent]:
        events: Any = queryset
        if self.value() == "waiting":
            return events.waiting()
        if self.value() == "given_up":
            return events.given_up()
        return events.exclude(applied_at=None) if self.value() == "applied" else events


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "provider", "kind", "received_at", "applied_at", "failure"]
    list_filter = [EventStateFilter, "provider", "kind", "received_at"]
    search_fields = ["event_id"]
    actions = ["apply_again"]

    def has_capture_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.capture_payment")

    @admin.action(description="Apply again", permissions=["capture"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> None:
        applied = [services.apply_event_again(event_id=event.pk) for event in queryset]
        self.message_user(request, f"{sum(applied)} of {len(applied)} events were applied.")
