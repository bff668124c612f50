"""Writes docs/api/examples.json: real bodies of passing tests, for Swagger.

``python -m tests.record_examples`` runs again the tests that the examples came from; with tests
or their folders behind, those as well. Named with every folder of tests, it records anew from
all of them. Afterwards run ``python manage.py write_api_document``.
"""

import json
import os
import sys
from pathlib import Path

import pytest

TARGET = Path(__file__).parent.parent / "docs" / "api" / "examples.json"
PLUGIN = "tests.contract.recording"


def main(paths: list[str]) -> int:
    """Run the tests and write what they showed; return the exit code."""
    os.environ.pop("TEST_DATABASE_URL", None)  # ids begin at 1 in each test on SQLite alone
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"  # -p imports before pytest-django acts
    known = json.loads(TARGET.read_text()) if TARGET.exists() else {}
    code = pytest.main(["-q", "-p", PLUGIN, *sorted(_tests_of(known)), *paths])
    if code != pytest.ExitCode.OK:
        print("A test failed, so nothing is recorded.", file=sys.stderr)
        return int(code)
    recorder = sys.modules[PLUGIN].recorder  # pytest has imported it, settings and all
    examples = recorder.as_json()
    TARGET.write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n")
    print(f"{len(examples)} operations written to {TARGET.name}")
    if missing := sorted(set(recorder.document.by_name) - set(examples)):
        print("No example was seen of:", *missing, sep="\n  ")
    return 0


def _tests_of(examples: dict[str, dict[str, dict[str, str]]]) -> set[str]:
    tests = {str(entry["test"]) for entry in examples.values()}
    return tests | {entry["refusal"]["test"] for entry in examples.values() if "refusal" in entry}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
