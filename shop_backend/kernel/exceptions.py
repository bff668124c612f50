"""From an exception in a view to the answer in the face asked for."""

import logging
from typing import Any

from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DatabaseError, Error
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from shop_backend.kernel import problems, quick_refusals
from shop_backend.kernel.errors import (
    DatabaseBusy,
    DatabaseUnavailable,
    InvalidToken,
    ShopError,
)
from shop_backend.kernel.faces import face_of
from shop_backend.kernel.transactions import is_lost_connection, is_retryable

logger = logging.getLogger(__name__)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer a refusal; return ``None`` for a bug, which then is a 500."""
    problem = _problem(error)
    if problem is None:
        return None
    set_rollback()
    request = context["request"]
    if isinstance(error, ShopError) and error.holds is not None:
        quick_refusals.note(request.META, error.holds)
    headers = dict(problem.headers)
    if isinstance(error, InvalidToken):  # as if the door had said so
        scheme = context["view"].get_authenticate_header(request)
        headers |= {"WWW-Authenticate": scheme} if scheme else {}
    return Response(problem.body(face_of(request)), status=problem.status, headers=headers)


def _problem(error: Exception) -> problems.Problem | None:
    if isinstance(error, Error):
        error = _as_refusal(error)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    if isinstance(error, RequestDataTooBig):
        return problems.Problem(413, "body_too_large", "The request body is too large.")
    if isinstance(error, (SuspiciousOperation, BadRequest)):
        error = exceptions.ParseError()
    if isinstance(error, ShopError):
        return problems.from_shop_error(error)
    if isinstance(error, exceptions.APIException):
        return problems.from_api_exception(error)
    return None


def _as_refusal(error: Error) -> Exception:
    """Return what a database's trouble means to the caller; a bug stays what it is."""
    if isinstance(error, DatabaseError) and is_retryable(error):
        return DatabaseBusy()
    if is_lost_connection(error):
        logger.error("the database cannot be reached: %s", error)
        return DatabaseUnavailable()
    return error
