"""The shop on several machines, in short; ``make scale`` is the long form."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scale.machines import Missing, find_programs

pytestmark = pytest.mark.concurrency  # once, beside the tests on PostgreSQL


def test_nothing_is_lost_or_sold_twice_while_machines_go_and_come_back():
    try:
        find_programs()
    except Missing as missing:
        pytest.skip(str(missing))
    command = [sys.executable, "-m", "tests.scale", "short"]
    root = Path(__file__).resolve().parent.parent
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}

    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=300
    )

    assert done.stdout.count("\n") > 1, done.stderr[-3000:]
    report = json.loads(done.stdout.partition("\n")[2])
    assert report["violations"] == []
    assert done.returncode == 0
    assert report["purchases"] > 0
