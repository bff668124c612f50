"""``python -m tests.scale short`` is a part of the tests; ``long`` is ``make scale``.

SEED in the environment seeds what is random; SCALE_PORT names the first of six ports, else free
ones are looked for.
"""

import argparse
import json
import os
import random
import secrets
import signal
import sys
import tempfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from tests.chaos.databases import free_ports, migrate, shop_environment
from tests.scale import machines


def main(arguments: Sequence[str]) -> int:
    """Drive purchases through the machines; return 1 if anything was broken that must not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.scale")
    parser.add_argument("form", choices=["short", "long"])
    form = parser.parse_args(arguments).form
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers are ended
    seed = int(os.environ.get("SEED") or secrets.randbelow(2**32))
    random.seed(seed)
    first_port = int(os.environ.get("SCALE_PORT") or free_ports(machines.PORTS))
    print(f"SEED={seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="shop-scale-") as folder:
        os.chmod(folder, 0o755)  # the databases' user writes no log of its own, but looks at it
        with machines.running(first_port, Path(folder)) as running:
            environment = shop_environment(running.direct(), EMAIL_FILE_PATH=f"{folder}/mails")
            migrate(environment)
            os.environ.clear()
            os.environ.update(environment)
            # The models need Django set up, and that needs the database's address.
            report = import_module("tests.scale.driving").drive(running, form)
    print(json.dumps(report, indent=1))
    return 1 if report["violations"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except machines.Missing as missing:
        sys.exit(f"Not run: {missing}.")
