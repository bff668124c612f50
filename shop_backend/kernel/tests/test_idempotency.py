"""The same request, however often it arrives, takes effect once."""

import threading
import time
from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError, connection, connections, transaction
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.tests.factories import UserFactory
from shop_backend.kernel import idempotency
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage
from shop_backend.kernel.tests import views
from shop_backend.kernel.tests.views import KettleDown, OutOfTea
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.urls("shop_backend.kernel.tests.urls")]


def client_of(user) -> APIClient:
    client = ShopClient()
    client.force_authenticate(user)
    return client


def effects() -> int:
    return OutboxMessage.objects.filter(kind="effect").count()


@pytest.fixture(autouse=True)
def acts(monkeypatch):
    """Say what an effect does next by the name that its request sends."""
    table: dict = {}
    monkeypatch.setattr(views.OnceView, "acts", table)
    monkeypatch.setattr(views.StepsView, "acts", table)
    monkeypatch.setattr(views.StepsView, "attempts", [])
    return table


def refuse(*args):
    raise OutOfTea(left=0)


def be_down(*args):
    raise KettleDown


def crash(*args):
    raise RuntimeError("the power went")


def invalidate(*args):
    raise ValidationError("No.")


def answer_409(*args):
    return Response({"code": "no"}, status=409)


@pytest.mark.portable
@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_a_repeat_gets_the_first_answer_in_the_face_it_asks_for(path):
    client = client_of(UserFactory())

    first = client.post(path, {"a": 1, "b": 2}, HTTP_IDEMPOTENCY_KEY="key")
    again = client.post(path, {"b": 2, "a": 1}, HTTP_IDEMPOTENCY_KEY="key")
    enveloped = client.post(f"/api{path}", {"a": 1, "b": 2}, HTTP_IDEMPOTENCY_KEY="key")

    assert (first.status_code, again.status_code, enveloped.status_code) == (201, 201, 201)
    assert again.json() == first.json() == enveloped.json()["data"]
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == enveloped["Idempotent-Replayed"] == "true"
    assert effects() == 1


@pytest.mark.portable
@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_the_same_key_with_another_body_is_422(path):
    client = client_of(UserFactory())
    client.post(path, {"a": 1}, HTTP_IDEMPOTENCY_KEY="key")

    response = client.post(path, {"a": 2}, HTTP_IDEMPOTENCY_KEY="key")

    assert response.status_code == 422
    assert response.json()["code"] == "idempotency_key_reused"
    assert effects() == 1


def test_the_path_is_a_part_of_the_request():
    client = client_of(UserFactory())
    huge = 2**70
    client.post(f"/once/{huge}/", {}, HTTP_IDEMPOTENCY_KEY="key")

    assert client.post(f"/once/{huge}/", {}, HTTP_IDEMPOTENCY_KEY="key").status_code == 201
    assert client.post("/once/1/", {}, HTTP_IDEMPOTENCY_KEY="key").status_code == 422
    assert effects() == 1


def test_the_files_of_a_form_are_a_part_of_the_request():
    client = client_of(UserFactory())

    def post(content: bytes):
        form = {"name": "a", "file": SimpleUploadedFile("a.txt", content)}
        return client.post("/once/", form, format="multipart", HTTP_IDEMPOTENCY_KEY="key")

    assert post(b"tea").status_code == 201
    assert post(b"tea")["Idempotent-Replayed"] == "true"
    assert post(b"coffee").status_code == 422
    assert effects() == 1


@pytest.mark.portable
@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_a_key_belongs_to_one_user_and_one_operation(path):
    ada, bob = client_of(UserFactory()), client_of(UserFactory())

    rows = {
        client.post(where, {}, HTTP_IDEMPOTENCY_KEY="key").json()["row"]
        for client in (ada, bob)
        for where in (path, "/other/")
    }

    assert len(rows) == effects() == 4


@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_without_a_key_or_without_a_user_every_request_counts(path):
    for client in (client_of(UserFactory()), ShopClient()):
        assert client.post(path, {}).status_code == 201
    for _ in range(2):
        assert ShopClient().post(path, {}, HTTP_IDEMPOTENCY_KEY="key").status_code == 201

    assert effects() == 4
    assert not IdempotencyKey.objects.exists()


@pytest.mark.parametrize("path", ["/once/", "/steps/"])
@pytest.mark.parametrize("key", ["", "a b", "ü", "x" * 256, "a\tb", " key\n"])
def test_a_key_that_makes_no_sense_is_refused(path, key):
    response = client_of(UserFactory()).post(path, {}, HTTP_IDEMPOTENCY_KEY=key)

    assert response.status_code == 400
    assert response.json()["code"] == "invalid_idempotency_key"
    assert effects() == 0


@pytest.mark.portable
@pytest.mark.parametrize("path", ["/once/", "/steps/"])
@pytest.mark.parametrize(("act", "status"), [(refuse, 409), (invalidate, 400), (answer_409, 409)])
def test_only_a_success_is_kept(path, act, status, acts):
    client = client_of(UserFactory())
    acts["x"] = act

    first = client.post(path, {"then": "x"}, HTTP_IDEMPOTENCY_KEY="key")
    assert first.status_code == status
    assert not IdempotencyKey.objects.exists()
    acts.clear()
    second = client.post(path, {"then": "x"}, HTTP_IDEMPOTENCY_KEY="key")

    assert second.status_code == 201
    assert "Idempotent-Replayed" not in second


def test_a_crash_leaves_nothing_of_a_transaction(acts):
    client = client_of(UserFactory())
    acts["x"] = crash

    with pytest.raises(RuntimeError):
        client.post("/once/", {"then": "x"}, HTTP_IDEMPOTENCY_KEY="key")
    assert effects() == 0
    assert not IdempotencyKey.objects.exists()

    acts.clear()
    assert client.post("/once/", {"then": "x"}, HTTP_IDEMPOTENCY_KEY="key").status_code == 201
    assert effects() == 1


