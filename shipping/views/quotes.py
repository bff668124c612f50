"""Quotes over HTTP."""

from typing import Any

from django.conf import settings
from django.utils import timezone
from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from shipping import selectors
from shipping.errors import BasketRequired, DestinationRequired
from shipping.ports import Basket, baskets
from shipping.serializers import (
    QuoteRequestSerializer,
    QuoteSerializer,
)
from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.money import Money
from shop_backend.kernel.views import ShopView

_TAGS = ["shipping"]


class QuotesView(ShopView):
    """What sending would cost."""

    access = {"post": ANYONE}
    messages = {"post": "These methods serve the address."}

    @swagger_auto_schema(
        operation_id="shipping_quotes_create",
        tags=_TAGS,
        request_body=QuoteRequestSerializer,
        responses={
            200: QuoteSerializer(many=True),
            404: "An address or product is not there.",
        },
    )
    def post(self, request: Request) -> Response:
        """List the methods for a place and a basket, the cheapest first.

        The place is `address`, one of your own by `address_id`, or your default address. The
        basket is `items`, or `subtotal` and `weight_grams`, or your cart.
        """
        body = QuoteRequestSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        country, region = self._get_place(request, asked)
        basket = self._get_basket(request, asked)
        if not basket.needs_shipping:
            return Response([])
        quotes = selectors.get_quotes(
            country=country,
            region=region,
            subtotal=basket.subtotal,
            weight_grams=basket.weight_grams,
            today=timezone.localdate(),
        )
        return Response(QuoteSerializer(quotes, many=True).data)

    def _get_place(self, request: Request, asked: dict[str, Any]) -> tuple[str, str]:
        if "address" in asked:
            return asked["address"]["country"], asked["address"]["region"]
        if "address_id" in asked:
            if not request.user.is_authenticated:
                self.permission_denied(request)
            address = selectors.get_address(user=request.user, address_id=asked["address_id"])
            return address.country, address.region
        default = selectors.get_default_address(user=request.user)
        if default is None:
            raise DestinationRequired
        return default.country, default.region

    def _get_basket(self, request: Request, asked: dict[str, Any]) -> Basket:
        if "subtotal" in asked:
            subtotal = Money(asked["subtotal"], settings.SHOP_CURRENCY)
            return Basket(subtotal, asked["weight_grams"], needs_shipping=True)
        items = asked.get("items")
        if items is None and not request.user.is_authenticated:
            raise BasketRequired
        return baskets.answerer.weigh(user=request.user, items=items)
