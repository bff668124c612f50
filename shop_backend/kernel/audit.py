"""What staff change, with before and after: a seam for the API, the admin site and commands.

A service opens its own transaction, so a record of what it changed cannot be written within.
Instead there are two rows: the attempt, committed before anything is done (without it nothing
is done), and the outcome, written when the answer is known. An attempt without an outcome is a
request that broke: what it did is to be looked up. Before is read when the request finds its
object, after when it is answered; somebody else's change in between shows as well.
"""

import copy
import ipaddress
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from shop_backend.kernel.middleware import request_id
from shop_backend.kernel.models import AuditEntry

SAFE_METHODS = {"GET", "HEAD", "OPTIONS", "TRACE"}
WITHHELD = "[withheld]"
MOST_CHILDREN = 100  # of each kind; all that a form of the admin site shows
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


@dataclass(frozen=True)
class Children:
    """Rows that hang on another one, and which of them were there before."""

    rows: "models.QuerySet[Any]"
    known: frozenset[Any] = frozenset()


@dataclass
class Write:
    """A write by staff that has begun."""

    entry: AuditEntry
    before: dict[tuple[type[models.Model], Any], Row] = field(default_factory=dict)
    made: list[models.Model] = field(default_factory=list)
    children: list[Children] = field(default_factory=list)


def is_audited(request: HttpRequest) -> bool:
    """Return whether this request is a write by a member of the staff."""
    user: Any = request.user
    return request.method not in SAFE_METHODS and (user.is_staff or user.is_superuser)


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
        action=action[:200],
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
    """Remember how these rows are before anything is done to them."""
    for row in rows:
        write.before.setdefault((type(row), row.pk), _values_of(row))


def note_children(write: Write, rows: "models.QuerySet[Any]") -> None:
    """Remember the rows that hang on what is written, and look for new ones afterwards."""
    note_before(write, rows.order_by("pk")[:MOST_CHILDREN])
    write.children.append(Children(rows, frozenset(rows.values_list("pk", flat=True))))


def note_made(
    write: Write, row: models.Model, children: "Iterable[models.QuerySet[Any]]" = ()
) -> None:
    """Remember that this row is new, and so is all that hangs on it."""
    write.made.append(row)
    write.children += [Children(rows) for rows in children]


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
    outcomes = []
    for (model, pk), before in write.before.items():
        outcomes.append(_outcome(write, status, model, pk, before))
    made = [(type(row), row.pk) for row in write.made]
    made += [(type(row), row.pk) for children in write.children for row in _new(children)]
    if created is not None:
        made.append(created)
    outcomes += [_outcome(write, status, model, pk, {}) for model, pk in made]
    changed = [outcome for outcome in outcomes if outcome.changes]
    AuditEntry.objects.bulk_create(changed or outcomes[:1] or [_half(write, status)])


def _new(children: Children) -> "models.QuerySet[Any]":
    return children.rows.exclude(pk__in=children.known).order_by("pk")[:MOST_CHILDREN]


def _outcome(
    write: Write, status: int, model: type[models.Model], pk: Any, before: Row
) -> AuditEntry:
    try:
        after = _values_of(model._base_manager.get(pk=pk))
    except ObjectDoesNotExist:
        after = {}
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


def _values_of(row: models.Model) -> Row:
    deferred = row.get_deferred_fields()
    values = {
        column.attname: copy.deepcopy(_bare(getattr(row, column.attname)))
        for column in row._meta.concrete_fields
        if column.attname not in deferred and not column.generated
    }
    for many in row._meta.many_to_many:
        through: Any = many.remote_field.through
        if through._meta.auto_created:
            values[many.name] = sorted(getattr(row, many.name).values_list("pk", flat=True))
    return values


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
