"""``python -m tests.security.identity``: what the doors tell, and codes under a flood of guesses.

Against gunicorn with four workers, production settings, Argon2 and rate limits, on a PostgreSQL
of its own. The attacker has as many addresses as they like: they stand behind the one proxy that
the shop believes. Ends with 1 if a door tells anything or a guess too many is evaluated.
"""

import argparse
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.chaos.databases import free_ports, killable_postgres, migrate, shop_environment

ROOT = Path(__file__).resolve().parent.parent.parent
NAME = "identity"


def main(arguments: Sequence[str]) -> int:
    """Have the database, and attack the shop on it in a process of its environment."""
    parser = argparse.ArgumentParser(prog="python -m tests.security.identity")
    parser.add_argument("--samples", default="300", help="names of each kind at each door")
    parser.add_argument("--only", default="", help="doors whose title begins so, and no codes")
    parser.add_argument("--json", default="", help="a file for the rows")
    chosen = parser.parse_args(arguments)
    seed = os.environ.get("SEED") or str(secrets.randbelow(2**32))
    port = int(os.environ.get("SECURITY_PORT") or free_ports(2))
    print(f"SEED={seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="shop-identity-") as folder,
        killable_postgres(port) as postgres,
    ):
        postgres.execute(f"CREATE DATABASE {NAME}")
        environment = shop_environment(
            postgres.environment(NAME), RATE_LIMITS="on", NUM_PROXIES="1"
        )
        migrate(environment)
        command = [sys.executable, "-m", "tests.security.identity_inside"]
        command += [str(port + 1), folder, chosen.samples, seed, chosen.only, chosen.json]
        return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    began = time.monotonic()
    code = main(sys.argv[1:])
    print(f"{time.monotonic() - began:.0f} s")
    sys.exit(code)
