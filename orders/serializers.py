"""Shapes of orders, in and out. Prices, totals, owners and statuses never come in."""

from typing import Any

from django.conf import settings
from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from cart.serializers import MAX_ID, ItemSerializer
from orders.models import Order, OrderEvent, OrderLine
from orders.selectors import get_allowed_actions
from payments.serializers import PaymentSerializer
from shipping.serializers import PostalAddressSerializer, ShipmentSerializer
from shop_backend.kernel.fields import MoneyField


class PlaceOrderSerializer(serializers.Serializer):
    """What a buyer may say; without ``items`` the cart is ordered."""

    items = ItemSerializer(  # type: ignore[call-arg]  # many=True takes max_length
        many=True, required=False, allow_empty=False, max_length=settings.MAX_CART_LINES
    )
    address_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    shipping_address = PostalAddressSerializer(required=False)
    shipping_method_id = serializers.IntegerField(required=False, min_value=1, max_value=MAX_ID)
    coupon = serializers.CharField(required=False, allow_blank=True, max_length=64)
    note = serializers.CharField(required=False, allow_blank=True, max_length=500)
    expected_total = MoneyField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "address_id" in attrs and "shipping_address" in attrs:
            raise serializers.ValidationError(
                "Name either an address_id or a shipping_address.", "address_ambiguous"
            )
        return attrs


class SetStatusSerializer(serializers.Serializer):
    """The status to move to, in any case."""

    status = serializers.ChoiceField(choices=Order.Status.choices)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("status"), str):
            data = {"status": data["status"].strip().lower()}
        return super().to_internal_value(data)


class OrderLineSerializer(serializers.ModelSerializer):
    unit_price = MoneyField(source="unit_price_minor")
    discount = MoneyField(source="discount_minor")
    tax = MoneyField(source="tax_minor")
    line_total = MoneyField(source="line_total_minor")
    options = serializers.DictField(child=serializers.CharField())

    class Meta:
        model = OrderLine
        fields = [
            "id",
            "variant_id",
            "sku",
            "name",
            "options",
            "image_url",
            "quantity",
            "unit_price",
            "discount",
            "tax",
            "line_total",
            "shipped_quantity",
            "returned_quantity",
        ]


class OrderSummarySerializer(serializers.ModelSerializer):
    """An order in a list."""

    subtotal = MoneyField(source="subtotal_minor")
    discount = MoneyField(source="discount_minor")
    shipping = MoneyField(source="shipping_minor")
    tax = MoneyField(source="tax_minor")
    total = MoneyField(source="total_minor")
    payment_status = serializers.CharField()
    fulfilment_status = serializers.CharField()
    lines = OrderLineSerializer(many=True)

    class Meta:
        model = Order
        fields = [
            "id",
            "number",
            "user_id",
            "status",
            "payment_status",
            "fulfilment_status",
            "currency",
            "subtotal",
            "discount",
            "shipping",
            "tax",
            "total",
            "lines",
            "placed_at",
            "expires_at",
        ]

    user_id = serializers.IntegerField(source="customer_id")


class OrderSerializer(OrderSummarySerializer):
    """An order with all that belongs to it."""

    shipping_address = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()
    payments = serializers.SerializerMethodField()
    shipments = serializers.SerializerMethodField()

    class Meta(OrderSummarySerializer.Meta):
        fields = [
            *OrderSummarySerializer.Meta.fields,
            "shipping_method_name",
            "email",
            "note",
            "shipping_address",
            "allowed_actions",
            "payments",
            "shipments",
        ]

    @swagger_serializer_method(PostalAddressSerializer(allow_null=True))
    def get_shipping_address(self, order: Order) -> Any:
        return PostalAddressSerializer(order).data if order.country else None

    @swagger_serializer_method(serializers.ListField(child=serializers.CharField()))
    def get_allowed_actions(self, order: Order) -> list[str]:
        return get_allowed_actions(order=order, user=self.context["request"].user)

    @swagger_serializer_method(PaymentSerializer(many=True))
    def get_payments(self, order: Order) -> Any:
        return PaymentSerializer(
            self.context["payments"].get(order.number, []), many=True, context=self.context
        ).data

    @swagger_serializer_method(ShipmentSerializer(many=True))
    def get_shipments(self, order: Order) -> Any:
        return ShipmentSerializer(
            self.context["shipments"].get(order.number, []), many=True, context=self.context
        ).data


class OrderEventSerializer(serializers.ModelSerializer):
    """One line of an order's history."""

    at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = OrderEvent
        fields = ["id", "kind", "status", "data", "actor_id", "at"]
