"""How often something may be done, counted so that no number of simultaneous tries gets past.

A budget of ``number`` in ``seconds`` is kept as one number: the moment until which it is spent
(the generic cell rate algorithm, ITU-T I.371). Spending moves that moment on by one guarded
UPDATE of its row, so the write is the check. A whole budget may be spent at once; afterwards it
grows back evenly.
"""

import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from django.db import connection

from shop_backend.kernel import sweeping
from shop_backend.kernel.models import SpentBudget
from shop_backend.kernel.selects import one_line
from shop_backend.kernel.statements import execute, read
from shop_backend.kernel.transactions import requires_transaction

_SECOND = 1_000_000  # moments are whole microseconds since 1970
_UNITS = {"sec": 1, "min": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(rf"([1-9]\d*)/(\d*)({'|'.join(_UNITS)})")
_MOST_IN_MEMORY = 50_000


@dataclass(frozen=True)
class Rate:
    """So many in so many seconds."""

    number: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> "Rate":
        """Read ``30/min`` or ``10/15min``.

        :raises ValueError: it is neither of that kind.
        """
        match = _RATE.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no rate such as 30/min or 10/15min.")
        return cls(int(match[1]), int(match[2] or 1) * _UNITS[match[3]])

    @property
    def interval(self) -> int:
        """Microseconds in which one comes back."""
        return self.seconds * _SECOND // self.number

    @property
    def tolerance(self) -> int:
        """How far ahead, in microseconds, a budget may be spent before one more is too many.

        With up to a second's grace: of many requests at once, one that has read its clock first
        may be counted last.
        """
        return self.interval * (self.number - 1) + min(self.interval // 2, _SECOND)


class Verdict(NamedTuple):
    """Whether it was allowed, and what the ``RateLimit-*`` headers say."""

    is_allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_after_seconds: int


class Store(Protocol):
    """Where the moments are kept."""

    def spend(self, key: str, rate: Rate, now: int) -> tuple[bool, int]:
        """Take one of the budget; return whether there was one, and until when it is spent."""

    def forget(self, key: str) -> None:
        """Make the budget whole again."""


_TAKE_OR_BEGIN = one_line(
    """
    INSERT INTO kernel_spentbudget ("key", spent_until) VALUES (%s, %s)
    ON CONFLICT ("key") DO UPDATE SET spent_until = CASE
        WHEN kernel_spentbudget.spent_until < %s THEN excluded.spent_until
        ELSE kernel_spentbudget.spent_until + %s END
    WHERE kernel_spentbudget.spent_until <= %s
    RETURNING spent_until
    """
)
_BEGIN = 'INSERT IGNORE INTO kernel_spentbudget ("key", spent_until) VALUES (%s, 0)'
_TAKE = one_line(
    """
    UPDATE kernel_spentbudget
    SET spent_until = CASE WHEN spent_until < %s THEN %s ELSE spent_until + %s END
    WHERE "key" = %s AND spent_until <= %s
    """
)
_SPENT_UNTIL = 'SELECT spent_until FROM kernel_spentbudget WHERE "key" = %s'
_GIVE_BACK = 'UPDATE kernel_spentbudget SET spent_until = spent_until - %s WHERE "key" = %s'


class DatabaseStore:
    """Shared by every process of the shop."""

    def spend(self, key: str, rate: Rate, now: int) -> tuple[bool, int]:
        taken = self._take(key, rate, now)
        return (False, self._spent_until(key)) if taken is None else (True, taken)

    def take(self, key: str, rate: Rate, now: int) -> bool:
        """Take one of a budget; return whether there was one."""
        return self._take(key, rate, now) is not None

    def _take(self, key: str, rate: Rate, now: int) -> int | None:
        """Take one; return until when the budget is spent then, ``None`` if there was none."""
        first, most = now + rate.interval, now + rate.tolerance
        if connection.vendor != "mysql":
            rows = read(_TAKE_OR_BEGIN, [key, first, now, rate.interval, most])
            return rows[0][0] if rows else None
        taking = [now, first, rate.interval, key, most]
        if execute(_TAKE, taking) or (execute(_BEGIN, [key]) and execute(_TAKE, taking)):
            return self._spent_until(key)
        return None

    def _spent_until(self, key: str) -> int:
        rows = read(_SPENT_UNTIL, [key])
        return rows[0][0] if rows else 0  # swept in this very moment

    def forget(self, key: str) -> None:
        SpentBudget.objects.filter(pk=key).delete()


class MemoryStore:
    """This process's own: for bounds that only keep one process from being flooded."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent_until: dict[str, int] = {}

    def spend(self, key: str, rate: Rate, now: int) -> tuple[bool, int]:
        with self._lock:
            spent_until = max(self._spent_until.get(key, 0), now)
            if spent_until > now + rate.tolerance:
                return False, spent_until
            if len(self._spent_until) >= _MOST_IN_MEMORY:
                self._drop_whole_budgets(now)
            self._spent_until[key] = spent_until + rate.interval
            return True, spent_until + rate.interval

    def _drop_whole_budgets(self, now: int) -> None:
        left = {key: until for key, until in self._spent_until.items() if until > now}
        # Nobody can make us remember more: then everybody starts anew.
        self._spent_until = left if len(left) < _MOST_IN_MEMORY else {}

    def forget(self, key: str) -> None:
        with self._lock:
            self._spent_until.pop(key, None)


IN_DATABASE = DatabaseStore()
IN_MEMORY = MemoryStore()


def spend(key: str, rate: Rate, *, store: Store = IN_DATABASE, now: int | None = None) -> Verdict:
    """Take one of the budget that ``key`` (at most 100 characters) has at this rate.

    Outside a transaction it is counted at once; inside one, a rollback gives it back.

    :param now: microseconds since 1970.
    """
    now = time.time_ns() // 1000 if now is None else now
    is_allowed, spent_until = store.spend(key, rate, now)
    ahead = max(spent_until - now, 0)
    return Verdict(
        is_allowed=is_allowed,
        limit=rate.number,
        remaining=max(rate.number - -(-ahead // rate.interval), 0),
        reset_seconds=-(-ahead // _SECOND),
        retry_after_seconds=max(-(-(ahead - rate.tolerance) // _SECOND), 0 if is_allowed else 1),
    )


@requires_transaction
def take_one_of_each(rates: Mapping[str, Rate], *, now: int | None = None) -> bool:
    """Take one of each of these budgets in the database; the caller rolls back a ``False``."""
    now = time.time_ns() // 1000 if now is None else now
    # One order for everyone: nobody waits in a circle.
    return all(IN_DATABASE.take(key, rate, now) for key, rate in sorted(rates.items()))


@requires_transaction
def give_back_one_of_each(rates: Mapping[str, Rate]) -> None:
    """Undo ``take_one_of_each``."""
    for key, rate in sorted(rates.items()):
        execute(_GIVE_BACK, [rate.interval, key])


def seconds_until_there_is_one(rates: Mapping[str, Rate], *, now: int | None = None) -> int:
    """Return in how many seconds each of these budgets in the database has one left; 0: now.

    Nothing is spent, so of many at the same moment all may be told 0.
    """
    now = time.time_ns() // 1000 if now is None else now
    spent = SpentBudget.objects.filter(pk__in=rates).values_list("pk", "spent_until")
    waits = (until - now - rates[key].tolerance for key, until in spent)
    return max(0, *(-(-wait // _SECOND) for wait in waits), 0)


def delete_whole_budgets(*, limit: int = 1000) -> int:
    """Delete rows that say no more than no row would; return how many, at most ``limit``."""
    whole = SpentBudget.objects.filter(spent_until__lt=time.time_ns() // 1000)
    return sweeping.delete_batch(whole, limit=limit)
