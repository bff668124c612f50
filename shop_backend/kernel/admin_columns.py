"""Columns as people read them in the admin: amounts with their currency, people by name."""

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.db.models import Model, OuterRef, QuerySet, Subquery

from shop_backend.kernel.money import Money

_PEOPLE = (
    "actor_id",
    "author_id",
    "closed_by_id",
    "moderator_id",
    "recorded_by_id",
    "requested_by_id",
)


def with_names(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Read with each row the usernames of the people whose ids stand in its columns."""
    users = get_user_model()._base_manager
    names: dict[str, Any] = {
        f"{column}_name": Subquery(users.filter(pk=OuterRef(column)).values("username"))
        for column in _people_of(rows.model)
    }
    return rows.annotate(**names) if names else rows


def spoken(names: Iterable[Any], model: type[Model]) -> list[Any]:
    """Return the names of columns with those of amounts and of people told as such."""
    columns = {field.attname for field in model._meta.concrete_fields}
    people = _people_of(model)
    return [_spoken(name, columns, people) for name in names]


def tell(data: dict[str, Any], currency: str) -> str:
    """Return the details of an event in words.

    :param currency: of the amounts among them, which are in minor units.
    """
    return ", ".join(_tell(key, value, currency) for key, value in data.items())


def _tell(key: str, value: Any, currency: str) -> str:
    if key.endswith("_minor") and isinstance(value, int):
        return f"{_words(key)}: {Money(value, currency)}"
    if isinstance(value, dict):
        return f"{_words(key)}: ({tell(value, currency)})"
    if isinstance(value, list):
        parts = [tell(each, currency) if isinstance(each, dict) else str(each) for each in value]
        return f"{_words(key)}: {'; '.join(parts)}"
    return f"{_words(key)}: {value}"


def _words(column: str) -> str:
    return column.removesuffix("_minor").removesuffix("_id").replace("_", " ")


def _people_of(model: type[Model]) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields} & set(_PEOPLE)


def _spoken(name: Any, columns: set[str], people: set[str]) -> Any:
    if isinstance(name, (list, tuple)):  # several on a line
        return tuple(_spoken(each, columns, people) for each in name)
    if name in people:
        return _person(name)
    if isinstance(name, str) and name.endswith("_minor") and name in columns:
        return _amount(name)
    return name


@cache
def _person(column: str) -> Callable[[Any], str]:
    @admin.display(description=_words(column), ordering=column, empty_value="The shop itself")
    def person(row: Any) -> Any:
        pk = getattr(row, column)
        return getattr(row, f"{column}_name", None) or (pk and f"#{pk}")

    return person


@cache
def _amount(column: str) -> Callable[[Any], Money | None]:
    @admin.display(description=_words(column), ordering=column)
    def amount(row: Any) -> Money | None:
        minor = getattr(row, column)
        currency = getattr(row, "currency", settings.SHOP_CURRENCY)
        return None if minor is None else Money(minor, currency)

    return amount
