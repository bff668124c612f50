"""Payments: started, recorded, collected, let go of, refunded."""

from typing import Any, ClassVar

from django.conf import settings
from django.db.models import QuerySet
from drf_yasg.utils import no_body, swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in
from payments import services
from payments.filters import PaymentFilter
from payments.models import Payment, Refund
from payments.ports import payable_orders
from payments.representing import represent
from payments.serializers import (
    OfflinePaymentSerializer,
    PaymentSerializer,
    PaymentStartSerializer,
    RefundRequestSerializer,
    RefundSerializer,
)
from shop_backend.kernel import audit_api, idempotency, statements
from shop_backend.kernel.access import SIGNED_IN, Permission, may
from shop_backend.kernel.money import Money
from shop_backend.kernel.views import ShopViewSet

TAGS = ["payments"]
_UNAVAILABLE = "The payment provider cannot be reached; the same request goes on later."

# How far a payment got at once.
_STARTED = {
    Payment.Status.REQUIRES_ACTION: "The payment needs a further step.",
    Payment.Status.PROCESSING: "The payment is being processed.",
    Payment.Status.REQUIRES_CAPTURE: "Payment authorised.",
    Payment.Status.SUCCEEDED: "Payment succeeded.",
}


class _MayRefund(Permission):
    """Whoever refunds at all; how much is the service's to say."""

    def has_permission(self, request: Request, view: Any) -> bool:
        within_limit = "payments.refund_payment_within_limit"
        return super().has_permission(request, view) or bool(
            request.user.is_authenticated and request.user.has_perm(within_limit)
        )


class PaymentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Payments: one's own; for staff all."""

    serializer_class = PaymentSerializer
    filterset_class = PaymentFilter
    orderings: ClassVar = {"created_at": "created_at", "amount": "amount_minor"}
    default_ordering = ("-pk",)
    access: ClassVar = {
        "list": SIGNED_IN,
        "retrieve": SIGNED_IN,
        "create": SIGNED_IN,
        "offline": may("payments.record_offline_payment"),
        "refunds": _MayRefund("payments.refund_payment"),
        "capture": may("payments.capture_payment"),
        "void": may("payments.capture_payment"),
    }
    messages: ClassVar = {
        "create": "Payment started.",
        "offline": "Payment recorded.",
        "refunds": "Refund accepted.",
        "capture": "Payment captured.",
        "void": "Payment voided.",
    }
    throttle_scopes: ClassVar = {"create": "payment"}

    def sentence(self, name: str, response: Response) -> str | None:
        if name == "create" and response.status_code == status.HTTP_201_CREATED:
            return _STARTED.get(response.data["status"], self.messages["create"])
        return super().sentence(name, response)

    def get_queryset(self) -> QuerySet[Payment]:
        if getattr(self, "swagger_fake_view", False):
            return Payment.objects.none()
        return Payment.objects.visible_to(self.request.user).with_refunds()

    @swagger_auto_schema(operation_id="payments_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List one's own payments; staff see all."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(operation_id="payments_read", tags=TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a payment with its refunds."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="payments_start",
        tags=TAGS,
        request_body=PaymentStartSerializer,
        responses={
            201: PaymentSerializer,
            404: "order_not_found: there is no such order, or it is not yours.",
            409: "nothing_due, card_declined (params: decline_code, payment_id; try another"
            " method), amount_not_payable (below or above what the provider collects),"
            " payment_not_open, payment_in_progress, payment_under_review or"
            " idempotency_key_in_flight.",
            422: "The Idempotency-Key was used with another body.",
            429: "Too many requests, or too_many_declines of the account, the order or the card;"
            " see Retry-After.",
            503: _UNAVAILABLE,
        },
    )
    def create(self, request: Request) -> Response:
        """Start or go on with an order's payment.

        Without a `payment_method` the answer's `client_secret` lets the provider's own client
        library collect; with one the payment is confirmed at once. Status `requires_action`
        comes with a `next_action`. In the sandbox that is to send the same request once more (with
        a new Idempotency-Key, if any); its test cards are in `/payments/config/`.
        """
        body = PaymentStartSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def start(attempt: str | None) -> Response:
            payment = services.start_payment(
                reference=payable_orders.answerer.resolve_reference(
                    order_id=body.validated_data["order_id"], customer_id=request.user.pk
                ),
                customer=signed_in(request),
                payment_method=body.validated_data.get("payment_method"),
                attempt_key=attempt,
            )
            return self._answer(payment, status.HTTP_201_CREATED)

        return idempotency.perform_in_steps(request, operation="payments_start", effect=start)

    @swagger_auto_schema(
        operation_id="payments_offline",
        tags=TAGS,
        request_body=OfflinePaymentSerializer,
        responses={
            201: PaymentSerializer,
            404: "order_not_found: there is no such order.",
            409: "nothing_due or amount_exceeds_due.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def offline(self, request: Request) -> Response:
        """Record money that was received outside, by bank transfer or in cash."""
        body = OfflinePaymentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        minor = body.validated_data.get("amount")

        def record() -> Response:
            reference = payable_orders.answerer.resolve_reference(
                order_id=body.validated_data["order_id"], customer_id=None
            )
            audit_api.note_before(self, Payment(reference=reference))
            payment = services.record_offline_payment(
                reference=reference,
                amount=None if minor is None else Money(minor, settings.SHOP_CURRENCY),
                note=body.validated_data["note"],
                actor_id=request.user.pk,
            )
            return self._answer(payment, status.HTTP_201_CREATED)

        return idempotency.perform(
            request, operation="payments_offline", effect=record, again=self._again
        )

    @swagger_auto_schema(
        operation_id="payments_refund",
        tags=TAGS,
        request_body=RefundRequestSerializer,
        responses={
            201: RefundSerializer,
            403: "Your role does not refund, or not so much (refund_limit_exceeded or"
            " refund_day_limit_exceeded).",
            409: "nothing_to_refund, refund_exceeds_captured or idempotency_key_in_flight.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def refunds(self, request: Request, pk: int) -> Response:
        """Refund a payment, all that is left of it or a part.

        The refund is `pending` while the provider works on it, and is sent again by itself if
        the provider was away; it counts from the start, so never more than was captured goes
        back. The support role refunds each payment up to a limit.
        """
        payment = self.get_object()
        body = RefundRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        minor = body.validated_data.get("amount")

        def refund(attempt: str | None) -> Response:
            made = services.refund_as_staff(
                payment_id=payment.pk,
                amount=None if minor is None else Money(minor, payment.currency),
                reason=body.validated_data["reason"],
                actor=signed_in(request),
                attempt_key=attempt,
            )
            return Response(RefundSerializer(made).data, status.HTTP_201_CREATED)

        def again(pk: int) -> Response:
            return Response(RefundSerializer(Refund.objects.get(pk=pk)).data)

        return idempotency.perform_in_steps(
            request, operation="payments_refund", effect=refund, again=again
        )

    @swagger_auto_schema(
        operation_id="payments_capture",
        tags=TAGS,
        request_body=no_body,
        responses={
            200: PaymentSerializer,
            409: "payment_not_capturable: it is not authorised.",
            422: "The Idempotency-Key was used with another body.",
            503: _UNAVAILABLE,
        },
    )
    def capture(self, request: Request, pk: int) -> Response:
        """Collect all that was authorised."""
        payment = self.get_object()

        def capture(attempt: str | None) -> Response:
            return self._answer(
                services.capture_payment(payment_id=payment.pk, attempt_key=attempt)
            )

        return idempotency.perform_in_steps(
            request, operation="payments_capture", effect=capture, again=self._again
        )

    @swagger_auto_schema(
        operation_id="payments_void",
        tags=TAGS,
        request_body=no_body,
        responses={
            200: PaymentSerializer,
            409: "payment_not_voidable: it is not authorised.",
            422: "The Idempotency-Key was used with another body.",
            503: _UNAVAILABLE,
        },
    )
    def void(self, request: Request, pk: int) -> Response:
        """Let go of an authorisation without collecting it."""
        payment = self.get_object()

        def void(attempt: str | None) -> Response:
            return self._answer(services.void_payment(payment_id=payment.pk, attempt_key=attempt))

        return idempotency.perform_in_steps(
            request, operation="payments_void", effect=void, again=self._again
        )

    def _answer(self, payment: Payment, code: int = status.HTTP_200_OK) -> Response:
        return self._again(payment.pk, code)

    def _again(self, pk: int, code: int = status.HTTP_200_OK) -> Response:
        (payment,) = statements.fetch(Payment, id=pk)
        refunds = statements.fetch(Refund, payment=payment.pk)
        return Response(represent(payment, refunds, viewer_id=self.request.user.pk), code)
