"""What one whole run has found, kept as JSON beside the plots."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Row
from benchmarks.growth import Growth
from benchmarks.profiling import Shares
from benchmarks.sale import Bare, Sale
from benchmarks.startup import Start
from benchmarks.storm import Storm


@dataclass
class Results:
    """Everything; what was not measured is empty or ``None``."""

    commit: str
    when: str
    machine: str
    command: str
    is_shared: bool  # others used the PostgreSQL meanwhile
    load_before: float  # the machine's load average: what else it was doing
    tables: dict[int, Sequence[Row]] = field(default_factory=dict)
    growth: Sequence[Growth] = ()
    sale: Sale | None = None
    bare: Bare | None = None
    storm: Storm | None = None
    start: Start | None = None
    profile: Shares = ()

    def row(self, size: int, name: str) -> Row | None:
        """Return one row of a table, if it was measured."""
        return next((row for row in self.tables.get(size, ()) if row.name == name), None)

    @property
    def middle_size(self) -> int:
        """The size that is judged: 10,000 products, or the nearest there is."""
        return min(self.tables, key=lambda size: abs(size - 10_000))

    def save(self, path: Path) -> None:
        """Write them as JSON."""
        path.write_text(json.dumps(_plain(dataclasses.asdict(self)), indent=1) + "\n")


def _plain(value: Any) -> Any:
    """Round what is measured: more digits than it is good for only make noise."""
    if isinstance(value, float):
        return float(f"{value:.4g}")
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
