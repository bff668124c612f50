"""In which state the catalogue is, and what is remembered of that state.

Triggers write a row for every statement that changes what the catalogue shows, so that no way of
changing it can be forgotten: services, the admin, an import, SQL by hand. Stock that counts down
is no change; goods that run out or come back are one of their own kind, which leaves what is made
of names and prices standing.

Reading the version is one small query. Whoever answers from memory believes what was read last for
``CATALOGUE_FRESHNESS_MS`` at most; the process that has changed something looks again at once.
"""

import time
from collections.abc import Callable, Hashable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Min, Q
from django.utils import timezone

from catalog.models import CatalogueChange, Product
from shop_backend.kernel import transactions
from shop_backend.kernel.replicas import reading_alias, reading_connection

T = TypeVar("T")

# Of so many numbers a token is drawn: few enough that SQLite can add up two million of them.
TOKENS = 2**42
_MANY_ROWS = 100
_MOST_THINGS = 5_000  # that a process makes of one version
_SUM = "(SELECT COALESCE(SUM(token), 0) FROM catalog_cataloguechange WHERE {which} of_availability)"
# The sums of all changes, as SQL: for a statement that reads something else at the same moment.
SUMS = (_SUM.format(which="NOT"), _SUM.format(which=""))


class Version(NamedTuple):
    """Two versions are equal when the catalogue shows the same (stock apart)."""

    mark: int
    until: datetime | None  # when the next product appears or vanishes by its dates


class Seen(NamedTuple):
    """What was seen at one moment."""

    version: Version
    availability: int  # equal where the same goods can be bought, in whatever number


class _Made(NamedTuple):
    """What this process has made of a version; replaced whole, so that no thread mixes two."""

    version: Version
    things: dict[Hashable, Any]


class _Belief(NamedTuple):
    seen: Seen
    good_until: float  # of time.monotonic()


_latest = _Made(Version(-1, None), {})
# Of the primary, as everybody sees it. A replica is asked each time: behind its name several may
# stand, each as far as it is.
_belief: _Belief | None = None
_changes_made_here = 0


def is_known() -> bool:
    """Return whether the database writes changes down (MySQL and MariaDB do not)."""
    return connection.vendor in {"postgresql", "sqlite"}


def current() -> Version:
    """Return the version that this connection sees, in one query where it is not new."""
    return look().version


def look() -> Seen:
    """Return what this connection sees now, in one query where the version is not new."""
    looking = begin_to_look()
    return saw(read_sums(), looking=looking)


def believed() -> Seen:
    """Return what was seen at most ``CATALOGUE_FRESHNESS_MS`` ago; mostly without a query."""
    return known() or look()


def known() -> Seen | None:
    """Return what was seen at most ``CATALOGUE_FRESHNESS_MS`` ago, if anything was."""
    belief = _belief
    if belief is None or time.monotonic() >= belief.good_until:
        return None
    if reading_alias() != DEFAULT_DB_ALIAS:
        return None
    until = belief.seen.version.until
    return belief.seen if until is None or timezone.now() < until else None


def look_again() -> None:
    """Believe nothing that was seen until now: this process may have changed something."""
    global _belief, _changes_made_here
    _changes_made_here += 1
    _belief = None


def begin_to_look() -> tuple[int, float]:
    """Return what ``saw`` needs to know of the moment before the sums were read."""
    return _changes_made_here, time.monotonic()


def read_sums() -> Sequence[Any]:
    """Return the sums of all changes, as ``saw`` takes them."""
    with reading_connection().cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(SUMS)}")
        sums: Sequence[Any] = cursor.fetchone()
        return sums


def saw(sums: Sequence[Any], *, looking: tuple[int, float]) -> Seen:
    """Take note of the sums that were read, and return what they say.

    :param looking: what ``begin_to_look`` gave before they were read.
    """
    shown, availability = (int(number) % TOKENS for number in sums)
    seen = Seen(_version_at(shown), availability)
    global _belief
    changes_made_here, began = looking
    # What was read before a change of ours, and arrives after it, says nothing any more. And what
    # a transaction has changed is nobody else's yet: who believed it would keep old rows under it.
    is_news = changes_made_here == _changes_made_here and not transactions.in_transaction()
    if is_news and reading_alias() == DEFAULT_DB_ALIAS:
        _belief = _Belief(seen, began + settings.CATALOGUE_FRESHNESS_MS / 1000)
    return seen


def remembered(name: Hashable, make: Callable[[], T], *, seen: Version | None = None) -> T:
    """Return what ``make`` gives for the present version; made once a version and process.

    :param seen: the version that the caller has just read, to save reading it again.
    """
    if not is_known():
        return make()
    version = seen or current()
    made = _latest
    if made.version != version:  # another thread has seen another one in this very moment
        return make()
    if name in made.things:
        found: T = made.things[name]
        return found
    new = make()
    if len(made.things) < _MOST_THINGS:
        made.things[name] = new
    return new


@transactions.use_case
def sum_up(*, limit: int = 10_000) -> int:
    """Replace many rows by one of each kind and the same sum; return how many went.

    The version stays.
    """
    rows = CatalogueChange.objects.select_for_update().order_by("pk")
    found = list(rows[:limit])
    if len(found) <= _MANY_ROWS:
        return 0
    CatalogueChange.objects.filter(pk__in=[row.pk for row in found]).delete()
    for kind in {row.of_availability for row in found}:
        total = sum(row.token for row in found if row.of_availability == kind)
        CatalogueChange.objects.create(token=total % TOKENS, of_availability=kind)
    return len(found)


def _version_at(mark: int) -> Version:
    """Return the version of that mark, which was read just now."""
    global _latest
    known, now = _latest.version, timezone.now()
    if known.mark == mark and (known.until is None or now < known.until):
        return known
    version = Version(mark, _next_change_by_date(now))
    _latest = _Made(version, {})
    return version


def _next_change_by_date(now: datetime) -> datetime | None:
    appears, vanishes = Q(published_from__gt=now), Q(published_until__gt=now)
    soonest = Product.objects.filter(appears | vanishes).aggregate(
        appears=Min("published_from", filter=appears),
        vanishes=Min("published_until", filter=vanishes),
    )
    return min((moment for moment in soonest.values() if moment), default=None)
