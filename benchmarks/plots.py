"""The plots of docs/performance.md, as SVG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")

from matplotlib import pyplot
from matplotlib.axes import Axes

from benchmarks.results import Results

_STYLE: Any = {
    "svg.hashsalt": "shop",  # the same figures make the same file
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "figure.facecolor": "white",  # readable on a dark page too
}
_SHOP, _FLOOR = "#1f6fb4", "#b0b8c0"
# The endpoints whose latency is drawn against the size of the catalogue.
_DRAWN = (
    "product list, cold", "product detail, cold", "list by price", "list in a category",
    "search, cold", "deep page by cursor", "cart of three lines", "add to cart", "whole purchase",
)  # fmt: skip


def draw(results: Results, folder: Path) -> list[Path]:
    """Draw all plots into a folder; return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context(_STYLE):
        return [
            _latency(results, folder / "latency.svg"),
            _growth(results, folder / "growth.svg"),
            _throughput(results, folder / "throughput.svg"),
        ]


def _latency(results: Results, path: Path) -> Path:
    figure, axes = pyplot.subplots(figsize=(8, 4.5))
    sizes = sorted(results.tables)
    for name in _DRAWN:
        rows = [(size, results.row(size, name)) for size in sizes]
        points = [(size, row.sample.p50 * 1000) for size, row in rows if row]
        if points:
            axes.plot(*zip(*points, strict=True), marker="o", markersize=4, label=name)
    axes.set(xscale="log", yscale="log", xlabel="products", ylabel="p50, ms (16 clients)")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.minorticks_off()
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    return _saved(figure, path)


def _growth(results: Results, path: Path) -> Path:
    lists = [one for one in results.growth if one.name != "deep page"]
    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.3 * max(len(lists), 1)))
    names = [one.name for one in lists]
    axes.barh(names, [one.ratio for one in lists], color=_SHOP, height=0.6)
    axes.axvline(1.3, color="#c03030", linewidth=1, label="to reach: 1.3")
    if lists:
        small, big = lists[0].sides
        axes.set_xlabel(f"p50 at {big:,} products against {small:,}, asked in turn")
    axes.set_xscale("log")
    axes.invert_yaxis()
    axes.legend(loc="lower right", frameon=False)
    return _saved(figure, path)


def _throughput(results: Results, path: Path) -> Path:
    rows = [row for row in results.tables[results.middle_size] if row.name != "floor: hello"]
    figure, axes = pyplot.subplots(figsize=(8, 0.8 + 0.3 * len(rows)))
    _bars(axes, [row.name for row in rows], [row.sample.per_second for row in rows])
    axes.set(xscale="log", xlabel=f"a second, {results.middle_size:,} products, 16 clients")
    return _saved(figure, path)


def _bars(axes: Axes, names: Sequence[str], values: Sequence[float]) -> None:
    colours = [_FLOOR if name.startswith("floor") else _SHOP for name in names]
    bars = axes.barh(names, values, color=colours, height=0.6)
    axes.bar_label(bars, [f" {value:,.0f}" for value in values], fontsize=8)
    axes.invert_yaxis()


def _saved(figure: "pyplot.Figure", path: Path) -> Path:
    figure.savefig(path, bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return path
