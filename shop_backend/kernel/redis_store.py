"""What the shop's processes count and know together in Redis. Imported with REDIS_URL alone.

Nothing that must not be lost lies here: a Redis that is down, slow or emptied costs speed, or a
budget that is whole again. While it does not answer, budgets are counted in the database, and the
one that every request pays for in each process.
"""

from functools import cache
from typing import NamedTuple

from django.conf import settings
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.retry import Retry

from shop_backend.kernel.breaker import Breaker
from shop_backend.kernel.budgets import IN_DATABASE, IN_MEMORY, Rate, Store

_PREFIX = "shop:"
_TIMEOUT_SECONDS = 0.5
_MARGIN_MS = 60_000  # our clocks may not agree with Redis's

# As the database's guarded UPDATE: reading, comparing and writing are one step of Redis.
_SPEND = """
local now, interval, tolerance = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local spent_until = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
if spent_until > now + tolerance then
  return {0, spent_until}
end
spent_until = spent_until + interval
local keep_ms = math.ceil((spent_until - now) / 1000) + tonumber(ARGV[4])
redis.call('SET', KEYS[1], string.format('%.0f', spent_until), 'PX', keep_ms)
return {1, spent_until}
"""

breaker = Breaker("Redis", instead="The shop goes on without it")


class _Connected(NamedTuple):
    client: Redis
    spend: Script


@cache
def _connected(url: str) -> _Connected:
    """Return what speaks to that Redis; nothing is sent yet."""
    client = Redis.from_url(
        url,
        socket_connect_timeout=_TIMEOUT_SECONDS,
        socket_timeout=_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 1),  # once: for a connection that Redis's restart has cut
    )
    return _Connected(client, client.register_script(_SPEND))


def _redis() -> _Connected:
    return _connected(settings.REDIS_URL)


class RedisStore:
    """Budgets shared by every process; another store's while Redis does not answer."""

    def __init__(self, otherwise: Store = IN_DATABASE) -> None:
        self._otherwise = otherwise

    def spend(self, key: str, rate: Rate, now: int) -> tuple[bool, int]:
        if not breaker.is_open:
            try:
                is_allowed, spent_until = _redis().spend(
                    keys=[f"{_PREFIX}budget:{key}"],
                    args=[now, rate.interval, rate.tolerance, _MARGIN_MS],
                )
            except RedisError as error:
                breaker.note_failure(error)
            else:
                breaker.note_success()
                return bool(is_allowed), int(spent_until)
        return self._otherwise.spend(key, rate, now)

    def forget(self, key: str) -> None:
        try:
            _redis().client.delete(f"{_PREFIX}budget:{key}")
        except RedisError as error:
            breaker.note_failure(error)
        self._otherwise.forget(key)


IN_REDIS = RedisStore()
IN_REDIS_ELSE_HERE = RedisStore(otherwise=IN_MEMORY)


def is_marked(name: str) -> bool | None:
    """Return whether some process has marked this name; ``None``: nobody knows."""
    if breaker.is_open:
        return None
    try:
        found = _redis().client.exists(f"{_PREFIX}mark:{name}")
    except RedisError as error:
        breaker.note_failure(error)
        return None
    breaker.note_success()
    return bool(found)


def mark(name: str, *, seconds: int) -> None:
    """Mark this name for that long, for all processes, if Redis answers."""
    if breaker.is_open:
        return
    try:
        _redis().client.set(f"{_PREFIX}mark:{name}", 1, ex=seconds)
    except RedisError as error:
        breaker.note_failure(error)
    else:
        breaker.note_success()
