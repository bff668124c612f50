from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, serializers, services
from catalog.models import Product, Variant
from catalog.serializers.variants import VariantChangeSerializer
from catalog.views.keys import PRODUCT, get_by_key
from inventory import selectors as inventory
from shop_backend.kernel import audit_api, idempotency
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.views import ShopViewSet

TAGS = ["catalog"]
_UPDATE_REFUSALS = {
    409: "Another variant has the same options, or it is the last active one.",
}


class VariantViewSet(ShopViewSet):
    """The variants of one product."""

    serializer_class = serializers.VariantSerializer
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": may("catalog.add_variant"),
        "update": may("catalog.change_variant"),
        "partial_update": may("catalog.change_variant"),
        "destroy": may("catalog.delete_variant"),
    }
    messages = {
        "create": "The variant was added.",
        "update": "The variant was saved.",
        "partial_update": "The variant was saved.",
        "destroy": "The variant was removed.",
    }
    etag_actions = frozenset({"list", "retrieve"})
    orderings = {"price": "price_minor", "position": "position"}
    default_ordering = ("position", "pk")

    def get_queryset(self) -> QuerySet[Variant]:
        if getattr(self, "swagger_fake_view", False):
            return Variant.objects.none()
        variants = Variant.objects.standing().filter(product=self._product()).with_options()
        return variants if self._is_insider() else variants.filter(is_active=True)

    def get_object(self) -> Variant:
        number = selectors.id_of(self.kwargs["pk"]) or 0
        variant: Variant = get_object_or_404(self.get_queryset(), pk=number)
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(variant)
        return variant

    def lock(self, instance: Variant) -> None:
        services.lock_product(instance.product_id)

    def representation(self, instance: Variant) -> Any:
        return self._shown([instance])[0]

    @swagger_auto_schema(
        operation_id="catalog_variants_list", tags=TAGS, manual_parameters=[PRODUCT]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the variants of a product."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self._shown(page or []))

    @swagger_auto_schema(
        operation_id="catalog_variants_read", tags=TAGS, manual_parameters=[PRODUCT]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a variant."""
        return Response(self.representation(self.get_object()))

    @swagger_auto_schema(
        operation_id="catalog_variants_create",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.VariantRequestSerializer,
        responses={
            201: serializers.VariantSerializer,
            409: "Another variant has the same options.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a variant; new values of the product's options are added with it."""
        product = self._product()
        form = serializers.VariantRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        audit_api.note_before(self, Variant(product=product))
        effect = partial(self._create, product, form.to_new_variant(form.validated_data))
        return idempotency.perform(request, operation="catalog.add_variant", effect=effect)

    @swagger_auto_schema(
        operation_id="catalog_variants_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=VariantChangeSerializer,
        responses={200: serializers.VariantSerializer, **_UPDATE_REFUSALS},
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a variant: its price, and the rest if sent."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_variants_partial_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=VariantChangeSerializer,
        responses={200: serializers.VariantSerializer, **_UPDATE_REFUSALS},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of a variant's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_variants_delete",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        responses={409: "It is the last active variant of a product on sale."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take a variant off the product; orders keep their lines."""
        services.remove_variant(variant=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _create(self, product: Product, new: services.NewVariant) -> Response:
        variant = services.add_variant(product=product, new=new, actor_id=self.request.user.pk)
        return Response(self._fresh(variant), status=status.HTTP_201_CREATED)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        variant = self.get_object()
        form = VariantChangeSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        services.update_variant(
            variant=variant, fields=form.validated_data, actor_id=request.user.pk
        )
        return Response(self._fresh(variant))

    def _product(self) -> Product:
        if not hasattr(self, "_parent"):
            products = Product.objects.visible_to(self.request.user)
            self._parent: Product = get_by_key(products, self.kwargs["product"])
        return self._parent

    def _is_insider(self) -> bool:
        return self.request.user.has_perm("catalog.view_product")

    def _fresh(self, variant: Variant) -> Any:
        return self.representation(get_object_or_404(Variant.objects.with_options(), pk=variant.pk))

    def _shown(self, variants: Sequence[Variant]) -> Any:
        context = {
            **self.get_serializer_context(),
            "availability": inventory.get_availability(row.stock_item_id for row in variants),
            "is_insider": self._is_insider(),
        }
        return serializers.VariantSerializer(variants, many=True, context=context).data
