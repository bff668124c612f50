"""Answers for callers without a token, given again while the catalogue stands still.

Kept is the answer under the version of the catalogue it shows, as finished bytes and, beside them,
in pieces with places for its stock. While the process believes the version (a tenth of a second,
see catalog/version.py) and the numbers of units are no older than a second, the bytes go out
without a query. Else one statement reads the version and the stock of the answer's items at one
moment. What is not kept, has changed or is refused takes the ordinary way.
"""

import contextlib
import time
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import version
from catalog.reading import Availability, LaterStock, Template
from catalog.version import Seen, Version
from inventory.availability import read_availability_beside
from shop_backend.kernel import jsontext, quick_answers, renderers
from shop_backend.kernel.faces import face_of
from shop_backend.kernel.quick_answers import Finished, Offer
from shop_backend.kernel.remembered_answers import RememberedAnswers
from shop_backend.kernel.renderers import DEFAULT_MESSAGE
from shop_backend.kernel.replicas import reading_connection
from shop_backend.kernel.throttling import ScopeThrottle, scope_of
from shop_backend.kernel.views import ShopViewSet, etag_of, finished_answer

_LONGEST_ADDRESS = 500  # in characters; longer ones are no links of a shop
_OVERHEAD = 2_000  # bytes that an answer takes beside its parts
_ORDINARY = {"", "*/*", "application/json"}


class _Filled(NamedTuple):
    """The answer with the stock of a moment."""

    finished: Finished
    availability: int  # the mark of that moment
    read_at: float  # of time.monotonic(), before it was read


class _Kept(NamedTuple):
    version: Version
    availability: int | None  # the mark that decides what is in it; None: none does
    template: Template
    headers: Mapping[str, str]
    filled: _Filled

    def shows(self, seen: Seen) -> bool:
        """Return whether what was seen is still what it shows, but for its stock."""
        same_goods = self.availability is None or self.availability == seen.availability
        return self.version == seen.version and same_goods

    def is_of_this_moment(self) -> bool:
        """Return whether it may go out as it is, by what this process knows without asking."""
        seen, filled = version.known(), self.filled
        if seen is None or not self.shows(seen):
            return False
        if not self.template.places:
            return True
        age = time.monotonic() - filled.read_at
        is_young = age * 1000 < settings.CATALOGUE_STOCK_FRESHNESS_MS
        return is_young and filled.availability == seen.availability


answers: RememberedAnswers[_Kept] = RememberedAnswers()


class RememberedAnswersMixin(ShopViewSet):
    """For viewsets whose ``list`` and ``retrieve`` depend on the catalogue and stock alone.

    They show a product's stock by ``stock_for`` and answer by ``answer``. What is in a list with
    one of the ``availability_parameters`` depends on which goods can be bought.
    """

    may_read_replica = True
    availability_parameters: frozenset[str] = frozenset()
    _made: tuple[Template, bytes] | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._key = None
        # Other names of a path take some methods alone: not all views have a GET.
        if "get" not in self.action_map or not _is_for_everyone(request):
            return super().dispatch(request, *args, **kwargs)
        if settings.CATALOGUE_CACHE_MB and version.is_known():
            self._key = _key_of(request)
        response: Any = self._from_memory(request) or self._quickly(request)
        if response is None:
            response = super().dispatch(request, *args, **kwargs)
        if self._made is not None and self.seen_now is not None:
            self._keep(request, response, self.seen_now, *self._made)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self._key is not None:
            self.seen_now  # noqa: B018  # before anything is read: that is of this version or later

    @cached_property
    def seen_now(self) -> Seen | None:
        """The catalogue's state when this was first asked; ``None``: it is not known."""
        self._read_at = time.monotonic()
        if not version.is_known():
            return None
        return version.believed() if self.request.method in {"GET", "HEAD"} else version.look()

    @property
    def seen(self) -> Version | None:
        """The version of the catalogue when this was first asked; ``None``: it is not known."""
        return None if self.seen_now is None else self.seen_now.version

    def later_stock(self) -> LaterStock | None:
        """Return what keeps places free in an answer that is kept; ``None`` for any other."""
        return None if self._key is None else LaterStock()

    def answer(self, payload: Any, stock: LaterStock | None) -> Response:
        """Return the response, with the stock of the moment in the places kept free."""
        return Response(
            payload if stock is None else jsontext.Finished(self._finish(payload, stock))
        )

    def quick_payload(self, request: HttpRequest, stock: LaterStock | None) -> Any:
        """Return the payload for everyone, or ``None``: then the ordinary way must find it.

        It comes without the machinery of a view, so it is only for what cannot be refused.
        """
        return None

    def _quickly(self, request: HttpRequest) -> HttpResponse | None:
        """Answer what is asked most without DRF's machinery, which costs as much as the answer."""
        if not self._may_ask(request):
            return None
        stock = self.later_stock()
        try:
            with _unchecked_connection():
                payload = self.quick_payload(request, stock)
        except Error:
            return None  # the ordinary way meets the same trouble and knows what to answer
        if payload is None:
            return None
        body = jsontext.dumps(payload) if stock is None else self._finish(payload, stock)
        return finished_answer(
            request, body, message=self._message, headers=self._headers_for_everyone()
        )

    def _from_memory(self, request: HttpRequest) -> HttpResponse | None:
        kept = answers.get(self._key)
        if kept is None or not self._may_ask(request):
            return None
        if not kept.is_of_this_moment():
            try:
                with _unchecked_connection():
                    kept = self._filled_anew(kept)
            except Error:
                return None  # as above
            if kept is None:
                return None
        self._offer(request)
        payload, etag = kept.filled.finished
        return finished_answer(
            request, payload, message=self._message, headers=kept.headers, etag=etag
        )

    def _filled_anew(self, kept: _Kept) -> _Kept | None:
        """Return it with the stock of now; ``None`` where it no longer shows the catalogue."""
        looking, read_at = version.begin_to_look(), time.monotonic()
        sums, availability = _read_now(kept.template)
        seen = version.look() if sums is None else version.saw(sums, looking=looking)
        self.seen_now, self._read_at = seen, read_at
        if sums is None or not kept.shows(seen):
            return None
        payload = kept.template.filled(availability)
        before = kept.filled.finished
        finished = before if payload == before.payload else _finished(payload)
        kept = kept._replace(filled=_Filled(finished, seen.availability, read_at))
        self._put(kept)
        return kept

    def _finish(self, payload: Any, stock: LaterStock) -> bytes:
        template = stock.template(payload)
        body = template.filled(stock.availability)
        self._made = template, body
        return body

    def _keep(
        self, request: HttpRequest, response: Any, seen: Seen, template: Template, body: bytes
    ) -> None:
        if response.status_code not in {200, 304} or self._key is None:
            return
        names = {name for name, _ in self._key[-1]}
        kept = _Kept(
            version=seen.version,
            availability=seen.availability if names & self.availability_parameters else None,
            template=template,
            headers={name: response.headers[name] for name in ("Allow", "Vary", "Cache-Control")},
            filled=_Filled(
                Finished(body, response.headers["ETag"]), seen.availability, self._read_at
            ),
        )
        self._put(kept)
        self._offer(request)

    def _put(self, kept: _Kept) -> None:
        size = kept.template.size + len(kept.filled.finished.payload)
        size += _OVERHEAD + 4 * len(str(self._key))
        answers.keep(self._key, kept, size=size, most=settings.CATALOGUE_CACHE_MB * 1_000_000)

    def _offer(self, request: HttpRequest) -> None:
        before, after = renderers.around(face_of(request), self._message)
        give = partial(_given_again, self._key)
        quick_answers.offer(request.META, Offer(give, scope_of(self), before, after))

    @property
    def _message(self) -> str:
        return self.messages.get(self.action_map["get"]) or DEFAULT_MESSAGE

    def _may_ask(self, request: HttpRequest) -> bool:
        """Count the request once, and return whether there was one left."""
        counted = getattr(request, "rate_limit", None)
        if counted is not None:
            return bool(counted.is_allowed)
        return ScopeThrottle().allow_anonymous(request, self)

    def _headers_for_everyone(self) -> dict[str, str]:
        return {
            "Allow": ", ".join(self.allowed_methods),
            "Vary": "Authorization",
            "Cache-Control": public(),
        }

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        is_found = response.status_code in {200, 304}
        if is_found and _is_for_everyone(request._request):
            response.headers.setdefault("Cache-Control", public())
        return response


