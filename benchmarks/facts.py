"""What the load has to know of a shop, as its own Django found it: ids, tokens, cursors.

The load imports nothing of the shop, so that shops of several commits can be driven by one.
"""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.statements import Step


@dataclass(frozen=True)
class Customer:
    """Somebody who buys; ``refresh`` gets a new access token for a day."""

    user_id: int
    session_id: str
    refresh: str
    password: str


@dataclass
class Facts:
    """One shop."""

    products: int
    variants: Sequence[int]  # of which there is enough to buy without end
    customers: Sequence[Customer]
    cursors: Mapping[str, str] = field(default_factory=dict)  # to the page of that name
    deep_page: int = 1
    flows: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    queries: dict[str, int] = field(default_factory=dict)  # statements of an endpoint
    environment: Mapping[str, str] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)

    def save(self, path: str | Path) -> None:
        """Write them where ``load`` finds them."""
        Path(path).write_bytes(pickle.dumps(self))


def load(path: str | Path) -> Facts:
    """Return the facts that a process of ours has written."""
    found: Any = pickle.loads(Path(path).read_bytes())
    assert isinstance(found, Facts)
    return found
