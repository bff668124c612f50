"""Pictures that are none, or too much."""

import io
import struct
import zlib
from collections.abc import Mapping

from PIL import Image


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, rows: int | None = None, end: bytes = b"") -> bytes:
    """Return a black PNG; packed, ten thousand pixels square are a few kilobytes."""
    row = bytes(1 + (width + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row) for _ in range(height if rows is None else rows))
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", packed + packer.flush())
        + _chunk(b"IEND", b"")
        + end
    )


def _saved(kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, kind, **options)
    return buffer.getvalue()


_PHP = b"<?php system($_GET['c']); ?>"
_PAGE = b"<html><script>alert(1)</script></html>"

GOOD = png(8, 8)
# A file's name and its content.
HOSTILE: Mapping[str, tuple[str, bytes]] = {
    "ten thousand pixels square": ("bomb.png", png(10_000, 10_000)),
    "claims to be larger than memory": ("huge.png", png(2**31 - 1, 2**31 - 1, rows=0)),
    "no pixels": ("none.png", png(0, 0)),
    "cut off": ("cut.png", GOOD[:40]),
    "a picture and a page": ("page.png", png(8, 8, end=_PAGE)),
    "a picture and a program": ("shell.php", _saved("JPEG", comment=_PHP) + _PHP),
    "a picture and an archive": ("a.png", png(8, 8, end=b"PK\x03\x04" + bytes(60))),
    "a GIF that is a script": ("a.gif", b"GIF89a/*" + b"*/=1;alert(1)//" + bytes(30)),
    "a drawing": ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
    "a page": ("a.jpg", _PAGE),
    "a TIFF": ("a.tif", _saved("TIFF")),
    "a PostScript": ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\nquit\n"),
    "an icon": ("a.ico", _saved("ICO")),
    "nothing": ("a.png", b""),
    "a NUL in its name": ("a\x00.png", GOOD),
    "a way in its name": ("../../../../tmp/a.png", GOOD),
    "a line in its name": ("a%0d%0aX: y.png", GOOD),
    "no name": ("", GOOD),
    "a long name": ("a" * 5_000 + ".png", GOOD),
}
