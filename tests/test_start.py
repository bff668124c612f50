"""A worker starts with what requests need, and takes in the rest when one needs it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RARELY_NEEDED = {"PIL", "celery", "drf_yasg.views", "jsonschema", "requests", "stripe"}
_STARTED = """
import json, sys
import shop_backend.wsgi
import shop_backend.urls
loaded = sorted(set(sys.modules))
import stripe
client = stripe.new_default_http_client()
print(json.dumps([loaded, type(client).__name__]))
"""


def test_a_worker_starts_without_what_requests_rarely_need():
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "SHOP_ENV_FILE": os.devnull,
        "SECRET_KEY": "started-in-a-test-with-more-than-32-characters",
        "PAYMENT_PROVIDER": "sandbox",
        "PAYMENT_SANDBOX_ALLOWED": "True",
    }

    told = subprocess.run(
        [sys.executable, "-c", _STARTED],
        cwd=ROOT,
        env=environment,
        check=True,
        capture_output=True,
        timeout=60,
    )
    loaded, stripes_client = json.loads(told.stdout)

    assert RARELY_NEEDED & set(loaded) == set()
    assert stripes_client == "RequestsClient"  # hidden from DRF alone
