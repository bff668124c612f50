"""Looks for what must never be there."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from shop_backend import invariants

SHOWN = 20


class Command(BaseCommand):
    help = "Checks what must never be false; prints the rows that break it, and then exits with 1."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", default="", help="Codes, separated by commas: I1,I7")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")

    def handle(self, *args: Any, **options: Any) -> None:
        chosen = _choose(options["only"])
        findings = []
        for invariant in tqdm(chosen, desc="invariants", unit="query", disable=None):
            findings.append((invariant, invariant.find()))
        if options["json"]:
            self.stdout.write(_as_json(findings))
        else:
            for invariant, broken_by in findings:
                self.stdout.write(_as_line(invariant, broken_by))
        broken = sum(bool(broken_by) for _, broken_by in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} are broken.", returncode=1)


def _choose(only: str) -> list[invariants.Invariant]:
    codes = {code.strip().upper() for code in only.split(",") if code.strip()}
    unknown = codes - set(invariants.CODES)
    if unknown:
        raise CommandError(
            f"Unknown: {', '.join(sorted(unknown))}. There are {', '.join(invariants.CODES)}."
        )
    return [each for each in invariants.ALL if not codes or each.code in codes]


def _as_line(invariant: invariants.Invariant, broken_by: list[str]) -> str:
    mark = "BROKEN" if broken_by else "ok"
    line = f"{invariant.code:<4}{mark:<7}{invariant.sentence}"
    if not broken_by:
        return line
    more = f" and {len(broken_by) - SHOWN} more" if len(broken_by) > SHOWN else ""
    return f"{line}: {', '.join(broken_by[:SHOWN])}{more}"


def _as_json(findings: list[tuple[invariants.Invariant, list[str]]]) -> str:
    return json.dumps(
        [
            {"code": invariant.code, "sentence": invariant.sentence, "broken_by": broken_by}
            for invariant, broken_by in findings
        ],
        indent=2,
    )
