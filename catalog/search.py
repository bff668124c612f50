"""Words to products, the best first.

On PostgreSQL names and descriptions are searched as full text (``search_vector``, a column that
the database keeps by itself): stemmed, the last word as a prefix, and where nothing is found and
``pg_trgm`` is there, names with a typo in them. Elsewhere a word is found wherever it occurs. SKUs
and categories are searched alike everywhere.

Ranks are whole numbers: a cursor compares them, and two floats of the same rank may differ.
"""

from enum import Enum
from functools import cache, reduce
from operator import add, and_
from typing import Any, NamedTuple

from django.db import connections
from django.db.models import BigIntegerField, BooleanField, Case, F, Func, Q, Value, When

from catalog.category_tree import CategoryTree
from catalog.models import ProductQuerySet, Variant
from shop_backend.kernel.pagination import COUNT_CAP

MAX_WORDS = 8
MOST_RANKED = COUNT_CAP  # of more hits than numbered pages reach, so many are compared
_MOST_BY_SKU = _MOST_ALIKE = 1_000
_MOST_LOOKED_FOR = 100
_TRIGRAM = 3
_LIKE_ENOUGH = 0.45
_NAME, _BEGINNING, _SKU, _DESCRIPTION, _CATEGORY = 600_000, 1_000_000, 500_000, 200_000, 100_000


class Ranks(Enum):
    """What the order of the hits is for."""

    NONE = "none"  # they are ordered by something else
    FIRST_PAGES = "first pages"  # numbered pages, which end
    ALL = "all"  # a walk through all of them


class Bounded(NamedTuple):
    """The hits that are ranked, and how many there are: up to ``MOST_RANKED`` and one."""

    products: ProductQuerySet
    hits: int


def search(
    products: ProductQuerySet, text: str, categories: CategoryTree, *, ranks: Ranks
) -> ProductQuerySet:
    """Return the products in which every word occurs, with ``mismatch``: the less the better.

    :param categories: those whose names are searched.

    The words after the eighth are not looked at.
    """
    words = list(dict.fromkeys(text.split()))[:MAX_WORDS]
    ways = [_ways_to(word, products.db, categories, is_last=word == words[-1]) for word in words]
    found = products.filter(reduce(and_, (is_hit for is_hit, _ in ways), Q()))
    if knows_typos(products.db):
        # Not exists(): for a first row it would rather read the table than build a bitmap.
        hits = found.order_by()[:_MOST_LOOKED_FOR].count()
        if not hits:
            return _with_typos(products, words)
    if ranks is Ranks.NONE:
        return found.annotate(mismatch=Value(0))
    return found.annotate(mismatch=Value(0) - reduce(add, (rank for _, rank in ways)))


def bound(found: ProductQuerySet) -> Bounded:
    """Return as many of the hits as are compared for the first pages; on MariaDB all of them.

    :param found: what was searched, and narrowed by everything else.
    """
    hits = found.order_by().values("pk")[: MOST_RANKED + 1].count()
    if hits > MOST_RANKED and connections[found.db].features.allow_sliced_subqueries_with_in:
        found = found.filter(pk__in=found.order_by().values("pk")[:MOST_RANKED])
    return Bounded(found, hits)


