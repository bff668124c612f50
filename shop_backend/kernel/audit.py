"""What staff change, with before and after: a seam for the API, the admin site and commands.

A service opens its own transaction, so a record of what it changed cannot be written within.
Instead there are two rows: the attempt, committed before anything is done (without it nothing
is done), and the outcome, written when the answer is known. An attempt without an outcome is a
request that broke: what it did is to be looked up. Before is read when the request finds its
object, after when it is answered; somebody else's change in between shows as well. What else
may change with an object is asked of ``around``; each row that did is an outcome of its own.
"""

import copy
import ipaddress
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from shop_backend.kernel.middleware import request_id
from shop_backend.kernel.models import AuditEntry
from shop_backend.kernel.ports import Port

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
WITHHELD = "[withheld]"
MOST_ROWS = 1000  # of each kind are held against each other; of more the keys alone are written
_LONGEST_TEXT = 200
_PLAIN_TYPES = (
    models.BooleanField,
    models.IntegerField,
    models.DecimalField,
    models.DateField,
    models.TimeField,
    models.DurationField,
    models.ForeignKey,
)

Row = Mapping[str, Any]
Key = tuple[type[models.Model], Any]
# From some rows to what may change with them. The rows may be about to be made, and have no key.
Finder = Callable[[Sequence[Any]], "Sequence[models.QuerySet[Any]]"]


def _nothing(rows: Sequence[Any]) -> "Sequence[models.QuerySet[Any]]":
    return ()


@dataclass(frozen=True)
class Around:
    """What a write to a row of a model may change besides."""

    parts: Finder = _nothing  # made with the row, if it is made
    others: Finder = _nothing


around: Port[Mapping[type[models.Model], Around]] = Port("audit.around")


@dataclass(frozen=True)
class Children:
    """Rows that hang on another one, and which of them were there before."""

    rows: "models.QuerySet[Any]"
    known: frozenset[Any] = frozenset()


@dataclass
class Write:
    """A write by staff that has begun."""

    entry: AuditEntry
    before: dict[Key, Row] = field(default_factory=dict)
    made: list[models.Model] = field(default_factory=list)
    children: list[Children] = field(default_factory=list)
    # Keys of the rows that were too many to be looked at.
    passed_over: dict[type[models.Model], list[Any]] = field(
        default_factory=lambda: defaultdict(list)
    )


def is_audited(request: HttpRequest) -> bool:
    """Return whether this request is a write by a member of the staff.

    That is whoever has any right, by whatever way it came: the API obeys rights, while
    ``is_staff`` opens the admin site alone. No query is made for a customer by token: that there
    are no rights was read with the account.
    """
    user: Any = request.user
    if request.method in SAFE_METHODS:
        return False
    return bool(user.is_staff or user.is_superuser or user.get_all_permissions())


def begin(request: HttpRequest, *, action: str, object_kind: str, object_id: str) -> Write:
    """Write down who is about to do what."""
    user: Any = request.user
    entry = AuditEntry.objects.create(
        write=uuid.uuid4(),
        phase=AuditEntry.Phase.ATTEMPT,
        actor=user,
        roles=_roles_of(user),
        request_id=request_id.get(),
        network=_network_of(BaseThrottle().get_ident(request) or ""),  # type: ignore[arg-type]  # META is all that it reads
        action=action.replace("\x00", "")[:200],
        object_kind=object_kind[:100],
        object_id=object_id.replace("\x00", "")[:64],
    )
    return Write(entry)


def note_grounds(*, actor: Any, action: str, row: models.Model, facts: Mapping[str, str]) -> None:
    """Write down what an act rests on, in the act's own transaction: neither is without the other.

    :param facts: codes and numbers, no names.
    """
    AuditEntry.objects.create(
        write=uuid.uuid4(),
        phase=AuditEntry.Phase.OUTCOME,
        actor=actor,
        roles=_roles_of(actor),
        request_id=request_id.get(),
        action=action,
        object_kind=row._meta.label_lower,
        object_id=str(row.pk),
        changes={name: [None, fact] for name, fact in facts.items()},
    )


def _roles_of(user: Any) -> str:
    roles = sorted(user.groups.values_list("name", flat=True))
    if user.is_superuser:
        roles.insert(0, "superuser")
    return ",".join(roles)[:100]


