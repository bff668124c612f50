"""Answers for callers without a token, given again while the catalogue stands still.

Kept is the answer without its stock, under the version of the catalogue it shows. To give it
again takes one statement, which reads the version and the stock of its items at one moment: so
nobody who has seen a commit is shown less than it, whichever process made it, and stock that
counts down makes nothing unusable. What is not kept, has changed or is refused takes the
ordinary way.
"""

from functools import cached_property
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import version
from catalog.reading import Availability, LaterStock, Template
from catalog.version import Version
from inventory.availability import read_availability, read_availability_beside
from shop_backend.kernel import jsontext
from shop_backend.kernel.remembered_answers import RememberedAnswers
from shop_backend.kernel.renderers import DEFAULT_MESSAGE
from shop_backend.kernel.throttling import ScopeThrottle
from shop_backend.kernel.views import ShopViewSet, finished_answer

_LONGEST_ADDRESS = 500  # in characters; longer ones are no links of a shop
_OVERHEAD = 2_000  # bytes that an answer takes beside its parts
_ORDINARY = {"", "*/*", "application/json"}


class _Kept(NamedTuple):
    version: Version
    template: Template
    headers: dict[str, str]


answers: RememberedAnswers[_Kept] = RememberedAnswers()


class RememberedAnswersMixin(ShopViewSet):
    """For viewsets whose ``list`` and ``retrieve`` depend on the catalogue and stock alone.

    They show a product's stock by ``stock_for`` and answer by ``answer``. Lists narrowed by one
    of the ``unremembered_parameters`` are not kept.
    """

    may_read_replica = True
    unremembered_parameters: frozenset[str] = frozenset()
    _template: Template | None = None

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        self._key = self._key_of(request)
        if self._key is None:
            return super().dispatch(request, *args, **kwargs)
        remembered = self._from_memory(request)
        if remembered is not None:
            return remembered
        response = super().dispatch(request, *args, **kwargs)
        if self._template is not None and self.seen is not None:
            self._keep(response, self.seen, self._template)
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self._key is not None:
            self.seen  # noqa: B018  # before anything is read: that is of this version or later

    @cached_property
    def seen(self) -> Version | None:
        """The version of the catalogue when this was first asked; ``None``: it is not known."""
        return version.current() if version.is_known() else None

    def later_stock(self) -> LaterStock | None:
        """Return what keeps places free in an answer that is kept; ``None`` for any other."""
        return None if self._key is None else LaterStock()

    def answer(self, payload: Any, stock: LaterStock | None) -> Response:
        """Return the response, with the stock of the moment in the places kept free."""
        if stock is None:
            return Response(payload)
        self._template = template = stock.template(payload)
        return Response(jsontext.Finished(template.filled(read_availability(template.item_ids))))

    def _from_memory(self, request: HttpRequest) -> HttpResponse | None:
        kept = answers.get(self._key)
        if kept is None or not ScopeThrottle().allow_anonymous(request, self):
            return None
        try:
            mark, availability = _read_now(kept.template)
            if mark is None or not version.holds(kept.version, mark=mark):
                if mark is not None:
                    self.seen = version.at(mark)
                return None
        except Error:
            return None  # the ordinary way meets the same trouble and knows what to answer
        payload = kept.template.filled(availability)
        action = self.action_map["get"]
        message = self.messages.get(action) or DEFAULT_MESSAGE
        return finished_answer(request, payload, message=message, headers=kept.headers)

    def _keep(self, response: Any, seen: Version, template: Template) -> None:
        if response.status_code not in {200, 304}:
            return
        headers = {name: response.headers[name] for name in ("Allow", "Vary")}
        size = template.size + _OVERHEAD + 4 * len(str(self._key))
        most = settings.CATALOGUE_CACHE_MB * 1_000_000
        answers.keep(self._key, _Kept(seen, template, headers), size=size, most=most)

    def _key_of(self, request: HttpRequest) -> Any:
        """Return under what the answer is kept; ``None``: it is not."""
        query = request.META.get("QUERY_STRING", "")
        if (
            request.method not in {"GET", "HEAD"}
            or not settings.CATALOGUE_CACHE_MB
            or _has_credentials(request)
            or not _asks_for_json(request.META.get("HTTP_ACCEPT", ""))
            or len(query) + len(request.path) > _LONGEST_ADDRESS
            or not version.is_known()
        ):
            return None
        parameters = parse_qsl(query, keep_blank_values=True)
        if any(name in self.unremembered_parameters for name, _ in parameters):
            return None
        # In the order in which the links of the answer have them; values of one name in theirs.
        parameters.sort(key=lambda pair: pair[0])
        return request.scheme, request.get_host(), request.path, tuple(parameters)


def _read_now(template: Template) -> tuple[int | None, Availability]:
    """Return the catalogue's mark and the stock of the template's items, as of one moment.

    The mark is ``None`` where none of the items is there any more.
    """
    if not template.item_ids:
        return version.read_mark(), {}
    changes, availability = read_availability_beside(template.item_ids, scalar=version.SUM)
    return (None if changes is None else version.mark_of(changes)), availability


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
