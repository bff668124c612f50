"""localstripe, somebody else's partial Stripe, as a server of its own.

It is GPL, so it stays outside: in an environment of its own (``.venv/localstripe``, made when it
is first wanted), in a process of its own, spoken to over HTTP alone.
"""

import contextlib
import fcntl
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

from django.conf import settings

VERSION = "1.15.10"
PLACE = Path(settings.BASE_DIR) / ".venv" / "localstripe"
LAUNCHER = Path(__file__).with_name("localstripe_launcher.py")
_PATIENCE_SECONDS = 20


class LocalStripeUnavailable(Exception):
    """It is not here, and cannot be fetched."""


def install() -> Path:
    """Return its interpreter, after installing it if it is not there.

    :raises LocalStripeUnavailable: the package index is out of reach, or has none for us.
    """
    PLACE.parent.mkdir(exist_ok=True)
    python, done = PLACE / "bin" / "python", PLACE / f"installed-{VERSION}"
    with PLACE.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the suite runs in several processes
        if not done.exists():
            _run(sys.executable, "-m", "venv", "--clear", str(PLACE))
            pip = (str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
            _run(*pip, "--retries", "0", "--timeout", "15", f"localstripe=={VERSION}")
            done.touch()
    return python


def _run(*command: str) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    except subprocess.CalledProcessError as error:
        told = (error.stderr or error.stdout).strip().splitlines() or ["no word of why"]
        raise LocalStripeUnavailable(f"localstripe cannot be installed: {told[-1]}") from error


class LocalStripe:
    """``with LocalStripe() as stripe:`` serves on ``stripe.url`` until the end."""

    key, secret = "sk_test_localstripe", "whsec_localstripe"

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as opened:
            port = opened.enter_context(_process(install()))
            self.url = f"http://127.0.0.1:{port}"
            self._inbox = _Inbox()
            opened.enter_context(self._inbox)
            self._post("/_config/webhooks/shop", {"url": self._inbox.url, "secret": self.secret})
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def take(self, kind: str, intent_id: str) -> tuple[bytes, str]:
        """Return body and signature of the event of this kind about this intent."""
        while True:
            body, signature = self._inbox.received.get(timeout=_PATIENCE_SECONDS)
            event = json.loads(body)
            what = event["data"]["object"]
            if event["type"] == kind and intent_id in {what["id"], what.get("payment_intent")}:
                return body, signature

    def authenticate(self, intent_id: str, client_secret: str, *, agrees: bool) -> None:
        """Do what the customer's browser does in 3-D Secure."""
        path = f"/v1/payment_intents/{intent_id}/_authenticate"
        self._post(path, {"client_secret": client_secret, "success": agrees})

    def _post(self, path: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(
            self.url + path,
            data=json.dumps(body).encode(),
            headers={"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"},
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        opener.open(request, timeout=_PATIENCE_SECONDS).close()


@contextlib.contextmanager
def _process(python: Path) -> Iterator[str]:
    """Run the launcher while the block runs; yield the port it listens on."""
    # -P: what lies beside the launcher is no business of its own.
    command = [str(python), "-P", str(LAUNCHER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


class _Inbox:
    """Where localstripe delivers; the test carries it on to the shop."""

    def __init__(self) -> None:
        self.received: queue.Queue[tuple[bytes, str]] = queue.Queue()
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.send_response_only(200)
                self.send_header("Content-Length", "0")
                self.end_headers()
                received.put((body, self.headers["Stripe-Signature"]))

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
