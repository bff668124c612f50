"""Payments: looked at here, moved by the services."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from unfold.decorators import action

from accounts.selectors import signed_in
from payments import services
from payments.admin.ledger import MovementInline
from payments.admin.refunds import RefundForm, RefundInline
from payments.admin.reviews import ReviewFilter, ReviewForm, ReviewInline
from payments.models import Payment
from shop_backend.kernel.admin import ReadOnlyAdmin
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.money import Money


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
                    actor=signed_in(request),
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
