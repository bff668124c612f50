"""``Idempotency-Key``: the same request, however often it arrives, takes effect once.

The key's scope is the user and the operation. Only 2xx answers are kept, as status and bare
payload, and dressed anew for the face that asks. Of an answer that staff get about a customer only
the ``id`` is kept, and a repeat is told how things are by then: a copy of the customer's words
under a key of the staff would outlive the customer's account.

``perform`` is for effects that live in the database: key and effect share one transaction.
``perform_in_steps`` is for effects that need the network in the middle: a lease marks the key as
in flight, and after the lease or a 5xx a repeat resumes the same attempt. A refusal ends the
attempt: the key may try anew. Whoever's account has ended meanwhile gets no key (``callers``).
"""

import hashlib
import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from functools import partial, wraps
from typing import Any, NoReturn, cast

import orjson
from django.core.files import File
from django.db import connection
from django.utils import timezone
from django.utils.datastructures import MultiValueDict
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.status import is_server_error, is_success

from shop_backend.kernel import callers, jsontext, statements, sweeping, transactions
from shop_backend.kernel.errors import (
    ConcurrentChange,
    IdempotencyKeyInFlight,
    IdempotencyKeyReused,
    InvalidIdempotencyKey,
    InvalidToken,
    ShopError,
)
from shop_backend.kernel.inserting import insert_if_new
from shop_backend.kernel.models import IdempotencyKey

KEPT_FOR = timedelta(hours=72)
LEASE = timedelta(seconds=60)
REPLAYED_HEADER = "Idempotent-Replayed"
_CLAIM = IdempotencyKey._meta.get_field("claim")
_KNOWN = 'SELECT 1 FROM kernel_idempotencykey WHERE user_id = %s AND operation = %s AND "key" = %s'
_KEEP = (
    'UPDATE "kernel_idempotencykey" SET "status" = %s, "payload" = %s, "leased_until" = NULL'
    ' WHERE "id" = %s AND "claim" = %s'
)
# From the ``id`` of what an effect made or changed to the answer about it.
Again = Callable[[int], Response]
_SANE_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def perform(
    request: Request,
    *,
    operation: str,
    effect: Callable[[], Response],
    again: Again | None = None,
    recover: Callable[[ShopError], bool] | None = None,
    foresee: Callable[[], None] | None = None,
) -> Response:
    """Run the effect in one transaction with the request's key, or replay its first answer.

    Without a key the effect simply runs in its transaction.

    :param again: answers a repeat by the ``id`` in the first answer, of which nothing else is
        kept then. For staff, where a customer's words, or words about one, are in the answer.
    :param recover: see ``transactions.run``.
    :param foresee: asked before there is a transaction, of what is committed; it may refuse what
        the effect would refuse. A key that is there already is answered as ever.
    :raises IdempotencyKeyReused: the key belongs to another body.
    """
    key = _key_of(request)
    refusal = None if foresee is None else _foreseen(foresee)
    # Asked after what was foreseen: if that is the doing of this key's own first request, its
    # transaction is over, and its row is there.
    if refusal is not None and not (key and _is_known(request, operation, key)):
        raise refusal
    if key is None:
        return transactions.run(effect, recover=recover)

    def once() -> Response:
        row, is_mine = _claim(request, operation, key)
        if not is_mine:
            return _replay(row, again)
        response = effect()
        _settle(row, response, again)
        return response

    return transactions.run(once, recover=recover)


def _foreseen(foresee: Callable[[], None]) -> ShopError | None:
    try:
        foresee()
    except ShopError as refusal:
        return refusal
    return None


def _is_known(request: Request, operation: str, key: str) -> bool:
    return bool(statements.read(_KNOWN, [request.user.pk, operation, key]))


