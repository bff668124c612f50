"""What every view of the shop shares: declared access, strict parameters, ETags, two faces."""

import hashlib
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from rest_framework import status
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from shop_backend.kernel import audit_api, jsontext, renderers, transactions
from shop_backend.kernel.budgets import Verdict
from shop_backend.kernel.errors import PreconditionFailed, UnknownParameter
from shop_backend.kernel.faces import Face, face_of
from shop_backend.kernel.filters import parameters_of

_LIST_ACTIONS = {"list"}
_CHANGES = {"PUT", "PATCH", "DELETE"}
_DEFAULT_MESSAGES = {
    "GET": "OK.",
    "HEAD": "OK.",
    "POST": "Done.",
    "PUT": "Saved.",
    "PATCH": "Saved.",
}


class ShopView(APIView):
    """One request, one declared access, one answer in the face asked for.

    ``access`` names for each action (of a viewset) or lower-case method (of a plain view) who
    may do it; an action without an entry does not exist. ``parameters`` names the query
    parameters an action understands beyond those of its list. ``messages`` holds the envelope's
    sentence for each action. ``may_read_replica`` says that what GET shows decides nothing, and
    may be some seconds old where ``DB_REPLICA_HOST`` names a replica.
    """

    access: ClassVar[Mapping[str, BasePermission]] = {}
    parameters: ClassVar[Mapping[str, frozenset[str]]] = {}
    messages: ClassVar[Mapping[str, str]] = {}
    etag_actions: ClassVar[frozenset[str]] = frozenset({"get", "retrieve"})
    may_read_replica: ClassVar[bool] = False

    @property
    def action_name(self) -> str | None:
        """The viewset's action, or the method of a plain view; ``None`` where there is none."""
        if getattr(self, "action_map", None):  # Swagger gives plain views an empty one
            return getattr(self, "action", None)
        method = (self.request.method or "").lower()
        if method == "head":
            method = "get"  # HEAD is GET without the body
        return method if hasattr(self, method) else None

    def get_permissions(self) -> list[Any]:
        name = self.action_name
        if name is None or name == "options" or name == "metadata":
            return []  # what does not exist is 405 for everyone
        return [self.access[name]]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if self.action_name is not None:
            audit_api.begin(request, self)
        if face_of(request) is Face.ENVELOPE and self.action_name is not None:
            self._refuse_unknown_parameters(request)

    def options(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        """Name the methods in ``Allow``; Swagger describes the rest."""
        return Response()

    def known_parameters(self) -> set[str]:
        """Return the query parameters that this action understands."""
        name = self.action_name or ""
        known = set(self.parameters.get(name, ()))
        if name in _LIST_ACTIONS:
            known |= parameters_of(self)
        return known

    def _refuse_unknown_parameters(self, request: Request) -> None:
        unknown = set(request.query_params) - self.known_parameters()
        if unknown:
            raise UnknownParameter(names=", ".join(sorted(name[:50] for name in unknown)[:10]))

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if not isinstance(response, Response):
            return response
        audit_api.finish(self, response)
        name = self.action_name or ""
        if not getattr(response, "exception", False):
            response.message = self.sentence(name, response) or _DEFAULT_MESSAGES.get(  # type: ignore[attr-defined]  # read by the renderer
                request.method or "", "Done."
            )
            self._dress(request, response, name)
        patch_vary_headers(response, ["Authorization"])
        _tell_rate_limit(request._request, response)
        user = getattr(request, "_user", None)  # asked for only where it was asked before
        if user is not None and user.is_authenticated:
            response.headers.setdefault("Cache-Control", "private")
        return response

    def sentence(self, name: str, response: Response) -> str | None:
        """Return what the envelope says of this answer of an action."""
        return self.messages.get(name)

    def _dress(self, request: Request, response: Response, name: str) -> None:
        if response.status_code == status.HTTP_204_NO_CONTENT:
            if face_of(request) is Face.ENVELOPE:
                response.status_code = status.HTTP_200_OK
        elif request.method in {"GET", "HEAD"} and name in self.etag_actions:
            etag = etag_of(response.data)
            response.headers["ETag"] = etag
            if matches(request.headers.get("If-None-Match"), etag):
                response.status_code = status.HTTP_304_NOT_MODIFIED
                response.data = None


class ConditionalView(ShopView):
    """A view whose PUT, PATCH and DELETE honour ``If-Match``."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if request.method in _CHANGES and request.headers.get("If-Match") and self.action_name:
            name = request.method.lower()
            setattr(self, name, partial(self._change_what_matches, getattr(self, name)))

    def _change_what_matches(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """Compare ``If-Match`` and do what the handler does, in one transaction."""
        raise NotImplementedError

    def representation(self, instance: Any) -> Any:
        """Return what GET answers for this object; ``If-Match`` is compared with its ETag."""
        raise NotImplementedError

    def check_if_match(self, instance: Any) -> None:
        """Hold the request's ``If-Match``, if it has one, against the object as it is now.

        :raises PreconditionFailed: the object has changed since the client read it.
        """
        header = self.request.headers.get("If-Match")
        if header and not matches(header, etag_of(self.representation(instance))):
            raise PreconditionFailed


class ShopViewSet(ConditionalView, GenericViewSet):
    """The base of every viewset; compose it with the mixins that are meant."""

    def _change_what_matches(
        self, handler: Callable[..., Response], request: Request, *args: Any, **kwargs: Any
    ) -> Response:
        """Compare ``If-Match`` and change the object in one transaction, under the object's lock.

        The lock comes first: on MariaDB the first read fixes what the later ones see.
        """
        instance = self.get_object()

        def change() -> Response:
            self.lock(instance)
            return handler(request, *args, **kwargs)

        return transactions.run(change)

    def lock(self, instance: Any) -> None:
        """Lock what a change of this object locks first; by default the object's own row."""
        list(type(instance)._base_manager.select_for_update().filter(pk=instance.pk))

    def get_object(self) -> Any:
        instance = super().get_object()
        if self.request.method in _CHANGES:
            self.check_if_match(instance)
        return instance

    def representation(self, instance: Any) -> Any:
        return self.get_serializer(instance).data


def finished_answer(
    request: HttpRequest,
    payload: bytes,
    *,
    message: str,
    headers: Mapping[str, str],
    etag: str = "",
) -> HttpResponse:
    """Return what a view's answer with this payload would be, without a view's machinery.

    :param payload: JSON, bare; the face of the request is put around it.
    :param headers: those that the view's own answer had, beside what depends on the payload.
    :param etag: the payload's, if it is known.
    """
    etag = etag or etag_of(jsontext.Finished(payload))
    if matches(request.headers.get("If-None-Match"), etag):
        response = HttpResponse(status=status.HTTP_304_NOT_MODIFIED)
        del response.headers["Content-Type"]
    else:
        body = payload
        if face_of(request) is Face.ENVELOPE:
            body = renderers.envelope(jsontext.Finished(payload), message)
        response = HttpResponse(body, content_type="application/json")
    for name, value in headers.items():
        response.headers[name] = value
    response.headers["ETag"] = etag
    _tell_rate_limit(request, response)
    return response


def _tell_rate_limit(request: HttpRequest, response: HttpResponse) -> None:
    """Say how much of the caller's budget is left (draft-ietf-httpapi-ratelimit-headers-03)."""
    verdict = getattr(request, "rate_limit", None)
    if verdict is not None:
        for name, value in rate_limit_headers(verdict):
            response.headers[name] = value


def rate_limit_headers(verdict: Verdict) -> list[tuple[str, str]]:
    """Return the headers that tell a caller of the budget."""
    return [
        ("RateLimit-Limit", str(verdict.limit)),
        ("RateLimit-Remaining", str(verdict.remaining)),
        ("RateLimit-Reset", str(verdict.reset_seconds)),
    ]


def etag_of(payload: Any) -> str:
    """Return the strong ETag of a bare payload (the same on both faces)."""
    return f'"{hashlib.blake2b(jsontext.dumps(payload), digest_size=12).hexdigest()}"'


def matches(header: str | None, etag: str) -> bool:
    """Return whether an ``If-Match`` or ``If-None-Match`` names that ETag."""
    if not header:
        return False
    tags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    return "*" in tags or etag in tags
