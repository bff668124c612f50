"""What stands in Redis where REDIS_URL names one; without it redis is not even imported."""

from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from shop_backend.kernel import budgets


def store() -> budgets.Store:
    """Return where budgets are counted that all processes share."""
    return _redis_store().IN_REDIS if settings.REDIS_URL else budgets.IN_DATABASE


def quick_store() -> budgets.Store:
    """Return where a budget is counted that every request pays for: never in the database."""
    return _redis_store().IN_REDIS_ELSE_HERE if settings.REDIS_URL else budgets.IN_MEMORY


def is_marked(name: str) -> bool | None:
    """Return whether a process has marked this name lately; ``None``: nobody knows."""
    return _redis_store().is_marked(name) if settings.REDIS_URL else None


def mark(name: str, *, seconds: int) -> None:
    """Mark this name for that long, where there is something that all processes share."""
    if settings.REDIS_URL:
        _redis_store().mark(name, seconds=seconds)


@cache
def _redis_store() -> Any:
    return import_module("shop_backend.kernel.redis_store")
