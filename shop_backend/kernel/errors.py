"""How the shop says no: one class, one stable code, one HTTP status.

Codes are part of the API: unique (a test sees to it), documented, never renamed. Whatever is
not a ``ShopError`` is a bug.
"""

from collections.abc import Callable
from typing import Any


class ShopError(Exception):
    """A refusal the caller can understand.

    :param params: values for the message; they go to the client beside the code.
    """

    code = "error"
    status = 409
    message = "The request was refused."
    retry_after_seconds: int | None = None
    # Tells whether everybody would be refused at this moment, too; ``None``: it depends on them.
    holds: Callable[[], bool] | None = None

    def __init__(self, **params: Any) -> None:
        self.params = params
        super().__init__(self.message.format(**params))


class BadInput(ShopError):
    """The request itself is wrong: 400. ``field`` names the culprit where there is one."""

    status = 400
    field: str | None = None


class Refused(ShopError):
    """The caller is known and may not do this: 403."""

    status = 403


class InvalidToken(ShopError):
    """Nobody may come in with it, or nobody any more: their account has ended meanwhile."""

    status = 401
    code = "token_not_valid"
    message = "The token is invalid, expired or revoked."


class TwoFactorEnrolmentRequired(Refused):
    code = "two_factor_enrolment_required"
    message = "Your role demands a second factor: switch it on first."


class Missing(ShopError):
    """It is not there, or not for this caller to see: 404."""

    status = 404


class Conflict(ShopError):
    """The present state forbids it: 409."""

    status = 409


class Unavailable(ShopError):
    """Something the shop depends on is down: 503, try again."""

    status = 503
    retry_after_seconds = 5


class ObjectNotFound(Missing):
    code = "not_found"
    message = "Not found."


class UnknownParameter(BadInput):
    code = "unknown_parameter"
    message = "Unknown query parameter: {names}."


class InvalidParameter(BadInput):
    code = "invalid_parameter"
    message = "The query parameter {name} has a value that is not understood."

    @property
    def field(self) -> str:  # type: ignore[override]  # named by the parameter itself
        return str(self.params["name"])


class UnknownOrdering(BadInput):
    code = "unknown_ordering"
    message = "The list cannot be ordered by {ordering}; choose one of: {choices}."
    field = "ordering"


class PageTooDeep(BadInput):
    code = "page_too_deep"
    message = "Pages end at {last}; walk the whole list with ?cursor= instead."
    field = "page"


class InvalidPage(Missing):
    code = "invalid_page"
    message = "There is no page {page}."


class InvalidCursor(BadInput):
    code = "invalid_cursor"
    message = "The cursor is not one of this list's."
    field = "cursor"


class PreconditionFailed(ShopError):
    status = 412
    code = "precondition_failed"
    message = "The resource has changed since it was read."


class InvalidIdempotencyKey(BadInput):
    code = "invalid_idempotency_key"
    message = "An Idempotency-Key is 1 to 255 printable ASCII characters."


class IdempotencyKeyReused(ShopError):
    status = 422
    code = "idempotency_key_reused"
    message = "This Idempotency-Key was used with another request."


class IdempotencyKeyInFlight(Conflict):
    code = "idempotency_key_in_flight"
    message = "The first request with this Idempotency-Key is still being worked on."
    retry_after_seconds = 2


class ConcurrentChange(Conflict):
    code = "concurrent_change"
    message = "Something this refers to has just changed; please look again."


class DatabaseUnavailable(Unavailable):
    code = "database_unavailable"
    message = "The shop cannot reach its books at the moment; please try again."


class FilesUnavailable(Unavailable):
    code = "files_unavailable"
    message = "The shop cannot reach the storage of its files at the moment; please try again."


class DatabaseBusy(Unavailable):
    code = "database_busy"
    message = "The shop is very busy; please try again."
    retry_after_seconds = 1
