"""Background work on a broker: with ``OUTBOX_DELIVERY=celery``, and only then.

The rows are the truth and the broker only says "now": a message of the broker that is lost is
made up for by the sweeps of beat, one that comes twice finds nothing to do. ``celery -A
shop_backend worker`` and ``celery -A shop_backend beat`` run it; see docs/background.md.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_backend.settings")

DELIVER = "shop.deliver"
RUN_TASK = "shop.run_task"

app = Celery("shop_backend")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["shop_backend"])


def nudge(pk: int) -> None:
    """Tell the workers of a new message; give up soon if the broker is not there.

    :raises OperationalError: the broker cannot be reached.
    """
    app.send_task(DELIVER, [pk], retry=False)
