"""Tax rates over HTTP: for those who run the shop."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from cart import services
from cart.filters import TaxRateFilter
from cart.models import TaxRate
from cart.serializers import TaxRateSerializer
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopViewSet

_TAGS = ["cart"]


class TaxRateViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Rates by tax class, country and region; orders keep the rate they were placed with."""

    queryset = TaxRate.objects.none()
    serializer_class = TaxRateSerializer
    filterset_class = TaxRateFilter
    access = {
        "list": may("cart.view_taxrate"),
        "create": may("cart.add_taxrate"),
        "retrieve": may("cart.view_taxrate"),
        "update": may("cart.change_taxrate"),
        "partial_update": may("cart.change_taxrate"),
        "destroy": may("cart.delete_taxrate"),
    }
    messages = {"create": "Tax rate created.", "destroy": "Tax rate deleted."}
    orderings = {"country": "country", "rate": "rate_ppm", "name": "name"}
    default_ordering = ("country", "region", "pk")

    def get_queryset(self) -> QuerySet[TaxRate]:
        return TaxRate.objects.all()

    @swagger_auto_schema(operation_id="cart_tax_rates_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the tax rates."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="cart_tax_rates_create",
        tags=_TAGS,
        request_body=TaxRateSerializer,
        responses={
            201: TaxRateSerializer,
            404: "There is no such tax class.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("cart.create_tax_rate")
    def create(self, request: Request) -> Response:
        """Make a tax rate."""
        return self._save(None, self.get_serializer(data=request.data), status=201)

    @swagger_auto_schema(operation_id="cart_tax_rates_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one tax rate."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="cart_tax_rates_update",
        tags=_TAGS,
        request_body=TaxRateSerializer,
        responses={200: TaxRateSerializer},
    )
    def update(self, request: Request, pk: int) -> Response:
        """Replace a tax rate."""
        found = self.get_object()
        return self._save(found.pk, self.get_serializer(found, data=request.data))

    @swagger_auto_schema(
        operation_id="cart_tax_rates_partial_update",
        tags=_TAGS,
        request_body=TaxRateSerializer,
        responses={200: TaxRateSerializer},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some fields of a tax rate."""
        found = self.get_object()
        return self._save(found.pk, self.get_serializer(found, data=request.data, partial=True))

    @swagger_auto_schema(
        operation_id="cart_tax_rates_delete", tags=_TAGS, responses={200: "Deleted."}
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a tax rate; orders keep what they were placed with."""
        services.delete_tax_rate(tax_rate_id=self.get_object().pk)
        return Response(status=204)

    def _save(self, pk: int | None, body: Any, *, status: int = 200) -> Response:
        body.is_valid(raise_exception=True)
        saved = services.save_tax_rate(tax_rate_id=pk, fields=body.validated_data)
        now = get_object_or_404(self.get_queryset(), pk=saved.pk)  # or gone in the meantime
        return Response(self.get_serializer(now).data, status)
