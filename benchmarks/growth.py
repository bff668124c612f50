"""Whether the shop stays as fast as it grows: every list in a small and in a big one, in turn."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass

from tqdm import tqdm

from benchmarks.endpoints import LISTS, Shop
from benchmarks.load import Outcome, Script, alternate
from benchmarks.shops import Prepared, served

TURNS = 60
SECONDS = 8.0  # for one list
PATIENCE_SECONDS = 20.0  # for one answer


@dataclass(frozen=True)
class Growth:
    """One list: seconds of the middle request in each of the shops, or of each of two pages."""

    name: str
    sides: Sequence[int]  # products, or the number of the page
    p50: Sequence[float]
    asked: int

    @property
    def ratio(self) -> float:
        """The last against the first."""
        return self.p50[-1] / self.p50[0]


def compare(shops: Sequence[Prepared], *, only: str = "") -> list[Growth]:
    """Ask each list of every shop in turn, with no answer remembered; the deep page at the end."""
    names, sizes = [name for name in LISTS if only in name], [shop.size for shop in shops]
    found = []
    with contextlib.ExitStack() as stack:
        ports = [stack.enter_context(served(shop, "cold"))["cold"].port for shop in shops]
        for name in tqdm(names, desc="growth", unit="list", disable=None):
            sides = [
                (port, Shop(shop.facts).listing(name)(0))
                for port, shop in zip(ports, shops, strict=True)
            ]
            outcomes = _in_turn(sides, turns=TURNS)
            found.append(_growth(name, sizes, outcomes))
        found.append(_deep(ports[-1], shops[-1]))
    return found


def _deep(port: int, shop: Prepared) -> Growth:
    pages = [1, shop.facts.deep_page]
    cursors = [shop.facts.cursors["first"], shop.facts.cursors["deep"]]
    sides = [(port, Shop(shop.facts).page(cursor)(0)) for cursor in cursors]
    return _growth("deep page", pages, _in_turn(sides, turns=2 * TURNS))


def _in_turn(sides: Sequence[tuple[int, Script]], *, turns: int) -> list[Outcome]:
    return alternate(sides, turns=turns, seconds=SECONDS, patience=PATIENCE_SECONDS)


def _growth(name: str, sides: Sequence[int], outcomes: Sequence[Outcome]) -> Growth:
    p50 = [outcome.percentile(0.5) for outcome in outcomes]
    return Growth(name, sides, p50, len(outcomes[0].latencies))
