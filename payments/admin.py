"""Payments for the people who run the shop: looked at here, moved by the services."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from payments import services
from payments.models import (
    Payment,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
)
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money


class RefundInline(admin.TabularInline):
    model = Refund
    extra = 0
    can_delete = False
    fields = ("amount", "status", "reason", "failure_code", "actor_id", "created_at")
    readonly_fields = fields
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Payment)
class PaymentAdmin(ReadOnlyAdmin):
    list_display = [
        "reference",
        "customer",
        "status",
        "amount",
        "captured",
        "refunded",
        "provider",
        "review_reason",
        "created_at",
    ]
    list_filter = ["status", "provider", "capture_method", "review_reason", "created_at"]
    list_select_related = ["customer"]
    search_fields = ["reference", "provider_reference", "customer__username", "customer__email"]
    date_hierarchy = "created_at"
    exclude = [
        "client_secret",
        "confirmation_attempt",
        "start_attempt",
        "ending_attempt",
        "provider_key",
    ]
    inlines = [RefundInline]
    actions = ["refund_what_is_left", "ask_the_provider", "close_review"]

    @admin.display(ordering="captured_minor")
    def captured(self, payment: Payment) -> Money:
        return Money(payment.captured_minor, payment.currency)

    @admin.display(ordering="refunded_minor")
    def refunded(self, payment: Payment) -> Money:
        return Money(payment.refunded_minor, payment.currency)

    def has_refund_permission(self, request: HttpRequest) -> bool:
        names = ("payments.refund_payment", "payments.refund_payment_within_limit")
        return any(request.user.has_perm(name) for name in names)

    def has_settle_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.refund_payment")

    @admin.action(description="Refund what is left", permissions=["refund"])
    def refund_what_is_left(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset.order_by("pk"):
            try:
                refund = services.refund_as_staff(
                    payment_id=payment.pk,
                    amount=None,
                    reason="Refunded in the admin.",
                    actor=request.user,  # type: ignore[arg-type]
                    attempt_key=None,
                )
            except ShopError as refusal:
                self.message_user(request, f"{payment}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{payment}: {refund.amount} {refund.status}.")

    @admin.action(description="Ask the provider how it stands", permissions=["view"])
    def ask_the_provider(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset.exclude(provider=Payment.OFFLINE).order_by("pk"):
            try:
                status = services.refresh_payment(payment_id=payment.pk).status
            except ShopError as refusal:
                self.message_user(request, f"{payment}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{payment}: {status}.")

    @admin.action(description="Close the review", permissions=["settle"])
    def close_review(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset.exclude(review_reason=""):
            services.close_review(payment_id=payment.pk)
            self.message_user(request, f"{payment}: review closed.")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["payment", "amount", "status", "reason", "failure_code", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__reference", "provider_reference"]
    exclude = ["attempt_key"]


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "provider", "kind", "received_at", "applied_at", "failure"]
    list_filter = ["provider", "kind", "received_at"]
    search_fields = ["event_id"]
    actions = ["apply_again"]

    @admin.action(description="Apply again", permissions=["view"])
    def apply_again(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> None:
        applied = [services.apply_event_again(event_id=event.pk) for event in queryset]
        self.message_user(request, f"{sum(applied)} of {len(applied)} events were applied.")


@admin.register(SandboxIntent)
class SandboxIntentAdmin(ReadOnlyAdmin):
    list_display = ["intent_id", "status", "card", "failure_code", "created_at"]
    list_filter = ["status"]
    search_fields = ["intent_id"]
    exclude = ["client_secret"]


@admin.register(SandboxRefund)
class SandboxRefundAdmin(ReadOnlyAdmin):
    list_display = ["refund_id", "intent", "status", "created_at"]
    list_filter = ["status"]
    list_select_related = ["intent"]
    search_fields = ["refund_id", "intent__intent_id"]


@admin.register(SandboxEvent)
class SandboxEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "kind", "created_at"]
    list_filter = ["kind"]
    search_fields = ["event_id"]
    exclude = ["payload"]


@admin.register(SandboxRequest)
class SandboxRequestAdmin(ReadOnlyAdmin):
    list_display = ["key", "created_at"]
    search_fields = ["key"]
    exclude = ["answer"]
