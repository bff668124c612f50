"""Shapes of orders, in and out. Prices, totals, owners and statuses never come in."""

from typing import Any

from django.conf import settings
from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from cart.percent import PercentField
from cart.serializers import ItemSerializer
from orders.models import Order, OrderEvent, OrderLine, OrderNote, Return, ReturnLine
from orders.selectors import get_allowed_actions, get_allowed_return_steps
from payments.serializers import PaymentSerializer
from shipping.serializers import PostalAddressSerializer, ShipmentSerializer
from shop_backend.kernel.converters import MAX_ID
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
    variant_id = serializers.IntegerField(read_only=True)
    unit_price = MoneyField(source="unit_price_minor")
    discount = MoneyField(source="discount_minor")
    tax = MoneyField(source="tax_minor")
    tax_rate = PercentField(
        source="tax_rate_ppm", decimals=4, help_text="In percent, such as 20 or 8.875."
    )
    line_total = MoneyField(source="line_total_minor")
    returnable_quantity = serializers.IntegerField(
        help_text="Shipped units that are in no return yet."
    )
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
            "tax_rate",
            "tax_name",
            "line_total",
            "shipped_quantity",
            "returned_quantity",
            "returnable_quantity",
        ]


class OrderSummarySerializer(serializers.ModelSerializer):
    """An order in a list."""

    subtotal = MoneyField(source="subtotal_minor")
    discount = MoneyField(source="discount_minor")
    shipping = MoneyField(source="shipping_minor")
    tax = MoneyField(source="tax_minor")
    total = MoneyField(source="total_minor")
    coupon = serializers.CharField(source="coupon_code", help_text="Its code; empty without one.")
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
            "is_tax_included",
            "total",
            "coupon",
            "lines",
            "placed_at",
            "expires_at",
        ]

    user_id = serializers.IntegerField(source="customer_id")


class ReturnLineSerializer(serializers.ModelSerializer):
    """Units of one order line on their way back, and how they arrived."""

    order_line_id = serializers.IntegerField()
    sku = serializers.CharField(source="order_line.sku")
    name = serializers.CharField(source="order_line.name")
    good = serializers.IntegerField(source="good_quantity", help_text="Came back fit for sale.")
    damaged = serializers.IntegerField(
        source="damaged_quantity", help_text="Came back unfit for sale."
    )

    class Meta:
        model = ReturnLine
        fields = ["id", "order_line_id", "sku", "name", "quantity", "good", "damaged"]


class ReturnSerializer(serializers.ModelSerializer):
    """Units that the customer sends back."""

    requested_by = serializers.IntegerField(
        source="requested_by_id", allow_null=True, help_text="The id of who asked for it."
    )
    lines = ReturnLineSerializer(many=True)
    allowed_actions = serializers.SerializerMethodField(
        help_text="The statuses that you may give it now."
    )

    class Meta:
        model = Return
        fields = [
            "id",
            "status",
            "reason",
            "lines",
            "allowed_actions",
            "requested_by",
            "created_at",
            "received_at",
        ]

    @swagger_serializer_method(serializers.ListField(child=serializers.CharField()))
    def get_allowed_actions(self, found: Return) -> list[str]:
        user = self.context["request"].user
        return get_allowed_return_steps(status=found.status, user=user)


class ReturnItemSerializer(serializers.Serializer):
    """So many units of one line of the order."""

    line_id = serializers.IntegerField(
        min_value=1, max_value=MAX_ID, help_text="The id of the order's line."
    )
    quantity = serializers.IntegerField(min_value=1, max_value=settings.MAX_LINE_QUANTITY)


class AskForReturnSerializer(serializers.Serializer):
    """What is to go back, and why."""

    lines = ReturnItemSerializer(  # type: ignore[call-arg]  # many=True takes max_length
        many=True, allow_empty=False, max_length=settings.MAX_CART_LINES
    )
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500, default="")


class ReceiptSerializer(serializers.Serializer):
    """In which condition the units of one line of the return arrived."""

    line_id = serializers.IntegerField(
        min_value=1, max_value=MAX_ID, help_text="The id of the return's line."
    )
    good = serializers.IntegerField(min_value=0, max_value=settings.MAX_LINE_QUANTITY, default=0)
    damaged = serializers.IntegerField(min_value=0, max_value=settings.MAX_LINE_QUANTITY, default=0)


class MoveReturnSerializer(serializers.Serializer):
    """Where the return goes, and what has to be said on the way there."""

    status = serializers.ChoiceField(
        choices=[step for step in Return.Status.choices if step[0] != Return.Status.REQUESTED]
    )
    lines = ReceiptSerializer(  # type: ignore[call-arg]  # many=True takes max_length
        many=True,
        required=False,
        allow_empty=False,
        max_length=settings.MAX_CART_LINES,
        help_text=(
            "With received: how the units arrived. Without it all came in good condition; a line"
            " that is left out did not come."
        ),
    )
    location = serializers.CharField(
        required=False,
        max_length=32,
        help_text="With restocked: a location's code; without it the default location.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        said = {"lines": Return.Status.RECEIVED, "location": Return.Status.RESTOCKED}
        for name, status in said.items():
            if name in attrs and attrs["status"] != status:
                raise serializers.ValidationError(
                    {name: f"Goes with the status {status} alone."}, "not_with_this_status"
                )
        return attrs


class NoteSerializer(serializers.ModelSerializer):
    """A note on an order."""

    class Meta:
        model = OrderNote
        fields = ["id", "text", "is_internal", "author_id", "created_at"]


class WriteNoteSerializer(serializers.Serializer):
    """What is to be written on the order."""

    text = serializers.CharField(max_length=2000)
    is_internal = serializers.BooleanField(
        default=True, help_text="False: the customer reads it too."
    )


class OrderSerializer(OrderSummarySerializer):
    """An order with all that belongs to it."""

    shipping_address = serializers.SerializerMethodField()
    allowed_actions = serializers.SerializerMethodField()
    payments = serializers.SerializerMethodField()
    shipments = serializers.SerializerMethodField()
    returns = serializers.SerializerMethodField()
    notes = serializers.SerializerMethodField()

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
            "returns",
            "notes",
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

    @swagger_serializer_method(ReturnSerializer(many=True))
    def get_returns(self, order: Order) -> Any:
        return ReturnSerializer(self.context["returns"], many=True, context=self.context).data

    @swagger_serializer_method(NoteSerializer(many=True))
    def get_notes(self, order: Order) -> Any:
        return NoteSerializer(self.context["notes"], many=True).data


class OrderEventSerializer(serializers.ModelSerializer):
    """One line of an order's history."""

    at = serializers.DateTimeField(source="created_at")

    class Meta:
        model = OrderEvent
        fields = ["id", "kind", "status", "data", "actor_id", "at"]
