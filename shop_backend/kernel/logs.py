"""What never reaches a log, nor an error text that the admin shows."""

import json
import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

_MASK = "[masked]"
_SECRETS = re.compile(
    r"(?<=://)[^\s/@]+(?=@)"  # user and password of a URL
    r"|[^\s@<>'\"(),;:]+@[^\s@<>'\"(),;:]+"  # addresses
    r"|\b(?:sk|rk|pk|whsec|cs)_\w+|\b(?:pi|seti)_\w+_secret_\w+"  # a provider's keys
    r"|(?<=Bearer )\S+|(?<=JWT )\S+|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # tokens
    r"|(?<=[?&=])[\w%+/-]{20,}|\b[0-9a-fA-F]{32,}\b"  # what is as long as one
    r"|\b\d{6}\b"  # codes by mail
    r"|(?<=\)=\()[^)]*(?=\))|(?<=Failing row contains \()[^\n]*|(?<=Duplicate entry ')[^']*"
    r"|(?i:(?<=password=)|(?<=secret=)|(?<=token=)|(?<=key=))[^\s&]+"
)

# Up to the HTTP version of a request line, the end of a quoted Referer, or the end.
_QUERIES = re.compile(r"\?.*?(?= HTTP/\d|\"(?:\s|\Z)|\Z)", re.DOTALL)


def without_secrets(text: str) -> str:
    """Return a text of somebody else's, such as an error's, with what looks secret masked.

    Masked are keys, tokens, passwords in addresses, one-time codes, email addresses, and the
    values that a database quotes when a row breaks a constraint.
    """
    return _SECRETS.sub(_MASK, text)


class LineFormatter(logging.Formatter):
    """A line for people, and a traceback without what looks secret."""

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler's may stand there, as it was
        return super().format(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802  # logging's name
        return without_secrets(super().formatException(ei))


class JsonFormatter(LineFormatter):
    """One JSON object a line: time, level, logger, request id, message, and a traceback."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "logger": record.name,
            "request_id": getattr(record, "request_id", "-"),
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return json.dumps(entry, ensure_ascii=False)


class RefusalFilter(logging.Filter):
    """Log a 403 as the line that it is: it says what happened, and its traceback nothing more."""

    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "status_code", None) == 403:
            record.exc_info = None
        return True


class QueryFilter(logging.Filter):
    """Mask the query of each address in a server's line: searches name people."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _QUERIES.sub(rf"?{_MASK}", record.getMessage()), None
        return True


class SecretPathFilter(logging.Filter):
    """Mask what follows certain paths: a refused request's path is logged, live token and all.

    Masked is everything up to the HTTP version of a request line, or to the end: a path with a
    space in it has no other end that could be told.
    """

    def __init__(self, *, prefixes: Sequence[str]) -> None:
        super().__init__()
        known = "|".join(map(re.escape, prefixes))
        self._secrets = re.compile(rf"({known})(?! HTTP/\d).+?(?= HTTP/\d|\Z)", re.DOTALL)

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        masked = self._secrets.sub(r"\1[masked]", message)
        if masked != message:
            record.msg, record.args = masked, None
        return True
