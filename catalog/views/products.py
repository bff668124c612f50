from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.db.models import Value
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_yasg.utils import swagger_auto_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ErrorDetail, ValidationError

from catalog import facets, reading, selectors, serializers, services, version
from catalog.category_tree import CategoryTree
from catalog.filters import YES, YES_OR_NO, ProductFilter, ProductFilterBackend
from catalog.models import Product, ProductQuerySet
from catalog.reading import LaterStock
from catalog.serializers.images import absolutely
from catalog.services import NewVariant
from catalog.views.faceted import FACETS, FacetedListInspector
from catalog.views.keys import ID_OR_SLUG, get_by_key
from catalog.views.remembered import RememberedAnswersMixin
from inventory import selectors as inventory
from shop_backend.kernel import idempotency
from shop_backend.kernel.access import ANYONE, may
from shop_backend.kernel.errors import InvalidParameter
from shop_backend.kernel.filters import OrderingFilter
from shop_backend.kernel.pagination import bounded_count, numbered_page, read_plain_page

TAGS = ["catalog"]
_OF_THE_VARIANT = ("price_minor", "compare_at_minor", "stock", "sku", "weight_grams")
_PLAIN_ORDERINGS = {
    "price": "from_price_minor",
    "name": "name",
    "created_at": "created_at",
    "rating": "rating_hundredths",
}
_NULL_SAYS_NOTHING = ("price_minor", "stock", "sku")


