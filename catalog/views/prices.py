from typing import Any

from django.db.models import QuerySet
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import serializers
from catalog.models import PriceChange, Product
from catalog.views.keys import PRODUCT, get_by_key
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopViewSet


class PriceHistoryViewSet(mixins.ListModelMixin, ShopViewSet):
    """What the variants of a product cost, and since when. It is only ever added to."""

    serializer_class = serializers.PriceChangeSerializer
    may_read_replica = True
    access = {"list": may("catalog.view_pricechange")}
    orderings = {"created_at": "created_at"}
    default_ordering = ("-created_at", "-pk")

    def get_queryset(self) -> QuerySet[PriceChange]:
        if getattr(self, "swagger_fake_view", False):
            return PriceChange.objects.none()
        product = get_by_key(Product.objects.all(), self.kwargs["product"])
        return PriceChange.objects.filter(variant__product=product).select_related("variant")

    @swagger_auto_schema(
        operation_id="catalog_price_history_list", tags=["catalog"], manual_parameters=[PRODUCT]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List every price that the product's variants ever had, the newest first."""
        return super().list(request, *args, **kwargs)
