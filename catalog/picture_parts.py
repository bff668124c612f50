"""What an uploaded picture is made of, looked at before anything of it is decoded.

Decoders do a thing as often as a file says so: libjpeg decodes the whole picture once for each
scan, Pillow unpacks each of a PNG's colour profiles, and both walk through a million empty parts.
So parts are counted first. Of GIF, WebP and animated PNG only the first frame is ever decoded, and
what else they hold costs less than a picture.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, repeat

# A picture of 5 MB has under a thousand: encoders write PNG's rows 8 KB at a time or more.
MOST_PARTS = 10_000
# libjpeg's own progressive script has 10, and each costs as much as the picture once more.
MOST_SCANS = 50
_JPEG, _PNG = b"\xff\xd8", b"\x89PNG\r\n\x1a\n"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_BARE = {_JPEG, _END}  # markers that nothing belongs to
# Within a scan no other bytes after 0xFF end it; elsewhere they are strays.
_MARKER = re.compile(rb"\xff[\xc0-\xcf\xd8-\xef\xfe]")
_STRAY = b""
_MOST_IN_JPEG = {_SCAN: MOST_SCANS}
_MOST_IN_PNG = {b"iCCP": 1}  # as the specification has it (PNG, 5.6)


def is_bounded(content: bytes) -> bool:
    """Return whether the file asks no decoder for more than an honest picture does."""
    if content.startswith(_JPEG):
        return _are_few(_parts_of_jpeg(content), _MOST_IN_JPEG)
    if content.startswith(_PNG):
        return _are_few(_parts_of_png(content), _MOST_IN_PNG)
    return True


def _are_few(parts: Iterator[bytes], most: Mapping[bytes, int]) -> bool:
    found = Counter(islice(parts, MOST_PARTS + 1))
    return found.total() <= MOST_PARTS and all(found[kind] <= most[kind] for kind in most)


def _parts_of_jpeg(content: bytes) -> Iterator[bytes]:
    """Yield the markers, as libjpeg finds them, and a stray for each byte that is in none."""
    at, is_in_scan = len(_JPEG), False
    while found := _MARKER.search(content, at):
        if not is_in_scan:
            yield from repeat(_STRAY, found.start() - at)
        marker, at = found[0], found.end()
        yield marker
        if marker == _END:
            return
        is_in_scan = marker == _SCAN
        if marker not in _BARE:
            at += max(2, int.from_bytes(content[at : at + 2], "big"))


def _parts_of_png(content: bytes) -> Iterator[bytes]:
    """Yield the kinds of the chunks."""
    at = len(_PNG)
    while kind := content[at + 4 : at + 8]:
        yield kind
        at += 12 + int.from_bytes(content[at : at + 4], "big")
