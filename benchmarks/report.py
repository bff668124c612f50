"""The figures as a table."""

from collections.abc import Sequence

from benchmarks.figures import Row

_HEAD = """
### {size:,} products

| endpoint | requests or flows a second | p50 ms | p99 ms | app ms | database ms | queries | bytes | processor time to the floor's | rate to the floor's |
|---|---|---|---|---|---|---|---|---|---|
"""  # noqa: E501


def as_markdown(size: int, rows: Sequence[Row]) -> str:
    """Return the table of one size of shop."""
    return _HEAD.format(size=size) + "".join(_line(row) for row in rows)


def _line(row: Row) -> str:
    sample = row.sample
    cells = [
        row.name,
        f"{sample.per_second:.0f}",
        f"{sample.p50 * 1000:.1f}",
        f"{sample.p99 * 1000:.1f}",
        f"{sample.app * 1000:.2f}",
        f"{sample.database * 1000:.2f}",
        "" if row.queries is None else str(row.queries),
        f"{sample.body_bytes:.0f}",
        f"{row.processor_to_floor:.2f}",
        f"{row.rate_to_floor:.2f}",
    ]
    return f"| {' | '.join(cells)} |\n"