def keyed(operation: str) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """Have a view's method ``perform`` as this operation: all of it, with its body's validation.

    For what only writes a few rows; the method runs inside the transaction.
    """

    def decorate(method: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(method)
        def once(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
            effect = partial(method, view, request, *args, **kwargs)
            return perform(request, operation=operation, effect=effect)

        return once

    return decorate


@transactions.forbids_transaction
def perform_in_steps(
    request: Request,
    *,
    operation: str,
    effect: Callable[[str | None], Response],
    again: Again | None = None,
) -> Response:
    """Run an effect that opens its own transactions, once for each key.

    :param effect: called with a stable name of the attempt (``None`` without a key), from which
        it finds what an interrupted first try has begun.
    :param again: see ``perform``.
    :raises IdempotencyKeyInFlight: another request holds the key's lease.
    """
    key = _key_of(request)
    if key is None:
        return effect(None)
    row, is_mine = _lease_at_once(request, operation, key)
    if not is_mine:
        return _replay(row, again)
    try:
        response = effect(cast(uuid.UUID, row.attempt).hex)
    except (ShopError, APIException) as error:
        _end(row, error.status if isinstance(error, ShopError) else error.status_code)
        raise
    _settle(row, response, again)
    return response


def delete_expired(*, limit: int = 1000) -> int:
    """Delete the keys that were kept long enough; return how many, at most ``limit``."""
    expired = IdempotencyKey.objects.filter(created_at__lt=timezone.now() - KEPT_FOR)
    return sweeping.delete_batch(expired, limit=limit)


def _key_of(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is None or not request.user.is_authenticated:
        return None
    if not _SANE_KEY.fullmatch(key):
        raise InvalidIdempotencyKey
    return key


def _fingerprint(request: Request, key: str) -> str:
    resolver_match = request.resolver_match
    kwargs = resolver_match.kwargs if resolver_match else {}
    # As text: an id in a path may be larger than JSON's writer takes.
    arguments = {name: str(value) for name, value in kwargs.items()}
    # With the key, because MariaDB finds a key in any case.
    body = jsontext.dumps_sorted([key, arguments, _digested(request.data)])
    return hashlib.blake2b(body, digest_size=32).hexdigest()


def _digested(data: Any) -> Any:
    """Return the body with each uploaded file as a digest of what is in it."""
    if not isinstance(data, MultiValueDict):
        return data
    return {name: [_digest_of(value) for value in values] for name, values in data.lists()}


def _digest_of(value: Any) -> Any:
    if not isinstance(value, File):
        return value
    digest = hashlib.blake2b(digest_size=32)
    for chunk in value.chunks():
        digest.update(chunk)
    value.seek(0)
    return [value.name, digest.hexdigest()]


def _claim(request: Request, operation: str, key: str, **first: Any) -> tuple[IdempotencyKey, bool]:
    """Insert the key's row, or wait for and return the one that is there.

    :param first: what else a row that is inserted says from the start.
    """
    claim = uuid.uuid4()
    fingerprint = _fingerprint(request, key)
    user_id = cast(int, request.user.pk)  # only signed-in callers have keys
    wanted = IdempotencyKey(
        user_id=user_id,
        operation=operation,
        key=key,
        fingerprint=fingerprint,
        claim=claim,
        **first,
    )
    if _insert_unless_there(wanted):
        return wanted, True
    rows = statements.lock_for_caller(
        IdempotencyKey, caller="user", user=user_id, operation=operation, key=key
    )
    if not rows:
        _refuse_whose_key_is_gone(user_id)
    (row,) = rows
    if row.claim == claim:
        return row, True
    if row.created_at < timezone.now() - KEPT_FOR:
        row.attempt = None
        _take_over(row, claim, fingerprint)
        return row, True
    if row.fingerprint != fingerprint:
        raise IdempotencyKeyReused
    return row, False


def _refuse_whose_key_is_gone(user_id: int) -> NoReturn:
    """Say that the caller's account has ended, or that a refusal has just ended the key."""
    is_there = statements.read(f"SELECT id {callers.source()}", [user_id])  # nosec B608
    raise ConcurrentChange if is_there else InvalidToken


def _insert_unless_there(row: IdempotencyKey) -> bool:
    """Insert the row, or wait for the one that is there; return whether it surely was inserted."""
    if connection.vendor != "mysql":
        return insert_if_new(row, caller_id=row.user_id)
    # INSERT IGNORE leaves a shared lock on the row that is there; two repeats that both hold it
    # and both go on to lock the row deadlock. This one locks it for itself, and cannot tell
    # whose row it is: the claim in it can.
    IdempotencyKey.objects.bulk_create([row], update_conflicts=True, update_fields=["operation"])
    return False


def _lease_at_once(request: Request, operation: str, key: str) -> tuple[IdempotencyKey, bool]:
    """Lease the key: a new one by one statement, one that is there in a transaction."""
    if connection.vendor != "mysql":
        row = IdempotencyKey(
            user_id=cast(int, request.user.pk),
            operation=operation,
            key=key,
            fingerprint=_fingerprint(request, key),
            claim=uuid.uuid4(),
            attempt=uuid.uuid4(),
            leased_until=timezone.now() + LEASE,
        )
        if transactions.run_statement(partial(insert_if_new, row, caller_id=row.user_id)):
            return row, True
    return transactions.run(partial(_lease, request, operation, key))


def _lease(request: Request, operation: str, key: str) -> tuple[IdempotencyKey, bool]:
    attempt, leased_until = uuid.uuid4(), timezone.now() + LEASE
    row, is_mine = _claim(request, operation, key, attempt=attempt, leased_until=leased_until)
    if row.attempt == attempt:
        return row, True
    now = timezone.now()
    if not is_mine and row.status is None:
        if row.leased_until is not None and row.leased_until > now:
            raise IdempotencyKeyInFlight
        _take_over(row, uuid.uuid4(), row.fingerprint)
        is_mine = True
    if is_mine:
        row.attempt = row.attempt or attempt
        row.leased_until = now + LEASE
        row.save(update_fields=["attempt", "leased_until"])
    return row, is_mine


def _take_over(row: IdempotencyKey, claim: uuid.UUID, fingerprint: str) -> None:
    row.claim, row.fingerprint, row.status, row.payload = claim, fingerprint, None, ""
    row.created_at = timezone.now()
    row.save(update_fields=["claim", "fingerprint", "status", "payload", "created_at"])


def _settle(row: IdempotencyKey, response: Response, again: Again | None) -> None:
    """Keep a success for the repeats; of anything else, see ``_end``."""
    if not is_success(response.status_code):
        _end(row, response.status_code)
        return
    kept = response.data if again is None else response.data["id"]
    payload = jsontext.dumps(kept).decode()
    claim = statements.adapted(_CLAIM, row.claim)
    statements.execute(_KEEP, [response.status_code, payload, row.pk, claim])


def _end(row: IdempotencyKey, status: int) -> None:
    """Forget what was refused; let a repeat go on with what may have taken effect."""
    rows = IdempotencyKey.objects.filter(pk=row.pk, claim=row.claim, status=None)
    if row.attempt is not None and is_server_error(status):
        rows.update(leased_until=None)
    else:
        rows.delete()


def _replay(row: IdempotencyKey, again: Again | None) -> Response:
    kept: Any = orjson.loads(row.payload)
    if again is None or not isinstance(kept, int):  # an older version kept all of it
        return Response(kept, status=row.status, headers={REPLAYED_HEADER: "true"})
    response = again(kept)
    response.status_code = cast(int, row.status)
    response.headers[REPLAYED_HEADER] = "true"
    return response
