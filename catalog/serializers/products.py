"""Products, in and out."""

from typing import Any

from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from catalog.models import Attribute, Category, Option, Product, ProductAttributeValue, Variant
from catalog.serializers import fields
from catalog.serializers.images import ImageSerializer, absolute
from catalog.serializers.reviews import RatingField
from catalog.serializers.variants import (
    StockField,
    VariantRequestSerializer,
    VariantSerializer,
    shown_stock,
)
from catalog.services import MAX_ATTRIBUTES, MAX_VARIANTS
from shop_backend.kernel.fields import MoneyField, WholeSerializer
from shop_backend.kernel.money import Money

MAX_OPTION_VALUES = 100
_SETTABLE = [
    (status.value, status.label)
    for status in (Product.Status.ACTIVE, Product.Status.DRAFT, Product.Status.ARCHIVED)
]


class ProductCategorySerializer(serializers.ModelSerializer[Category]):
    slug = serializers.CharField()
    path = serializers.SerializerMethodField(help_text="From the top down: Home > Lighting.")

    class Meta:
        model = Category
        fields = ["id", "name", "slug", "path"]

    def get_path(self, category: Category) -> str:
        return self.context["tree"].path(category.pk)


class ProductSummarySerializer(serializers.ModelSerializer[Product]):
    """A row of a list.

    Needs ``availability``, ``tree`` and ``is_insider`` in its context.
    """

    slug = serializers.CharField()
    category = serializers.SerializerMethodField(
        help_text="Null: none, or for customers one that is hidden."
    )
    price = MoneyField(
        source="from_price_minor", help_text="The price; of several variants the lowest."
    )
    compare_at_price = serializers.SerializerMethodField(
        help_text="Crossed out beside the price; null for none."
    )
    sku = serializers.SerializerMethodField(help_text="Null where there are several variants.")
    stock = serializers.SerializerMethodField(
        help_text=(
            "Available units, for customers at most 100; null: not counted, or several variants."
        )
    )
    in_stock = serializers.SerializerMethodField()
    image_url = serializers.SerializerMethodField(help_text="The first image; null: none.")
    thumbnail_url = serializers.SerializerMethodField(help_text="Its small version.")
    variant_count = serializers.SerializerMethodField()
    rating = RatingField()
    review_count = serializers.IntegerField(
        read_only=True, help_text="How many approved reviews it has."
    )

    class Meta:
        model = Product
        fields = [
            "id",
            "name",
            "slug",
            "category",
            "price",
            "compare_at_price",
            "currency",
            "sku",
            "stock",
            "in_stock",
            "image_url",
            "thumbnail_url",
            "variant_count",
            "rating",
            "review_count",
            "status",
            "created_at",
            "updated_at",
        ]

    @swagger_serializer_method(serializer_or_field=ProductCategorySerializer(allow_null=True))
    def get_category(self, product: Product) -> Any:
        if product.category is None or product.category_id not in self.context["tree"].by_id:
            return None
        return ProductCategorySerializer(product.category, context=self.context).data

    def shown_variants(self, product: Product) -> list[Variant]:
        """Return the variants that this viewer may see."""
        variants = product.variants.all()
        return [row for row in variants if row.is_active or self.context["is_insider"]]

    @swagger_serializer_method(serializer_or_field=MoneyField(allow_null=True))
    def get_compare_at_price(self, product: Product) -> str | None:
        cheapest = [
            row
            for row in product.variants.all()
            if row.is_active and row.price_minor == product.from_price_minor
        ]
        before = cheapest[0].compare_at_minor if cheapest else None
        return None if before is None else Money(before, product.currency).decimal_string

    def get_sku(self, product: Product) -> str | None:
        variants = self.shown_variants(product)
        return variants[0].sku if len(variants) == 1 else None

    def get_stock(self, product: Product) -> int | None:
        variants = self.shown_variants(product)
        if len(variants) != 1:
            return None
        units = self.context["availability"][variants[0].stock_item_id]
        return shown_stock(units, self.context)

    def get_in_stock(self, product: Product) -> bool:
        availability = self.context["availability"]
        return any(
            availability[row.stock_item_id] != 0 for row in product.variants.all() if row.is_active
        )

    def get_image_url(self, product: Product) -> str | None:
        images = product.gallery
        return absolute(images[0].url, self.context) if images else None

    def get_thumbnail_url(self, product: Product) -> str | None:
        images = product.gallery
        return absolute(images[0].thumbnail_url, self.context) if images else None

    def get_variant_count(self, product: Product) -> int:
        return len(self.shown_variants(product))


