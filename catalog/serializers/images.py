"""Images, in and out."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError as DjangoValidationError
from django.utils.encoding import iri_to_uri
from rest_framework import serializers

from catalog.models import ProductImage
from catalog.models.images import validate_https
from catalog.serializers import fields


def absolute(url: str, context: Any) -> str:
    """Return the address with the host that was asked, where it has none of its own."""
    request = context.get("request")
    return request.build_absolute_uri(url) if request is not None else url


def absolutely(request: Any) -> Callable[[str], str]:
    """Return what makes addresses absolute as ``absolute`` does, for many of them."""
    base = f"{request.scheme}://{request.get_host()}"

    def make(url: str) -> str:
        if url.startswith("https://"):
            return _at("", url)
        if url.startswith("/") and not url.startswith("//") and "/." not in url:
            return _at(base, url)
        made: str = request.build_absolute_uri(url)
        return made

    return make


@lru_cache(20_000)
def _at(base: str, url: str) -> str:
    return iri_to_uri(base + url)


class ImageAddressField(fields.LineField):
    """An https address, stored as it is and never fetched."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=500, required=False, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        address = super().to_internal_value(data)
        try:
            validate_https(address)
        except DjangoValidationError as error:
            raise serializers.ValidationError(
                "Enter an address that begins with https://.", "invalid_address"
            ) from error
        return address


class ImageSerializer(serializers.ModelSerializer[ProductImage]):
    url = serializers.SerializerMethodField()
    thumbnail_url = serializers.SerializerMethodField(
        help_text="At most 320 pixels wide and high; of a picture elsewhere the picture itself."
    )
    width = serializers.IntegerField(allow_null=True, help_text="Null where it lies elsewhere.")
    height = serializers.IntegerField(allow_null=True)

    class Meta:
        model = ProductImage
        fields = ["id", "url", "thumbnail_url", "alt", "width", "height", "position"]

    def get_url(self, image: ProductImage) -> str:
        return absolute(image.url, self.context)

    def get_thumbnail_url(self, image: ProductImage) -> str:
        return absolute(image.thumbnail_url, self.context)


class ImageChangeSerializer(serializers.Serializer[Any]):
    alt = fields.LineField(max_length=200, required=False, allow_blank=True)
    position = serializers.IntegerField(min_value=0, max_value=fields.MAX_POSITION, required=False)


class ImageRequestSerializer(ImageChangeSerializer):
    """A `file` as multipart/form-data, or a `url` that the shop stores and never fetches."""

    default_error_messages = {"one_of_both": "Send a file or a url, and not both."}

    file = serializers.FileField(required=False, help_text="JPEG, PNG, WebP or GIF.")
    url = ImageAddressField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("file" in attrs) == ("url" in attrs):
            self.fail("one_of_both")
        return attrs
