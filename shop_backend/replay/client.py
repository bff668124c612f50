"""A caller of the API over HTTP: every call ends in time, and a lost answer is asked for again."""

import http.client
import json
import threading
import time
from collections import Counter
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_SECONDS = 60
TRIES = 6
# Not 500: that is a fault of the shop, and has to be seen.
_STATUSES_TO_RETRY = {429, 502, 503, 504}
_CODES_TO_RETRY = {"idempotency_key_in_flight"}


class Refused(Exception):
    """The shop said no."""

    def __init__(self, status: int, body: Any) -> None:
        self.status = status
        self.code = body.get("code", "") if isinstance(body, dict) else ""
        super().__init__(f"{status} {json.dumps(body)[:500]}")


class NoAnswer(Exception):
    """The shop did not answer, however often it was asked."""


class Client:
    """Speaks to the envelope's face, on one connection a thread."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._local = threading.local()
        self.requests = 0  # all threads together; approximately
        self.repeats: Counter[str] = Counter()  # why a call was made again

    def call(
        self, method: str, path: str, body: Any = None, *, token: str = "", key: str = ""
    ) -> Any:
        """Return the payload of a success; try again with the same key where that is safe.

        A POST without a key is repeated too: those of the replay are harmless when repeated.

        :param key: the Idempotency-Key.
        :raises Refused: the shop refused for good.
        :raises NoAnswer: it never answered.
        """
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        data = None if body is None else json.dumps(body).encode()
        for attempt in range(TRIES):
            if attempt:
                time.sleep(min(0.2 * 2**attempt, 5))
            try:
                status, answer = self._send(method, f"/api{path}", data, headers)
            except (OSError, http.client.HTTPException) as error:
                self._local.__dict__.pop("connection").close()
                problem: Exception = error
                self.repeats[type(error).__name__] += 1
                continue
            if status < 300:
                return answer["data"] if "success" in answer else answer
            problem = Refused(status, answer)
            if status not in _STATUSES_TO_RETRY and problem.code not in _CODES_TO_RETRY:
                raise problem
            self.repeats[problem.code or str(status)] += 1
        raise NoAnswer(f"{method} {path}: {problem}") from problem

    def _send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if not hasattr(self._local, "connection"):
            self._local.connection = http.client.HTTPConnection(
                self._host, self._port, timeout=TIMEOUT_SECONDS
            )
        self.requests += 1
        self._local.connection.request(method, path, data, headers)
        response = self._local.connection.getresponse()
        text = response.read()
        try:
            return response.status, json.loads(text) if text else {}
        except ValueError:
            return response.status, {"body": text[:200].decode(errors="replace")}
