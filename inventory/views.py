"""Stock over HTTP, for staff."""

from functools import partial
from typing import Any

from django.db.models import QuerySet
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from inventory import filters, selectors, serializers, services
from inventory.models import Location, StockItem, StockMovement
from shop_backend.kernel import audit_api, idempotency
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopView, ShopViewSet

TAGS = ["inventory"]


class LocationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, ShopViewSet
):
    """Warehouses and shop floors."""

    serializer_class = serializers.LocationSerializer
    access = {
        "list": may("inventory.view_location"),
        "retrieve": may("inventory.view_location"),
        "create": may("inventory.add_location"),
        "update": may("inventory.change_location"),
        "partial_update": may("inventory.change_location"),
        "destroy": may("inventory.delete_location"),
    }
    messages = {
        "create": "The location was added.",
        "update": "The location was saved.",
        "partial_update": "The location was saved.",
        "destroy": "The location was removed.",
    }
    queryset = Location.objects.all()
    orderings = {"code": "code", "name": "name", "priority": "priority"}
    default_ordering = ("priority", "pk")

    @swagger_auto_schema(operation_id="inventory_locations_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the locations, the one that sells first on top."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(operation_id="inventory_locations_read", tags=TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a location."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="inventory_locations_create",
        tags=TAGS,
        responses={
            201: serializers.LocationSerializer,
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("inventory.create_location")
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a location."""
        form = self.get_serializer(data=request.data)
        form.is_valid(raise_exception=True)
        location = services.create_location(**form.validated_data)
        return Response(self.get_serializer(location).data, status=status.HTTP_201_CREATED)

    @swagger_auto_schema(operation_id="inventory_locations_update", tags=TAGS)
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Replace a location's data."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(operation_id="inventory_locations_partial_update", tags=TAGS)
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of a location's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="inventory_locations_delete",
        tags=TAGS,
        responses={409: "The location has stock or a history of it."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a location that never had stock."""
        services.delete_location(location=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        location = self.get_object()
        form = self.get_serializer(location, data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        location = services.update_location(location=location, fields=form.validated_data)
        return Response(self.get_serializer(location).data)


class StockViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """What is on hand, reserved and available, by SKU."""

    serializer_class = serializers.StockSerializer
    filterset_class = filters.StockFilter
    access = {
        "list": may("inventory.view_stocklevel"),
        "retrieve": may("inventory.view_stocklevel"),
        "partial_update": may("inventory.change_stockitem"),
    }
    lookup_field = "sku"
    orderings = {"sku": "sku", "available": "sellable", "on_hand": "on_hand"}
    default_ordering = ("sku",)

    def get_queryset(self) -> QuerySet[StockItem]:
        return StockItem.objects.with_totals().with_levels()

    @swagger_auto_schema(operation_id="inventory_stock_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the stock of all items; `?low=1` those that run low."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(operation_id="inventory_stock_read", tags=TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show the stock of one SKU, in all and per location."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="inventory_stock_partial_update",
        tags=TAGS,
        request_body=serializers.ChangeStockSerializer,
        responses={200: serializers.StockSerializer},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Set when the SKU counts as running low; units are moved by adjustments alone."""
        item = self.get_object()
        form = serializers.ChangeStockSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.set_low_stock_threshold(
            item_id=item.pk, threshold=form.validated_data["low_stock_threshold"]
        )
        return Response(self.get_serializer(self.get_queryset().get(pk=item.pk)).data)


class AdjustmentView(ShopView):
    """Units that were found, lost, broken or counted."""

    access = {"post": may("inventory.change_stocklevel")}
    messages = {"post": "The stock was adjusted."}

    @swagger_auto_schema(
        operation_id="inventory_adjustments_create",
        tags=TAGS,
        request_body=serializers.AdjustmentRequestSerializer,
        responses={
            201: serializers.AdjustedSerializer,
            404: "No such SKU or location.",
            409: "Fewer units would be on hand than are reserved.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def post(self, request: Request) -> Response:
        """Adjust stock by a difference or to a count; answers the level as it is now."""
        form = serializers.AdjustmentRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        effect = partial(self._adjust, form.validated_data, request.user.pk)
        return idempotency.perform(request, operation="inventory.adjust", effect=effect)

    def _adjust(self, asked: dict[str, Any], actor_id: int | None) -> Response:
        item = selectors.get_item(sku=asked["sku"])
        audit_api.note_before(self, item)
        if "location" in asked:
            location = selectors.get_location(code=asked["location"])
        else:
            location = selectors.get_default_location()
        where: dict[str, Any] = {"item_id": item.pk, "location_id": location.pk}
        said: dict[str, Any] = {"reason": asked["reason"], "actor_id": actor_id}
        if "delta" in asked:
            level = services.adjust(delta=asked["delta"], **where, **said)
        else:
            level = services.count(counted=asked["counted"], **where, **said)
        body = serializers.AdjustedSerializer(level).data
        return Response(body, status=status.HTTP_201_CREATED)


class TransferView(ShopView):
    """Units that move from one location to another."""

    access = {"post": may("inventory.change_stocklevel")}
    messages = {"post": "The stock was moved."}

    @swagger_auto_schema(
        operation_id="inventory_transfers_create",
        tags=TAGS,
        request_body=serializers.TransferRequestSerializer,
        responses={
            201: serializers.TransferredSerializer,
            404: "No such SKU or location.",
            409: "The source has fewer units that are not reserved.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def post(self, request: Request) -> Response:
        """Move units that nobody reserved; answers both levels as they are now."""
        form = serializers.TransferRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        effect = partial(self._transfer, form.validated_data, request.user.pk)
        return idempotency.perform(request, operation="inventory.transfer", effect=effect)

    def _transfer(self, asked: dict[str, Any], actor_id: int | None) -> Response:
        item = selectors.get_item(sku=asked["sku"])
        audit_api.note_before(self, item)
        source, target = services.transfer(
            item_id=item.pk,
            source_id=selectors.get_location(code=asked["source"]).pk,
            target_id=selectors.get_location(code=asked["target"]).pk,
            quantity=asked["quantity"],
            reason=asked["reason"],
            actor_id=actor_id,
        )
        moved = {
            "sku": item.sku,
            "quantity": asked["quantity"],
            "source": source,
            "target": target,
        }
        body = serializers.TransferredSerializer(moved).data
        return Response(body, status=status.HTTP_201_CREATED)


class MovementViewSet(mixins.ListModelMixin, ShopViewSet):
    """The ledger: every change of every level; nobody can alter it."""

    serializer_class = serializers.MovementSerializer
    filterset_class = filters.MovementFilter
    access = {"list": may("inventory.view_stockmovement")}
    queryset = StockMovement.objects.select_related("level__item", "level__location")
    orderings = {"created_at": "created_at"}
    default_ordering = ("-pk",)

    @swagger_auto_schema(operation_id="inventory_movements_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the ledger, latest first."""
        return super().list(request, *args, **kwargs)
