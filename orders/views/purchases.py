"""Orders. Other people's orders do not exist here: 404."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.conf import settings
from drf_yasg.utils import no_body, swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.selectors import signed_in
from cart.serializers import reference_of
from orders import reading, selectors, services
from orders.errors import OrderNotFound
from orders.filters import OrderFilter
from orders.models import Order
from orders.reading import Found
from orders.representing import represent, represent_summary
from orders.serializers import (
    OrderSerializer,
    OrderSummarySerializer,
    PlaceOrderSerializer,
    SetStatusSerializer,
)
from orders.services import Delivery, Item
from orders.views.finding import named
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.money import Money
from shop_backend.kernel.pagination import numbered_page, read_plain_page
from shop_backend.kernel.views import ShopViewSet

_FORBIDDEN_BY_STATE = "The order's present state does not allow it; the message names what it does."


class OrderViewSet(mixins.ListModelMixin, ShopViewSet):
    """The signed-in customer's orders; staff see everybody's."""

    access = dict.fromkeys(
        ["list", "create", "retrieve", "update", "partial_update", "destroy", "cancel"], SIGNED_IN
    )
    messages = {
        "create": "Order placed.",
        "update": "Order updated.",
        "partial_update": "Order updated.",
        "destroy": "Order removed.",
        "cancel": "Order cancelled.",
    }
    serializer_class = OrderSummarySerializer
    filterset_class = OrderFilter
    orderings = {
        "placed_at": "placed_at",
        "total": "total_minor",
        "number": "number",
        "status": "status",
    }
    default_ordering = ("-pk",)

    @property
    def throttle_scopes(self) -> dict[str, str]:
        """Placing with a coupon is a try of its code, and counted with those at the cart."""
        body = self.request.data if self.request.method == "POST" else None
        has_coupon = isinstance(body, Mapping) and bool(body.get("coupon"))
        return {"create": "coupon" if has_coupon else "placing"}

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        return Order.objects.visible_to(self.request.user)

    def get_object(self) -> Order:
        order = named(self.get_queryset().with_lines(), self.kwargs["name"])
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(order)
        return order

    def lock(self, instance: Order) -> None:
        services.lock_order_and_payments(number=instance.number)

    def representation(self, instance: Order) -> Any:
        return self._represented(instance, None)

    @swagger_auto_schema(operation_id="orders_list", tags=["orders"])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Own orders; staff see all, with filters."""
        return self._own_page(request) or _listed(self)

    @swagger_auto_schema(
        operation_id="orders_place",
        tags=["orders"],
        request_body=PlaceOrderSerializer,
        responses={
            201: OrderSerializer,
            404: "A product, address or method is not there.",
            409: "Out of stock, an empty cart, a line of it not_for_sale, not deliverable,"
            " another total than expected, or too_many_unpaid_orders.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request) -> Response:
        """Place an order: from the cart, or from a list of items.

        Holds the stock until `expires_at`; pay before that.
        """
        body = PlaceOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return idempotency.perform(
            request,
            operation="orders.place",
            effect=partial(self._place, request, body.validated_data),
            recover=services.release_expired_holds,
            foresee=partial(
                services.refuse_what_is_sold_out,
                customer=signed_in(request),
                items=_items(body.validated_data),
            ),
        )

    @swagger_auto_schema(
        operation_id="orders_read",
        tags=["orders"],
        responses={200: OrderSerializer},
    )
    def retrieve(self, request: Request, name: str) -> Response:
        """One order, by id or number."""
        found = reading.find_order(name=name, user=request.user)
        return Response(self._represented(found.order, found))

    @swagger_auto_schema(
        operation_id="orders_update",
        tags=["orders"],
        request_body=SetStatusSerializer,
        responses={200: OrderSerializer, 403: "Staff only.", 409: _FORBIDDEN_BY_STATE},
    )
    def update(self, request: Request, name: str) -> Response:
        """Set the status (staff)."""
        return self._set_status(request)

    @swagger_auto_schema(
        operation_id="orders_partial_update",
        tags=["orders"],
        request_body=SetStatusSerializer,
        responses={200: OrderSerializer, 403: "Staff only.", 409: _FORBIDDEN_BY_STATE},
    )
    def partial_update(self, request: Request, name: str) -> Response:
        """Set the status (staff)."""
        return self._set_status(request)

    @swagger_auto_schema(
        operation_id="orders_delete",
        tags=["orders"],
        responses={
            403: "Neither the owner nor allowed to.",
            409: "It was paid, still holds money, or is on its way.",
        },
    )
    def destroy(self, request: Request, name: str) -> Response:
        """Cancel an order and remove it from sight."""
        order = self.get_object()
        user = signed_in(request)
        if user.has_perm("orders.delete_order"):
            services.delete_order_as_staff(number=order.number, actor_id=user.pk)
        elif order.customer_id == user.pk:
            services.delete_unpaid_order(number=order.number, actor_id=user.pk)
        else:
            self.permission_denied(request)
        return Response(status=204)

    @swagger_auto_schema(
        operation_id="orders_cancel",
        tags=["orders"],
        request_body=no_body,
        responses={
            200: OrderSerializer,
            403: "Staff only.",
            409: _FORBIDDEN_BY_STATE + " Or a part has left already (already_shipped).",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def cancel(self, request: Request, name: str) -> Response:
        """Cancel an order: releases the stock, refunds what was paid."""
        order = self.get_object()
        return idempotency.perform(
            request,
            operation="orders.cancel",
            effect=partial(self._cancel, request, order),
            again=None if order.customer_id == request.user.pk else self._again,
        )

    def _place(self, request: Request, wanted: dict[str, Any]) -> Response:
        expected = wanted.get("expected_total")
        order = services.place_order(
            customer=signed_in(request),
            items=_items(wanted),
            delivery=Delivery(
                address_id=wanted.get("address_id"),
                shipping_address=wanted.get("shipping_address"),
                shipping_method_id=wanted.get("shipping_method_id"),
            ),
            coupon=wanted.get("coupon", ""),
            note=wanted.get("note", ""),
            expected_total=None if expected is None else Money(expected, settings.SHOP_CURRENCY),
        )
        context = {**self.get_serializer_context(), **selectors.get_surroundings_of_new()}
        return Response(represent(order, list(order.lines.all()), context), status=201)

    def _cancel(self, request: Request, order: Order) -> Response:
        user = signed_in(request)
        if order.customer_id == user.pk:
            services.cancel_order(number=order.number, actor_id=user.pk)
        elif user.has_perm("orders.cancel_order"):
            services.cancel_order_as_staff(number=order.number, actor=user)
        else:
            self.permission_denied(request)
        return self._again(order.pk)

    def _again(self, pk: int) -> Response:
        return Response(self.representation(Order.objects.with_lines().get(pk=pk)))

    def _set_status(self, request: Request) -> Response:
        order = self.get_object()
        body = SetStatusSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.set_status(
            number=order.number,
            status=body.validated_data["status"],
            actor=signed_in(request),
        )
        return self._again(order.pk)

    def _represented(self, order: Order, found: Found | None) -> Any:
        around = selectors.get_surroundings(order=order, user=self.request.user, found=found)
        context = {**self.get_serializer_context(), **around}
        return represent(order, list(order.lines.all()), context)

    def _own_page(self, request: Request) -> Response | None:
        """Answer a plain page of a customer's own orders; ``None`` where there is more to it."""
        page = read_plain_page(request.query_params, {})
        user = signed_in(request)
        if page is None or user.has_perm("orders.view_order"):
            return None
        orders, counted = reading.get_page_of_own(customer_id=user.pk, page=page)
        if not page.is_within(counted):
            return None
        url = request.build_absolute_uri()
        return Response(numbered_page(url, _summaries(orders), counted=counted, page=page))


class UserOrderViewSet(mixins.ListModelMixin, ShopViewSet):
    """One user's orders, for that user and for staff."""

    access = {"list": SIGNED_IN}
    serializer_class = OrderSummarySerializer
    default_ordering = ("-pk",)

    def get_queryset(self) -> Any:
        if getattr(self, "swagger_fake_view", False):
            return Order.objects.none()
        user, user_id = self.request.user, self.kwargs["user_id"]
        is_known = User.objects.filter(pk=user_id).exists()
        if not is_known or (user.pk != user_id and not user.has_perm("orders.view_order")):
            raise OrderNotFound
        return Order.objects.not_hidden().filter(customer_id=user_id)

    @swagger_auto_schema(operation_id="orders_of_user", tags=["orders"])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One user's orders."""
        return _listed(self)


def _listed(view: ShopViewSet) -> Response:
    """Answer the list's page; its lines are read along as plain rows."""
    orders: list[Order] = view.paginate_queryset(view.filter_queryset(view.get_queryset()))  # type: ignore[assignment]  # the list is always paged
    return view.get_paginated_response(_summaries(orders))


def _summaries(orders: Sequence[Order]) -> list[dict[str, Any]]:
    lines = reading.get_lines(order_ids=[order.pk for order in orders])
    return [represent_summary(order, lines[order.pk]) for order in orders]


def _items(wanted: dict[str, Any]) -> list[Item] | None:
    if "items" not in wanted:
        return None
    return [
        Item(reference=reference_of(item), quantity=item["quantity"]) for item in wanted["items"]
    ]
