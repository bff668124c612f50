"""How many products each further choice would leave: what stands beside a list as its filters.

A facet's counts obey every filter but its own, so that a second value of it can be chosen. Every
count is the length of the list that the choice leads to.

A set of products is read once for all facets that are not filtered by, and once for each that is:
the number of queries depends on what is asked, never on what the shop has.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import BooleanField, Case, Count, F, Min, Q, QuerySet, Value, When, Window
from django.db.models.functions import Lower, RowNumber

from catalog.category_tree import CategoryTree
from catalog.filters import ProductFilter
from catalog.models import Attribute, ProductAttributeValue, ProductQuerySet, shop_currency
from catalog.models.reviews import MAX_RATING, MIN_RATING

MAX_PRODUCTS = 10_000  # counted, the newest first; beyond them the counts are too low
MAX_VALUES = 20  # of one facet, those with the most products
MAX_ATTRIBUTES = 20
PRICE_RANGES = 5

# The facets with a column of their own: by which filters they are filtered, and their column.
_FILTERS: Mapping[str, frozenset[str]] = {
    "category": frozenset({"category"}),
    "price": frozenset({"min_price", "max_price"}),
    "in_stock": frozenset({"in_stock"}),
    "rating": frozenset({"min_rating"}),
}
_COLUMNS = {
    "category": "category_id",
    "price": "from_price_minor",
    "in_stock": "is_in_stock",
    "rating": "rating_hundredths",
}


@dataclass(frozen=True)
class Facets:
    """The counts, in the shape of ``FacetsSerializer``.

    :param capped: more products matched than were counted.
    """

    counts: Mapping[str, Any]
    capped: bool


def count_facets(filters: ProductFilter, products: ProductQuerySet) -> Facets:
    """Count what each further choice would leave.

    :param filters: valid ones.
    :param products: what the caller may see, not narrowed yet.
    """
    found = filters.narrow_to_search(products)
    asked = {name for name, own in _FILTERS.items() if own & filters.asked}
    free = [name for name in _FILTERS if name not in asked]
    everything = _Set(filters, filters.narrow(found), free)
    alone = {
        name: _Set(filters, filters.narrow(found, without=_FILTERS[name]), [name]) for name in asked
    }
    of_attributes = {
        code: _Set(filters, filters.narrow(found, without_attribute=code), [])
        for code in filters.attributes_asked
    }
    sets = [everything, *alone.values(), *of_attributes.values()]
    column = {name: alone.get(name, everything).columns[name] for name in _FILTERS}
    return Facets(
        counts={
            "category": _count_categories(column["category"], filters.tree, filters.category_asked),
            **_count_attributes(everything, of_attributes),
            "in_stock": _count_availability(column["in_stock"]),
            "price": _count_prices(column["price"]),
            "rating": _count_ratings(column["rating"]),
        },
        capped=any(chosen.is_capped for chosen in sets),
    )


class _Set:
    """Products that some facets are counted over, with the columns these need."""

    def __init__(
        self, filters: ProductFilter, products: ProductQuerySet, facets: Iterable[str]
    ) -> None:
        names = list(facets)
        if "in_stock" in names:
            whether = Case(
                When(filters.is_sellable, then=Value(True)),  # noqa: FBT003  # a value in SQL
                default=Value(False),  # noqa: FBT003  # as above
                output_field=BooleanField(),
            )
            products = products.annotate(is_in_stock=whether)
        columns = ["pk", *(_COLUMNS[name] for name in names)]
        rows = list(products.order_by("-pk").values_list(*columns)[: MAX_PRODUCTS + 1])
        self.is_capped = len(rows) > MAX_PRODUCTS
        del rows[MAX_PRODUCTS:]
        self.products = products.order_by()
        if self.is_capped:
            self.products = self.products.filter(pk__gte=rows[-1][0])
        self.columns: dict[str, list[Any]] = {
            name: [row[place] for row in rows] for place, name in enumerate(names, start=1)
        }


def _count_categories(
    category_ids: Iterable[int | None], tree: CategoryTree, asked: int | None
) -> dict[str, Any]:
    """Count the categories directly below the one asked for, or at the top, with descendants."""
    counter = Counter(category_ids)
    values: list[dict[str, Any]] = []
    for category in tree.children.get(asked, ()):
        count = sum(counter[pk] for pk in tree.descendants(category.pk))
        if count:
            values.append(
                {
                    "id": category.pk,
                    "name": category.name,
                    "slug": category.slug,
                    "count": count,
                }
            )
    values.sort(key=lambda value: (-value["count"], value["name"], value["id"]))
    return {"values": values[:MAX_VALUES], "truncated": len(values) > MAX_VALUES}


def _count_attributes(everything: _Set, own: Mapping[str, _Set]) -> dict[str, Any]:
    """Count the values of every attribute, those asked for over the sets without their filter."""
    whose = Q(product__in=everything.products.values("pk")) & ~Q(attribute__code__in=list(own))
    for code, chosen in own.items():
        whose |= Q(attribute__code=code, product__in=chosen.products.values("pk"))
    rows: dict[int, list[Any]] = {}
    for attribute_id, value, count in _get_values(whose):
        rows.setdefault(attribute_id, []).append({"value": value, "count": count})
    weights = {pk: sum(value["count"] for value in values) for pk, values in rows.items()}
    attributes = Attribute.objects.in_bulk(rows)
    shown = sorted(rows, key=lambda pk: (-weights[pk], attributes[pk].code))[:MAX_ATTRIBUTES]
    return {
        "attributes": [
            {
                "code": attributes[pk].code,
                "name": attributes[pk].name,
                "kind": attributes[pk].kind,
                "values": rows[pk][:MAX_VALUES],
                "truncated": len(rows[pk]) > MAX_VALUES,
            }
            for pk in shown
        ],
        "attributes_truncated": len(rows) > MAX_ATTRIBUTES,
    }


def _get_values(whose: Q) -> QuerySet[Any, tuple[int, str, int]]:
    """Return attribute, value and count: of each attribute the first, and one to see more is.

    Spellings that a filter takes for the same count as one.
    """
    stated = ProductAttributeValue.objects.filter(whose).annotate(folded=Lower("value"))
    counted = stated.values("attribute_id", "folded").annotate(
        shown=Min("value"), count=Count("product_id")
    )
    place = Window(
        RowNumber(), partition_by=F("attribute_id"), order_by=[F("count").desc(), F("folded")]
    )
    first = counted.annotate(place=place).filter(place__lte=MAX_VALUES + 1)
    return first.order_by("attribute_id", "place").values_list("attribute_id", "shown", "count")


def _count_availability(flags: Iterable[Any]) -> dict[str, Any]:
    counter = Counter(bool(flag) for flag in flags)
    values = [{"value": answer, "count": counter[answer]} for answer in (True, False)]
    return {"values": [value for value in values if value["count"]]}


def _count_prices(prices: Iterable[int]) -> dict[str, Any]:
    """Divide the prices into a few ranges of about as many products each, ends included."""
    ordered = sorted(prices)
    share = -(-len(ordered) // PRICE_RANGES)
    values = []
    start = 0
    while start < len(ordered):
        end = min(start + share, len(ordered))
        while end < len(ordered) and ordered[end] == ordered[end - 1]:
            end += 1  # one price lies in one range
        values.append({"min": ordered[start], "max": ordered[end - 1], "count": end - start})
        start = end
    return {
        "currency": shop_currency(),
        "min": ordered[0] if ordered else None,
        "max": ordered[-1] if ordered else None,
        "values": values,
    }


def _count_ratings(ratings: Iterable[int]) -> dict[str, Any]:
    """Count the products with so many stars or more."""
    known = list(ratings)
    counts = {
        stars: sum(rating >= stars * 100 for rating in known)
        for stars in range(MAX_RATING, MIN_RATING - 1, -1)
    }
    return {
        "values": [
            {"min_rating": stars, "count": count} for stars, count in counts.items() if count
        ]
    }
