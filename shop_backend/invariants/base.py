"""What an invariant is, and the sums its queries are made of."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError
from django.db.models import BigIntegerField, F, Model, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from shop_backend.invariants.time_limit import is_out_of_time, time_limit

SHOWN = 20  # rows named of what breaks an invariant; the rest is a number
_BATCH = 100

Repair = Callable[[int], str]


@dataclass(frozen=True)
class Invariant:
    """A sentence that must never be false, and the query that looks for what makes it so.

    ``query`` returns the offending rows of one model: none, if the sentence is true. ``code`` is
    the sentence's family (I1 to I16, R1, R2); several queries may share one. ``repair`` exists
    where the row is a cache of something else: it takes its key and says what it changed, or
    nothing.
    """

    code: str
    sentence: str
    query: Callable[[], QuerySet[Any]]
    repair: Repair | None = None

    def find(self) -> list[str]:
        """Return what breaks it, as ``model id``: all of it, however much."""
        rows = self.query()
        name = rows.model._meta.verbose_name
        return [f"{name} {pk}" for pk in rows.order_by("pk").values_list("pk", flat=True)]

    def check(self, *, seconds: float | None = None) -> "Finding":
        """Look once, with one query; a second one counts where more is broken than is named.

        :param seconds: after which the database gives up, if it can; ``None`` for no limit.
        """
        began = time.monotonic()
        rows = self.query()
        pks: list[int] = []
        count: int | None
        try:
            with time_limit(seconds):
                pks = list(rows.values_list("pk", flat=True)[: SHOWN + 1])
                count = len(pks) if len(pks) <= SHOWN else rows.count()
        except DatabaseError as error:
            if not is_out_of_time(error):
                raise
            count = None
        return Finding(self, rows.model, sorted(pks)[:SHOWN], count, time.monotonic() - began)

    def mend(self) -> Iterator[str]:
        """Repair what breaks it, row by row, each in its own transaction; say what was done."""
        if self.repair is None:
            return
        last = 0
        name = self.query().model._meta.verbose_name
        while True:
            rows = self.query().filter(pk__gt=last).order_by("pk")
            pks = list(rows.values_list("pk", flat=True)[:_BATCH])
            if not pks:
                return
            for pk in pks:
                yield f"{name} {pk}: {self.repair(pk) or 'nothing to mend, or not by a machine'}"
            last = pks[-1]


@dataclass(frozen=True)
class Finding:
    """What one look brought up. ``count`` is ``None`` if the query ran out of time."""

    invariant: Invariant
    model: type[Model]
    pks: Sequence[int]
    count: int | None
    seconds: float

    @property
    def is_kept(self) -> bool:
        """Whether the sentence was seen to be true."""
        return self.count == 0

    @property
    def is_unknown(self) -> bool:
        """Whether the query did not come to an end in time."""
        return self.count is None

    @property
    def names(self) -> list[str]:
        """The first offending rows, as ``model id``."""
        return [f"{self.model._meta.verbose_name} {pk}" for pk in self.pks]


def total(rows: QuerySet[Any], column: str, *, by: str, only: Q | None = None) -> Coalesce:
    """Return the sum of a column over correlated rows, 0 without any.

    :param only: counted of the rows that ``by`` finds. What is no condition of the search is
        no index that PostgreSQL, without statistics, would read from end to end for each row.
    """
    # values() first: one group, so that the subquery has one row.
    grouped = rows.order_by().values(by).annotate(sum_of_all=Sum(F(column), filter=only))
    return Coalesce(
        Subquery(grouped.values("sum_of_all")[:1], output_field=BigIntegerField()),
        Value(0),
        output_field=BigIntegerField(),
    )
