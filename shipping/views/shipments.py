"""Parcels and their tracking over HTTP."""

from typing import Any

from django.db.models import QuerySet
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from shipping import services
from shipping.errors import ShipmentNotFound
from shipping.filters import ShipmentFilterSet
from shipping.models import Shipment
from shipping.ports import ParcelLine
from shipping.serializers import (
    NewShipmentSerializer,
    ShipmentChangeSerializer,
    ShipmentSerializer,
    TrackingSerializer,
)
from shop_backend.kernel import audit_api, idempotency
from shop_backend.kernel.access import ANYONE, SIGNED_IN, may
from shop_backend.kernel.views import ShopView, ShopViewSet

_TAGS = ["shipping"]


class ShipmentViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Parcels: customers see their own, staff see all, pack and move them."""

    queryset = Shipment.objects.none()
    lookup_value_converter = "int"
    serializer_class = ShipmentSerializer
    filterset_class = ShipmentFilterSet
    access = {
        "list": SIGNED_IN,
        "create": may("shipping.add_shipment"),
        "retrieve": SIGNED_IN,
        "partial_update": may("shipping.change_shipment"),
    }
    messages = {"create": "Parcel packed.", "partial_update": "Shipment saved."}
    orderings = {"created_at": "created_at", "shipped_at": "shipped_at", "id": "pk"}

    def get_queryset(self) -> QuerySet[Shipment]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return Shipment.objects.visible_to(self.request.user).with_details()

    @swagger_auto_schema(operation_id="shipping_shipments_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List shipments, the newest first: your own, or all as staff."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_shipments_create",
        tags=_TAGS,
        request_body=NewShipmentSerializer,
        responses={
            201: ShipmentSerializer,
            404: "There is no such order.",
            409: "The order is not to be sent, or the units are in another parcel.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request) -> Response:
        """Pack a parcel: these lines of an order, or all that is left of it."""
        body = NewShipmentSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        asked = body.validated_data
        lines = None
        if "lines" in asked:
            lines = [ParcelLine(line["sku"], line["quantity"]) for line in asked["lines"]]

        audit_api.note_before(self, Shipment(reference=asked["order"]))

        def pack() -> Response:
            shipment = services.create_shipment(
                reference=asked["order"],
                lines=lines,
                carrier=asked["carrier"],
                tracking_number=asked.get("tracking_number", ""),
                actor_id=request.user.pk,
            )
            return self._answer(shipment, status=201)

        return idempotency.perform(request, operation="shipping.create_shipment", effect=pack)

    @swagger_auto_schema(operation_id="shipping_shipments_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one shipment with its lines and history."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_shipments_partial_update",
        tags=_TAGS,
        request_body=ShipmentChangeSerializer,
        responses={200: ShipmentSerializer, 409: "The present status does not lead there."},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Move a shipment (packed, shipped, delivered) or correct carrier and number."""
        shipment = self.get_object()
        body = ShipmentChangeSerializer(data=request.data, partial=True)
        body.is_valid(raise_exception=True)
        changed = services.change_shipment(
            shipment_id=shipment.pk, fields=body.validated_data, actor_id=request.user.pk
        )
        return self._answer(changed)

    def lock(self, instance: Shipment) -> None:
        services.lock_shipment(instance.pk)

    def _answer(self, shipment: Shipment, *, status: int = 200) -> Response:
        detailed = Shipment.objects.with_details().get(pk=shipment.pk)
        return Response(ShipmentSerializer(detailed).data, status=status)


class TrackView(ShopView):
    """A parcel's way for whoever knows its number."""

    access = {"get": ANYONE}
    throttle_scope = "tracking"

    @swagger_auto_schema(
        operation_id="shipping_track", tags=_TAGS, responses={200: TrackingSerializer}
    )
    def get(self, request: Request, tracking_number: str) -> Response:
        """Show status and history of a parcel, without a word about a person."""
        try:
            shipment = Shipment.objects.with_details().get(tracking_number=tracking_number.upper())
        except Shipment.DoesNotExist as error:
            raise ShipmentNotFound from error
        return Response(TrackingSerializer(shipment).data)