@cache
def knows_typos(alias: str) -> bool:
    """Return whether this database can tell how alike two words are."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return False
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
        return cursor.fetchone() is not None


def _ways_to(word: str, alias: str, tree: CategoryTree, *, is_last: bool) -> tuple[Q, Any]:
    """Return the condition on products that the word finds, and what each is worth."""
    named = [row.pk for row in tree.by_id.values() if word.casefold() in row.name.casefold()]
    below = Q(category_id__in={pk for top in named for pk in tree.descendants(top)})
    if connections[alias].vendor == "postgresql":
        # As ids, not as a query of another table: so one index each finds words, SKUs, categories.
        skus = Q(pk__in=_ids_by_sku(word))
        query = _query(word, is_prefix=is_last)
        is_hit = Q(_Matches(_Vector(F("pk")), query))
        rank: Any = _Rank(_Vector(F("pk")), query)
    else:
        by_sku = Variant.objects.standing().filter(sku__icontains=word)
        skus = Q(pk__in=by_sku.values("product_id"))
        is_hit = Q(name__icontains=word) | Q(description__icontains=word)
        rank = _worth(
            (Q(name__istartswith=word), _BEGINNING),
            (Q(name__icontains=word), _NAME),
            (Q(description__icontains=word), _DESCRIPTION),
        )
    return is_hit | skus | below, rank + _worth((skus, _SKU), (below, _CATEGORY))


def _ids_by_sku(word: str) -> list[int]:
    """Return the products with that word in an SKU, at most a thousand; a short word begins it.

    Of fewer than three letters no trigram can be made, so no index finds them within a text.
    """
    way = "icontains" if len(word) >= _TRIGRAM else "istartswith"
    found = Variant.objects.standing().filter(**{f"sku__{way}": word})
    return list(found.values_list("product_id", flat=True)[:_MOST_BY_SKU])


def _worth(*cases: tuple[Q, int]) -> Case:
    """Return the worth of the first condition that holds."""
    whens = [When(condition, then=Value(worth)) for condition, worth in cases]
    return Case(*whens, default=Value(0), output_field=BigIntegerField())


def _with_typos(products: ProductQuerySet, words: list[str]) -> ProductQuerySet:
    """Return the products with a word in their name that is much like each of these.

    The first thousand that are found: an index finds them, by the bound on likeness that
    PostgreSQL holds as a setting. It is set for this one statement.
    """
    alike = [_Likeness(Value(word), F("name")) for word in words]
    least = int(_LIKE_ENOUGH * 1_000_000)
    conditions = " AND ".join(["name %%> %s"] * len(words))
    with connections[products.db].cursor() as cursor:
        cursor.execute(
            "WITH bound AS MATERIALIZED"
            " (SELECT set_config('pg_trgm.word_similarity_threshold', %s, true) AS set)"
            " SELECT id FROM catalog_product WHERE (SELECT count(set) FROM bound) > 0"
            f" AND {conditions} LIMIT %s",  # nosec B608
            [str(_LIKE_ENOUGH), *words, _MOST_ALIKE],
        )
        ids = [pk for (pk,) in cursor.fetchall()]
    names = {f"likeness_{number}": likeness for number, likeness in enumerate(alike)}
    found = products.filter(pk__in=ids).alias(**names)
    found = found.filter(**{f"{name}__gte": least for name in names})
    return found.annotate(mismatch=Value(0) - reduce(add, alike))


def _query(word: str, *, is_prefix: bool) -> Func:
    quoted = word.replace("\\", "\\\\").replace("'", "''")
    text = f"'{quoted}'{':*' if is_prefix else ''}"
    return _Either(_Stemmed(Value(text)), _AsItIs(Value(text)))


class _Vector(Func):
    """The column that PostgreSQL keeps; Django's model does not know it."""

    arity = 1
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        column: Any = self.source_expressions[0]
        return f'{compiler.quote_name_unless_alias(column.alias)}."search_vector"', []


class _Stemmed(Func):
    template = "to_tsquery('english', %(expressions)s)"
    output_field = BooleanField()


class _AsItIs(Func):
    template = "to_tsquery('simple', %(expressions)s)"
    output_field = BooleanField()


class _Either(Func):
    template = "(%(expressions)s)"
    arg_joiner = " || "
    output_field = BooleanField()


class _Matches(Func):
    template = "(%(expressions)s)"
    arg_joiner = " @@ "
    output_field = BooleanField()


class _Rank(Func):
    template = "CAST(ts_rank(%(expressions)s) * 1000000 AS bigint)"
    output_field = BigIntegerField()


class _Likeness(Func):
    template = "CAST(word_similarity(%(expressions)s) * 1000000 AS bigint)"
    output_field = BigIntegerField()
