"""Looks for what must never be there."""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from shop_backend import invariants
from shop_backend.invariants import Finding, Invariant
from shop_backend.kernel import audit

MOST_LINES = 1000  # that the audit log takes of one run


class Command(BaseCommand):
    help = (
        "Checks what must never be false; prints the rows that break it, and then exits with 1."
        " It only reads, unless told to repair; the shop may sell meanwhile."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--only", default="", help="Codes, separated by commas: I1,I7")
        parser.add_argument("--json", action="store_true", help="Print one JSON document.")
        parser.add_argument(
            "--repair",
            action="store_true",
            help="Set counters that are a cache of other rows to what those say, row by row.",
        )
        parser.add_argument(
            "--timeout",
            type=float,
            metavar="SECONDS",
            help="Give up a query that takes longer (PostgreSQL, MariaDB); it counts as broken.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            chosen = invariants.choose(options["only"])
        except invariants.UnknownCode as error:
            raise CommandError(str(error)) from error
        if options["repair"]:
            with audit.command("check_invariants --repair") as done:
                findings, mended = self._check(chosen, options)
                done["mended"] = mended[:MOST_LINES]
        else:
            findings, mended = self._check(chosen, options)
        if options["json"]:
            self.stdout.write(_as_json(findings, mended))
        else:
            self.stdout.write("\n".join([*mended, *map(_as_line, findings)]))
        broken = sum(not finding.is_kept for finding in findings)
        if broken:
            raise CommandError(f"{broken} of {len(findings)} are broken.", returncode=1)

    def _check(
        self, chosen: Sequence[Invariant], options: dict[str, Any]
    ) -> tuple[list[Finding], list[str]]:
        findings: list[Finding] = []
        mended: list[str] = []
        with tqdm(chosen, unit="query", file=self.stderr, disable=None) as progress:
            for invariant in progress:
                progress.set_description(invariant.code)
                finding = invariant.check(seconds=options["timeout"])
                if finding.count and options["repair"] and invariant.repair:
                    mended += [f"{invariant.code:<4}{line}" for line in invariant.mend()]
                    finding = invariant.check(seconds=options["timeout"])
                findings.append(finding)
        return findings, mended


def _as_line(finding: Finding) -> str:
    mark = "ok" if finding.is_kept else "TIME" if finding.is_unknown else "BROKEN"
    invariant: Invariant = finding.invariant
    line = f"{invariant.code:<4}{mark:<7}{finding.seconds:7.2f} s  {invariant.sentence}"
    if finding.is_kept:
        return line
    if finding.count is None:
        return f"{line}: not known, the query ran out of time"
    more = finding.count - len(finding.pks)
    return f"{line}: {', '.join(finding.names)}{f' and {more} more' if more else ''}"


def _as_json(findings: list[Finding], mended: list[str]) -> str:
    checked = [
        {
            "code": finding.invariant.code,
            "sentence": finding.invariant.sentence,
            "count": finding.count,
            "broken_by": finding.names,
            "seconds": round(finding.seconds, 3),
        }
        for finding in findings
    ]
    return json.dumps({"checked": checked, "mended": mended}, indent=2)
