"""In which state the catalogue is, and what is remembered of that state.

Triggers write a row for every statement that changes what the catalogue shows (stock apart), so
that no way of changing it can be forgotten: services, the admin, an import, SQL by hand. Reading
the version is one small query; whoever has seen a commit is never shown less than it.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from django.db import connection
from django.db.models import Min, Q
from django.utils import timezone

from catalog.models import CatalogueChange, Product
from shop_backend.kernel import transactions
from shop_backend.kernel.replicas import reading_connection

T = TypeVar("T")

# Of so many numbers a token is drawn: few enough that SQLite can add up two million of them.
TOKENS = 2**42
_MANY_ROWS = 100
# The sum of all changes, as SQL: for a statement that reads something else at the same moment.
SUM = "(SELECT COALESCE(SUM(token), 0) FROM catalog_cataloguechange)"


class Version(NamedTuple):
    """Two versions are equal when the catalogue shows the same (stock apart)."""

    mark: int
    until: datetime | None  # when the next product appears or vanishes by its dates


class _Made(NamedTuple):
    """What this process has made of a version; replaced whole, so that no thread mixes two."""

    version: Version
    things: dict[str, Any]


_latest = _Made(Version(-1, None), {})


def is_known() -> bool:
    """Return whether the database writes changes down (MySQL and MariaDB do not)."""
    return connection.vendor in {"postgresql", "sqlite"}


def current() -> Version:
    """Return the version that this connection sees, in one query where it is not new."""
    return at(read_mark())


def at(mark: int) -> Version:
    """Return the version of that mark, which was read just now."""
    global _latest
    known, now = _latest.version, timezone.now()
    if known.mark == mark and (known.until is None or now < known.until):
        return known
    version = Version(mark, _next_change_by_date(now))
    _latest = _Made(version, {})
    return version


def mark_of(changes: Any) -> int:
    """Return the mark of a version from the sum of all changes."""
    return int(changes) % TOKENS


def holds(version: Version, *, mark: int) -> bool:
    """Return whether the catalogue, now found at this mark, still shows that version."""
    return version.mark == mark and (version.until is None or timezone.now() < version.until)


def read_mark() -> int:
    """Return the mark of the version that this connection sees."""
    with reading_connection().cursor() as cursor:
        cursor.execute(f"SELECT {SUM}")
        return mark_of(cursor.fetchone()[0])


def remembered(name: str, make: Callable[[], T], *, seen: Version | None = None) -> T:
    """Return what ``make`` gives for the present version; made once a version and process.

    :param seen: the version that the caller has just read, to save reading it again.
    """
    if not is_known():
        return make()
    version = seen or current()
    made = _latest
    if made.version != version:  # another thread has seen another one in this very moment
        return make()
    if name not in made.things:
        made.things[name] = make()
    found: T = made.things[name]
    return found


@transactions.use_case
def sum_up(*, limit: int = 10_000) -> int:
    """Replace many rows by one of the same sum; return how many went. The version stays."""
    rows = CatalogueChange.objects.select_for_update().order_by("pk")
    tokens = dict(rows.values_list("pk", "token")[:limit])
    if len(tokens) <= _MANY_ROWS:
        return 0
    CatalogueChange.objects.filter(pk__in=tokens).delete()
    CatalogueChange.objects.create(token=sum(tokens.values()) % TOKENS)
    return len(tokens)


def _next_change_by_date(now: datetime) -> datetime | None:
    appears, vanishes = Q(published_from__gt=now), Q(published_until__gt=now)
    soonest = Product.objects.filter(appears | vanishes).aggregate(
        appears=Min("published_from", filter=appears),
        vanishes=Min("published_until", filter=vanishes),
    )
    return min((moment for moment in soonest.values() if moment), default=None)
