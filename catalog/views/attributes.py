from typing import Any

from django.db.models import QuerySet
from drf_yasg import openapi
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, serializers, services
from catalog.models import Attribute
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.views import ShopViewSet

TAGS = ["catalog"]
ID_OR_CODE = openapi.Parameter(
    "id", openapi.IN_PATH, type=openapi.TYPE_STRING, required=True, description="Id or code."
)
_KIND_IN_USE = {409: "Products state values of the present kind."}


class AttributeViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """Facts that products may state, and lists be filtered by."""

    serializer_class = serializers.AttributeSerializer
    may_read_replica = True
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": may("catalog.add_attribute"),
        "update": may("catalog.change_attribute"),
        "partial_update": may("catalog.change_attribute"),
        "destroy": may("catalog.delete_attribute"),
    }
    messages = {
        "create": "The attribute was added.",
        "update": "The attribute was saved.",
        "partial_update": "The attribute was saved.",
        "destroy": "The attribute was removed.",
    }
    orderings = {"name": "name", "code": "code"}
    default_ordering = ("code", "pk")

    def get_queryset(self) -> QuerySet[Attribute]:
        return Attribute.objects.all()

    def get_object(self) -> Attribute:
        attribute = selectors.get_attribute(self.kwargs["id"])
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(attribute)
        return attribute

    @swagger_auto_schema(operation_id="catalog_attributes_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the attributes."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_attributes_read", tags=TAGS, manual_parameters=[ID_OR_CODE]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show an attribute."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_attributes_create",
        tags=TAGS,
        request_body=serializers.AttributeRequestSerializer,
        responses={
            201: serializers.AttributeSerializer,
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("catalog.create_attribute")
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an attribute."""
        form = serializers.AttributeRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        attribute = services.create_attribute(**form.validated_data)
        return Response(self.representation(attribute), status=status.HTTP_201_CREATED)

    @swagger_auto_schema(
        operation_id="catalog_attributes_update",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        request_body=serializers.AttributeRequestSerializer,
        responses={200: serializers.AttributeSerializer, **_KIND_IN_USE},
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an attribute; what is left out stays as it is."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_attributes_partial_update",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        request_body=serializers.AttributeRequestSerializer,
        responses={200: serializers.AttributeSerializer, **_KIND_IN_USE},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of an attribute's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_attributes_delete",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        responses={409: "Products state it."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an attribute that no product states."""
        services.delete_attribute(attribute=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        attribute = self.get_object()
        form = serializers.AttributeRequestSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        attribute = services.update_attribute(attribute=attribute, fields=form.validated_data)
        return Response(self.representation(attribute))