def note_before(write: Write, rows: Iterable[models.Model]) -> None:
    """Remember how these rows are before anything is done to them, and what is around them.

    A row that is not saved is about to be made: only what is around it is remembered.
    """
    for model, alike in _by_model(rows).items():
        _remember(write, model, [row for row in alike if not row._state.adding])
        surroundings = around.answerer.get(model, Around())
        for further in (*surroundings.parts(alike), *surroundings.others(alike)):
            note_children(write, further)


def note_all_before(write: Write, rows: "models.QuerySet[Any]") -> None:
    """Remember all rows of what may be a large set, the first thousand with their values."""
    ordered = rows.order_by("pk")
    note_before(write, ordered[:MOST_ROWS])
    _pass_over(write, rows.model, ordered.values_list("pk", flat=True)[MOST_ROWS:])


def note_children(write: Write, rows: "models.QuerySet[Any]") -> None:
    """Remember the rows that hang on what is written, and look for new ones afterwards."""
    ordered = rows.order_by("pk")
    found = list(ordered[:MOST_ROWS])
    _remember(write, rows.model, found)
    more: list[Any] = []
    if len(found) == MOST_ROWS:
        more = _pass_over(write, rows.model, ordered.values_list("pk", flat=True)[MOST_ROWS:])
    write.children.append(Children(rows, frozenset([*(row.pk for row in found), *more])))


def note_made(
    write: Write, row: models.Model, children: "Iterable[models.QuerySet[Any]]" = ()
) -> None:
    """Remember that this row is new, and so is all that hangs on it."""
    write.made.append(row)
    write.children += [Children(rows) for rows in children]


def _by_model(rows: Iterable[models.Model]) -> dict[type[models.Model], list[models.Model]]:
    found: dict[type[models.Model], list[models.Model]] = defaultdict(list)
    for row in rows:
        found[type(row)].append(row)
    return found


def _remember(write: Write, model: type[models.Model], rows: Sequence[models.Model]) -> None:
    for pk, values in _values_of(model, rows).items():
        write.before.setdefault((model, pk), values)


def _pass_over(write: Write, model: type[models.Model], keys: Iterable[Any]) -> list[Any]:
    found = list(keys)
    if found:  # the dictionary makes what it is asked for
        write.passed_over[model] += found
    return found


@contextmanager
def command(name: str) -> Iterator[dict[str, Any]]:
    """Write down that a command which changes things is run, by whom nobody can tell.

    Yields what came of it, to be filled: names and numbers. A command that breaks is an attempt
    without an outcome; what it has done until then is to be looked up.
    """
    attempt = AuditEntry.objects.create(
        write=uuid.uuid4(),
        phase=AuditEntry.Phase.ATTEMPT,
        roles="system",
        request_id=request_id.get(),
        action=f"command {name}",
    )
    done: dict[str, Any] = {}
    yield done
    changes = {key: [None, value] for key, value in done.items()}
    _half(Write(attempt), None, changes=changes).save(force_insert=True)


def finish(
    write: Write, *, status: int, created: tuple[type[models.Model], Any] | None = None
) -> None:
    """Write down what came of it, a row for each object that changed (else one).

    :param created: model and primary key of what was made, where it is known.
    """
    made = _made(write, created)
    after = _values_now([*write.before, *made])
    outcomes = [
        _outcome(write, status, key, write.before.get(key, {}), after.get(key, {}))
        for key in (*write.before, *made)
    ]
    changed = [outcome for outcome in outcomes if outcome.changes]
    AuditEntry.objects.bulk_create(
        [*(changed or outcomes[:1] or [_half(write, status)]), *_passed_over(write, status)]
    )


def _made(write: Write, created: tuple[type[models.Model], Any] | None) -> list[Key]:
    """Return what is new, once each: what was there before is not."""
    made: list[Key] = [(type(row), row.pk) for row in write.made]
    if created is not None:
        made.append(created)
    children = list(write.children)
    for model, rows in _by_model(_found(made)).items():
        children += [Children(part) for part in around.answerer.get(model, Around()).parts(rows)]
    made += [key for each in children for key in _new(write, each)]
    return [key for key in dict.fromkeys(made) if key not in write.before]


def _new(write: Write, children: Children) -> list[Key]:
    model = children.rows.model
    keys = children.rows.order_by("pk").values_list("pk", flat=True)
    new = [pk for pk in keys if pk not in children.known]
    _pass_over(write, model, new[MOST_ROWS:])
    return [(model, pk) for pk in new[:MOST_ROWS]]


