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


def with_scans_repeated(jpeg: bytes, times: int) -> bytes:
    """Return a progressive JPEG with its last scan so many times more; libjpeg decodes each."""
    return jpeg[:-2] + jpeg[jpeg.rindex(b"\xff\xda") : -2] * times + jpeg[-2:]


def with_chunks(png: bytes, kind: bytes, data: bytes, times: int) -> bytes:
    """Return a PNG with a chunk so many times before its pixels."""
    at = png.index(b"IDAT") - 4
    return png[:at] + _chunk(kind, data) * times + png[at:]


def with_segments(jpeg: bytes, segment: bytes, times: int) -> bytes:
    """Return a JPEG with a segment so many times before its pixels."""
    return jpeg[:2] + segment * times + jpeg[2:]


def moving(kind: str, frames: int, side: int = 8) -> bytes:
    """Return an animation."""
    first, *others = (Image.new("RGB", (side, side), (each % 256, 0, 99)) for each in range(frames))
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=others, lossless=True)
    return buffer.getvalue()


_PHP = b"<?php system($_GET['c']); ?>"
_PAGE = b"<html><script>alert(1)</script></html>"

GOOD = png(8, 8)
PROFILE = b"x\0\0" + zlib.compress(bytes(1_000_000), 9)  # of a megabyte, unpacked
# A file's name and its content.
HOSTILE: Mapping[str, tuple[str, bytes]] = {
    "ten thousand pixels square": ("bomb.png", png(10_000, 10_000)),
    "a thousand scans": ("a.jpg", with_scans_repeated(_saved("JPEG", progressive=True), 1_000)),
    "a hundred thousand comments": (
        "a.jpg",
        with_segments(_saved("JPEG"), b"\xff\xfe\0\2", 100_000),
    ),
    "bytes that fill": ("a.jpg", with_segments(_saved("JPEG"), b"\xff", 900_000)),
    "a thousand profiles": ("a.png", with_chunks(GOOD, b"iCCP", PROFILE, 900)),
    "eighty thousand chunks": ("a.png", with_chunks(GOOD, b"prVt", b"", 80_000)),
    "a thousand frames": ("a.gif", moving("GIF", 1_000)),
    "frames in a PNG": ("a.png", moving("PNG", 500)),
    "frames in a WebP": ("a.webp", moving("WEBP", 200)),
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
