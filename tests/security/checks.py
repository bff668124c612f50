"""What needs no server of ours: tests of the doors, bandit, and the doors' silence by time."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.run_all import CODE

ROOT = Path(__file__).resolve().parent.parent.parent
_PYTEST = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
CHECKS: dict[str, Sequence[str]] = {
    "forged tokens": [*_PYTEST, "accounts/tests/test_forged_tokens.py"],
    "access matrix": [*_PYTEST, "tests/test_security_matrix.py", "tests/test_access.py"],
    "mass assignment": [*_PYTEST, "tests/test_mass_assignment.py"],
    "bandit": [sys.executable, "-m", "bandit", "-q", "-r", *CODE, "-x", "*/tests/*"],
}
_TIMING = "tests.security.identity"


def run_all() -> list[dict[str, Any]]:
    """Run each and return its row."""
    checks = dict(CHECKS)
    if importlib.util.find_spec(_TIMING):
        checks["enumeration by time, guessed codes"] = [sys.executable, "-m", _TIMING]
    return [_run(name, command) for name, command in checks.items()]


def _run(name: str, command: Sequence[str]) -> dict[str, Any]:
    started = time.monotonic()
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).strip().splitlines()
    print(f"{name}: status {done.returncode}, {time.monotonic() - started:.0f} s", flush=True)
    failures = lines[-20:] if done.returncode else []
    return {"place": "Checks", "name": name, "failures": failures}
