"""What happens to every request before a view sees it."""

import ipaddress
import logging
import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import is_valid_path

from shop_backend.kernel import fallbacks
from shop_backend.kernel.faces import face_of
from shop_backend.kernel.problems import Problem

GetResponse = Callable[[HttpRequest], HttpResponse]

request_id: ContextVar[str] = ContextVar("request_id", default="-")
_WITHOUT_BODY = {"GET", "HEAD", "OPTIONS"}
_LENGTH = re.compile(r"[0-9]{1,12}")
_SANE_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class RequestIdMiddleware:
    """Carry ``X-Request-ID`` through: the caller's if it is a sane one, else a new one.

    It stays set after the answer, for Django and the server log that afterwards; the next
    request of this thread sets its own.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        known = begin_request(request.headers.get("X-Request-ID", ""))
        response = self.get_response(request)
        response["X-Request-ID"] = known
        return response


def begin_request(sent: str) -> str:
    """Return the id of a request that begins now, for its answer and everything logged."""
    known = sent if _SANE_REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
    request_id.set(known)
    return known


class RequestIdFilter(logging.Filter):
    """Put the request id into every log line."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.request_id = request_id.get()
        return True


class LoopbackMiddleware:
    """With DEBUG on, answer this machine alone, wherever the server was told to listen.

    The address is the connection's: a client chooses its headers, the Host one too. A Unix socket
    has none.
    """

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if _is_from_here(request.META.get("REMOTE_ADDR", "")):
            return self.get_response(request)
        sentence = "With DEBUG on this shop answers its own machine alone."
        problem = Problem(403, "permission_denied", sentence)
        return JsonResponse(problem.body(face_of(request)), status=403)


def _is_from_here(address: str) -> bool:
    if not address:
        return True
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback


class PathMiddleware:
    """Serve every path with and without its trailing slash, and refuse NUL bytes.

    There is no redirect: a redirect would lose the body of a PUT.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if "\x00" in path or "%00" in request.META.get("QUERY_STRING", ""):
            problem = Problem(400, "malformed_request", "A NUL byte has no place in an address.")
            return JsonResponse(problem.body(face_of(request)), status=400)
        if not path.endswith("/") and not is_valid_path(path) and is_valid_path(path + "/"):
            request.path_info = path + "/"
            request.path = request.path + "/"
        return self.get_response(request)


class BodyLimitMiddleware:
    """Refuse a body by its Content-Length, before anybody reads, parses or spools any of it.

    What takes pictures says ``takes_uploads``: a viewset of the API, or a ``ModelAdmin``. Of a body
    without a length, such as a chunked one, Django reads nothing.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if request.method in _WITHOUT_BODY:
            return None
        owner = getattr(view, "cls", None) or getattr(view, "model_admin", None)
        takes_uploads = getattr(owner, "takes_uploads", False)
        most = settings.UPLOAD_MAX_BYTES if takes_uploads else settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        length = request.META.get("CONTENT_LENGTH") or "0"
        if _LENGTH.fullmatch(length) and int(length) <= most:
            return None
        return fallbacks.body_too_large(request)


class DebugPageMiddleware:
    """With DEBUG on, keep Django's HTML pages for the admin site; the API answers in JSON.

    With DEBUG off the handlers of ``shop_backend/urls.py`` do that. Either way the traceback is
    in the log.
    """

    html_prefix = "/admin/"

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        if not is_page or request.path_info.startswith(self.html_prefix):
            return response
        if response.status_code == 400:
            return fallbacks.bad_request(request, Exception())
        if response.status_code == 404:
            return fallbacks.not_found(request, Exception())
        if response.status_code == 500:
            return fallbacks.server_error(request)
        return response
