"""Two commits side by side, both served and measured in one run."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from benchmarks import figures
from benchmarks.endpoints import CLIENTS, Shop
from benchmarks.figures import Row, Sample
from benchmarks.servers import ROOT
from benchmarks.shops import Prepared, prepare, renew_tokens, served
from benchmarks.table import watching

_HEAD = """
### {size:,} products: {base} against the working tree

| endpoint | a second | p50 ms | p99 ms | app ms | database ms | queries | processor time, now to before | rate, now to before |
|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501  # a row of a table is one line


@contextlib.contextmanager
def checked_out(base: str) -> Iterator[Path]:
    """Give a folder with the code of a commit and with the benchmark of today."""
    with tempfile.TemporaryDirectory(prefix="bench-base-") as name:
        folder = Path(name) / "shop"
        _git("worktree", "add", "--quiet", "--detach", str(folder), base)
        try:
            for package in ("benchmarks", "tests"):
                shutil.rmtree(folder / package, ignore_errors=True)
                shutil.copytree(ROOT / package, folder / package)
            yield folder
        finally:
            _git("worktree", "remove", "--force", str(folder))


def prepare_both(server: str, size: int, folder: Path, base: str, root: Path) -> list[Prepared]:
    """Return the shops of both commits; one of another schema has a database of its own."""
    changed = subprocess.run(
        ["git", "diff", "--quiet", base, "--", ":(glob)**/migrations/*.py"], cwd=ROOT
    )
    purpose = f"at_{_git('rev-parse', '--short', base)}" if changed.returncode else ""
    (folder / "base").mkdir()
    return [
        prepare(server, size, folder / "base", purpose=purpose, root=root),
        prepare(server, size, folder),
    ]


def compare(
    server: str, shops: Sequence[Prepared], *, rounds: int, seconds: float, only: str
) -> list[tuple[Row, Row]]:
    """Run every endpoint of both in every round; the second's ratios are to the first."""
    samples: dict[str, tuple[list[Sample], list[Sample]]] = {}
    rows = [[row for row in Shop(shop.facts).endpoints() if only in row.name] for shop in shops]
    kinds = sorted({row.server for row in rows[0]} | {"shop"})
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(served(shop, *kinds)) for shop in shops]
        postgres = stack.enter_context(watching(server, *shops))
        progress = stack.enter_context(tqdm(total=rounds * len(rows[0]), unit="pair", disable=None))
        for _ in range(rounds):
            for shop, own in zip(shops, servers, strict=True):
                renew_tokens(shop.facts, own["shop"])
            for pair in zip(*rows, strict=True):
                progress.set_description(pair[0].name)
                for row, own, kept in zip(
                    pair, servers, samples.setdefault(pair[0].name, ([], [])), strict=True
                ):
                    scripts = [row.script_for(client) for client in range(CLIENTS)]
                    kept.append(
                        figures.measure(own[row.server], postgres, scripts, seconds=seconds)
                    )
                progress.update()
    before, now = (shop.facts.queries for shop in shops)
    return [
        (
            figures.summarised(name, old, old, before.get(name)),
            figures.summarised(name, new, old, now.get(name)),
        )
        for name, (old, new) in samples.items()
    ]


def as_markdown(size: int, base: str, pairs: Sequence[tuple[Row, Row]]) -> str:
    """Return the table: what was, an arrow, what is."""
    return _HEAD.format(size=size, base=base) + "".join(_line(*pair) for pair in pairs)


def _line(before: Row, now: Row) -> str:
    old, new = before.sample, now.sample
    cells = [
        now.name,
        f"{old.per_second:.0f} → {new.per_second:.0f}",
        f"{old.p50 * 1000:.1f} → {new.p50 * 1000:.1f}",
        f"{old.p99 * 1000:.1f} → {new.p99 * 1000:.1f}",
        f"{old.app * 1000:.2f} → {new.app * 1000:.2f}",
        f"{old.database * 1000:.2f} → {new.database * 1000:.2f}",
        f"{before.queries} → {now.queries}",
        f"{now.processor_to_floor:.2f}",
        f"{now.rate_to_floor:.2f}",
    ]
    return f"| {' | '.join(cells)} |\n"


def _git(*arguments: str) -> str:
    told = subprocess.run(["git", *arguments], cwd=ROOT, stdout=subprocess.PIPE, check=True)
    return told.stdout.decode().strip()
