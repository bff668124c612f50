"""Shops under measurement: a database with its catalogue, and the servers in front of it."""

import contextlib
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import facts as facts_module
from benchmarks.environment import (
    LOOPBACK,
    database_name,
    environment_for,
    make_database,
)
from benchmarks.facts import Facts
from benchmarks.servers import FLOOR, ROOT, SHOP, Server, serving


@dataclass(frozen=True)
class Prepared:
    """A database that is ready, and what is known of it."""

    size: int
    facts: Facts
    path: Path  # of the facts
    root: Path  # of the code that made it

    @property
    def environment(self) -> Mapping[str, str]:
        return self.facts.environment

    @property
    def database(self) -> str:
        return self.environment["DB_NAME"]


def prepare(
    server: str, size: int, folder: Path, *, purpose: str = "", root: Path = ROOT
) -> Prepared:
    """Make or complete a shop of so many products by the code in ``root``.

    :param purpose: part of the database's name; of ``writing`` it is told what purchases send.
    """
    name = database_name(size, purpose=purpose)
    environment = environment_for(make_database(server, name))
    path = folder / f"{name}.facts"
    more = ["--writing"] if purpose == "writing" else []
    subprocess.run(
        [sys.executable, "-m", "benchmarks.preparing", str(size), str(path), *more],
        cwd=root,
        env={**environment, "PYTHONPATH": str(root)},
        check=True,
    )
    found = facts_module.load(path)
    found.environment = environment
    return Prepared(size, found, path, root)


@contextlib.contextmanager
def served(
    shop: Prepared, *kinds: str, writing: Prepared | None = None
) -> Iterator[Mapping[str, Server]]:
    """Serve a shop in these ways.

    ``shop`` is as in production, ``cold`` does not remember answers, ``floor`` is the floor on
    the same database, ``writing floor`` the one on a database of its own.
    """
    with contextlib.ExitStack() as stack:
        servers = {}
        for kind in kinds:
            under = writing if kind == "writing floor" else shop
            assert under is not None
            own = {"CATALOGUE_CACHE_MB": "0"} if kind == "cold" else {}
            if "floor" in kind:
                own["BENCH_FACTS"] = str(under.path)
            application = FLOOR if "floor" in kind else SHOP
            environment = {**under.environment, **own}
            root = ROOT if "floor" in kind else under.root
            servers[kind] = stack.enter_context(serving(application, environment, root=root))
        yield servers


@contextlib.contextmanager
def folder_for_facts() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        yield Path(name)


def renew_tokens(facts: Facts, server: Server) -> None:
    """Get every customer a new access token: they live for ten minutes."""
    for index, customer in enumerate(facts.customers):
        asked = urllib.request.Request(
            f"http://{LOOPBACK}:{server.port}/api/auth/jwt/refresh/",
            data=json.dumps({"refresh": customer.refresh}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(asked) as answer:
            facts.tokens[index] = json.load(answer)["access"]
