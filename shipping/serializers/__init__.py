"""Shapes in, shapes out."""

from shipping.serializers.addresses import AddressSerializer, PostalAddressSerializer
from shipping.serializers.methods import (
    ShippingMethodSerializer,
    ZoneAreaSerializer,
    ZoneSerializer,
)
from shipping.serializers.quotes import (
    BasketItemSerializer,
    DestinationSerializer,
    QuoteRequestSerializer,
    QuoteSerializer,
)
from shipping.serializers.shipments import (
    NewShipmentSerializer,
    ParcelLineSerializer,
    ShipmentChangeSerializer,
    ShipmentEventSerializer,
    ShipmentLineSerializer,
    ShipmentSerializer,
    TrackingSerializer,
)

__all__ = [
    "AddressSerializer",
    "BasketItemSerializer",
    "DestinationSerializer",
    "NewShipmentSerializer",
    "ParcelLineSerializer",
    "PostalAddressSerializer",
    "QuoteRequestSerializer",
    "QuoteSerializer",
    "ShipmentChangeSerializer",
    "ShipmentEventSerializer",
    "ShipmentLineSerializer",
    "ShipmentSerializer",
    "ShippingMethodSerializer",
    "TrackingSerializer",
    "ZoneAreaSerializer",
    "ZoneSerializer",
]
