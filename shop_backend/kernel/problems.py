"""Refusals as bodies: from any exception to the error side of both faces."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from rest_framework import exceptions

from shop_backend.kernel.errors import BadInput, ShopError
from shop_backend.kernel.faces import Face

NON_FIELD = "non_field_errors"
VALIDATION_CODE = "validation_error"
VALIDATION_MESSAGE = "Some fields need another look."

# DRF's own refusals: their codes are ours from here on.
_CODES = {
    exceptions.NotAuthenticated: "not_authenticated",
    exceptions.AuthenticationFailed: "authentication_failed",
    exceptions.PermissionDenied: "permission_denied",
    exceptions.NotFound: "not_found",
    exceptions.MethodNotAllowed: "method_not_allowed",
    exceptions.NotAcceptable: "not_acceptable",
    exceptions.UnsupportedMediaType: "unsupported_media_type",
    exceptions.Throttled: "throttled",
    exceptions.ParseError: "malformed_request",
}


@dataclass(frozen=True)
class Problem:
    """One refusal, before it is dressed for a face."""

    status: int
    code: str
    message: str
    params: Mapping[str, Any] = field(default_factory=dict)
    errors: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self, face: Face) -> Any:
        """Return the JSON body in that face's conventions."""
        if face is Face.PLAIN:
            if self.errors is not None:
                return _messages_only(self.errors)
            plain: dict[str, Any] = {"detail": self.message, "code": self.code}
            if self.params:
                plain["params"] = self.params
            return plain
        body: dict[str, Any] = {
            "success": False,
            "message": self.message,
            "data": None,
            "code": self.code,
        }
        if self.params:
            body["params"] = self.params
        if self.errors is not None:
            body["errors"] = self.errors
        return body


def from_shop_error(error: ShopError) -> Problem:
    """Return the problem of one of our own refusals."""
    headers = {}
    if error.retry_after_seconds is not None:
        headers["Retry-After"] = str(error.retry_after_seconds)
    errors = None
    if isinstance(error, BadInput) and error.field:
        errors = {error.field: [{"message": str(error), "code": error.code}]}
    return Problem(error.status, error.code, str(error), error.params, errors, headers)


def from_api_exception(error: exceptions.APIException) -> Problem:
    """Return the problem of one of DRF's refusals."""
    headers = {}
    if getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = error.auth_header  # type: ignore[attr-defined]  # getattr has just found it
    if (seconds := getattr(error, "wait", None)) is not None:
        headers["Retry-After"] = str(seconds)
    if isinstance(error, exceptions.ValidationError):
        errors = _detailed(error.detail)
        if not isinstance(errors, dict):
            errors = {NON_FIELD: errors}
        return Problem(400, VALIDATION_CODE, VALIDATION_MESSAGE, {}, errors, headers)
    detail = error.detail
    message = str(detail) if isinstance(detail, str) else str(detail.get("detail", detail))  # type: ignore[union-attr]  # a list is in a ValidationError alone
    code = _CODES.get(type(error))
    if code is None:
        codes = error.get_codes()
        code = codes if isinstance(codes, str) else str(error.default_code)
    return Problem(error.status_code, code, message, {}, None, headers)


def _detailed(detail: Any) -> Any:
    """Return DRF's details as ``{field: [{message, code}]}``, nested for lists."""
    if isinstance(detail, Mapping):
        return {str(key): _detailed(value) for key, value in detail.items()}
    if isinstance(detail, (list, tuple)):
        return [_detailed(item) for item in detail]
    return {"message": str(detail), "code": getattr(detail, "code", None) or "invalid"}


def _messages_only(errors: Any) -> Any:
    if isinstance(errors, Mapping):
        if set(errors) == {"message", "code"} and isinstance(errors["message"], str):
            return errors["message"]
        return {key: _messages_only(value) for key, value in errors.items()}
    if isinstance(errors, list):
        return [_messages_only(item) for item in errors]
    return errors
