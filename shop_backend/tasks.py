"""What a Celery worker can be told to do, and what beat tells it when."""

from shop_backend import background
from shop_backend.celery import DELIVER, RUN_TASK, app
from shop_backend.kernel import outbox


@app.task(name=DELIVER)
def deliver(pk: int) -> None:
    """Deliver one message of the outbox, unless it was delivered or another worker has it."""
    outbox.deliver(pk)


@app.task(name=RUN_TASK)
def run_task(name: str) -> None:
    """Run one of the periodic tasks."""
    background.run_task(name)


app.conf.beat_schedule = {
    name: {
        "task": RUN_TASK,
        "schedule": task.every,
        "args": [name],
        # While no worker runs, sweeps must not pile up: the next one does as well.
        "options": {"expires": task.every.total_seconds()},
    }
    for name, task in background.TASKS.items()
}
