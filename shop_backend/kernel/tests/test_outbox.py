"""What must leave is a row first, and leaves after the commit."""

import os
import subprocess
import sys
import threading
import uuid
from datetime import timedelta

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection, connections, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.errors import Conflict
from shop_backend.kernel.models import AuditEntry, IdempotencyKey, OutboxMessage, RecordedEvent

pytestmark = pytest.mark.django_db


class Refusal(Conflict):
    code = "test_refusal"
    message = "No."


class Postman:
    """Delivers letters, or fails as long as it is told to."""

    def __init__(self) -> None:
        self.delivered: list[dict] = []
        self.is_ill = False
        self.was_in_transaction: set[bool] = set()

    def __call__(self, payload) -> None:
        self.was_in_transaction.add(transactions.in_transaction())
        if self.is_ill:
            raise ConnectionError("the server of ada@example.com is down" + "!" * 600)
        self.delivered.append(payload)


@pytest.fixture
def postman(monkeypatch) -> Postman:
    postman = Postman()
    monkeypatch.setattr(outbox, "_handlers", {"letter": postman})
    return postman


def put(**payload) -> OutboxMessage:
    return transactions.run(lambda: outbox.put("letter", payload))


@pytest.mark.portable
def test_a_message_leaves_after_the_commit(postman, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        message = put(order=1)
        assert postman.delivered == []

    assert postman.delivered == [{"order": 1}]
    assert postman.was_in_transaction == {False}
    message.refresh_from_db()
    assert message.sent_at is not None
    assert (message.attempts, message.leased_until, message.last_error) == (1, None, "")
    assert outbox.deliver_due() == 0


@pytest.mark.portable
def test_a_message_vanishes_with_its_transaction(postman, django_capture_on_commit_callbacks):
    def refuse() -> None:
        outbox.put("letter", {"order": 1})
        raise Refusal

    with django_capture_on_commit_callbacks(execute=True), pytest.raises(Refusal):
        transactions.run(refuse)

    assert not OutboxMessage.objects.exists()
    assert postman.delivered == []


def test_a_message_nobody_delivers_is_a_bug_at_once(postman):
    with pytest.raises(RuntimeError, match="Nobody delivers 'parcel'"):
        transactions.run(lambda: outbox.put("parcel", {}))


@pytest.mark.portable
def test_a_failure_keeps_the_message_due_and_waits_longer_each_time(postman):
    message = put(order=1)
    postman.is_ill = True
    now = timezone.now()
    pauses = []

    for attempt in range(1, outbox.MAX_ATTEMPTS + 1):
        assert outbox.deliver_due(now=now) == 1
        message.refresh_from_db()
        assert (message.attempts, message.sent_at, message.leased_until) == (attempt, None, None)
        assert outbox.deliver_due(now=now) == 0
        pauses.append((message.next_attempt_at - now).total_seconds())
        now = message.next_attempt_at

    for attempt, pause in enumerate(pauses, start=1):
        longest = min(3600, 10 * 2**attempt)
        assert longest / 2 <= pause <= longest
    assert message.dead_at is not None
    assert message.last_error.startswith("ConnectionError: the server of")
    assert len(message.last_error) <= 500
    assert outbox.deliver_due(now=now + timedelta(days=30)) == 0


@pytest.mark.portable
def test_a_dead_message_can_be_sent_again(postman):
    dead, sent = put(order=1), put(order=2)
    OutboxMessage.objects.filter(pk=dead.pk).update(dead_at=timezone.now(), attempts=10)
    OutboxMessage.objects.filter(pk=sent.pk).update(sent_at=timezone.now())

    assert outbox.send_again([dead.pk, sent.pk]) == 1
    assert outbox.deliver_due() == 1
    assert postman.delivered == [{"order": 1}]


@pytest.mark.portable
def test_a_leased_message_is_left_alone_until_the_lease_ends(postman):
    message, now = put(order=1), timezone.now()
    OutboxMessage.objects.filter(pk=message.pk).update(leased_until=now + outbox.LEASE)

    assert outbox.deliver(message.pk, now=now) is False
    assert outbox.deliver_due(now=now) == 0
    assert outbox.deliver_due(now=now + outbox.LEASE + timedelta(seconds=1)) == 1
    assert postman.delivered == [{"order": 1}]


def test_a_worker_takes_the_oldest_first_and_no_more_than_told(postman):
    for order in range(5):
        put(order=order)

    assert outbox.deliver_due(limit=2) == 2
    assert outbox.deliver_due() == 3
    assert [payload["order"] for payload in postman.delivered] == [0, 1, 2, 3, 4]


def test_nothing_is_delivered_inside_a_transaction(postman):
    message = put(order=1)

    with pytest.raises(RuntimeError):
        transactions.run(lambda: outbox.deliver(message.pk))

    assert postman.delivered == []


def test_a_kind_whose_deliverer_is_gone_fails_like_any_other(postman, monkeypatch):
    message = put(order=1)
    monkeypatch.setattr(outbox, "_handlers", {})

    assert outbox.deliver_due() == 1
    message.refresh_from_db()
    assert message.last_error.startswith("KeyError")
    assert message.sent_at is None


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_four_workers_share_500_messages_and_send_each_once(postman, settings):
    settings.OUTBOX_DELIVERY = "worker"
    for order in range(500):
        put(order=order)
    barrier = threading.Barrier(4)
    tried: list[int] = []

    def work() -> None:
        barrier.wait()
        count = 0
        while done := outbox.deliver_due(limit=100):
            count += done
        tried.append(count)
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(payload["order"] for payload in postman.delivered) == list(range(500))
    assert sum(tried) == 500
    assert all(tried)  # shared, not queued up behind one of them
    assert set(OutboxMessage.objects.values_list("attempts", flat=True)) == {1}


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_worker_skips_what_another_is_about_to_lease(postman, settings):
    settings.OUTBOX_DELIVERY = "worker"
    first = put(order=0)
    put(order=1)
    is_locked, is_done = threading.Event(), threading.Event()

    def lock_first() -> None:
        with transaction.atomic():
            OutboxMessage.objects.select_for_update().get(pk=first.pk)
            is_locked.set()
            is_done.wait(timeout=5)
        connections.close_all()

    other = threading.Thread(target=lock_first)
    other.start()
    is_locked.wait(timeout=5)
    assert outbox.deliver_due() == 1
    is_done.set()
    other.join()

    assert postman.delivered == [{"order": 1}]


# A worker's process: it says that it has begun a delivery, and never comes to its end.
HANGING_WORKER = """
import os, sys, time
import django
django.setup()
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
from shop_backend.kernel import outbox
def hang(payload):
    print("delivering", flush=True)
    time.sleep(60)
outbox.register({"letter": hang})
outbox.deliver_due()
"""


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_what_a_killed_worker_was_delivering_is_delivered_after_its_lease(postman, settings):
    settings.OUTBOX_DELIVERY = "worker"
    for order in range(3):
        put(order=order)
    worker = subprocess.Popen(
        [sys.executable, "-c", HANGING_WORKER, connection.settings_dict["NAME"]],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        stdout=subprocess.PIPE,
        text=True,
    )
    with worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == "delivering\n"
        worker.kill()

    assert outbox.deliver_due() == 0  # leased, all three
    assert outbox.deliver_due(now=timezone.now() + outbox.LEASE + timedelta(seconds=1)) == 3
    assert [payload["order"] for payload in postman.delivered] == [0, 1, 2]
    attempts = OutboxMessage.objects.order_by("pk").values_list("attempts", flat=True)
    assert list(attempts) == [2, 1, 1]


@pytest.mark.portable
def test_a_message_that_kills_every_worker_is_given_up(postman):
    message = put(order=1)
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS)

    assert outbox.deliver_due() == 1

    message.refresh_from_db()
    assert postman.delivered == []
    assert message.dead_at is not None
    assert message.last_error.startswith("The worker ended")


