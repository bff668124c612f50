"""The attack on the doors, in a process whose environment is the attacked shop's."""

import json
import sys
from pathlib import Path

import django

django.setup()

from tests.chaos.server import serving
from tests.security import enumeration, guessing
from tests.security.crowd import Crowd, forwarded_for

Row = dict[str, str]
_OF_A_DOOR = ["door", "samples", "answers", "area", "told"]
_OF_A_FLOOD = ["attack", "sent", "evaluated", "accepted", "answers", "verdict"]


def main(port: int, folder: Path, samples: int, seed: int, only: str, target: str) -> int:
    """Ask every door, flood the codes, print each row; return 1 if anything went wrong."""
    crowd, rows, is_right = Crowd(), list[Row](), True
    with serving(port=port, log=folder / "server.log", environment={}) as server:
        for door in enumeration.doors():
            if door.title.startswith(only):
                finding = enumeration.look(
                    server.address, door, crowd.names, samples=samples, seed=seed
                )
                rows.append(_told(_OF_A_DOOR, finding.as_row()))
                is_right = is_right and finding.is_silent
        for attack in () if only else guessing.ATTACKS:
            outcome = attack(server.address, crowd.somebody_new(), forwarded_for)
            rows.append(_told(_OF_A_FLOOD, outcome.as_row()))
            is_right = is_right and outcome.is_as_promised
    if target:
        Path(target).write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if is_right else 1


def _told(titles: list[str], texts: list[str]) -> Row:
    print(" | ".join(texts), flush=True)
    return dict(zip(titles, texts, strict=True))


if __name__ == "__main__":
    _, _port, _folder, _samples, _seed, _only, _target = sys.argv
    sys.exit(main(int(_port), Path(_folder), int(_samples), int(_seed), _only, _target))
