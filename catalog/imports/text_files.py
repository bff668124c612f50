"""Opening text files that others made: gzip or plain, UTF-8, in lines of a bounded length."""

import gzip
import zlib
from collections.abc import Iterator
from typing import BinaryIO, cast

MAX_LINE_BYTES = 1024 * 1024
_GZIP_MAGIC = b"\x1f\x8b"


class DamagedFile(ValueError):
    """The file stops making sense: broken gzip, or a line longer than ``MAX_LINE_BYTES``."""


def uncompressed(stream: BinaryIO) -> BinaryIO:
    """Return the stream, or what it holds if it is gzip. Its content decides, not its name.

    :param stream: a seekable binary file at its start.
    """
    magic = stream.read(len(_GZIP_MAGIC))
    stream.seek(0)
    if magic != _GZIP_MAGIC:
        return stream
    return cast(BinaryIO, gzip.GzipFile(fileobj=stream))


def decoded_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines with their ends, without a byte order mark.

    Bytes that are no UTF-8 become lone surrogates, so that a reader can refuse the row they
    stand in and go on with the next.

    :raises DamagedFile: the gzip is broken or cut off, or a line is too long.
    """
    line = _line(stream).removeprefix(b"\xef\xbb\xbf")
    while line:
        yield line.decode("utf-8", errors="surrogateescape")
        line = _line(stream)


def _line(stream: BinaryIO) -> bytes:
    try:
        line = stream.readline(MAX_LINE_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DamagedFile(f"The gzip file is damaged: {error}.") from error
    if len(line) > MAX_LINE_BYTES:
        raise DamagedFile(f"A line has more than {MAX_LINE_BYTES:,} bytes.")
    return line