@pytest.mark.portable
def test_who_has_lost_the_lease_notes_no_failure(postman, monkeypatch):
    message, now = put(order=1), timezone.now()
    others_lease = now + timedelta(hours=1)

    def take_long(payload) -> None:
        OutboxMessage.objects.update(leased_until=others_lease, attempts=2)
        raise TimeoutError

    monkeypatch.setattr(outbox, "_handlers", {"letter": take_long})
    outbox.deliver(message.pk, now=now)

    message.refresh_from_db()
    assert (message.leased_until, message.last_error) == (others_lease, "")


def test_what_is_being_delivered_is_not_sent_again_meanwhile(postman):
    message = put(order=1)
    OutboxMessage.objects.update(leased_until=timezone.now() + outbox.LEASE)

    assert outbox.send_again([message.pk]) == 0


@pytest.mark.portable
def test_delivered_messages_are_deleted_after_a_month_and_others_never(postman):
    now = timezone.now()
    put(order="waiting")
    for days in (29, 31):
        OutboxMessage.objects.create(
            kind="letter", payload={"days": days}, sent_at=now - timedelta(days=days)
        )

    assert outbox.delete_delivered(now=now) == 1
    kept = OutboxMessage.objects.order_by("pk").values_list("payload", flat=True)
    assert list(kept) == [{"order": "waiting"}, {"days": 29}]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("SMTPRecipientsRefused: {'ada@example.com': (550, b'no')}", "(550, b'no')"),
        ("https://api.example/v1?token=abcdefgh12345678abcdefgh failed", "failed"),
        ("no route to redis://shop:hunter2@10.0.0.1:6379", "10.0.0.1:6379"),
        ("Invalid API Key provided: sk_live_51Habcdefghijk", "Invalid API Key provided"),
        ("AuthenticationError: Bearer abc.def.ghi refused", "refused"),
        ("pi_3Abc_secret_xyz cannot be confirmed", "cannot be confirmed"),
        ("the code 123456 was not taken", "was not taken"),
    ],
)
def test_an_error_text_holds_no_secret(postman, monkeypatch, text, kept):
    def fail(payload) -> None:
        raise ValueError(text)

    monkeypatch.setattr(outbox, "_handlers", {"letter": fail})
    message = put(order=1)
    outbox.deliver(message.pk)

    message.refresh_from_db()
    assert kept in message.last_error
    assert "[masked]" in message.last_error
    for secret in ("ada@", "abcdefgh12", "hunter2", "sk_live", "abc.def", "_secret_", "123456"):
        assert secret not in message.last_error


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_the_background_thread_delivers_at_once(monkeypatch, settings):
    settings.OUTBOX_DELIVERY = "thread"
    arrived = threading.Event()
    monkeypatch.setattr(outbox, "_handlers", {"letter": lambda payload: arrived.set()})

    put(order=1)

    assert arrived.wait(timeout=20)


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root", "root@example.com", "secret"))
    return client


