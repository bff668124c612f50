"""``python -m tests.chaos short`` is a part of ``make test``; ``long`` is ``make chaos``."""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.chaos.databases import Environment, KillablePostgres, killable_postgres

ROOT = Path(__file__).resolve().parent.parent.parent
FIRST_PORT = int(os.environ.get("CHAOS_PORT", "18200"))
TEMPLATE = "chaos_template"


def shop_environment(database: Environment, **further: str) -> Environment:
    """Return the environment of a production shop on this database, and nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
        "SHOP_ENV_FILE": os.devnull,
        "SECRET_KEY": "attacked-in-a-test-with-more-than-32-characters",
        "PAYMENT_PROVIDER": "sandbox",
        "PAYMENT_SANDBOX_ALLOWED": "True",
        "RATE_LIMITS": "off",
        "OUTBOX_DELIVERY": "worker",  # the harness sweeps when it judges; the server delivers at once
        **database,
        **further,
    }


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--naive-rounds", type=int, default=5)
    chosen = parser.parse_args(arguments)
    only = [name for name in chosen.only.split(",") if name]
    with tempfile.TemporaryDirectory(prefix="shop-chaos-") as folder:
        with killable_postgres(FIRST_PORT) as server:
            server.execute(f"CREATE DATABASE {TEMPLATE}")
            migrate(shop_environment(server.environment(TEMPLATE)))
            for is_naive in (False, True):
                name = "chaos_naive" if is_naive else "chaos"
                server.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
                plan = {
                    "seed": 1, "only": only, "is_naive": is_naive, "port": FIRST_PORT + 1,
                    "log": "/tmp/w/chaos-server.log", "wsgi": "shop_backend.wsgi", "place": "PostgreSQL",
                    "rounds": chosen.naive_rounds if is_naive else chosen.rounds,
                    "until": time.time() + 3600, "results": f"{folder}/results",
                }
                run_inside(plan, shop_environment(server.environment(name), EMAIL_FILE_PATH=f"{folder}/mails"))
    return 0


def migrate(environment: Environment) -> None:
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], cwd=ROOT, env=environment, check=True)


def run_inside(plan, environment) -> None:
    subprocess.run([sys.executable, "-m", "tests.chaos.inside", json.dumps(plan)], cwd=ROOT, env=environment, check=True)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
