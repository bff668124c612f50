"""The doors tell nobody who has an account: the short form of ``tests.security.identity``."""

import pytest

from accounts.services import sessions
from tests.security import enumeration
from tests.security.crowd import Crowd

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]
SAMPLES = 24
DOORS = {door.title: door for door in enumeration.doors()}


@pytest.fixture
def address(live_server, settings):
    settings.PASSWORD_HASHERS = ["accounts.hashers.Argon2idHasher"]
    settings.OUTBOX_DELIVERY = "worker"
    settings.RATE_LIMITS = True
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"NUM_PROXIES": 1}
    return live_server.thread.host, live_server.thread.port


@pytest.mark.parametrize("title", ["login, envelope", "forgot-password, plain"])
def test_a_door_says_the_same_in_the_same_time_whoever_has_an_account(address, title):
    finding = enumeration.look(address, DOORS[title], Crowd().names, samples=SAMPLES, seed=1)

    assert finding.answers == 1
    assert not finding.tells_by_time, finding.as_row()


def test_a_login_that_hashes_nothing_for_an_unknown_name_would_be_caught(address, monkeypatch):
    monkeypatch.setattr(sessions, "make_password", lambda password: None)

    door = DOORS["login, envelope"]
    finding = enumeration.look(address, door, Crowd().names, samples=SAMPLES, seed=1)

    assert finding.tells_by_time, finding.as_row()
    assert finding.runs[0].side == 1
