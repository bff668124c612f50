"""Uploaded pictures, made harmless: known by their content, bounded, and drawn anew.

What comes out holds pixels and nothing else: no EXIF with somebody's home, no script behind the
picture, no profile, no comment.
"""

import struct
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps

from catalog import errors, picture_parts

MAX_BYTES = 5_000_000
MAX_PIXELS = 40_000_000
LONGEST_SIDE = 2_400
THUMBNAIL_SIDE = 320
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
# All that the decoders are known to throw at a broken or hostile file.
_BROKEN = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as the shop keeps it."""

    content: bytes
    thumbnail: bytes
    extension: str
    width: int
    height: int


def redraw(upload: BinaryIO, *, size: int) -> Picture:
    """Return the picture drawn anew, upright, at most 2,400 pixels on its longest side.

    :param size: the upload's bytes.
    :raises ImageTooLarge: it has too many bytes or pixels.
    :raises ImageInvalid: it is no JPEG, PNG, WebP or GIF that can be read to its end, or one of
        more parts than any encoder writes.
    """
    if size > MAX_BYTES:
        raise errors.ImageTooLarge(bytes=MAX_BYTES, pixels=MAX_PIXELS)
    upload.seek(0)
    content = upload.read(MAX_BYTES)
    if not picture_parts.is_bounded(content):
        raise errors.ImageInvalid
    try:
        with Image.open(BytesIO(content), formats=_FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise errors.ImageTooLarge(bytes=MAX_BYTES, pixels=MAX_PIXELS)
            # JPEG can decode at a fraction of its size, which is all that is needed of a large one.
            image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
            image.load()
            has_alpha = image.has_transparency_data
            upright = ImageOps.exif_transpose(image).convert("RGBA" if has_alpha else "RGB")
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise errors.ImageTooLarge(bytes=MAX_BYTES, pixels=MAX_PIXELS) from error
    except _BROKEN as error:
        raise errors.ImageInvalid from error
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    small = upright.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    return Picture(
        content=_encoded(upright),
        thumbnail=_encoded(small),
        extension="png" if has_alpha else "jpg",
        width=upright.width,
        height=upright.height,
    )


def _encoded(image: Image.Image) -> bytes:
    bare = Image.new(image.mode, image.size)
    bare.paste(image)  # pixels alone: what the file said beside them stays behind
    stream = BytesIO()
    if image.mode == "RGBA":
        bare.save(stream, "PNG", optimize=True)
    else:
        bare.save(stream, "JPEG", quality=85, optimize=True, progressive=True)
    return stream.getvalue()
