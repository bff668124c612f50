"""The signed-in customer's cart."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone
from drf_yasg.utils import no_body, swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.models import User
from accounts.selectors import signed_in
from cart import selectors, services
from cart.representing import represent
from cart.serializers import (
    CartSerializer,
    CartShippingSerializer,
    CouponCodeSerializer,
    QuantitySerializer,
    SetLineSerializer,
    reference_of,
)
from shop_backend.kernel import transactions
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ConditionalView

_OUT_OF_STOCK = "Fewer units are available than asked for, or the cart is full."


class OwnCartView(ConditionalView):
    """A view of the caller's cart; the ETag of every part of it is that of the whole."""

    def _change_what_matches(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        def change() -> Response:
            user = signed_in(request)
            services.lock_cart(user=user)
            self.check_if_match(user)
            return handler(request, *args, **kwargs)

        return transactions.run(change)

    def representation(self, instance: User) -> Any:
        return represent(selectors.get_summary(user=instance, now=timezone.now()))

    def _answer(self) -> Response:
        return Response(self.representation(signed_in(self.request)))


class CartView(OwnCartView):
    """One active cart a user."""

    access = {"get": SIGNED_IN, "post": SIGNED_IN, "delete": SIGNED_IN}
    messages = {"post": "Cart updated.", "delete": "Cart emptied."}

    @swagger_auto_schema(operation_id="cart_read", tags=["cart"], responses={200: CartSerializer})
    def get(self, request: Request) -> Response:
        """The cart, with what it would cost now."""
        return self._answer()

    @swagger_auto_schema(
        operation_id="cart_set_item",
        tags=["cart"],
        request_body=SetLineSerializer,
        responses={200: CartSerializer, 404: "It is not for sale.", 409: _OUT_OF_STOCK},
    )
    def post(self, request: Request) -> Response:
        """Set the quantity of one item.

        Adds the line, changes its quantity, or removes it with quantity 0.
        """
        body = SetLineSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.set_line(
            user=signed_in(request),
            reference=reference_of(body.validated_data),
            quantity=body.validated_data["quantity"],
        )
        return self._answer()

    @swagger_auto_schema(operation_id="cart_empty", tags=["cart"], request_body=no_body)
    def delete(self, request: Request) -> Response:
        """Empty the cart."""
        services.empty(user=signed_in(request))
        return Response(status=204)


class CartItemView(OwnCartView):
    """One line of the cart."""

    access = {"patch": SIGNED_IN, "delete": SIGNED_IN}
    messages = {"patch": "Cart updated.", "delete": "Item removed."}

    @swagger_auto_schema(
        operation_id="cart_change_item",
        tags=["cart"],
        request_body=QuantitySerializer,
        responses={200: CartSerializer, 409: _OUT_OF_STOCK},
    )
    def patch(self, request: Request, line_id: int) -> Response:
        """Change the quantity of a line; 0 removes it."""
        body = QuantitySerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.change_quantity(
            user=signed_in(request),
            line_id=line_id,
            quantity=body.validated_data["quantity"],
        )
        return self._answer()

    @swagger_auto_schema(operation_id="cart_remove_item", tags=["cart"])
    def delete(self, request: Request, line_id: int) -> Response:
        """Remove a line."""
        services.remove_line(user=signed_in(request), line_id=line_id)
        return Response(status=204)


class CartShippingView(OwnCartView):
    """Where the cart goes, and how."""

    access = {"put": SIGNED_IN}
    messages = {"put": "Shipping chosen."}

    @swagger_auto_schema(
        operation_id="cart_choose_shipping",
        tags=["cart"],
        request_body=CartShippingSerializer,
        responses={200: CartSerializer, 404: "No such address or method."},
    )
    def put(self, request: Request) -> Response:
        """Choose the address and the shipping method."""
        body = CartShippingSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        chosen: dict[str, Any] = body.validated_data
        services.choose_shipping(
            user=signed_in(request),
            address_id=chosen.get("address_id"),
            shipping_address=chosen.get("address"),
            method_id=chosen.get("method_id"),
        )
        return self._answer()


class CartCouponView(OwnCartView):
    """The coupon on the cart."""

    access = {"post": SIGNED_IN, "delete": SIGNED_IN}
    messages = {"post": "Coupon applied.", "delete": "Coupon removed."}
    throttle_scopes = {"post": "coupon"}

    @swagger_auto_schema(
        operation_id="cart_apply_coupon",
        tags=["cart"],
        request_body=CouponCodeSerializer,
        responses={
            200: CartSerializer,
            409: "It has expired or is used up, or the basket is not what it is for.",
        },
    )
    def post(self, request: Request) -> Response:
        """Apply a coupon, in place of the one there was."""
        body = CouponCodeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.apply_coupon(user=signed_in(request), code=body.validated_data["code"])
        return self._answer()

    @swagger_auto_schema(operation_id="cart_remove_coupon", tags=["cart"], request_body=no_body)
    def delete(self, request: Request) -> Response:
        """Take the coupon off the cart."""
        services.remove_coupon(user=signed_in(request))
        return Response(status=204)
