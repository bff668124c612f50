"""``python -m benchmarks [SIZE ...]``: measure shops of so many products beside the floor."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

from benchmarks import environment
from benchmarks.servers import ROOT

SIZES = (1_000, 10_000, 100_000)


def main(arguments: Sequence[str]) -> int:
    """Measure each size in a process of its own: Django is set up for one database."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, metavar="SIZE")
    parser.add_argument("--rounds", type=int, default=3, help="the floor is run in each (3)")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each endpoint a round (3)")
    parser.add_argument("--only", default="", help="endpoints whose name contains this")
    options = parser.parse_args(arguments)
    with environment.postgres() as server:
        for size in options.sizes:
            settings = environment.environment_for(environment.database_for(server, size))
            command = [
                sys.executable, "-m", "benchmarks.one_size", server, str(size),
                str(options.rounds), str(options.seconds), options.only,
            ]  # fmt: skip
            own = {"DJANGO_SETTINGS_MODULE": "shop_backend.settings", "PYTHONWARNINGS": "ignore"}
            subprocess.run(command, cwd=ROOT, env={**settings, **own}, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