@pytest.mark.portable
def test_an_attempt_cut_off_by_a_crash_is_in_flight_until_its_lease_ends(acts):
    client = client_of(UserFactory())
    acts["x"] = crash
    body = {"then": "x"}
    with pytest.raises(RuntimeError):
        client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key")
    acts.clear()

    early = client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key")
    assert early.status_code == 409
    assert early.json()["code"] == "idempotency_key_in_flight"
    assert early["Retry-After"] == "2"
    assert effects() == 0
    assert client.post("/steps/", {}, HTTP_IDEMPOTENCY_KEY="key").status_code == 422

    IdempotencyKey.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    resumed = client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key")
    assert resumed.status_code == 201
    replayed = client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key")
    assert replayed.json() == resumed.json()
    assert effects() == 1
    first, second = views.StepsView.attempts
    assert first == second
    assert len(first) == 32


@pytest.mark.portable
def test_after_a_503_the_same_attempt_goes_on_at_once(acts):
    client = client_of(UserFactory())
    acts["x"] = be_down
    body = {"then": "x"}
    for _ in range(2):
        assert client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key").status_code == 503
    assert client.post("/steps/", {}, HTTP_IDEMPOTENCY_KEY="key").status_code == 422
    acts.clear()

    assert client.post("/steps/", body, HTTP_IDEMPOTENCY_KEY="key").status_code == 201

    assert len(views.StepsView.attempts) == 3
    assert len(set(views.StepsView.attempts)) == 1


@pytest.mark.portable
def test_after_a_refusal_the_same_key_is_another_attempt(acts):
    client = client_of(UserFactory())
    acts["x"] = refuse
    for _ in range(2):
        client.post("/steps/", {"then": "x"}, HTTP_IDEMPOTENCY_KEY="key")

    first, second = views.StepsView.attempts
    assert first != second


@pytest.mark.portable
@pytest.mark.parametrize("is_swept", [True, False])
def test_after_three_days_the_same_key_is_another_attempt(is_swept):
    client = client_of(UserFactory())
    client.post("/steps/", {}, HTTP_IDEMPOTENCY_KEY="key")
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=73))
    if is_swept:
        idempotency.delete_expired()

    client.post("/steps/", {}, HTTP_IDEMPOTENCY_KEY="key")

    first, second = views.StepsView.attempts
    assert first != second


def test_who_lost_the_lease_does_not_overwrite_the_answer(acts):
    client = client_of(UserFactory())

    def lose_the_lease():
        acts.clear()
        IdempotencyKey.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
        client.post("/steps/", {"then": "slow"}, HTTP_IDEMPOTENCY_KEY="key")
        return Response({"row": "late"}, status=201)

    acts["slow"] = lose_the_lease
    client.post("/steps/", {"then": "slow"}, HTTP_IDEMPOTENCY_KEY="key")

    replayed = client.post("/steps/", {"then": "slow"}, HTTP_IDEMPOTENCY_KEY="key")
    assert replayed.json() == {"row": OutboxMessage.objects.get().pk}


@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_a_key_is_forgotten_after_three_days(path):
    client = client_of(UserFactory())
    client.post(path, {"a": 1}, HTTP_IDEMPOTENCY_KEY="old")
    client.post(path, {"a": 1}, HTTP_IDEMPOTENCY_KEY="new")
    long_ago = timezone.now() - idempotency.KEPT_FOR - timedelta(seconds=1)
    IdempotencyKey.objects.filter(key="old").update(created_at=long_ago)

    other = client.post(path, {"a": 2}, HTTP_IDEMPOTENCY_KEY="old")
    assert other.status_code == 201
    assert effects() == 3
    IdempotencyKey.objects.filter(key="old").update(created_at=long_ago)
    assert idempotency.delete_expired() == 1
    assert IdempotencyKey.objects.get().key == "new"


@pytest.mark.portable
@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one writer at a time: none can wait")
def test_repeats_that_wait_for_the_first_do_not_deadlock_over_its_row():
    row = {"user": UserFactory(), "operation": "place", "key": "key"}
    refusals: list[Exception] = []

    def come_again() -> None:
        try:
            with transaction.atomic():
                idempotency._insert_unless_there(IdempotencyKey(**row))
                IdempotencyKey.objects.select_for_update().get(**row)
        except OperationalError as error:
            refusals.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=come_again) for _ in range(8)]
    with transaction.atomic():
        IdempotencyKey.objects.create(**row)
        for thread in threads:
            thread.start()
        time.sleep(0.5)  # until all of them wait; fewer would only prove less
    for thread in threads:
        thread.join()

    assert refusals == []


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", ["/once/", "/steps/"])
def test_twenty_at_once_have_one_effect(path):
    user = UserFactory()
    barrier = threading.Barrier(20)
    answers: list = []

    def post() -> None:
        client = APIClient()
        client.force_authenticate(user)
        barrier.wait()
        answers.append(client.post(path, {"a": 1}, HTTP_IDEMPOTENCY_KEY="key"))
        connections.close_all()

    threads = [threading.Thread(target=post) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 20
    assert effects() == 1
    done = [answer for answer in answers if answer.status_code == 201]
    in_flight = [answer for answer in answers if answer.status_code == 409]
    assert len(done) + len(in_flight) == 20
    assert {answer.content for answer in done} == {done[0].content}
    assert sum("Idempotent-Replayed" not in answer for answer in done) == 1
    if path == "/once/":
        assert not in_flight
    assert connection.vendor == "postgresql"
