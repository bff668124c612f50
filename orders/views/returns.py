"""Goods of an order that come back."""

from functools import partial
from typing import Any

from django.utils import timezone
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.selectors import signed_in
from orders import services
from orders.errors import ReturnNotFound
from orders.models import Order, Return
from orders.serializers import AskForReturnSerializer, MoveReturnSerializer, ReturnSerializer
from orders.services import Receipt, ReturnItem, ReturnStep
from orders.views.finding import visible_order
from shop_backend.kernel import audit_api, idempotency
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopViewSet


class ReturnViewSet(mixins.ListModelMixin, ShopViewSet):
    """Goods of an order that come back; the refund is a step of its own."""

    access = dict.fromkeys(["list", "create", "retrieve", "partial_update"], SIGNED_IN)
    messages = {"create": "Return asked for.", "partial_update": "Return updated."}
    serializer_class = ReturnSerializer
    default_ordering = ("pk",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Return.objects.none()
        return Return.objects.filter(order=visible_order(self)).with_lines()

    def get_object(self) -> Return:
        try:
            found: Return = self.get_queryset().get(pk=self.kwargs["return_id"])
        except Return.DoesNotExist as error:
            raise ReturnNotFound from error
        if self.request.method == "PATCH":
            self.check_if_match(found)
        return found

    def lock(self, instance: Return) -> None:
        services.lock_order_and_payments(number=instance.order.number)

    @swagger_auto_schema(operation_id="orders_returns_list", tags=["orders"])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The order's returns, oldest first."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="orders_returns_create",
        tags=["orders"],
        request_body=AskForReturnSerializer,
        responses={
            201: ReturnSerializer,
            403: "Staff who may see the order, but not take goods back.",
            404: "No such order, or no such line in it.",
            409: "So many were not shipped or are in another return; or it is too late.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request, name: str) -> Response:
        """Ask to send units back: within the shop's days after delivery; staff at any time."""
        order = visible_order(self)
        body = AskForReturnSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        audit_api.note_before(self, Return(order=order))
        return idempotency.perform(
            request,
            operation="orders.return",
            effect=partial(self._ask, request, order, body.validated_data),
            again=None if order.customer_id == request.user.pk else self._again,
        )

    @swagger_auto_schema(
        operation_id="orders_returns_read", tags=["orders"], responses={200: ReturnSerializer}
    )
    def retrieve(self, request: Request, name: str, return_id: int) -> Response:
        """One return."""
        return Response(self.representation(self.get_object()))

    @swagger_auto_schema(
        operation_id="orders_returns_partial_update",
        tags=["orders"],
        request_body=MoveReturnSerializer,
        responses={
            200: ReturnSerializer,
            403: "Staff only.",
            404: "No such return, line or location.",
            409: "The return's present state does not allow it, or more came than was asked back.",
        },
    )
    def partial_update(self, request: Request, name: str, return_id: int) -> Response:
        """Move a return on (staff): approved, rejected, received, restocked, closed."""
        found = self.get_object()
        body = MoveReturnSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        wanted = body.validated_data
        receipts = wanted.get("lines")
        services.move_return(
            number=found.order.number,
            return_id=found.pk,
            step=ReturnStep(
                status=wanted["status"],
                receipts=None if receipts is None else [Receipt(**line) for line in receipts],
                location=wanted.get("location"),
            ),
            actor=signed_in(request),
        )
        return self._again(found.pk)

    def _ask(self, request: Request, order: Order, wanted: dict[str, Any]) -> Response:
        user = signed_in(request)
        items = [ReturnItem(**line) for line in wanted["lines"]]
        said: dict[str, Any] = {"reason": wanted["reason"], "actor_id": user.pk}
        if user.has_perm("orders.add_return"):
            opened = services.open_return_as_staff(number=order.number, items=items, **said)
        elif order.customer_id == user.pk:
            opened = services.ask_for_return(
                number=order.number, items=items, now=timezone.now(), **said
            )
        else:
            self.permission_denied(request)
        return self._again(opened.pk, 201)

    def _again(self, pk: int, status: int = 200) -> Response:
        found = self.representation(Return.objects.with_lines().get(pk=pk))
        return Response(found, status=status)