class OptionSerializer(serializers.ModelSerializer[Option]):
    values: Any = serializers.SlugRelatedField(slug_field="value", many=True, read_only=True)

    class Meta:
        model = Option
        fields = ["name", "values"]


class ProductAttributeSerializer(serializers.ModelSerializer[ProductAttributeValue]):
    code = serializers.CharField(source="attribute.code")
    name = serializers.CharField(source="attribute.name")
    kind = serializers.ChoiceField(
        source="attribute.kind", choices=Attribute.Kind.choices, help_text="How to read the value."
    )

    class Meta:
        model = ProductAttributeValue
        fields = ["code", "name", "kind", "value"]


class ProductSerializer(ProductSummarySerializer):
    """A product with everything that its page shows."""

    tax_class: Any = serializers.SlugRelatedField(
        slug_field="code",
        read_only=True,
        allow_null=True,
        help_text="A code; null: the default one.",
    )
    attributes = serializers.SerializerMethodField()
    images = serializers.SerializerMethodField()
    options = OptionSerializer(many=True)
    variants = serializers.SerializerMethodField()

    class Meta(ProductSummarySerializer.Meta):
        fields = [
            *ProductSummarySerializer.Meta.fields,
            "description",
            "tax_class",
            "published_from",
            "published_until",
            "attributes",
            "images",
            "options",
            "variants",
        ]

    @swagger_serializer_method(serializer_or_field=ProductAttributeSerializer(many=True))
    def get_attributes(self, product: Product) -> Any:
        rows = sorted(product.attribute_values.all(), key=lambda row: row.attribute.code)
        return ProductAttributeSerializer(rows, many=True).data

    @swagger_serializer_method(serializer_or_field=ImageSerializer(many=True))
    def get_images(self, product: Product) -> Any:
        return ImageSerializer(product.gallery, many=True, context=self.context).data

    @swagger_serializer_method(serializer_or_field=VariantSerializer(many=True))
    def get_variants(self, product: Product) -> Any:
        rows = self.shown_variants(product)
        return VariantSerializer(rows, many=True, context=self.context).data


class OptionRequestSerializer(serializers.Serializer[Any]):
    name = fields.LineField(max_length=fields.MAX_OPTION_TEXT)
    values = serializers.ListField(
        child=fields.LineField(max_length=fields.MAX_OPTION_TEXT),
        min_length=1,
        max_length=MAX_OPTION_VALUES,
    )


class StatedAttributeSerializer(WholeSerializer):
    code = serializers.CharField(max_length=50)
    value = fields.AttributeValueField()


class ProductChangeSerializer(serializers.Serializer[Any]):
    """What PUT and PATCH take; a product's options and variants have paths of their own."""

    name = fields.LineField(max_length=200)
    slug = fields.SlugField(max_length=220, help_text="Made from the name if left out.")
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    category = fields.CategoryKeyField(required=False, allow_null=True)
    tax_class = fields.TaxClassKeyField(required=False, allow_null=True)
    status = serializers.ChoiceField(choices=_SETTABLE, required=False)
    published_from = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Neither shown nor sold before; null: at once."
    )
    published_until = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Nor from then on; null: without an end."
    )
    attributes = StatedAttributeSerializer(  # type: ignore[call-arg]  # many=True takes it
        many=True,
        required=False,
        max_length=MAX_ATTRIBUTES,
        help_text="All that the product states; left out, it stays as it is.",
    )
    price = MoneyField(
        source="price_minor",
        required=False,
        allow_null=True,
        help_text="Of the only variant.",
    )
    compare_at_price = fields.CompareAtField()
    stock = StockField(help_text="Available units of the only variant.")
    sku = fields.LineField(
        max_length=fields.MAX_SKU,
        required=False,
        allow_null=True,
        help_text="Of the only variant; made from the slug if left out.",
    )
    weight_grams = serializers.IntegerField(
        min_value=0, max_value=fields.MAX_WEIGHT_GRAMS, required=False
    )


class ProductRequestSerializer(ProductChangeSerializer):
    """The short form, with a price, or the long one, with variants (and no price on top)."""

    options = OptionRequestSerializer(  # type: ignore[call-arg]  # many=True takes it
        many=True, required=False, max_length=fields.MAX_OPTIONS
    )
    variants = VariantRequestSerializer(  # type: ignore[call-arg]  # many=True takes it
        many=True, required=False, max_length=MAX_VARIANTS
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs.get("variants") and attrs.get("price_minor") is None:
            raise serializers.ValidationError(
                {"price": serializers.ErrorDetail("This field is required.", "required")}
            )
        return attrs
