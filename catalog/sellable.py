"""Of which products somebody can buy a unit now.

On PostgreSQL that is kept beside the product, in a column that the model does not know (see
``catalog/migrations/0016``), so that lists can be read in their order from an index. Products whose
stock has just run out or come back are in doubt for a moment; those are looked at one by one.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import BooleanField, F, Func, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.db.models.lookups import Exact

from catalog import services
from catalog.models import Product, StockDoubt, Variant
from inventory.models import StockLevel
from shop_backend.kernel import transactions
from shop_backend.kernel.replicas import reading_alias

MOST_DOUBTS = 1_000  # looked at beside the list; where more are in doubt, every product is


class _Flag(Func):
    """Whether the product can be bought, as PostgreSQL keeps it."""

    arity = 1
    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        column: Any = self.source_expressions[0]
        return f'{compiler.quote_name_unless_alias(column.alias)}."is_in_stock"', []


class _Doubtful(NamedTuple):
    """The products whose flag is known to be wrong, and what is true of them."""

    sold_out: Sequence[int]
    to_be_had: Sequence[int]


def is_kept() -> bool:
    """Return whether this database keeps it beside the product."""
    return connection.vendor == "postgresql"


def is_sellable() -> Q:
    """Return the condition on products of which somebody can buy a unit now.

    It may ask for what is in doubt first, and where this is the primary, settle it.
    """
    wrong = _look_at_doubts() if is_kept() else None
    if wrong is None:
        return is_sellable_by_stock()
    condition = Q(_Flag(F("pk")))
    if wrong.sold_out:
        condition &= ~Q(pk__in=wrong.sold_out)
    if wrong.to_be_had:
        condition |= Q(pk__in=wrong.to_be_had)
    return condition


def is_sellable_by_stock() -> Q:
    """Return the same, by the stock of one product after the other."""
    at_hand = StockLevel.objects.for_sale().filter(
        item_id=OuterRef("stock_item_id"), on_hand__gt=F("reserved")
    )
    variants = Variant.objects.standing().filter(product_id=OuterRef("pk"), is_active=True)
    return _has_one(variants.filter(Q(stock_item__is_tracked=False) | _has_one(at_hand)))


def is_flagged() -> Q:
    """Return the condition on products of which PostgreSQL keeps that they can be bought."""
    return Q(_Flag(F("pk")))


def _look_at_doubts() -> _Doubtful | None:
    """Return of which products the flag is wrong; ``None``: there may be too many."""
    doubts = _read_doubts()
    is_primary = reading_alias() == DEFAULT_DB_ALIAS
    if doubts and is_primary and not transactions.in_transaction():
        services.settle_stock_doubts()
        doubts = _read_doubts()
    if not doubts:
        return _Doubtful((), ())
    if len(doubts) > MOST_DOUBTS or any(subject == "location" for subject, _ in doubts):
        return None
    keys = {
        wanted: [pk for subject, pk in doubts if subject == wanted]
        for wanted in (StockDoubt.Subject.ITEM, StockDoubt.Subject.PRODUCT)
    }
    by_item = Variant.objects.filter(stock_item_id__in=keys[StockDoubt.Subject.ITEM])
    doubtful = Product.objects.filter(
        Q(pk__in=keys[StockDoubt.Subject.PRODUCT]) | Q(pk__in=by_item.values("product_id"))
    )
    flag, truth = is_flagged(), is_sellable_by_stock()
    return _Doubtful(
        sold_out=list(doubtful.filter(flag & ~truth).values_list("pk", flat=True)),
        to_be_had=list(doubtful.filter(~flag & truth).values_list("pk", flat=True)),
    )


def _read_doubts() -> list[tuple[str, int]]:
    return list(StockDoubt.objects.values_list("subject", "subject_id")[: MOST_DOUBTS + 1])


def _has_one(rows: QuerySet) -> Q:
    """Return what ``Exists`` means, so that PostgreSQL does not read all rows of the shop first.

    It would make a join or a hash of that; of a value that it looks up it can make neither.
    """
    one = Subquery(rows.order_by().annotate(one=Value(1)).values("one")[:1])
    return Q(Exact(Coalesce(one, Value(0)), Value(1)))
