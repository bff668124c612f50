"""What no view answers, such as unrouted addresses: a page in the admin, else JSON."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse

from shop_backend.kernel.faces import face_of
from shop_backend.kernel.problems import Problem

_FORBIDDEN = Problem(403, "permission_denied", "You may not do this.")
_NOT_FOUND = Problem(404, "not_found", "Not found.")
_TOO_LARGE = Problem(413, "body_too_large", "The request body is too large.")
_WORDS = {
    403: "Your role may not do this.",
    404: "There is no such page or row (any more).",
    413: "What was sent is too large; a picture has at most 5 MB.",
}


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 400."""
    return _json(request, Problem(400, "malformed_request", "The request is malformed."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403."""
    return _answer(request, _FORBIDDEN)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return _answer(request, _NOT_FOUND)


def body_too_large(request: HttpRequest) -> HttpResponse:
    """Answer 413."""
    return _answer(request, _TOO_LARGE)


def server_error(request: HttpRequest, *args: Any) -> JsonResponse:
    """Answer 500: a bug, and the log has it under the request's id."""
    return _json(request, Problem(500, "server_error", "Something went wrong on our side."))


def _answer(request: HttpRequest, problem: Problem) -> HttpResponse:
    user = getattr(request, "user", None)  # missing where a middleware refused early
    if request.path_info.startswith("/admin/") and user is not None and user.is_staff:
        return _page(request, problem)
    return _json(request, problem)


def _page(request: HttpRequest, problem: Problem) -> HttpResponse:
    """Answer whoever works in the admin as its other pages do."""
    context = {
        **admin.site.each_context(request),
        "title": str(problem.message),
        "words": _WORDS[problem.status],
    }
    page = TemplateResponse(request, "admin_pages/refused.html", context, status=problem.status)
    return page.render()


def _json(request: HttpRequest, problem: Problem) -> JsonResponse:
    return JsonResponse(problem.body(face_of(request)), status=problem.status)
