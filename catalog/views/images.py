from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_yasg import openapi
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, status
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import selectors, serializers, services
from catalog.models import Product, ProductImage
from catalog.views.keys import PRODUCT, get_by_key
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.parsers import StrictJSONParser
from shop_backend.kernel.views import ShopViewSet

TAGS = ["catalog"]
_FORM = [
    openapi.Parameter("file", openapi.IN_FORM, type=openapi.TYPE_FILE, description="The picture."),
    openapi.Parameter(
        "url",
        openapi.IN_FORM,
        type=openapi.TYPE_STRING,
        description="Instead of a file: an https address, stored and never fetched.",
    ),
    openapi.Parameter("alt", openapi.IN_FORM, type=openapi.TYPE_STRING),
    openapi.Parameter("position", openapi.IN_FORM, type=openapi.TYPE_INTEGER),
]


class ImageViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, ShopViewSet):
    """The images of one product, in their order."""

    serializer_class = serializers.ImageSerializer
    may_read_replica = True
    takes_uploads = True
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": may("catalog.add_productimage"),
        "update": may("catalog.change_productimage"),
        "partial_update": may("catalog.change_productimage"),
        "destroy": may("catalog.delete_productimage"),
    }
    messages = {
        "create": "The image was added.",
        "update": "The image was saved.",
        "partial_update": "The image was saved.",
        "destroy": "The image was removed.",
    }
    etag_actions = frozenset({"list", "retrieve"})
    orderings = {"position": "position"}
    default_ordering = ("position", "pk")

    def get_parsers(self) -> list[Any]:
        method = getattr(getattr(self, "request", None), "method", "POST")
        if getattr(self, "swagger_fake_view", False) and method == "POST":
            return [MultiPartParser(), FormParser()]  # what Swagger 2 can say of a file
        return [StrictJSONParser(), MultiPartParser(), FormParser()]

    def get_queryset(self) -> QuerySet[ProductImage]:
        if getattr(self, "swagger_fake_view", False):
            return ProductImage.objects.none()
        return ProductImage.objects.filter(product=self._product())

    def get_object(self) -> ProductImage:
        number = selectors.id_of(self.kwargs["pk"]) or 0
        image: ProductImage = get_object_or_404(self.get_queryset(), pk=number)
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(image)
        return image

    def lock(self, instance: ProductImage) -> None:
        services.lock_product(instance.product_id)

    @swagger_auto_schema(operation_id="catalog_images_list", tags=TAGS, manual_parameters=[PRODUCT])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the images of a product."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(operation_id="catalog_images_read", tags=TAGS, manual_parameters=[PRODUCT])
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show an image."""
        return super().retrieve(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="catalog_images_create",
        tags=TAGS,
        manual_parameters=[PRODUCT, *_FORM],
        responses={201: serializers.ImageSerializer, 409: "The product has 20 images already."},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add an image: a `file` as multipart/form-data, or an https `url` (as JSON, too)."""
        product = self._product()
        form = serializers.ImageRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        upload = asked.pop("file", None)
        if upload is None:
            image = services.link_image(product=product, address=asked.pop("url"), **asked)
        else:
            image = services.upload_image(product=product, upload=upload, size=upload.size, **asked)
        return Response(self.representation(image), status=status.HTTP_201_CREATED)

    @swagger_auto_schema(
        operation_id="catalog_images_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ImageChangeSerializer,
        responses={200: serializers.ImageSerializer},
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an image's text and position; the picture itself is replaced by a new image."""
        return self._change(request)

    @swagger_auto_schema(
        operation_id="catalog_images_partial_update",
        tags=TAGS,
        manual_parameters=[PRODUCT],
        request_body=serializers.ImageChangeSerializer,
        responses={200: serializers.ImageSerializer},
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change an image's text or position."""
        return self._change(request)

    @swagger_auto_schema(
        operation_id="catalog_images_delete", tags=TAGS, manual_parameters=[PRODUCT]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Take an image off the product; orders keep showing it."""
        services.delete_image(image=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request) -> Response:
        image = self.get_object()
        form = serializers.ImageChangeSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        image = services.update_image(image=image, fields=form.validated_data)
        return Response(self.representation(image))

    def _product(self) -> Product:
        if not hasattr(self, "_parent"):
            products = Product.objects.visible_to(self.request.user)
            self._parent: Product = get_by_key(products, self.kwargs["product"])
        return self._parent
