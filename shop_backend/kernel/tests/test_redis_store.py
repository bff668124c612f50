"""Budgets counted in Redis: the same numbers, by all processes, and no shop that hangs on it."""

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_backend.kernel import budgets, redis_store, shared
from shop_backend.kernel.budgets import MemoryStore, Rate
from shop_backend.kernel.models import SpentBudget
from shop_backend.kernel.redis_store import IN_REDIS
from tests.throwaway_redis import throwaway_redis

SECOND = 1_000_000
NOW = 1_800_000_000 * SECOND
HITS, PROCESSES, THREADS = 250, 2, 25
# What a process of a load balancer's pool does: as many hits as its threads can, all at once.
HIT = """
import json, sys, threading, django
django.setup()
from shop_backend.kernel import budgets, shared
key, threads, hits = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
barrier, verdicts = threading.Barrier(threads), []
def hit():
    barrier.wait()
    for _ in range(hits):
        verdicts.append(budgets.spend(key, budgets.Rate(10, 3600), store=shared.store()).is_allowed)
print("ready", flush=True)
sys.stdin.readline()
workers = [threading.Thread(target=hit) for _ in range(threads)]
for each in workers: each.start()
for each in workers: each.join()
print(json.dumps(verdicts))
"""


@pytest.fixture(scope="module")
def server():
    with throwaway_redis() as url:
        yield url


@pytest.fixture
def redis(server, settings):
    settings.REDIS_URL = server
    redis_store.breaker.reset()
    return server


@pytest.fixture
def key():
    return f"key {uuid.uuid4().hex}"


def test_of_250_simultaneous_hits_by_two_processes_exactly_ten_pass(redis, key):
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "shop_backend.settings",
        "SHOP_ENV_FILE": os.devnull,
        "DEBUG": "True",
        "REDIS_URL": redis,
        "DB_NAME": "/nowhere/there-is-no-database",  # what Redis did not count would be an error
    }
    arguments = [key, str(THREADS), str(HITS // PROCESSES // THREADS)]
    command = [sys.executable, "-c", HIT, *arguments]
    processes = [
        subprocess.Popen(
            command,
            cwd=Path(__file__).resolve().parents[3],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(PROCESSES)
    ]
    assert [process.stdout.readline() for process in processes] == ["ready\n"] * PROCESSES

    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    verdicts = [json.loads(process.communicate(timeout=60)[0]) for process in processes]

    assert sorted(sum(verdicts, [])) == [False] * (HITS - 10) + [True] * 10


@given(
    number=st.integers(1, 5),
    steps=st.lists(st.integers(0, 40 * SECOND), min_size=1, max_size=30),
)
def test_redis_and_memory_say_the_same(server, number, steps):
    rate, now, memory, key = Rate(number, 60), NOW, MemoryStore(), uuid.uuid4().hex

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("django.conf.settings.REDIS_URL", server)
        for step in steps:
            now += step
            verdict = budgets.spend(key, rate, store=IN_REDIS, now=now)
            assert budgets.spend(key, rate, store=memory, now=now) == verdict


def test_a_forgotten_budget_is_whole(redis, key, db):
    budgets.spend(key, Rate(1, 60), store=IN_REDIS)
    assert not budgets.spend(key, Rate(1, 60), store=IN_REDIS).is_allowed

    IN_REDIS.forget(key)

    assert budgets.spend(key, Rate(1, 60), store=IN_REDIS).is_allowed


def test_redis_forgets_by_itself_what_says_nothing_any_more(redis, key):
    budgets.spend(key, Rate(2, 60), store=IN_REDIS)

    left = redis_store._connected(redis).client.pttl(f"shop:budget:{key}")

    assert 30_000 < left <= 30_000 + 60_000


@pytest.mark.django_db
def test_logins_are_counted_in_redis_and_without_it_in_the_database(redis, settings, client):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "login": "2/hour"}
    body, address = {"username": "nobody", "password": "wrong"}, f"192.0.2.{os.getpid() % 250}"

    def log_in():
        path = "/api/accounts/login/"
        return client.post(path, body, "application/json", REMOTE_ADDR=address).status_code

    assert [log_in() for _ in range(3)] == [401, 401, 429]
    assert not SpentBudget.objects.filter(pk__startswith="login").exists()

    settings.REDIS_URL = f"redis://127.0.0.1:{_closed_port()}/0"
    assert [log_in() for _ in range(3)] == [401, 401, 429]
    assert SpentBudget.objects.filter(pk__startswith="login").count() == 1
    shared_budget = redis_store._connected(redis).client.keys("shop:budget:login*")
    redis_store._connected(redis).client.delete(*shared_budget)


@pytest.mark.django_db
def test_ordinary_requests_are_counted_in_redis_and_without_it_in_the_process(
    redis, settings, client
):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": "2/hour"}
    address = f"198.51.100.{os.getpid() % 250}"

    def look():
        return client.get("/api/catalog/products/", REMOTE_ADDR=address).status_code

    assert [look() for _ in range(3)] == [200, 200, 429]
    budgets.IN_MEMORY._spent_until.clear()  # another process asks the same Redis
    assert look() == 429

    settings.REDIS_URL = f"redis://127.0.0.1:{_closed_port()}/0"
    assert [look() for _ in range(3)] == [200, 200, 429]
    assert not SpentBudget.objects.exists()
    budgets.IN_MEMORY._spent_until.clear()
    shared_budget = redis_store._connected(redis).client.keys("shop:budget:default*")
    redis_store._connected(redis).client.delete(*shared_budget)


@pytest.mark.django_db
def test_a_redis_that_hangs_is_waited_for_once_and_then_left_alone(settings, key, caplog):
    redis_store.breaker.reset()
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes connections, says nothing
        settings.REDIS_URL = f"redis://127.0.0.1:{mute.getsockname()[1]}/0"
        started = time.monotonic()
        verdicts = [budgets.spend(key, Rate(3, 60), store=shared.store()) for _ in range(5)]
        seconds = time.monotonic() - started

    assert [verdict.is_allowed for verdict in verdicts] == [True] * 3 + [False] * 2
    assert seconds < 4  # two timeouts, and not ten
    assert caplog.text.count("Redis does not answer") == 1
    redis_store.breaker.reset()


def test_a_redis_that_comes_back_is_used_again(redis, key, caplog):
    redis_store.breaker.note_failure(OSError("gone"))
    assert shared.is_marked(key) is None

    redis_store.breaker._until = 0.0  # the pause is over
    shared.mark(key, seconds=30)

    assert shared.is_marked(key) is True
    assert "Redis answers again" in caplog.text


def test_without_redis_nobody_knows_what_is_marked(settings, key):
    settings.REDIS_URL = ""

    shared.mark(key, seconds=30)

    assert shared.is_marked(key) is None
    assert shared.store() is budgets.IN_DATABASE


def test_a_shop_without_redis_does_not_carry_its_library():
    code = (
        "import sys, shop_backend.wsgi, shop_backend.kernel.shared; print('redis' in sys.modules)"
    )
    environment = {
        "PATH": os.environ["PATH"],
        "SHOP_ENV_FILE": os.devnull,
        "DEBUG": "True",
    }

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).resolve().parents[3],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "False"


def _closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]
