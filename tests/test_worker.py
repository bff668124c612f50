"""The background worker: nothing that is broken stops the rest."""

import pytest
from django.core.management import call_command

from shop_backend import background

pytestmark = pytest.mark.django_db


def test_a_pass_does_every_task_and_says_how_much():
    assert background.run_once() == dict.fromkeys(background.TASKS, 0)


def test_a_broken_task_does_not_stop_the_others(monkeypatch, caplog):
    done = []

    def break_down(now):
        raise RuntimeError("a row that nobody understands")

    monkeypatch.setattr(
        background, "TASKS", {"broken": break_down, "fine": lambda now: done.append(now) or 1}
    )

    call_command("run_worker", "--once")

    assert len(done) == 1
    assert "the worker's task failed: broken" in caplog.text
