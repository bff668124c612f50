"""The figures to reach, and whether they were."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.results import Results


@dataclass(frozen=True)
class Verdict:
    """One figure beside its limit."""

    what: str
    limit: str
    figure: str
    is_reached: bool | None  # ``None``: it was not measured

    @property
    def word(self) -> str:
        return {True: "reached", False: "not reached", None: "not measured"}[self.is_reached]


# Rows of the table of 10,000 products: processor time as a multiple of the floor's, and queries.
_TO_FLOOR: Sequence[tuple[str, str, float, int | None]] = (
    ("list of 20, cold", "product list, cold", 1.8, 2),
    ("list of 20, warm", "product list, warm", 0.35, None),
    ("product detail, cold", "product detail, cold", 1.8, None),
    ("product detail, warm", "product detail, warm", 0.35, None),
    ("list answered 304", "product list, not modified", 0.35, None),
    ("cart of 3 lines, signed in", "cart of three lines", 3.5, 3),
    ("purchase against its bare statements", "whole purchase", 3.0, None),
)
_GROWTH, _DEEP = 1.3, 1.2
_SEARCH = 3.0
_MANY_LINES = 2.0
_PURCHASES = 150
_HOT = 0.6
_START_SECONDS, _WORKER_MEGABYTES = 1.5, 110
_STARVING = 5.0


def judge(results: Results) -> list[Verdict]:
    """Return every figure of the table, in its order."""
    return [verdict for judged in _JUDGES for verdict in judged(results)]


def _to_floor(results: Results) -> Iterator[Verdict]:
    for what, name, most, queries in _TO_FLOOR:
        row = results.row(results.middle_size, name)
        limit = f"≤ {most} ×" + (f", ≤ {queries} queries" if queries else "")
        if row is None:
            yield Verdict(what, limit, "", None)
            continue
        figure = f"{row.processor_to_floor:.2f} ×"
        is_reached = row.processor_to_floor <= most
        if queries:
            figure += f", {row.queries} queries"
            is_reached &= row.queries is not None and row.queries <= queries
        yield Verdict(what, limit, figure, is_reached)


def _search(results: Results) -> Iterator[Verdict]:
    biggest = max(results.tables)
    row = results.row(biggest, "search, cold")
    what = f"search, first page, {biggest:,} products, against its bare SQL"
    yield _at_most(what, _SEARCH, row.processor_to_floor if row else None)


def _growth(results: Results) -> Iterator[Verdict]:
    for growth in results.growth:
        is_deep = growth.name == "deep page"
        most, name = (_DEEP, "page") if is_deep else (_GROWTH, f"list {growth.name},")
        first, last = growth.sides
        what = f"{name} {last:,} against {first:,}" + ("" if is_deep else " products")
        yield _at_most(f"p50 of {what}", most, growth.ratio)


def _lines(results: Results) -> Iterator[Verdict]:
    one, twenty = (
        results.row(results.middle_size, f"place and pay {lines}")
        for lines in ("1 line", "20 lines")
    )
    ratio = twenty.sample.processor / one.sample.processor if one and twenty else None
    yield _at_most("purchase of 20 lines against 1 line", _MANY_LINES, ratio)


def _purchases(results: Results) -> Iterator[Verdict]:
    row = results.row(results.middle_size, "whole purchase")
    rate = row.sample.per_second if row else None
    yield _at_least(
        "purchases a second, with PostgreSQL and the load beside", _PURCHASES, rate, "/s"
    )


def _sale(results: Results) -> Iterator[Verdict]:
    sale = results.sale
    if sale is None:
        yield Verdict("hot SKU", "", "", None)
        return
    share = sale.per_second / sale.bare.per_second
    what = f"hot SKU, {sale.clients} clients, against a bare script of {sale.bare.clients}"
    yield _at_least(what, 100 * _HOT, 100 * share, " %")
    exact = f"{sale.sold} sold, {sale.left} left"
    yield Verdict("hot SKU sells out exactly", f"{sale.units}, 0", exact, sale.is_exact)
    sound = "in order" if sale.is_sound else "violated"
    yield Verdict("invariants after the sale", "in order", sound, sale.is_sound)


def _start(results: Results) -> Iterator[Verdict]:
    start = results.start
    yield _at_most(
        "start to the first answer", _START_SECONDS, start.seconds if start else None, " s"
    )
    memory = start.used if start else None
    yield _at_most(
        "memory a worker (PSS)", _WORKER_MEGABYTES, memory.pss if memory else None, " MB"
    )
    yield _at_most(
        "memory a worker (RSS)", _WORKER_MEGABYTES, memory.rss if memory else None, " MB"
    )


def _storm(results: Results) -> Iterator[Verdict]:
    what = "p99 of catalogue reads beside a storm of logins, against without"
    yield _at_most(what, _STARVING, results.storm.ratio if results.storm else None)


def _at_most(what: str, most: float, figure: float | None, unit: str = " ×") -> Verdict:
    shown = "" if figure is None else f"{figure:.2f}{unit}"
    return Verdict(what, f"≤ {most:g}{unit}", shown, None if figure is None else figure <= most)


def _at_least(what: str, least: float, figure: float | None, unit: str) -> Verdict:
    shown = "" if figure is None else f"{figure:.0f}{unit}"
    return Verdict(what, f"≥ {least:g}{unit}", shown, None if figure is None else figure >= least)


_JUDGES: Sequence[Callable[[Results], Iterator[Verdict]]] = (
    _to_floor, _search, _growth, _lines, _purchases, _sale, _start, _storm,
)  # fmt: skip
