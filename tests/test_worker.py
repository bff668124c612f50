"""The background worker: nothing that is broken stops the rest."""

from datetime import timedelta

import pytest
from django.core.management import call_command

from shop_backend import background, tasks

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)


def test_a_pass_does_every_task_and_says_how_much():
    assert background.run_once() == dict.fromkeys(background.TASKS, 0)


def test_a_broken_task_does_not_stop_the_others(monkeypatch, caplog):
    done = []

    def break_down(now):
        raise RuntimeError("a row that nobody understands")

    monkeypatch.setattr(
        background,
        "TASKS",
        {
            "broken": background.Task(break_down, every=SECOND),
            "fine": background.Task(lambda now: done.append(now) or 1, every=SECOND),
        },
    )

    call_command("run_worker", "--once")

    assert len(done) == 1
    assert "the worker's task failed: broken" in caplog.text


def test_beat_runs_every_task_of_the_worker():
    schedule = tasks.app.conf.beat_schedule

    assert {entry["args"][0] for entry in schedule.values()} == set(background.TASKS)
    assert all(entry["task"] in tasks.app.tasks for entry in schedule.values())
    assert all(entry["options"]["expires"] > 0 for entry in schedule.values())


@pytest.mark.parametrize("name", background.TASKS)
def test_a_task_can_be_run_by_beat_alone(name, caplog):
    tasks.run_task(name)

    assert caplog.text == ""
