"""Refusals given again before Django's handler has begun, for as long as they hold.

Whoever refuses everybody for a moment, as a line of logins that is full does, says with the refusal
how to tell that it still holds (``ShopError.holds``). Until then whoever comes to the same door is
refused from here, at a tenth of the cost, whatever they send: neither their form nor their rate is
looked at. So a storm of logins leaves the threads to those who look at the shop.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from shop_backend.kernel import middleware
from shop_backend.kernel.quick_answers import (
    OF_EVERY_REQUEST,
    Application,
    Environ,
    StartResponse,
    is_nobodys,
    key_of,
    overhear,
)
from shop_backend.kernel.remembered_answers import RememberedAnswers

_NOTE = "shop.refusal_holds"
_MOST_BYTES, _OVERHEAD = 200_000, 4_000  # the key and the headers are in the overhead
# What the refusal depends on: its words are the same for everybody, its headers those of the door.
_ASKED = (
    "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "HTTP_ORIGIN",
    "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
)  # fmt: skip


class _Refusal(NamedTuple):
    holds: Callable[[], bool]
    status: str
    headers: list[tuple[str, str]]
    body: bytes


def note(meta: Mapping[str, Any], holds: Callable[[], bool]) -> None:
    """Note with the request of this ``META`` that everybody is refused while ``holds`` says so."""
    meta[_NOTE] = holds  # type: ignore[index]  # META is the server's own dict


class QuickRefusals:
    """A WSGI application with the ordinary one behind it."""

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._known: RememberedAnswers[_Refusal] = RememberedAnswers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = key_of(environ, _ASKED) if environ["REQUEST_METHOD"] == "POST" else None
        if key is None:
            return self._ordinary(environ, start_response)
        known = self._known.get(key)
        if known is None or not known.holds():
            return self._learn(key, environ, start_response)
        own_id = middleware.begin_request(environ.get("HTTP_X_REQUEST_ID", ""))
        start_response(known.status, [*known.headers, ("X-Request-ID", own_id)])
        return [known.body]

    def _learn(self, key: Any, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer in the ordinary way, and keep what refuses everybody."""
        body, status, headers = overhear(self._ordinary, environ, start_response)
        holds = environ.get(_NOTE)
        if holds is not None and status.startswith("503") and is_nobodys(headers):
            kept = [pair for pair in headers if pair[0].lower() not in OF_EVERY_REQUEST]
            refusal = _Refusal(holds, status, kept, b"".join(body))
            size = _OVERHEAD + len(refusal.body)
            self._known.keep(key, refusal, size=size, most=_MOST_BYTES)
        return body
