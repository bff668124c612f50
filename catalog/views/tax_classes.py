from typing import Any

from django.db.models import QuerySet
from drf_yasg import openapi
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, serializers, services
from catalog.models import TaxClass
from shop_backend.kernel import audit_api, idempotency
from shop_backend.kernel.access import may
from shop_backend.kernel.views import ShopViewSet

TAGS = ["catalog"]
ID_OR_CODE = openapi.Parameter(
    "id", openapi.IN_PATH, type=openapi.TYPE_STRING, required=True, description="Id or code."
)
_BECOMES_DEFAULT = {409: "There is always one default; make another class the default instead."}


class TaxClassViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """What products are taxed as. One class is the default."""

    serializer_class = serializers.TaxClassSerializer
    access = {
        "list": may("catalog.view_taxclass"),
        "retrieve": may("catalog.view_taxclass"),
        "create": may("catalog.add_taxclass"),
        "update": may("catalog.change_taxclass"),
        "partial_update": may("catalog.change_taxclass"),
        "destroy": may("catalog.delete_taxclass"),
    }
    messages = {
        "create": "The tax class was added.",
        "update": "The tax class was saved.",
        "partial_update": "The tax class was saved.",
        "destroy": "The tax class was removed.",
    }
    orderings = {"name": "name", "code": "code"}
    default_ordering = ("code", "pk")

    def get_queryset(self) -> QuerySet[TaxClass]:
        return TaxClass.objects.all()

    def get_object(self) -> TaxClass:
        tax_class = selectors.get_tax_class(self.kwargs["id"])
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(tax_class)
        return tax_class

    @swagger_auto_schema(operation_id="catalog_tax_classes_list", tags=TAGS)
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the tax classes."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_tax_classes_read", tags=TAGS, manual_parameters=[ID_OR_CODE]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a tax class."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_tax_classes_create",
        tags=TAGS,
        request_body=serializers.TaxClassRequestSerializer,
        responses={
            201: serializers.TaxClassSerializer,
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("catalog.create_tax_class")
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a tax class; as the default one it takes the place of the present default."""
        form = serializers.TaxClassRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        audit_api.note_before(self, TaxClass())
        tax_class = services.create_tax_class(**form.validated_data)
        return Response(self.representation(tax_class), status=status.HTTP_201_CREATED)

    @swagger_auto_schema(
        operation_id="catalog_tax_classes_update",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        request_body=serializers.TaxClassRequestSerializer,
        responses={200: serializers.TaxClassSerializer, **_BECOMES_DEFAULT},
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a tax class; what is left out stays as it is."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_tax_classes_partial_update",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        request_body=serializers.TaxClassRequestSerializer,
        responses={200: serializers.TaxClassSerializer, **_BECOMES_DEFAULT},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of a tax class's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_tax_classes_delete",
        tags=TAGS,
        manual_parameters=[ID_OR_CODE],
        responses={409: "It is the default, or products or rates have it."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove a tax class that is not in use."""
        services.delete_tax_class(tax_class=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        tax_class = self.get_object()
        form = serializers.TaxClassRequestSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        tax_class = services.update_tax_class(tax_class=tax_class, fields=form.validated_data)
        return Response(self.representation(tax_class))
