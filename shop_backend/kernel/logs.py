"""What never reaches a log."""

import logging
import re
from collections.abc import Sequence


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
