"""Run every check and every test, in order, and stop at the first that fails.

``python -m tests.run_all`` is what ``make test`` runs; names after it run only those steps:
``python -m tests.run_all format lint``. The tests run on SQLite, on a PostgreSQL that is made for
them (or the one TEST_POSTGRES_URL names) and, those marked portable, on the MySQL or MariaDB of
TEST_MYSQL_URL. TEST_DATABASE_URL tells pytest which; without it, it is SQLite.
"""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.postgres import PostgresUnavailable, throwaway_postgres

PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-n", "2")
# Run through the interpreter: the script's own first line breaks when the folder is moved.
LINT_IMPORTS = (PYTHON, str(Path(PYTHON).with_name("lint-imports")), "--no-logo")
CODE = ["accounts", "cart", "catalog", "inventory", "orders", "payments", "shipping"]
CODE += ["shop_backend", "manage.py"]
CLOSING_LINE = re.compile(r"^[= ]*(\d+ [a-z].*) in [\d.]+s\b")
TOTAL_LINE = "total: {passed} passed, {failed} failed, {skipped} skipped"
OUTCOMES = {"passed": "passed", "failed": "failed", "error": "failed", "errors": "failed"}


class Step(NamedTuple):
    """One command of the run, and the database its tests need, if not SQLite."""

    name: str
    command: Sequence[str]
    database: str | None = None


STEPS = [
    Step("lint", (PYTHON, "-m", "ruff", "check", ".")),
    Step("format", (PYTHON, "-m", "ruff", "format", "--check", ".")),
    Step("floors", LINT_IMPORTS),
    Step("types", (PYTHON, "-m", "mypy")),
    Step("bandit", (PYTHON, "-m", "bandit", "-q", "-r", *CODE, "-x", "*/tests/*")),
    Step("migrations", (PYTHON, "manage.py", "makemigrations", "--check", "--dry-run")),
    Step("sqlite", (*PYTEST, "-m", "not concurrency")),
    Step("postgresql", PYTEST, database="postgresql"),
    Step("chaos", (PYTHON, "-m", "tests.chaos", "short")),
    Step("security", (PYTHON, "-m", "tests.security", "short"), database="postgresql"),
    Step("mysql", (*PYTEST, "-m", "portable"), database="mysql"),
]


class StepFailed(Exception):
    """A step's command did not succeed."""


def run_steps(steps: Sequence[Step], databases: Mapping[str, str]) -> None:
    """Run the steps, each on its database, and print the tests' total.

    :raises StepFailed: at the first that fails.
    """
    outcomes: Counter[str] = Counter()
    try:
        for step in steps:
            _run_with_heading(step, databases, outcomes)
    finally:
        if outcomes:
            print(f"\n{TOTAL_LINE.format_map(outcomes)}")


def _run_with_heading(step: Step, databases: Mapping[str, str], outcomes: Counter[str]) -> None:
    print(f"\n=== {step.name}: {_readable(step.command)}", flush=True)
    started = time.monotonic()
    status = _run(step, databases, outcomes)
    seconds = time.monotonic() - started
    verdict = f"FAILED (exit status {status})" if status else "ok"
    print(f"--- {step.name}: {verdict}, {seconds:.1f} s", flush=True)
    if status:
        raise StepFailed(step.name)


def _readable(command: Sequence[str]) -> str:
    return " ".join(Path(word).name if word.startswith("/") else word for word in command)


def _run(step: Step, databases: Mapping[str, str], outcomes: Counter[str]) -> int:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    environment.pop("TEST_DATABASE_URL", None)
    if step.database:
        environment["TEST_DATABASE_URL"] = databases[step.database]
    with subprocess.Popen(
        step.command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        try:
            for line in process.stdout:
                print(line, end="", flush=True)
                outcomes.update(_counted(line))
        except BaseException:  # a Ctrl-C or the like: the step must not outlive us
            process.terminate()
            raise
    return process.returncode


def _counted(line: str) -> Iterator[str]:
    """Yield an outcome for each test that pytest's closing line counts."""
    closing = CLOSING_LINE.match(line)
    for number, word in re.findall(r"(\d+) ([a-z]+)", closing[1] if closing else ""):
        yield from [OUTCOMES.get(word, word)] * int(number)


def main(names: Sequence[str]) -> int:
    """Run the named steps, or all that there is a database for, and return the exit status."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.chdir(Path(__file__).resolve().parent.parent)
    possible = [step.name for step in STEPS]
    if not os.environ.get("TEST_MYSQL_URL"):
        possible.remove("mysql")
        print("TEST_MYSQL_URL names no server: nothing is tested on MySQL or MariaDB.")
    if not set(names) <= set(possible):
        print(f"The possible steps are: {', '.join(possible)}", file=sys.stderr)
        return 2
    steps = [step for step in STEPS if step.name in (names or possible)]
    try:
        with contextlib.ExitStack() as servers:
            run_steps(steps, _databases(steps, servers))
    except (PostgresUnavailable, StepFailed) as problem:
        print(f"\nFAILED: {problem}", flush=True)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _databases(steps: Sequence[Step], servers: contextlib.ExitStack) -> dict[str, str]:
    """Return the URL of each server the steps need, before any step has run."""
    databases = {}
    if any(step.database == "postgresql" for step in steps):
        databases["postgresql"] = servers.enter_context(throwaway_postgres())
    if any(step.database == "mysql" for step in steps):
        databases["mysql"] = os.environ["TEST_MYSQL_URL"]
    return databases


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
