"""Shipping over HTTP."""

from shipping.views.addresses import AddressViewSet
from shipping.views.methods import ShippingMethodViewSet, ZoneViewSet
from shipping.views.quotes import QuotesView
from shipping.views.shipments import ShipmentViewSet, TrackView

__all__ = [
    "AddressViewSet",
    "QuotesView",
    "ShipmentViewSet",
    "ShippingMethodViewSet",
    "TrackView",
    "ZoneViewSet",
]
