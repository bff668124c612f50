"""The shapes of stock."""

from typing import Any

from rest_framework import serializers

from inventory.models import MAX_UNITS, Location, StockItem, StockLevel, StockMovement

MAX_SKU = 64
MAX_CODE = 32
MAX_REASON = 200


class LocationSerializer(serializers.ModelSerializer[Location]):
    class Meta:
        model = Location
        fields = ["id", "code", "name", "priority", "is_active"]
        # That a code is taken is said by the service, in the transaction.
        extra_kwargs = {
            "code": {"validators": []},
            "priority": {"min_value": 0, "max_value": 32_767},
        }

    code = serializers.SlugField(max_length=MAX_CODE)


class LevelSerializer(serializers.ModelSerializer[StockLevel]):
    location = serializers.CharField(source="location.code", help_text="The location's code.")
    location_name = serializers.CharField(source="location.name")
    available = serializers.IntegerField(help_text="On hand and not reserved.")

    class Meta:
        model = StockLevel
        fields = ["location", "location_name", "on_hand", "reserved", "available"]


class StockSerializer(serializers.ModelSerializer[StockItem]):
    on_hand = serializers.IntegerField(help_text="Units at all locations.")
    reserved = serializers.IntegerField()
    available = serializers.SerializerMethodField(
        help_text="Units that can be sold; null where that is unlimited."
    )
    locations = LevelSerializer(source="levels", many=True)

    class Meta:
        model = StockItem
        fields = [
            "id",
            "sku",
            "is_tracked",
            "on_hand",
            "reserved",
            "available",
            "low_stock_threshold",
            "locations",
        ]

    def get_available(self, item: Any) -> int | None:
        return item.sellable if item.is_tracked else None


class ChangeStockSerializer(serializers.Serializer[Any]):
    low_stock_threshold = serializers.IntegerField(
        min_value=0,
        max_value=MAX_UNITS,
        allow_null=True,
        help_text="Available units at which it runs low; null: the shop's own number.",
    )


class AdjustmentRequestSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=MAX_SKU)
    location = serializers.CharField(
        max_length=MAX_CODE,
        required=False,
        help_text="A location's code; the default location if left out.",
    )
    delta = serializers.IntegerField(
        min_value=-MAX_UNITS, max_value=MAX_UNITS, required=False, help_text="Units more or fewer."
    )
    counted = serializers.IntegerField(
        min_value=0, max_value=MAX_UNITS, required=False, help_text="Units found on the shelf."
    )
    reason = serializers.CharField(max_length=MAX_REASON)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("delta" in attrs) == ("counted" in attrs):
            raise serializers.ValidationError("Send either delta or counted.", "delta_or_counted")
        return attrs


class AdjustedSerializer(LevelSerializer):
    sku = serializers.CharField(source="item.sku")

    class Meta(LevelSerializer.Meta):
        fields = ["sku", *LevelSerializer.Meta.fields]


class TransferRequestSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField(max_length=MAX_SKU)
    source = serializers.CharField(  # type: ignore[assignment]  # a field of that name
        max_length=MAX_CODE, help_text="A location's code."
    )
    target = serializers.CharField(max_length=MAX_CODE, help_text="A location's code.")
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_UNITS)
    reason = serializers.CharField(
        max_length=MAX_REASON, required=False, allow_blank=True, default=""
    )


class TransferredSerializer(serializers.Serializer[Any]):
    sku = serializers.CharField()
    quantity = serializers.IntegerField()
    source = LevelSerializer()  # type: ignore[assignment]  # a field of that name
    target = LevelSerializer()


class MovementSerializer(serializers.ModelSerializer[StockMovement]):
    sku = serializers.CharField(source="level.item.sku")
    location = serializers.CharField(source="level.location.code")

    class Meta:
        model = StockMovement
        fields = [
            "id",
            "sku",
            "location",
            "kind",
            "on_hand_delta",
            "reserved_delta",
            "reference",
            "reason",
            "actor_id",
            "created_at",
        ]
