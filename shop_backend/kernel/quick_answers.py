"""Answers given again before Django's handler has begun.

A view that knows that its answer may be given again offers it (``offer``). What went over the wire
then, all headers of every middleware included, is kept under what the request asked; when the same
is asked again and the view's memory still stands by the answer, it goes out from here. No database
is asked here: what is not certain takes the ordinary way.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from django.conf import settings

from shop_backend.kernel import middleware, throttling, views
from shop_backend.kernel.remembered_answers import RememberedAnswers

_OFFER = "shop.quick_answer"
_LONGEST_KEY = 1_000  # characters
_OVERHEAD = 3_000  # bytes that an entry takes
_SHARE = 4  # of the memory for answers a quarter is for finding them here
# What else an answer may depend on: each one is a part of the key. A token is answered elsewhere.
_ASKED = (
    "wsgi.url_scheme", "HTTP_HOST", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "HTTP_ACCEPT",
    "HTTP_ORIGIN", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT",
)  # fmt: skip
OF_EVERY_REQUEST = {
    "x-request-id", "ratelimit-limit", "ratelimit-remaining", "ratelimit-reset", "etag",
}  # fmt: skip

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class Finished(NamedTuple):
    """An answer of this moment, bare, and its ETag."""

    payload: bytes
    etag: str


class Offer(NamedTuple):
    """What a view says about an answer that may be given again.

    :param give: the answer as it is now; ``None``: that is not known here.
    :param before: what goes before the payload and ``after`` what follows, by the request's face.
    """

    give: Callable[[], Finished | None]
    scope: str
    before: bytes
    after: bytes


class _Known(NamedTuple):
    offer: Offer
    heads: Mapping[str, list[tuple[str, str]]]  # by status


def offer(meta: Mapping[str, Any], offered: Offer) -> None:
    """Offer an answer to whoever serves the request of this ``META``."""
    meta[_OFFER] = offered  # type: ignore[index]  # META is the server's own dict


class QuickAnswers:
    """The shop's WSGI application, with the ordinary one behind it."""

    def __init__(self, ordinary: Application) -> None:
        self._ordinary = ordinary
        self._known: RememberedAnswers[_Known] = RememberedAnswers()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        key = _key_of(environ)
        if key is None:
            return self._ordinary(environ, start_response)
        known = self._known.get(key)
        quick = None if known is None else _answer(known, environ, start_response)
        return self._learn(key, known, environ, start_response) if quick is None else quick

    def _learn(
        self, key: Any, known: _Known | None, environ: Environ, start_response: StartResponse
    ) -> Iterable[bytes]:
        """Answer in the ordinary way, and keep the headers of what may be given again."""
        body, status, headers = overhear(self._ordinary, environ, start_response)
        offered = environ.get(_OFFER)
        if offered is not None and status[:3] in {"200", "304"} and is_nobodys(headers):
            heads = dict(known.heads) if known is not None else {}
            heads[status] = [pair for pair in headers if _stays(pair[0], status)]
            most = settings.CATALOGUE_CACHE_MB * 1_000_000 // _SHARE
            self._known.keep(key, _Known(offered, heads), size=_OVERHEAD, most=most)
        return body


def overhear(
    application: Application, environ: Environ, start_response: StartResponse
) -> tuple[Iterable[bytes], str, list[tuple[str, str]]]:
    """Let the application answer; return its body, and the status and headers that it sent."""
    started: list[Any] = []

    def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
        started[:] = status, headers
        return start_response(status, headers, *rest)

    body = application(environ, start)
    return body, started[0], started[1]


def is_nobodys(headers: Iterable[tuple[str, str]]) -> bool:
    """Return whether nothing among them is for the asking browser alone."""
    return all(name.lower() != "set-cookie" for name, _ in headers)


def _answer(
    known: _Known, environ: Environ, start_response: StartResponse
) -> Iterable[bytes] | None:
    finished = known.offer.give()
    if finished is None:
        return None
    match = environ.get("HTTP_IF_NONE_MATCH")
    is_known = match is not None and views.matches(match, finished.etag)
    status = "304 Not Modified" if is_known else "200 OK"
    head = known.heads.get(status)
    if head is None:
        return None
    verdict = throttling.count_anonymous(environ, scope=known.offer.scope)
    if verdict is not None and not verdict.is_allowed:
        return None  # nothing was spent; the ordinary way refuses
    headers = [
        *head,
        ("ETag", finished.etag),
        ("X-Request-ID", middleware.begin_request(environ.get("HTTP_X_REQUEST_ID", ""))),
    ]
    if verdict is not None:
        headers += views.rate_limit_headers(verdict)
    if is_known:
        start_response(status, headers)
        return [b""]
    body = known.offer.before + finished.payload + known.offer.after
    headers.append(("Content-Length", str(len(body))))
    start_response(status, headers)
    return [body]


def _key_of(environ: Environ) -> Any:
    """Return what is asked; ``None``: such requests have no answer here."""
    if (
        environ["REQUEST_METHOD"] != "GET"
        or environ.get("CONTENT_LENGTH", "0") not in {"", "0"}
        or "HTTP_TRANSFER_ENCODING" in environ
        or not settings.CATALOGUE_CACHE_MB
        or "HTTP_AUTHORIZATION" in environ
    ):
        return None
    return key_of(environ, _ASKED)


def key_of(environ: Environ, asked: Iterable[str]) -> Any:
    """Return these words of a request; ``None`` where they are too long, or CORS has a say."""
    if "HTTP_HOST" not in environ:
        return None
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin not in settings.CORS_ALLOWED_ORIGINS:
        return None
    key = tuple([environ.get(name, "") for name in asked])
    return key if sum(map(len, key)) <= _LONGEST_KEY else None


def _stays(header: str, status: str) -> bool:
    name = header.lower()
    if name == "content-length":
        return not status.startswith("200")
    return name not in OF_EVERY_REQUEST