class ProductViewSet(RememberedAnswersMixin):
    """What the shop offers. Drafts are for staff; for everyone else they do not exist: 404."""

    serializer_class = serializers.ProductSummarySerializer
    filterset_class = ProductFilter
    filter_backends = (ProductFilterBackend, OrderingFilter)
    hits_counted: int | None = None  # where the list's filters had to count
    access = {
        "list": ANYONE,
        "retrieve": ANYONE,
        "create": may("catalog.add_product"),
        "update": may("catalog.change_product"),
        "partial_update": may("catalog.change_product"),
        "destroy": may("catalog.delete_product"),
    }
    messages = {
        "create": "The product was added.",
        "update": "The product was saved.",
        "partial_update": "The product was saved.",
        "destroy": "The product was removed.",
    }
    etag_actions = frozenset({"list", "retrieve"})
    orderings = {**_PLAIN_ORDERINGS, "relevance": "mismatch"}
    parameters = {"list": frozenset({"facets"})}
    # Which products these leave, and count, depends on stock.
    availability_parameters = frozenset({"in_stock", "facets"})

    @property
    def default_ordering(self) -> tuple[str, ...]:
        """The best hits first, and without a search the newest products."""
        if self.request.query_params.get("search", "").strip():
            return ("mismatch", "-pk")
        return ("-created_at", "-pk")

    def get_queryset(self) -> ProductQuerySet:
        products = Product.objects.visible_to(self.request.user)
        if getattr(self, "action", None) == "list":
            # Without a search everything is equally relevant.
            return products.annotate(mismatch=Value(0))
        return products.with_options()

    def get_object(self) -> Product:
        product: Product = get_by_key(self.get_queryset(), self.kwargs["id"])
        if self.request.method in {"PUT", "PATCH", "DELETE"}:
            self.check_if_match(product)
        return product

    def representation(self, instance: Product) -> Any:
        return self._shown([instance], serializers.ProductSerializer)[0]

    @swagger_auto_schema(
        operation_id="catalog_products_list",
        tags=TAGS,
        manual_parameters=[FACETS],
        paginator_inspectors=[FacetedListInspector],
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """List the products: the newest first, or of a search the best hits."""
        wanted = request.query_params.get("facets", "0")
        if wanted not in dict(YES_OR_NO):
            raise InvalidParameter(name="facets")
        found = self.filter_queryset(self.get_queryset())
        # What a list is narrowed and ordered by stands in indexes; the rest is read of one page.
        order = [str(column).lstrip("-") for column in found.query.order_by]
        page: Any = self.paginate_queryset(found.values_list(*order, named=True))
        is_insider = request.user.has_perm("catalog.view_product")
        listed = reading.read_listed(
            [row.pk for row in page], published_at=None if is_insider else timezone.now()
        )
        stock = self.later_stock()
        rows = reading.show_products(*listed, self._viewer(stock))
        payload = self.get_paginated_response(rows).data
        is_later_page = bool(request.query_params.get("cursor"))
        if wanted in YES and not is_later_page:
            payload |= self._facets()
        return self.answer(payload, stock)

    @swagger_auto_schema(
        operation_id="catalog_products_read",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        responses={200: serializers.ProductSerializer},
    )
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Show a product with its variants and options."""
        products = Product.objects.visible_to(request.user)
        row = get_by_key(products.values_list(*reading.READ, named=True), self.kwargs["id"])
        stock = self.later_stock()
        shown = reading.show_product(*reading.read_whole(row), self._viewer(stock))
        return self.answer(shown, stock)

    def quick_payload(self, request: HttpRequest, stock: LaterStock | None) -> Any:
        """Return what customers see of a plain page of the list, or of a product."""
        if self.action_map["get"] == "list":
            return self._quick_list(request, stock)
        number = selectors.id_of(self.kwargs["id"])
        if request.GET or number == 0:
            return None
        found = reading.read_published_product(
            pk=number, slug=self.kwargs["id"], now=timezone.now()
        )
        return found and reading.show_product(*found, self._viewer_for_everyone(stock))

    def _quick_list(self, request: HttpRequest, stock: LaterStock | None) -> Any:
        asked = read_plain_page(request.GET, _PLAIN_ORDERINGS)
        if asked is None:
            return None
        viewer = self._viewer_for_everyone(stock)
        counted = self._count_for(Product.objects.published, asked=())
        if not asked.is_within(counted):
            return None
        page = reading.read_published(
            order=asked.order or ("-created_at", "-pk"),
            limit=asked.size,
            offset=asked.offset,
            now=timezone.now(),
        )
        rows = reading.show_products(*page, viewer)
        return numbered_page(request.build_absolute_uri(), rows, counted=counted, page=asked)

    @swagger_auto_schema(
        operation_id="catalog_products_create",
        tags=TAGS,
        request_body=serializers.ProductRequestSerializer,
        responses={
            201: serializers.ProductSerializer,
            404: "No such category.",
            409: "Two variants have the same options, or none is active.",
            422: "The Idempotency-Key was used with another body.",
        },
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add a product: `{name, price, stock, category}`, or with `variants`."""
        form = serializers.ProductRequestSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        effect = partial(self._create, dict(form.validated_data))
        return idempotency.perform(request, operation="catalog.create_product", effect=effect)

    @swagger_auto_schema(
        operation_id="catalog_products_update",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        request_body=serializers.ProductChangeSerializer,
        responses={
            200: serializers.ProductSerializer,
            409: "No variant of it is active, so it cannot be on sale.",
        },
    )
    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change a product: name, and price where it has one variant; the rest if sent."""
        return self._change(request, is_partial=False)

    @swagger_auto_schema(
        operation_id="catalog_products_partial_update",
        tags=TAGS,
        manual_parameters=[ID_OR_SLUG],
        request_body=serializers.ProductChangeSerializer,
        responses={
            200: serializers.ProductSerializer,
            409: "No variant of it is active, so it cannot be on sale.",
        },
    )
    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change some of a product's data."""
        return self._change(request, is_partial=True)

    @swagger_auto_schema(
        operation_id="catalog_products_delete", tags=TAGS, manual_parameters=[ID_OR_SLUG]
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Hide a product for good; orders keep their lines."""
        services.delete_product(product=self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _facets(self) -> dict[str, Any]:
        products = Product.objects.visible_to(self.request.user)
        filters = ProductFilter(self.request.query_params, products, request=self.request)
        filters.form.is_valid()  # the list would have refused
        found = facets.count_facets(filters, products)
        shown: dict[str, Any] = {"facets": serializers.FacetsSerializer(found.counts).data}
        return {**shown, "facets_capped": True} if found.capped else shown

    def _create(self, asked: dict[str, Any]) -> Response:
        variants = [NewVariant(**row) for row in asked.pop("variants", [])]
        only = {name: asked.pop(name, None) for name in _OF_THE_VARIANT}
        if not variants:
            given = {name: value for name, value in only.items() if value is not None}
            variants = [NewVariant(**given)]
        asked |= _stated(asked)
        options = [(row["name"], row["values"]) for row in asked.pop("options", [])]
        product = services.create_product(
            variants=variants, options=options, actor_id=self.request.user.pk, **asked
        )
        return Response(self._fresh(product), status=status.HTTP_201_CREATED)

    def _change(self, request: Request, *, is_partial: bool) -> Response:
        product = self.get_object()
        form = serializers.ProductChangeSerializer(data=request.data, partial=is_partial)
        form.is_valid(raise_exception=True)
        fields = dict(form.validated_data)
        wanted = {name: fields.pop(name) for name in _OF_THE_VARIANT if name in fields}
        for name in _NULL_SAYS_NOTHING:
            if wanted.get(name, "") is None:
                del wanted[name]
        fields |= _stated(fields)
        if len(product.variants.all()) == 1:
            if not is_partial and "price_minor" not in wanted:
                raise ValidationError({"price": ErrorDetail("This field is required.", "required")})
        else:
            _drop_what_was_read(wanted, product)
        services.update_product(
            product=product, fields=fields, variant_fields=wanted, actor_id=request.user.pk
        )
        return Response(self._fresh(product))

    def _fresh(self, product: Product) -> Any:
        return self.representation(get_object_or_404(Product.objects.with_options(), pk=product.pk))

    def _viewer(self, stock: LaterStock | None) -> reading.Viewer:
        user, tree = self.request.user, CategoryTree.read(seen=self.seen)
        is_insider = user.has_perm("catalog.view_product")
        return reading.Viewer(
            tree=tree if is_insider else tree.visible(),
            is_insider=is_insider,
            absolute=absolutely(self.request),
            stock_of=reading.known_to(user) if stock is None else stock.of,
        )

    def count(self, found: ProductQuerySet) -> int:
        """Return how many were found, counted once for each version of the catalogue."""
        if self.hits_counted is not None:  # of this very list
            return self.hits_counted
        request = self.request
        is_insider = request.user.has_perm("catalog.view_product")
        asked = [
            (name, *request.query_params.getlist(name))
            for name in sorted(request.query_params.keys() & self._narrowing)
        ]
        return self._count_for(lambda: found, asked=asked, is_insider=is_insider)

    @property
    def _narrowing(self) -> set[str]:
        return set(self.filterset_class.base_filters)

    def _count_for(
        self,
        find: Callable[[], ProductQuerySet],
        *,
        asked: Sequence[tuple[str, ...]],
        is_insider: bool = False,
    ) -> int:
        # What people search for is without end: those counts would drive out all the others.
        if self.seen_now is None or any(name == "search" for name, *_ in asked):
            return bounded_count(find())
        by_stock = any(name in self.availability_parameters for name, *_ in asked)
        goods = self.seen_now.availability if by_stock else None
        name = ("count", is_insider, goods, *asked)
        return version.remembered(name, lambda: bounded_count(find()), seen=self.seen)

    def _viewer_for_everyone(self, stock: LaterStock | None) -> reading.Viewer:
        return reading.Viewer(
            tree=CategoryTree.read(seen=self.seen).visible(),
            is_insider=False,
            absolute=absolutely(self.request),
            stock_of=reading.known_to_customers if stock is None else stock.of,
        )

    def _shown(self, products: Sequence[Product], serializer_class: Any) -> Any:
        variants = [variant for product in products for variant in product.variants.all()]
        tree = CategoryTree.read()
        is_insider = self.request.user.has_perm("catalog.view_product")
        context = {
            **self.get_serializer_context(),
            "availability": inventory.get_availability(row.stock_item_id for row in variants),
            "tree": tree if is_insider else tree.visible(),
            "is_insider": is_insider,
        }
        return serializer_class(products, many=True, context=context).data


def _stated(asked: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes as the services want them, if they were sent."""
    if "attributes" not in asked:
        return {}
    return {"attributes": [(row["code"], row["value"]) for row in asked["attributes"]]}


def _drop_what_was_read(wanted: dict[str, Any], product: Product) -> None:
    """Take out what a product of several variants shows on top and a client sends back."""
    if wanted.get("price_minor") == product.from_price_minor:
        del wanted["price_minor"]
    shown = {row.compare_at_minor for row in product.variants.all()} | {None}
    if wanted.get("compare_at_minor") in shown:
        wanted.pop("compare_at_minor", None)
