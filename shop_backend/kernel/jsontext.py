"""JSON out: one writer for answers, stored answers, fingerprints and ETags."""

from decimal import Decimal
from typing import Any

import orjson
from django.utils.encoding import force_str
from django.utils.functional import Promise

# Bytes that are JSON already, to stand in other data or alone.
Finished = orjson.Fragment


def dumps(data: Any) -> bytes:
    """Return the data as compact UTF-8 JSON, keys in their own order."""
    return orjson.dumps(data, default=_plain, option=orjson.OPT_NON_STR_KEYS)


def dumps_sorted(data: Any) -> bytes:
    """Return the data as JSON with sorted keys: equal data, equal bytes."""
    return orjson.dumps(data, default=_plain, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, Promise):
        return force_str(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} is not JSON.")
