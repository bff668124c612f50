"""Payments for the people who run the shop: looked at here, moved by the services."""

import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Prefetch, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from payments import services
from payments.models import (
    MoneyEntry,
    MoneyMovement,
    Payment,
    PaymentReview,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
)
from shop_backend.kernel.admin import ReadOnlyAdmin, ShopTabularInline
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import MoneyFormField, ThemedForm
from shop_backend.kernel.money import Money


class ReviewFilter(admin.SimpleListFilter):
    """The payments whose provider said what does not fit."""

    title = "review"
    parameter_name = "review"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("open", "To be reviewed")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        return queryset.exclude(review_reason="") if self.value() == "open" else queryset


class RefundForm(ThemedForm, forms.Form):
    """How much goes back, and why."""

    amount = MoneyFormField(min_value=Decimal("0.001"))
    reason = forms.CharField(max_length=200)
    # The same form sent twice is one refund.
    attempt = forms.UUIDField(widget=forms.HiddenInput, initial=uuid.uuid4)

    def __init__(self, data: Any, *, payment: Payment) -> None:
        super().__init__(data)
        self.fields["amount"].initial = payment.refundable.minor
        self.fields["amount"].help_text = f"At most {payment.refundable}"


class ReviewForm(ThemedForm, forms.Form):
    """What was found, for whoever looks at the books later."""

    note = forms.CharField(max_length=500, widget=forms.Textarea(attrs={"rows": 3}))


class HistoryInline(ShopTabularInline):
    """Rows that are looked at here, and changed by the services alone."""

    extra = 0
    can_delete = False
    ordering = ["pk"]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class RefundInline(HistoryInline):
    model = Refund
    fields = ("amount", "status", "reason", "failure_code", "actor_id", "created_at")
    readonly_fields = fields


class ReviewInline(HistoryInline):
    model = PaymentReview
    fields = ("reason", "said", "opened_at", "closed_at", "closed_by_id", "note")
    readonly_fields = fields


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
    list_filter = [ReviewFilter, "status", "provider", "capture_method", "created_at"]
    list_select_related = ["customer"]
    search_fields = ["reference", "provider_reference", "customer__username", "customer__email"]
    date_hierarchy = "created_at"
    exclude = [
        "client_secret",
        "next_action",
        "confirmation_attempt",
        "start_attempt",
        "ending_attempt",
        "provider_key",
    ]
    inlines = [RefundInline, ReviewInline, MovementInline]
    actions_detail = ["refund", "mark_as_reviewed"]
    actions = ["refund_what_is_left", "capture", "void", "ask_the_provider"]

    @admin.display(ordering="captured_minor")
    def captured(self, payment: Payment) -> Money:
        return Money(payment.captured_minor, payment.currency)

    @admin.display(ordering="refunded_minor")
    def refunded(self, payment: Payment) -> Money:
        return Money(payment.refunded_minor, payment.currency)

    def is_offered(self, request: HttpRequest, row: Any, action: str) -> bool:
        return bool(row.review_reason) if action == "mark_as_reviewed" else bool(row.refundable)

    def has_refund_permission(self, request: HttpRequest, obj: object = None) -> bool:
        names = ("payments.refund_payment", "payments.refund_payment_within_limit")
        return any(request.user.has_perm(name) for name in names)

    def has_capture_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("payments.capture_payment")

    def has_settle_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return request.user.has_perm("payments.refund_payment")

    @action(description="Refund", url_path="refund", permissions=["refund"])
    def refund(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        if payment is None or not self.has_view_permission(request, payment):
            raise Http404

        def act(answers: dict[str, Any]) -> str:
            actor: Any = request.user
            refund = services.refund_as_staff(
                payment_id=payment.pk,
                amount=Money(answers["amount"], payment.currency),
                reason=answers["reason"],
                actor=actor,
                attempt_key=f"admin-{answers['attempt']}",
            )
            return f"{refund.amount} of {payment.reference}: {refund.status}."

        return self.form_page(
            request,
            row=payment,
            title=f"Refund of {payment}",
            form=lambda data: RefundForm(data, payment=payment),
            submit="Refund",
            act=act,
        )

    @action(description="Mark as reviewed", url_path="reviewed", permissions=["settle"])
    def mark_as_reviewed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        payment = self.get_object(request, object_id)
        if payment is None or not self.has_view_permission(request, payment):
            raise Http404

        def act(answers: dict[str, Any]) -> str:
            closed = services.close_review(
                payment_id=payment.pk, actor_id=request.user.pk, note=answers["note"]
            )
            return f"{payment.reference}: {closed} reviews closed."

        return self.form_page(
            request,
            row=payment,
            title=f"Review of {payment}",
            form=ReviewForm,
            submit="Mark as reviewed",
            act=act,
        )

    @admin.action(description="Refund what is left", permissions=["refund"])
    def refund_what_is_left(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        for payment in queryset.order_by("pk"):
            try:
                refund = services.refund_as_staff(
                    payment_id=payment.pk,
                    amount=None,
                    reason="Refunded in the admin.",
                    actor=request.user,  # type: ignore[arg-type]  # a signed-in caller
                    attempt_key=None,
                )
            except ShopError as refusal:
                self.message_user(request, f"{payment}: {refusal}", messages.ERROR)
            else:
                self.message_user(request, f"{payment}: {refund.amount} {refund.status}.")

    @admin.action(description="Capture what was authorised", permissions=["capture"])
    def capture(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        self._work_on(request, queryset, services.capture_payment)

    @admin.action(description="Void the authorisation", permissions=["capture"])
    def void(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        self._work_on(request, queryset, services.void_payment)

    @admin.action(description="Ask the provider how it stands", permissions=["capture"])
    def ask_the_provider(self, request: HttpRequest, queryset: QuerySet[Payment]) -> None:
        at_providers = queryset.exclude(provider=Payment.OFFLINE)
        self._work_on(request, at_providers, services.ask_again)

    def _work_on(
        self,
        request: HttpRequest,
        queryset: QuerySet[Payment],
        service: Callable[..., Payment],
    ) -> None:
        for payment in queryset.order_by("pk"):
            try:
                done = service(payment_id=payment.pk)
            except ShopError as refusal:
                self.message_user(request, f"{payment}: {refusal}", messages.ERROR)
            else:
                review = f" To be reviewed: {done.review_reason}." if done.review_reason else ""
                self.message_user(request, f"{payment}: {done.status}.{review}")


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    list_display = ["payment", "amount", "status", "reason", "failure_code", "created_at"]
    list_filter = ["status", "created_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__reference", "provider_reference"]
    exclude = ["attempt_key"]


@admin.register(PaymentReview)
class PaymentReviewAdmin(ReadOnlyAdmin):
    list_display = ["payment", "reason", "opened_at", "closed_at", "closed_by_id", "note"]
    list_filter = [("closed_at", admin.EmptyFieldListFilter), "reason", "opened_at"]
    list_select_related = ["payment"]
    search_fields = ["payment__reference"]
    exclude = ["open_key"]


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
