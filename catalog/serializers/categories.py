"""Categories, in and out."""

from typing import Any

from drf_yasg.utils import swagger_serializer_method
from rest_framework import serializers

from catalog.models import Category
from catalog.serializers import fields


class CategorySerializer(serializers.ModelSerializer[Category]):
    """Needs ``tree`` in its context."""

    slug = serializers.CharField()
    parent = serializers.IntegerField(  # type: ignore[assignment]  # a field of that name
        source="parent_id", allow_null=True
    )
    path = serializers.SerializerMethodField(help_text="From the top down: Home > Lighting.")

    class Meta:
        model = Category
        fields = [
            "id",
            "name",
            "slug",
            "path",
            "description",
            "parent",
            "position",
            "is_active",
        ]

    def get_path(self, category: Category) -> str:
        return self.context["tree"].path(category.pk)


class BranchesField(serializers.ListField):
    """Categories of the same shape, so that Swagger need not repeat it."""

    class Meta:
        swagger_schema_fields = {"items_": {"$ref": "#/definitions/CategoryBranch"}}


class CategoryBranchSerializer(CategorySerializer):
    """A category with those below it, nested; what ``?tree=1`` answers."""

    children = serializers.SerializerMethodField(
        help_text="With `?tree=1` alone: categories of the same shape."
    )

    class Meta(CategorySerializer.Meta):
        fields = [*CategorySerializer.Meta.fields, "children"]
        swagger_schema_fields = {"x_optional": ["children"]}

    @swagger_serializer_method(BranchesField)
    def get_children(self, category: Category) -> Any:
        below = self.context["tree"].children.get(category.pk, ())
        return CategoryBranchSerializer(below, many=True, context=self.context).data


class CategoryRequestSerializer(serializers.Serializer[Any]):
    name = fields.LineField(max_length=100)
    slug = fields.SlugField(max_length=120, help_text="Made from the name if left out.")
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    parent = fields.CategoryKeyField(  # type: ignore[assignment]  # a field of that name
        required=False, allow_null=True
    )
    position = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False)
    is_active = serializers.BooleanField(required=False)
