"""The shop's background work on a real broker, with a real Celery worker process.

Runs where TEST_REDIS_URL (``redis://127.0.0.1:6379/13``) or TEST_AMQP_URL
(``amqp://guest:guest@127.0.0.1:5672//``) names a broker, on PostgreSQL: the worker is a process
of its own and has to see the test's database.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from catalog.tests.factories import VariantFactory
from orders.tests.trade import buyer, place
from shop_backend import celery
from shop_backend.kernel import outbox
from shop_backend.kernel.models import OutboxMessage

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
PATIENCE_SECONDS = 40


def broker_url(scheme: str) -> str:
    name = {"redis": "TEST_REDIS_URL", "amqp": "TEST_AMQP_URL"}[scheme]
    url = os.environ.get(name)
    if not url:
        pytest.skip(f"{name} names no broker")
    return url


def until(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (result := condition()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return result


class Workshop:
    """Starts Celery's processes on the test's database, and ends them."""

    def __init__(self, url: str, mails: Path) -> None:
        self.url, self.mails = url, mails
        self.queue = f"shop-test-{uuid.uuid4().hex[:12]}"
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[bytes]":
        database = connection.settings_dict
        process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "shop_backend", "-q", *command],
            cwd=Path(__file__).resolve().parent.parent,
            env={
                "PATH": os.environ["PATH"],
                "SHOP_ENV_FILE": os.devnull,
                "SECRET_KEY": "tests-only-secret-key-of-more-than-32-bytes",
                "PAYMENT_PROVIDER": "sandbox",
                "PAYMENT_SANDBOX_ALLOWED": "True",
                "DB_ENGINE": database["ENGINE"],
                "DB_NAME": str(database["NAME"]),
                "DB_USER": database["USER"],
                "DB_PASSWORD": database["PASSWORD"],
                "DB_HOST": database["HOST"],
                "DB_PORT": str(database["PORT"]),
                "EMAIL_FILE_PATH": str(self.mails),
                "OUTBOX_DELIVERY": "celery",
                "CELERY_BROKER_URL": self.url,
                "CELERY_QUEUE": self.queue,
                **environment,
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
        return process

    def start_worker(self, **environment: str) -> "subprocess.Popen[bytes]":
        return self.start("worker", "--pool=solo", "--without-mingle", **environment)

    def start_beat(self) -> "subprocess.Popen[bytes]":
        return self.start("beat", f"--schedule={self.mails}/beat", "--max-interval=1")

    def letters(self) -> list[Path]:
        return sorted(self.mails.glob("*.log"))

    def end(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        with celery.app.connection_for_write(self.url) as broker:
            broker.default_channel.queue_delete(self.queue)


@pytest.fixture(params=["redis", "amqp"])
def workshop(request, tmp_path, settings) -> Iterator[Workshop]:
    settings.OUTBOX_DELIVERY = "celery"
    workshop = Workshop(broker_url(request.param), tmp_path)
    outbox.nudge_by(celery.nudge)
    speak_to(workshop.url, workshop.queue)
    yield workshop
    outbox._nudges.clear()
    workshop.end()
    speak_to("", "shop")


def speak_to(url: str, queue: str) -> None:
    """Have this process tell another broker."""
    celery.app.close()  # and with it the pool of connections
    vars(celery.app).pop("amqp", None)  # what it remembers of queues
    celery.app.conf.update(broker_url=url, broker_write_url=url, task_default_queue=queue)


def test_a_worker_is_told_at_the_commit_and_sends_the_mail(workshop):
    workshop.start_worker()

    order = place(buyer(), (VariantFactory(stock=3), 1))

    until(lambda: OutboxMessage.objects.filter(sent_at=None).count() == 0)
    (letter,) = workshop.letters()
    assert order.number in letter.read_text()


def test_with_the_broker_down_orders_are_placed_and_the_sweep_sends_the_mail(workshop, caplog):
    with socket.create_server(("127.0.0.1", 0)) as server:  # a port where nobody listens later
        port = server.getsockname()[1]
    speak_to(f"{workshop.url.partition(':')[0]}://127.0.0.1:{port}//", workshop.queue)
    user, variant = buyer(), VariantFactory(stock=3)

    started = time.monotonic()
    place(user, (variant, 1))
    took = time.monotonic() - started
    until(lambda: "was left to the sweep: OperationalError" in caplog.text)

    assert took < 1
    assert OutboxMessage.objects.get().attempts == 0
    workshop.start_worker()
    workshop.start_beat()
    until(lambda: OutboxMessage.objects.exclude(sent_at=None).exists())
    assert len(workshop.letters()) == 1


def test_a_broker_that_does_not_answer_is_given_up_on(workshop):
    with socket.create_server(("127.0.0.1", 0), backlog=5) as silent:
        speak_to(
            f"{workshop.url.partition(':')[0]}://127.0.0.1:{silent.getsockname()[1]}//",
            workshop.queue,
        )
        started = time.monotonic()

        with pytest.raises(Exception, match=r"(?i)time|connect|refused"):
            celery.nudge(1)

        assert time.monotonic() - started < 15


def test_what_a_killed_worker_was_sending_is_sent_once_more(workshop):
    with socket.create_server(("127.0.0.1", 0)) as mail_server:  # takes the call, says nothing
        mail_server.settimeout(PATIENCE_SECONDS)
        worker = workshop.start_worker(
            EMAIL_HOST="127.0.0.1", EMAIL_PORT=str(mail_server.getsockname()[1])
        )
        place(buyer(), (VariantFactory(stock=3), 1))
        call, _ = mail_server.accept()
        worker.kill()
        call.close()
    message = OutboxMessage.objects.get()
    assert (message.attempts, message.sent_at) == (1, None)
    assert message.leased_until > timezone.now()

    workshop.start_worker()
    workshop.start_beat()
    OutboxMessage.objects.update(leased_until=timezone.now())  # as a minute later

    until(lambda: OutboxMessage.objects.exclude(sent_at=None).exists())
    assert len(workshop.letters()) == 1
    assert OutboxMessage.objects.get().attempts == 2
