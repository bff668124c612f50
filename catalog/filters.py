"""How lists of the catalogue are narrowed."""

from collections.abc import Collection, Mapping
from functools import cached_property, reduce
from operator import or_
from typing import Any

import django_filters
from django.core.validators import EMPTY_VALUES
from django.db.models import Q, QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from django_filters.utils import translate_validation
from rest_framework.request import Request

from catalog import selectors, version
from catalog.category_tree import CategoryTree
from catalog.models import (
    Attribute,
    Category,
    Product,
    ProductAttributeValue,
    ProductQuerySet,
    Review,
    Variant,
)
from catalog.models.reviews import MAX_RATING, MIN_RATING
from catalog.search import Ranks, bound
from catalog.search import search as search_products
from catalog.sellable import is_sellable
from shop_backend.kernel.errors import InvalidParameter
from shop_backend.kernel.forms import MoneyFormField

MAX_CHOICES = 5
RATINGS = [(str(stars), str(stars)) for stars in range(MIN_RATING, MAX_RATING + 1)]
YES = {"1", "true"}
YES_OR_NO = [("1", "yes"), ("true", "yes"), ("0", "no"), ("false", "no")]


class MoneyFilter(django_filters.Filter):
    field_class = MoneyFormField


class ProductFilter(django_filters.FilterSet):
    # The first, so that the other filters do not decide whether its words are misspelt.
    search = django_filters.CharFilter(
        method="narrow_to_words",
        max_length=200,
        label="At most 8 words that all occur in name, SKU, description or category.",
    )
    category = django_filters.CharFilter(
        method="narrow_to_category",
        max_length=120,
        label="A category's id or slug; what lies below it counts in.",
    )
    min_price = MoneyFilter(
        field_name="from_price_minor", lookup_expr="gte", label="At least that price."
    )
    max_price = MoneyFilter(
        field_name="from_price_minor", lookup_expr="lte", label="At most that price."
    )
    min_rating = django_filters.ChoiceFilter(
        choices=RATINGS,
        method="narrow_to_rating",
        label="So many stars or more, by the average of its reviews.",
    )
    in_stock = django_filters.ChoiceFilter(
        choices=YES_OR_NO, method="narrow_to_stock", label="true: what can be bought now."
    )
    option = django_filters.CharFilter(
        method="narrow_to_choices",
        max_length=101,
        label="Colour:Red; may be repeated, and one variant must have them all.",
    )
    attribute = django_filters.CharFilter(
        method="narrow_to_attributes",
        max_length=151,
        label=(
            "material:Glass, by the attribute's code; may be repeated: one of the values of each"
            " code must be stated."
        ),
    )
    status = django_filters.ChoiceFilter(
        choices=[
            choice for choice in Product.Status.choices if choice[0] != Product.Status.DELETED
        ],
        label="For staff; others see what is active.",
    )

    class Meta:
        model = Product
        fields: list[str] = []

    # How many products are left, where that had to be counted to rank them.
    hits: int | None = None

    @cached_property
    def tree(self) -> CategoryTree:
        """The categories that the caller may see; hidden ones narrow nothing and find nothing."""
        tree = CategoryTree.read(seen=version.believed().version if version.is_known() else None)
        user = self.request.user if self.request else None
        is_insider = user is not None and user.has_perm("catalog.view_category")
        return tree if is_insider else tree.visible()

    @property
    def asked(self) -> set[str]:
        """The names of the filters that were given a value."""
        return {name for name, value in self.form.cleaned_data.items() if value not in EMPTY_VALUES}

    @cached_property
    def category_asked(self) -> int | None:
        """The id of the category asked for; 0: there is no such one; ``None``: none was."""
        value = self.form.cleaned_data["category"]
        if not value:
            return None
        number = selectors.id_of(value)
        rows = self.tree.by_id.values()
        return next((row.pk for row in rows if value == row.slug or number == row.pk), 0)

    @cached_property
    def attributes_asked(self) -> dict[str, list[str]]:
        """The values asked for by the attribute's code."""
        asked: dict[str, list[str]] = {}
        if self.form.cleaned_data["attribute"]:
            for code, value in self._pairs("attribute", longest=151):
                asked.setdefault(code.lower(), []).append(value)
        return asked

    @cached_property
    def is_sellable(self) -> Q:
        """The condition on products that can be bought, as of one moment."""
        return is_sellable()

    def filter_queryset(self, queryset: Any) -> Any:
        """Apply everything that was asked for; of the hits of a search so many are ranked."""
        found = super().filter_queryset(queryset)
        if "search" not in self.asked or self._ranks is not Ranks.FIRST_PAGES:
            return found
        bounded = bound(found)
        self.hits = bounded.hits
        return bounded.products

    def narrow(
        self,
        products: ProductQuerySet,
        *,
        without: Collection[str] = (),
        without_attribute: str = "",
    ) -> Any:
        """Apply what was asked for, search and the filters named apart.

        :param without_attribute: the code of an attribute that shall not narrow either.
        """
        for name, value in self.form.cleaned_data.items():
            if name == "attribute":
                stated = self.attributes_asked.items()
                kept = {code: values for code, values in stated if code != without_attribute}
                products = _stating(products, kept)
            elif name != "search" and name not in without:
                products = self.filters[name].filter(products, value)
        return products

    def narrow_to_search(self, products: ProductQuerySet) -> ProductQuerySet:
        """Apply the search alone."""
        text = self.form.cleaned_data["search"]
        ranks = Ranks.NONE
        return search_products(products, text, self.tree, ranks=ranks) if text else products

    def narrow_to_words(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        return search_products(queryset, value, self.tree, ranks=self._ranks)

    @property
    def _ranks(self) -> Ranks:
        """For what the hits are to be ranked."""
        ordering = self.data.get("ordering")
        if ordering and "relevance" not in ordering:
            return Ranks.NONE
        return Ranks.ALL if "cursor" in self.data else Ranks.FIRST_PAGES

    def narrow_to_category(
        self, queryset: ProductQuerySet, name: str, value: str
    ) -> ProductQuerySet:
        below = self.tree.descendants(self.category_asked) if self.category_asked else set()
        return queryset.filter(category_id__in=below)

    def narrow_to_rating(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        return queryset.filter(rating_hundredths__gte=int(value) * 100)

    def narrow_to_stock(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        return queryset.filter(self.is_sellable if value in YES else ~self.is_sellable)

    def narrow_to_choices(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        variants = Variant.objects.standing().filter(is_active=True)
        for option, wanted in self._pairs(name, longest=101):
            variants = variants.filter(
                option_values__option__name__iexact=option, option_values__value__iexact=wanted
            )
        return queryset.filter(pk__in=variants.values("product_id"))

    def narrow_to_attributes(self, queryset: ProductQuerySet, name: str, value: str) -> Any:
        return _stating(queryset, self.attributes_asked)

    def _pairs(self, name: str, *, longest: int) -> list[tuple[str, str]]:
        """Return what stands before and after the colons of a parameter that may be repeated."""
        pairs = []
        for text in self.data.getlist(name):
            before, _, after = text.partition(":")
            if not (before and after) or len(text) > longest:
                raise InvalidParameter(name=name)
            pairs.append((before, after))
        if len(pairs) > MAX_CHOICES:
            raise InvalidParameter(name=name)
        return pairs


class ProductFilterBackend(DjangoFilterBackend):
    """Tells the view how many products there are, where a search has counted them."""

    def filter_queryset(self, request: Request, queryset: Any, view: Any) -> Any:
        filters: ProductFilter = self.get_filterset(request, queryset, view)
        if not filters.is_valid():
            raise translate_validation(filters.errors)
        found = filters.qs
        view.hits_counted = filters.hits
        return found


def _stating(products: ProductQuerySet, wanted: Mapping[str, Collection[str]]) -> ProductQuerySet:
    """Return the products that state, of each attribute, one of these values."""
    ids = _attribute_ids() if wanted else {}
    for code, values in wanted.items():
        spelt = reduce(or_, (Q(value__iexact=value) for value in values))
        stating = ProductAttributeValue.objects.filter(spelt, attribute_id=ids.get(code, 0))
        products = products.filter(pk__in=stating.values("product_id"))
    return products


def _attribute_ids() -> Mapping[str, int]:
    """Return the ids by code: of a known id PostgreSQL knows how many products state it."""
    seen = version.believed().version if version.is_known() else None
    return version.remembered(
        "attribute ids", lambda: dict(Attribute.objects.values_list("code", "pk")), seen=seen
    )


class ProductReviewFilter(django_filters.FilterSet):
    rating = django_filters.ChoiceFilter(choices=RATINGS, label="Exactly so many stars.")
    status = django_filters.ChoiceFilter(
        choices=Review.Status.choices, label="For staff, and for one's own."
    )

    class Meta:
        model = Review
        fields: list[str] = []


class ReviewFilter(ProductReviewFilter):
    product = django_filters.CharFilter(
        method="narrow_to_product", max_length=220, label="A product's id or slug."
    )

    def narrow_to_product(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        number = selectors.id_of(value)
        if number is None:
            return queryset.filter(product__slug=value)
        return queryset.filter(product_id=number)


class CategoryFilter(django_filters.FilterSet):
    parent = django_filters.CharFilter(
        method="narrow_to_parent", max_length=120, label="Id or slug; those directly below."
    )
    search = django_filters.CharFilter(field_name="name", lookup_expr="icontains", max_length=100)

    class Meta:
        model = Category
        fields: list[str] = []

    def narrow_to_parent(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        number = selectors.id_of(value)
        if number is None:
            return queryset.filter(parent__slug=value)
        return queryset.filter(parent_id=number)
