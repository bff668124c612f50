"""Shapes of shipments."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from shipping.models import Shipment
from shipping.serializers.fields import (
    LineField,
    OptionalLineField,
    ShipmentStatusField,
    TrackingNumberField,
)

MAX_PARCEL_LINES = 500


class ParcelLineSerializer(serializers.Serializer):
    """So many units of one SKU."""

    sku = LineField(max_length=64)
    quantity = serializers.IntegerField(min_value=1, max_value=settings.MAX_LINE_QUANTITY)


class ShipmentLineSerializer(serializers.Serializer):
    """So many units of one SKU, named as in the order."""

    sku = serializers.CharField()
    name = serializers.CharField()
    quantity = serializers.IntegerField()


class ShipmentEventSerializer(serializers.Serializer):
    """One step of a parcel's way."""

    status = serializers.ChoiceField(choices=Shipment.Status.choices)
    created_at = serializers.DateTimeField()


class ShipmentSerializer(serializers.Serializer):
    """A parcel: what is in it, where it is, how it got there."""

    id = serializers.IntegerField()
    order = serializers.CharField(source="reference", help_text="The order's number.")
    status = serializers.ChoiceField(choices=Shipment.Status.choices)
    carrier = serializers.CharField()
    tracking_number = serializers.CharField()
    created_at = serializers.DateTimeField()
    shipped_at = serializers.DateTimeField(allow_null=True)
    delivered_at = serializers.DateTimeField(allow_null=True)
    lines = ShipmentLineSerializer(many=True)
    events = ShipmentEventSerializer(many=True)


class NewShipmentSerializer(serializers.Serializer):
    """A parcel to pack: these lines of the order, or all that is left of it."""

    order = LineField(max_length=64, help_text="The order's number.")
    lines = ParcelLineSerializer(  # type: ignore[call-arg]  # the list's arguments
        many=True, required=False, allow_empty=False, max_length=MAX_PARCEL_LINES
    )
    carrier = OptionalLineField(max_length=100)
    tracking_number = TrackingNumberField(
        required=False, help_text="Left out: the shop makes one that nobody can guess."
    )

    def validate_lines(self, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if len({line["sku"] for line in lines}) < len(lines):
            raise serializers.ValidationError("A SKU is named twice.", "duplicate_sku")
        return lines


class ShipmentChangeSerializer(serializers.Serializer):
    """What may change about a parcel: packed, then shipped, then delivered."""

    status = ShipmentStatusField(required=False)
    carrier = LineField(required=False, allow_blank=True, max_length=100)
    tracking_number = TrackingNumberField(required=False)


class TrackingSerializer(serializers.Serializer):
    """Where a parcel is, for whoever knows its number; nothing about a person."""

    tracking_number = serializers.CharField()
    carrier = serializers.CharField()
    status = serializers.ChoiceField(choices=Shipment.Status.choices)
    history = ShipmentEventSerializer(source="events", many=True)
