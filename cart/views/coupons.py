"""Coupons over HTTP: for those who run the shop."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from cart import services
from cart.filters import CouponFilter
from cart.models import Coupon
from cart.serializers import CouponSerializer
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopViewSet

_TAGS = ["cart"]


class CouponViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Codes that make an order cheaper; customers only ever name one."""

    queryset = Coupon.objects.none()
    serializer_class = CouponSerializer
    filterset_class = CouponFilter
    access = {
        "list": may("cart.view_coupon"),
        "create": may("cart.add_coupon"),
        "retrieve": may("cart.view_coupon"),
        "update": may("cart.change_coupon"),
        "partial_update": may("cart.change_coupon"),
        "destroy": may("cart.delete_coupon"),
    }
    messages = {"create": "Coupon created.", "destroy": "Coupon deleted."}
    orderings = {"code": "code", "ends_at": "ends_at", "used_count": "used_count"}
    default_ordering = ("-pk",)

    def get_queryset(self) -> QuerySet[Coupon]:
        return Coupon.objects.with_scope()

    @swagger_auto_schema(operation_id="cart_coupons_list", tags=_TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the coupons."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="cart_coupons_create",
        tags=_TAGS,
        request_body=CouponSerializer,
        responses={
            201: CouponSerializer,
            404: "A product or category is not there.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("cart.create_coupon")
    def create(self, request: Request) -> Response:
        """Make a coupon."""
        return self._save(None, self.get_serializer(data=request.data), status=201)

    @swagger_auto_schema(operation_id="cart_coupons_read", tags=_TAGS)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show one coupon."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="cart_coupons_update",
        tags=_TAGS,
        request_body=CouponSerializer,
        responses={200: CouponSerializer},
    )
    def update(self, request: Request, pk: int) -> Response:
        """Replace a coupon."""
        found = self.get_object()
        return self._save(found.pk, self.get_serializer(found, data=request.data))

    @swagger_auto_schema(
        operation_id="cart_coupons_partial_update",
        tags=_TAGS,
        request_body=CouponSerializer,
        responses={200: CouponSerializer},
    )
    def partial_update(self, request: Request, pk: int) -> Response:
        """Change some fields of a coupon."""
        found = self.get_object()
        return self._save(found.pk, self.get_serializer(found, data=request.data, partial=True))

    @swagger_auto_schema(
        operation_id="cart_coupons_delete",
        tags=_TAGS,
        responses={200: "Deleted.", 409: "Orders have used it; switch it off instead."},
    )
    def destroy(self, request: Request, pk: int) -> Response:
        """Delete a coupon that no order has used."""
        services.delete_coupon(coupon_id=self.get_object().pk)
        return Response(status=204)

    def _save(self, pk: int | None, body: Any, *, status: int = 200) -> Response:
        body.is_valid(raise_exception=True)
        saved = services.save_coupon(coupon_id=pk, fields=body.validated_data)
        now = get_object_or_404(self.get_queryset(), pk=saved.pk)  # or gone in the meantime
        return Response(self.get_serializer(now).data, status)