def _values_now(keys: Sequence[Key]) -> dict[Key, Row]:
    return {
        (model, pk): values
        for model, rows in _by_model(_found(keys)).items()
        for pk, values in _values_of(model, rows).items()
    }


def _found(keys: Iterable[Key]) -> list[models.Model]:
    wanted: dict[type[models.Model], list[Any]] = defaultdict(list)
    for model, pk in keys:
        wanted[model].append(pk)
    return [
        row for model, pks in wanted.items() for row in model._base_manager.in_bulk(pks).values()
    ]


def _passed_over(write: Write, status: int) -> Iterator[AuditEntry]:
    """Name the rows whose values were not looked at, a thousand to an entry."""
    for model, keys in write.passed_over.items():
        named = [_as_json(pk) for pk in dict.fromkeys(keys)]
        for start in range(0, len(named), MOST_ROWS):
            yield _half(
                write,
                status,
                object_kind=model._meta.label_lower,
                object_id="",
                changes={"not_compared": [None, named[start : start + MOST_ROWS]]},
            )


def _outcome(write: Write, status: int, key: Key, before: Row, after: Row) -> AuditEntry:
    model, pk = key
    return _half(
        write,
        status,
        object_kind=model._meta.label_lower,
        object_id=str(pk)[:64],
        changes=_differences(model, before, after),
    )


def _half(write: Write, status: int | None, **object_and_changes: Any) -> AuditEntry:
    begun = write.entry
    known = {
        "write": begun.write,
        "actor_id": begun.actor_id,
        "roles": begun.roles,
        "request_id": begun.request_id,
        "network": begun.network,
        "action": begun.action,
        "object_kind": begun.object_kind,
        "object_id": begun.object_id,
    }
    return AuditEntry(
        phase=AuditEntry.Phase.OUTCOME, status=status, **{**known, **object_and_changes}
    )


def _values_of(
    model: type[models.Model], rows: Sequence[models.Model]
) -> dict[Any, dict[str, Any]]:
    """Return the values of these rows by their keys."""
    found: dict[Any, dict[str, Any]] = {}
    for row in rows:
        deferred = row.get_deferred_fields()
        found[row.pk] = {
            column.attname: copy.deepcopy(_bare(getattr(row, column.attname)))
            for column in model._meta.concrete_fields
            if column.attname not in deferred and not column.generated
        }
    for many in model._meta.many_to_many if found else ():
        through: Any = many.remote_field.through
        if through._meta.auto_created:
            source, target = many.m2m_column_name(), many.m2m_reverse_name()
            pairs = through._base_manager.filter(**{f"{source}__in": list(found)})
            for values in found.values():
                values[many.name] = []
            for pk, other in pairs.order_by(target).values_list(source, target):
                found[pk][many.name].append(other)
    return found


def _bare(value: Any) -> Any:
    return str(value) if hasattr(value, "storage") else value  # a file is its name


def _differences(model: type[models.Model], before: Row, after: Row) -> dict[str, list[Any]]:
    changes = {}
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        both_known = (not before or name in before) and (not after or name in after)
        if both_known and old != new:
            changes[name] = [_shown(model, name, old), _shown(model, name, new)]
    return changes


def _shown(model: type[models.Model], name: str, value: Any) -> Any:
    """Return the value as the log may hold it: numbers, moments, ids and choices as they are."""
    if value is None or value == "":
        return value
    column = _column(model, name)
    if column.many_to_many:
        return value
    is_plain = isinstance(column, _PLAIN_TYPES) or bool(getattr(column, "choices", None))
    if column.primary_key or is_plain:
        return _as_json(value)
    if model._meta.label in settings.AUDIT_PLAIN_TEXT:
        return str(value)[:_LONGEST_TEXT]
    return WITHHELD


def _column(model: type[models.Model], name: str) -> Any:
    for column in model._meta.concrete_fields:
        if column.attname == name:
            return column
    return model._meta.get_field(name)


def _as_json(value: Any) -> Any:
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, timedelta, uuid.UUID)):
        return str(value)
    return value


def _network_of(address: str) -> str:
    try:
        ip = ipaddress.ip_address(address.strip())
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped:
        ip = ip.ipv4_mapped
    return str(ipaddress.ip_network((ip, 24 if ip.version == 4 else 48), strict=False))
