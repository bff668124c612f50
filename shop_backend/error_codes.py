"""Every stable code of the API, gathered from the classes that carry them."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import module_has_submodule

from shop_backend.kernel import problems
from shop_backend.kernel.errors import ShopError

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "errors.md"
_HEAD = """# Error codes

Written by `manage.py write_error_codes` from the code; a test sees that it is the present list.
Names in braces are in `params`. Codes are never renamed.

| status | code | message |
|---|---|---|
"""
# What is refused before one of our own classes is reached.
_FURTHER = (
    (400, problems.VALIDATION_CODE, problems.VALIDATION_MESSAGE + " See `errors`."),
    (400, "malformed_request", "The request is malformed."),
    (401, "not_authenticated", "No token was sent."),
    (401, "authentication_failed", "The token is not valid (any more)."),
    (403, "permission_denied", "Your role does not allow this."),
    (405, "method_not_allowed", "The address does not know this method."),
    (406, "not_acceptable", "The API answers in JSON."),
    (413, "body_too_large", "The request body is too large."),
    (415, "unsupported_media_type", "The body is in no format that is understood."),
    (429, "throttled", "Too many requests; see Retry-After."),
    (500, "server_error", "Something went wrong on our side."),
)


def all_errors() -> list[type[ShopError]]:
    """Return every error class that has a code of its own."""
    for app in apps.get_app_configs():
        if app.module is not None and module_has_submodule(app.module, "errors"):
            import_module(f"{app.name}.errors")
    return [error for error in _subclasses(ShopError) if "code" in vars(error)]


def all_codes() -> list[str]:
    """Return every code that a refusal may carry, in the order of the alphabet."""
    return sorted({code for _, code in _messages()})


def as_markdown() -> str:
    """Return the list as a table, by status and code."""
    rows = _messages()
    lines = [f"| {status} | `{code}` | {rows[status, code]} |" for status, code in sorted(rows)]
    return _HEAD + "\n".join(lines) + "\n"


def _messages() -> dict[tuple[int, str], str]:
    rows = {(status, code): text for status, code, text in _FURTHER}
    for error in all_errors():
        rows.setdefault((error.status, error.code), error.message)
    return rows


def _subclasses(base: type[ShopError]) -> Iterator[type[ShopError]]:
    for error in base.__subclasses__():
        if error.__module__.endswith(".errors"):
            yield error
        yield from _subclasses(error)
