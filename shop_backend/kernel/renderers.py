"""Answers as bytes: the envelope's success side, or the bare payload."""

from collections.abc import Mapping
from typing import Any

from rest_framework.renderers import BaseRenderer

from shop_backend.kernel import jsontext
from shop_backend.kernel.faces import Face, face_of

DEFAULT_MESSAGE = "OK."


class ShopJSONRenderer(BaseRenderer):
    """JSON in the face asked for. Errors come finished from the exception handler."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        context = renderer_context or {}
        response, request = context.get("response"), context.get("request")
        if response is None or request is None or getattr(response, "exception", False):
            return b"" if data is None else jsontext.dumps(data)
        if response.status_code in {204, 304}:
            return b""
        if face_of(request) is Face.PLAIN:
            return b"" if data is None else jsontext.dumps(data)
        message = getattr(response, "message", None) or DEFAULT_MESSAGE
        return envelope(data, message)


def envelope(data: Any, message: str) -> bytes:
    """Return the envelope of a success."""
    return jsontext.dumps({"success": True, "message": message, "data": data})


def around(face: Face, message: str) -> tuple[bytes, bytes]:
    """Return what stands before and after the payload of a success."""
    if face is Face.PLAIN:
        return b"", b""
    before, _, after = envelope(jsontext.Finished(b"null"), message).rpartition(b"null")
    return before, after
