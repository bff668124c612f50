"""Refusals given again before Django's handler has begun, for as long as they hold.

Whoever refuses everybody for a moment, as a line of logins that is full does, says with the refusal
how to tell that it still holds (``ShopError.still``). Until then who asks the same is refused from
here, at a tenth of the cost: a storm of logins leaves the threads to those who look at the shop.
Only those without a token are, and nothing is read or counted.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from shop_backend.kernel import middleware
from shop_backend.kernel.quick_answers import Application, Environ, StartResponse, key_of_anybody
from shop_backend.kernel.remembered_answers import RememberedAnswers

_NOTE = "shop.refusal_still_holds"
_MOST_BYTES, _OVERHEAD = 200_000, 2_000
_OF_EVERY_REQUEST = {"x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset"}


class _Refusal(NamedTuple):
    still: Callable[[], bool]
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def note(meta: Mapping[str, Any], still: Callable[[], bool]) -> None:
    """Note with the request of this ``META`` that its refusal is everybody's while ``still``."""
    meta[_NOTE] = still  # type: ignore[index]  # META is the server's own dict


class QuickRefusals:
    """A WSGI application with the ordinary one behind it."""

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._known: RememberedAnswers[_Refusal] = RememberedAnswers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = key_of_anybody(environ) if environ["REQUEST_METHOD"] == "POST" else None
        if key is None:
            return self._ordinary(environ, start_response)
        known = self._known.get(key)
        if known is None or not known.still():
            return self._learn(key, environ, start_response)
        own_id = middleware.begin_request(environ.get("HTTP_X_REQUEST_ID", ""))
        start_response(known.status, [*known.headers, ("X-Request-ID", own_id)])
        return [known.body]

    def _learn(self, key: Any, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer in the ordinary way, and keep what refuses everybody."""
        started: list[Any] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            started[:] = status, headers
            return start_response(status, headers, *rest)

        body = self._ordinary(environ, start)
        if (still := environ.get(_NOTE)) is not None:
            status, headers = started
            kept = [pair for pair in headers if pair[0].lower() not in _OF_EVERY_REQUEST]
            refusal = _Refusal(still, status, kept, b"".join(body))
            size = _OVERHEAD + len(refusal.body)
            self._known.keep(key, refusal, size=size, most=_MOST_BYTES)
        return body
