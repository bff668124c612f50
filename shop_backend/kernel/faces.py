"""The two faces of the API: the envelope under ``/api/``, plain DRF conventions elsewhere."""

from enum import Enum
from typing import Any

ENVELOPE_PREFIX = "/api/"
# Djoser's clients expect Djoser's bodies, wherever they find its paths.
PLAIN_PREFIX_WITHIN_ENVELOPE = "/api/auth/"


class Face(Enum):
    """How an answer is dressed."""

    ENVELOPE = "envelope"
    PLAIN = "plain"


def face_of(request: Any) -> Face:
    """Return the face that this request asked for by its path."""
    path = request.path_info
    if path.startswith(ENVELOPE_PREFIX) and not path.startswith(PLAIN_PREFIX_WITHIN_ENVELOPE):
        return Face.ENVELOPE
    return Face.PLAIN
