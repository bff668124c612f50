"""Requests as this shop reads them."""

from typing import Any

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import multipartparser
from django.utils.http import parse_header_parameters

_UNKNOWN = "application/octet-stream"
_ACCEPT = "HTTP_ACCEPT"


def read_parameters(line: str) -> tuple[str, dict[str, str]]:
    """Return a header's value and its parameters, by RFC 2231.

    :raises ValueError: a parameter is in a charset that there is not, or both whole and in pieces,
        over which Python raises TypeError, and Django and DRF look for ValueError alone.
    """
    try:
        return parse_header_parameters(line)
    except TypeError as error:
        raise ValueError("A parameter is whole and in pieces.") from error


# The parts of a form are read within Django, for DRF too; it leaves out a line over ValueError.
multipartparser.parse_header_parameters = read_parameters  # type: ignore[attr-defined]  # a name it imports


class ShopRequest(WSGIRequest):
    """A request whose headers can be read, whoever reads them, and whose text is UTF-8.

    Django decodes the query string with the charset of the Content-Type before any middleware runs,
    and falls over codecs that are not for text: ``charset=hex``. The JSON parser refuses others
    itself. A type that cannot be read is taken for bytes of no known kind (RFC 9110, 8.3); a part
    of Accept that cannot be read accepts nothing.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        if ";" in environ.get(_ACCEPT, ""):
            environ[_ACCEPT] = ",".join(filter(_is_readable, environ[_ACCEPT].split(",")))
        super().__init__(environ)

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = read_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = _UNKNOWN, {}
            meta["CONTENT_TYPE"] = _UNKNOWN  # others read it again


def _is_readable(part: str) -> bool:
    if "*" not in part.partition(";")[2]:  # without it no parameter is one of RFC 2231
        return True
    try:
        read_parameters(part)
    except ValueError:
        return False
    return True


class ShopHandler(WSGIHandler):
    """The WSGI application."""

    request_class = ShopRequest