@contextlib.contextmanager
def _unchecked_connection() -> Iterator[None]:
    """Read without asking first whether the connection still lives: that costs a query more.

    Where it does not, the error leads to the ordinary way, and that asks and connects anew.
    """
    database: Any = reading_connection()  # its stubs do not know the flag
    was_done, database.health_check_done = database.health_check_done, True
    try:
        yield
    finally:
        database.health_check_done = was_done


def public() -> str:
    """Return for how long anyone may show the catalogue without asking again."""
    seconds = settings.CATALOGUE_MAX_AGE_SECONDS
    if not seconds:
        return "public, max-age=0, must-revalidate"
    return f"public, max-age={seconds}, stale-while-revalidate={seconds}"


def _given_again(key: Any) -> Finished | None:
    kept = answers.get(key)
    return kept.filled.finished if kept is not None and kept.is_of_this_moment() else None


def _finished(payload: bytes) -> Finished:
    return Finished(payload, etag_of(jsontext.Finished(payload)))


def _read_now(template: Template) -> tuple[Any, Availability]:
    """Return the sums of the catalogue's changes and the stock of the items, as of one moment.

    The sums are ``None`` where none of the items is there any more.
    """
    if template.item_ids:
        return read_availability_beside(template.item_ids, scalars=version.SUMS)
    return version.read_sums(), {}


def _key_of(request: HttpRequest) -> Any:
    """Return under what the answer is kept; ``None``: it is not."""
    query = request.META.get("QUERY_STRING", "")
    if len(query) + len(request.path) > _LONGEST_ADDRESS or not query.isascii():
        return None  # Django reads bare bytes beyond ASCII as UTF-8, ``parse_qsl`` does not
    parameters = parse_qsl(query, keep_blank_values=True)
    # In the order in which the links of the answer have them; values of one name in theirs.
    parameters.sort(key=lambda pair: pair[0])
    return request.scheme, request.get_host(), request.path, tuple(parameters)


def _is_for_everyone(request: HttpRequest) -> bool:
    """Return whether it reads, without a token, what can only be answered in JSON."""
    return (
        request.method in {"GET", "HEAD"}
        and not _has_credentials(request)
        and _asks_for_json(request.META.get("HTTP_ACCEPT", ""))
    )


def _has_credentials(request: HttpRequest) -> bool:
    """Return whether the ordinary way might find a user: by a token, or as DRF's tests do."""
    forced = getattr(request, "_force_auth_user", None)
    return "HTTP_AUTHORIZATION" in request.META or forced is not None


def _asks_for_json(accept: str) -> bool:
    """Return whether content negotiation can only end in plain ``application/json``."""
    if accept in _ORDINARY:
        return True
    kinds = [kind.strip() for kind in accept.split(",")]
    special = any(kind.startswith("application/json") and kind not in _ORDINARY for kind in kinds)
    return not special and any(kind in _ORDINARY for kind in kinds if kind)
