"""Requests as this shop reads them."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

_UNKNOWN = "application/octet-stream"


class ShopRequest(WSGIRequest):
    """A request whose text is UTF-8, whatever its Content-Type claims.

    Django decodes the query string with that charset before any middleware runs, and falls over
    codecs that are not for text: ``charset=hex``. The JSON parser refuses others itself. A type
    that cannot be read is taken for bytes of no known kind (RFC 9110, 8.3).
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(
                meta.get("CONTENT_TYPE", "")
            )
        except ValueError:  # a parameter in a charset that there is not, by RFC 2231
            self.content_type, self.content_params = _UNKNOWN, {}
            meta["CONTENT_TYPE"] = _UNKNOWN  # others read it again


class ShopHandler(WSGIHandler):
    """The WSGI application."""

    request_class = ShopRequest
