"""Zones and methods over HTTP."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from shipping import services
from shipping.models import ShippingMethod, Zone
from shipping.serializers import (
    ShippingMethodSerializer,
    ZoneSerializer,
)
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.views import ShopViewSet

_TAGS = ["shipping"]


class ZoneViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Countries and regions that methods are limited to."""

    queryset = Zone.objects.none()
    lookup_value_converter = "int"
    serializer_class = ZoneSerializer
    access = {
        "list": may("shipping.view_zone"),
        "create": may("shipping.add_zone"),
        "retrieve": may("shipping.view_zone"),
        "update": may("shipping.change_zone"),
        "partial_update": may("shipping.change_zone"),
        "destroy": may("shipping.delete_zone"),
    }
    messages = {"create": "Zone created.", "destroy": "Zone deleted."}
    orderings = {"name": "name", "id": "pk"}
    default_ordering = ("name",)

    def get_queryset(self) -> QuerySet[Zone]:
        return Zone.objects.with_areas()

    @swagger_auto_schema(operation_id="shipping_zones_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the zones."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_zones_create",
        tags=_TAGS,
        request_body=ZoneSerializer,
        responses={
            201: ZoneSerializer,
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("shipping.create_zone")
    def create(self, request: Request) -> Response:
        """Make a zone of countries and regions."""
        body = self.get_serializer(data=request.data)
        return self._save(None, body, status=201)

    @swagger_auto_schema(operation_id="shipping_zones_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one zone."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_zones_update",
        tags=_TAGS,
        request_body=ZoneSerializer,
        responses={200: ZoneSerializer},
    )
    def update(self, request: Request, pk: int) -> Response:
        """Replace name and areas of a zone."""
        zone = self.get_object()
        return self._save(zone.pk, self.get_serializer(zone, data=request.data))

    @swagger_auto_schema(
        operation_id="shipping_zones_partial_update",
        tags=_TAGS,
        request_body=ZoneSerializer,
        responses={200: ZoneSerializer},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change the name of a zone, or replace its areas."""
        zone = self.get_object()
        return self._save(zone.pk, self.get_serializer(zone, data=request.data, partial=True))

    @swagger_auto_schema(
        operation_id="shipping_zones_delete",
        tags=_TAGS,
        responses={200: "Deleted.", 409: "Shipping methods are limited to this zone."},
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a zone that no method is limited to."""
        services.delete_zone(zone_id=self.get_object().pk)
        return Response(status=204)

    def _save(self, zone_id: int | None, body: Any, *, status: int = 200) -> Response:
        body.is_valid(raise_exception=True)
        fields = body.validated_data
        zone = services.save_zone(
            zone_id=zone_id, name=fields.get("name"), areas=fields.get("areas")
        )
        saved = get_object_or_404(self.get_queryset(), pk=zone.pk)
        return Response(self.get_serializer(saved).data, status=status)


class ShippingMethodViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """The ways of sending: customers see the active ones."""

    queryset = ShippingMethod.objects.none()
    lookup_value_converter = "int"
    serializer_class = ShippingMethodSerializer
    access = {
        "list": ANYONE,
        "create": may("shipping.add_shippingmethod"),
        "retrieve": ANYONE,
        "update": may("shipping.change_shippingmethod"),
        "partial_update": may("shipping.change_shippingmethod"),
        "destroy": may("shipping.delete_shippingmethod"),
    }
    messages = {"create": "Shipping method created.", "destroy": "Shipping method deleted."}
    orderings = {"price": "price_minor", "name": "name", "position": "position"}
    default_ordering = ("position", "price_minor", "pk")

    def get_queryset(self) -> QuerySet[ShippingMethod]:
        if getattr(self, "swagger_fake_view", False):
            return self.queryset
        return ShippingMethod.objects.visible_to(self.request.user).with_zones().with_rates()

    @swagger_auto_schema(operation_id="shipping_methods_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the shipping methods with their rules."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_methods_create",
        tags=_TAGS,
        request_body=ShippingMethodSerializer,
        responses={
            201: ShippingMethodSerializer,
            404: "One of the zones is not there.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("shipping.create_method")
    def create(self, request: Request) -> Response:
        """Make a shipping method."""
        return self._save(None, self.get_serializer(data=request.data), status=201)

    @swagger_auto_schema(operation_id="shipping_methods_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one shipping method."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="shipping_methods_update",
        tags=_TAGS,
        request_body=ShippingMethodSerializer,
        responses={200: ShippingMethodSerializer},
    )
    def update(self, request: Request, pk: int) -> Response:
        """Replace a shipping method; rates that are left out are gone."""
        method = self.get_object()
        body = self.get_serializer(method, data=request.data)
        body.is_valid(raise_exception=True)
        body.validated_data.setdefault("rates", [])
        return self._save(method.pk, body)

    @swagger_auto_schema(
        operation_id="shipping_methods_partial_update",
        tags=_TAGS,
        request_body=ShippingMethodSerializer,
        responses={200: ShippingMethodSerializer},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some fields of a shipping method."""
        method = self.get_object()
        return self._save(method.pk, self.get_serializer(method, data=request.data, partial=True))

    @swagger_auto_schema(
        operation_id="shipping_methods_delete", tags=_TAGS, responses={200: "Deleted."}
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a shipping method; orders keep its name, carts choose anew."""
        services.delete_method(method_id=self.get_object().pk)
        return Response(status=204)

    def _save(self, method_id: int | None, body: Any, *, status: int = 200) -> Response:
        body.is_valid(raise_exception=True)
        method = services.save_method(method_id=method_id, fields=body.validated_data)
        saved = get_object_or_404(ShippingMethod.objects.with_zones().with_rates(), pk=method.pk)
        return Response(self.get_serializer(saved).data, status=status)
