"""Addresses that the document does not name, under the corpus' headers and forms.

Documentation, probes, pictures, the admin site's door, other doors' neighbours and nothing at all:
what reads a header there is Django, or the page itself.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from tests.chaos.wire import Request
from tests.routes import other_addresses
from tests.security import corpus

_NOWHERE = ("", "api/", "nowhere", "api/nowhere", "admin/", "admin/nowhere/", "static/nowhere")
_METHODS = ("GET", "POST")
_TOKEN = "a" * 32  # a browser makes one up as well as the shop
_OF_A_FORM = {
    "Content-Type": "multipart/form-data; boundary=b",
    "Cookie": f"csrftoken={_TOKEN}",
    "X-CSRFToken": _TOKEN,
}


def addresses() -> list[str]:
    """Return every address of no operation, and some of nothing."""
    found = {f"/{each}".replace("<path:path>", "a" * 256) for each in other_addresses()}
    return sorted(found | {f"/{each}" for each in _NOWHERE})


def requests(chance: Random, *, most: int | None) -> Iterator[Request]:
    """Yield requests with one hostile header each, and forms with one hostile part.

    :param most: values of each header at each address, chosen by chance; ``None``: all.
    """
    headers = {**corpus.HEADERS, "Content-Type": corpus.CONTENT_TYPES}
    for path in addresses():
        for name, values in headers.items():
            for value in _some(chance, values, most):
                for method in _METHODS:
                    yield Request(method, path, headers={name: value})
        for part in _some(chance, corpus.PARTS, most):
            body = b"--b\r\n" + part + b"\r\n\r\nx\r\n--b--\r\n"
            yield Request("POST", path, body, headers=_OF_A_FORM)


def _some(chance: Random, values: Sequence[Any], most: int | None) -> Sequence[Any]:
    return values if most is None or len(values) <= most else chance.sample(values, most)
