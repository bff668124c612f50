"""JSON for what no view answers: unrouted addresses, bad requests, crashes."""

from typing import Any

from django.http import HttpRequest, JsonResponse

from shop_backend.kernel.faces import face_of
from shop_backend.kernel.problems import Problem


def bad_request(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 400."""
    return _answer(request, Problem(400, "malformed_request", "The request is malformed."))


def permission_denied(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 403."""
    return _answer(request, Problem(403, "permission_denied", "You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> JsonResponse:
    """Answer 404."""
    return _answer(request, Problem(404, "not_found", "Not found."))


def server_error(request: HttpRequest, *args: Any) -> JsonResponse:
    """Answer 500: a bug, and the log has it under the request's id."""
    return _answer(request, Problem(500, "server_error", "Something went wrong on our side."))


def _answer(request: HttpRequest, problem: Problem) -> JsonResponse:
    return JsonResponse(problem.body(face_of(request)), status=problem.status)