MODELS = [model for model in admin.site._registry if model._meta.app_label == "kernel"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_the_admin_shows_background_work_and_changes_none(
    model, superuser, postman, django_assert_max_num_queries, django_assert_num_queries
):
    def make(name: str) -> None:
        put(order=name)
        IdempotencyKey.objects.create(user_id=UserFactory().pk, operation="a", key=name)
        RecordedEvent.objects.create(kind="order.placed", subject="order", subject_id=1)
        AuditEntry.objects.create(write=uuid.uuid4(), phase="attempt", actor_id=UserFactory().pk)

    make("first")
    name = f"admin:kernel_{model._meta.model_name}"
    superuser.get(reverse(f"{name}_changelist"))  # notes the sign-in
    with django_assert_max_num_queries(20) as first:
        assert superuser.get(reverse(f"{name}_changelist")).status_code == 200
    for number in range(9):
        make(str(number))
    with django_assert_num_queries(len(first)):
        superuser.get(reverse(f"{name}_changelist"))

    pk = model.objects.order_by("pk").values_list("pk", flat=True)[0]
    assert superuser.get(reverse(f"{name}_change", args=[pk])).status_code == 200
    assert superuser.get(reverse(f"{name}_add")).status_code == 403
    assert superuser.post(reverse(f"{name}_delete", args=[pk])).status_code == 403


@pytest.mark.parametrize(
    ("name", "is_sent"), [("view_outboxmessage", False), ("change_outboxmessage", True)]
)
def test_who_may_only_look_at_messages_sends_none_again(postman, name, is_sent):
    message = put(order=1)
    OutboxMessage.objects.update(dead_at=timezone.now())
    person, client = UserFactory(is_staff=True), Client()
    names = {"view_outboxmessage", name}
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client.force_login(person)

    client.post(
        reverse("admin:kernel_outboxmessage_changelist"),
        {"action": "send_again", "_selected_action": [message.pk]},
    )

    message.refresh_from_db()
    assert (message.dead_at is None) is is_sent


def test_the_admin_sends_again(postman):
    message, superuser = put(order=1), Client()
    superuser.force_login(StaffFactory(role="admin"))
    OutboxMessage.objects.update(dead_at=timezone.now())

    superuser.post(
        reverse("admin:kernel_outboxmessage_changelist"),
        {"action": "send_again", "_selected_action": [message.pk]},
    )

    message.refresh_from_db()
    assert message.dead_at is None
