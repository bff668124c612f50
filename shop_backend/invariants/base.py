"""What an invariant is, and the sums its queries are made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, F, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce


@dataclass(frozen=True)
class Invariant:
    """A sentence that must never be false, and the query that looks for what makes it so.

    ``query`` returns the offending rows of one model: none, if the sentence is true. ``code`` is
    the sentence's family (I1 to I16, R1); several queries may share one.
    """

    code: str
    sentence: str
    query: Callable[[], QuerySet[Any]]

    def find(self) -> list[str]:
        """Return what breaks it, as ``model id``."""
        rows = self.query()
        name = rows.model._meta.verbose_name
        return [f"{name} {pk}" for pk in rows.order_by("pk").values_list("pk", flat=True)]


def total(rows: QuerySet[Any], column: str, *, by: str) -> Coalesce:
    """Return the sum of a column over correlated rows, 0 without any."""
    # values() first: one group, so that the subquery has one row.
    grouped = rows.order_by().values(by).annotate(sum_of_all=Sum(F(column)))
    return Coalesce(
        Subquery(grouped.values("sum_of_all")[:1], output_field=BigIntegerField()),
        Value(0),
        output_field=BigIntegerField(),
    )
