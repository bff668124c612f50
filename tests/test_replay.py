"""``manage.py replay_orders``: a small recording, a real server, a Ctrl-C, a planted difference."""

import csv
import os
import re
import signal
import subprocess
import sys
import uuid
from pathlib import Path

import environ
import pytest

from catalog.imports.online_retail import RAW_COLUMNS
from tests.test_served import PATIENCE_SECONDS, ROOT, database, environment_for, manage

SKUS = ("85123A", "71053", "84406B", "22752", "21730")
STEPS_DONE = re.compile(rb"Replaying:.* (\d+)/(\d+) ")
# A goodwill of one pound that stands in no recording; no invariant forbids it.
PLANT = """
from accounts.models import User
from payments.models import Payment
from payments.services import refund_as_staff
from shop_backend.kernel.money import Money
refund_as_staff(
    payment_id=Payment.objects.filter(refunded_minor=0).order_by("pk")[0].pk,
    amount=Money(100, "GBP"), reason="goodwill", actor=User.objects.get(username="replay-manager"),
    attempt_key=None,
)
"""


def write_recording(file: Path) -> None:
    """Write 32 invoices: 24 sales, 6 credit notes, a write-off, a bank charge."""
    rows = []
    for place in range(24):
        # Prices change, customers come back, every sixth customer is unknown.
        customer = "" if place % 6 == 5 else f"{17850 + place % 6}.0"
        for step in range(1 + place % 4):
            sku = SKUS[(place + step) % len(SKUS)]
            price = f"{2 + (place % 3) * 0.45:.2f}"
            rows.append((f"{536365 + place}", sku, 6 + step, price, customer))
    rows += [("536365", "85123A", 2, "9.99", "17850.0"), ("536365", "POST", 1, "18.0", "17850.0")]
    for place in range(6):
        sku, customer = SKUS[place % len(SKUS)], f"{17850 + place % 6}.0"
        rows.append((f"C5370{place}", sku, -2, f"{2 + (place % 3) * 0.45:.2f}", customer))
    rows += [("537100", "22752", -40, "0.0", ""), ("C537101", "BANK CHARGES", -1, "15.0", "")]
    with file.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(RAW_COLUMNS)
        for number, sku, quantity, price, customer in rows:
            country = "EIRE" if customer.startswith("17851") else "United Kingdom"
            name = f"THING {sku}"
            writer.writerow((number, sku, name, quantity, "2010-12-01", price, customer, country))


def start_replay(environment: dict[str, str], file: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "replay_orders", str(file), *options],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def interrupt_when_under_way(process: subprocess.Popen[bytes]) -> tuple[int, int]:
    """Press Ctrl-C once something is done; return what was done and what there was to do."""
    assert process.stderr is not None
    told = b""
    while not (found := STEPS_DONE.search(told)) or int(found[1]) < 1:
        chunk = os.read(process.stderr.fileno(), 4096)
        assert chunk, told.decode()
        told = (told + chunk)[-400:]
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=PATIENCE_SECONDS * 2)
    *_, last = STEPS_DONE.findall(told + rest)
    return int(last[0]), int(last[1])


def finish(process: subprocess.Popen[bytes]) -> tuple[int, str]:
    told, problems = process.communicate(timeout=PATIENCE_SECONDS * 4)
    return process.returncode, (told + problems).decode()


def replay_interrupted_resumed_and_planted(environment: dict[str, str], folder: Path) -> None:
    file, report = folder / "recording.csv", folder / "replay.md"
    write_recording(file)
    manage(environment, "migrate", "--verbosity", "0")

    process = start_replay(environment, file)
    done, total = interrupt_when_under_way(process)
    assert (process.returncode, done < total) == (130, True)

    status, told = finish(start_replay(environment, file, "--report", str(report)))
    assert status == 0, told
    page = report.read_text()
    assert "Unexplained differences: 0" in page
    assert "Invariants broken: 0 of" in page
    assert f"(runs before it {done})" in page
    assert "| orders in the shop | 25 |" in page  # 24 invoices, one with a SKU at two prices
    assert "| not in the catalogue: no goods code | 2 | 2 | 1 | 0 | 3.00 |" in page

    manage(environment, "shell", "-c", PLANT)
    status, told = finish(start_replay(environment, file))
    assert status == 1, told
    assert "credit note ('goodwill', " in told
    assert "refunded altogether" in told
    assert "Invariants broken: 0 of" in told


def test_a_recorded_day_is_replayed_on_sqlite(tmp_path):
    environment = environment_for(
        {"DB_NAME": str(tmp_path / "shop.sqlite3")},
        DEBUG="True",
        EMAIL_FILE_PATH=str(tmp_path / "mails"),
    )

    replay_interrupted_resumed_and_planted(environment, tmp_path)


@pytest.mark.concurrency
def test_a_recorded_day_is_replayed_on_postgresql(tmp_path):
    url = environ.Env().db_url("TEST_DATABASE_URL")
    server = {
        "DB_ENGINE": "django.db.backends.postgresql",
        "DB_NAME": f"replay_{uuid.uuid4().hex[:12]}",
        "DB_USER": str(url["USER"]),
        "DB_PASSWORD": str(url["PASSWORD"]),
        "DB_HOST": str(url["HOST"]),
        "DB_PORT": str(url["PORT"]),
    }
    environment = environment_for(server, DEBUG="True", EMAIL_FILE_PATH=str(tmp_path / "mails"))

    with database(server):
        replay_interrupted_resumed_and_planted(environment, tmp_path)
