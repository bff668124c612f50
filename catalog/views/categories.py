from typing import Any

from django.db.models import QuerySet
from drf_yasg import openapi
from drf_yasg.utils import swagger_auto_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import reading, serializers, services, version
from catalog.category_tree import CategoryTree
from catalog.filters import YES, YES_OR_NO, CategoryFilter
from catalog.models import Category
from catalog.views.keys import ID_OR_SLUG, get_by_key
from catalog.views.remembered import RememberedAnswersMixin
from shop_backend.kernel import idempotency, jsontext
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.errors import InvalidParameter

TAGS = ["catalog"]
TREE = openapi.Parameter(
    "tree",
    openapi.IN_QUERY,
    type=openapi.TYPE_STRING,
    enum=[value for value, _ in YES_OR_NO],
    description="1: all categories nested, each with its `children`.",
)


class CategoryViewSet(RememberedAnswersMixin):
    """The tree of shelves. Customers do not see hidden ones, nor what is below them."""

    serializer_class = serializers.CategorySerializer
    filterset_class = CategoryFilter
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": may("catalog.add_category"),
        "update": may("catalog.change_category"),
        "partial_update": may("catalog.change_category"),
        "destroy": may("catalog.delete_category"),
    }
    parameters = {"list": frozenset({"tree"})}
    messages = {
        "create": "The category was added.",
        "update": "The category was saved.",
        "partial_update": "The category was saved.",
        "destroy": "The category was removed.",
    }
    etag_actions = frozenset({"list", "retrieve"})
    orderings = {"name": "name", "position": "position"}
    default_ordering = ("position", "pk")

    def known_parameters(self) -> set[str]:
        """Return what this action understands: of the whole tree there are no pages and parts."""
        if self.action == "list" and self.request.query_params.get("tree") in YES:
            return {"tree"}
        return super().known_parameters()

    def get_queryset(self) -> QuerySet[Category]:
        if getattr(self, "swagger_fake_view", False):
            return Category.objects.none()
        if self._is_insider:
            return Category.objects.all()
        return Category.objects.exclude(pk__in=CategoryTree.read(seen=self.seen).hidden_ids)

    @property
    def tree(self) -> CategoryTree:
        """What this caller may see of the tree, read once a request."""
        if not hasattr(self, "_tree"):
            tree = CategoryTree.read(seen=self.seen)
            self._tree = tree if self._is_insider else tree.visible()
        return self._tree

    @property
    def _is_insider(self) -> bool:
        return self.request.user.has_perm("catalog.view_category")

    def get_object(self) -> Category:
        category: Category = get_by_key(self.get_queryset(), self.kwargs["id"])
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(category)
        return category

    def representation(self, instance: Category) -> Any:
        return reading.show_category(instance, self.tree)

    @swagger_auto_schema(
        operation_id="catalog_categories_list",
        tags=TAGS,
        manual_parameters=[TREE],
        responses={200: serializers.CategoryBranchSerializer(many=True)},
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the categories; `?tree=1` nests them."""
        wanted = request.query_params.get("tree", "0")
        if wanted not in dict(YES_OR_NO):
            raise InvalidParameter(name="tree")
        if wanted in YES:
            return self.answer(self._whole_tree(), self.later_stock())
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = [reading.show_category(row, self.tree) for row in page or []]
        return self.answer(self.get_paginated_response(rows).data, self.later_stock())

    @swagger_auto_schema(
        operation_id="catalog_categories_read", tags=TAGS, manual_parameters=[ID_OR_SLUG]
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a category."""
        return self.answer(self.representation(self.get_object()), self.later_stock())

    @swagger_auto_schema(
        operation_id="catalog_categories_create",
        tags=TAGS,
        request_body=serializers.CategoryRequestSerializer,
        responses={
            201: serializers.CategorySerializer,
            404: "No such parent.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    @idempotency.keyed("catalog.create_category")
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a category."""
        form = serializers.CategoryRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        category = services.create_category(**form.validated_data)
        return Response(self._fresh(category), status=status.HTTP_201_CREATED)

    @swagger_auto_schema(
        operation_id="catalog_categories_update",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        request_body=serializers.CategoryRequestSerializer,
        responses={
            200: serializers.CategorySerializer,
            409: "It cannot be moved below itself.",
        },
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a category; what is left out stays as it is."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_categories_partial_update",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        request_body=serializers.CategoryRequestSerializer,
        responses={
            200: serializers.CategorySerializer,
            409: "It cannot be moved below itself.",
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of a category's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_categories_delete",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        responses={409: "It has products or categories below it."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Remove an empty category."""
        services.delete_category(category=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        category = self.get_object()
        form = serializers.CategoryRequestSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        category = services.update_category(category=category, fields=form.validated_data)
        return Response(self._fresh(category))

    def _fresh(self, category: Category) -> Any:
        self._tree = CategoryTree.read()
        return self.representation(category)

    def _whole_tree(self) -> Any:
        """Return all of it as bytes, made once for each version of the catalogue and audience."""
        audience = "insiders" if self._is_insider else "everyone"
        return version.remembered(
            f"category tree for {audience}",
            lambda: jsontext.Finished(jsontext.dumps(reading.show_tree(self.tree))),
            seen=self.seen,
        )
