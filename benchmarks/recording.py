"""From what the shop sends, three times over, to a flow that can be sent without the shop.

Three runs for different customers and goods tell what varies: a parameter that is the same in all
of them is constant; one that equals, in all of them, an input or something that came back or was
sent earlier is that; the rest is new each time: moments, keys, numbers of orders.
"""

import datetime
import enum
import json
import re
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg2
from django.db import connection

from benchmarks.statements import (
    Composed,
    Constant,
    Fresh,
    FreshUuid,
    Input,
    Many,
    Now,
    Result,
    Sent,
    Statement,
    Step,
)

_SAVEPOINT = re.compile(r'"s\d+_x\d+"')


@dataclass
class Seen:
    """One statement as it was sent, and what came back."""

    text: str
    values: list[Any]
    rows: list[Any]
    row_count: int
    is_in_transaction: bool
    begins: bool


@dataclass
class Run:
    """One step of a flow, run once."""

    began: datetime.datetime
    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    statements: list[Seen] = field(default_factory=list)


@contextmanager
def recorded(inputs: Mapping[str, Any]) -> Iterator[Run]:
    """Give the run into which everything goes that this process sends meanwhile."""
    run = Run(datetime.datetime.now(datetime.UTC), inputs)
    connection.ensure_connection()
    before = connection.connection.cursor_factory

    class Recording(psycopg2.extensions.cursor):
        def execute(self, query: Any, vars: Any = None) -> None:
            begins = (
                not self.connection.autocommit
                and self.connection.info.transaction_status
                == psycopg2.extensions.TRANSACTION_STATUS_IDLE
            )
            super().execute(query, vars)
            rows = []
            if self.description:
                rows = self.fetchall()
                if rows:
                    self.scroll(0, mode="absolute")
            values = [_plain(value) for value in vars or ()]
            is_in = not self.connection.autocommit
            run.statements.append(Seen(str(query), values, rows, self.rowcount, is_in, begins))

    connection.connection.cursor_factory = Recording
    try:
        yield run
    finally:
        connection.connection.cursor_factory = before


def step_of(runs: Sequence[Run]) -> Step:
    """Return what the runs have in common, with places for what they have not.

    :raises ValueError: they did not send the same statements.
    """
    texts = [[_SAVEPOINT.sub('"s"', seen.text) for seen in run.statements] for run in runs]
    if any(other != texts[0] for other in texts[1:]):
        raise ValueError(f"The runs differ: {_difference(texts)}")
    finder = _Finder(runs)
    statements = [
        Statement(
            text=first.text,
            places=[finder.place(number, index) for index in range(len(first.values))],
            rows=first.row_count,
            is_in_transaction=first.is_in_transaction,
            begins=first.begins,
        )
        for number, first in enumerate(runs[0].statements)
    ]
    wanted = {name: [run.outputs[name] for run in runs] for name in runs[0].outputs}
    outputs = {
        name: finder.known(values, before=len(statements)) for name, values in wanted.items()
    }
    assert all(outputs.values()), outputs
    return Step(statements, outputs)  # type: ignore[arg-type]  # none of them is None


def _difference(texts: Sequence[Sequence[str]]) -> str:
    lengths = [len(one) for one in texts]
    pairs = zip(*texts, strict=False)
    found = next((pair for pair in pairs if len(set(pair)) > 1), ())
    return f"{lengths} statements; first other: {[text[:300] for text in found]}"


def _plain(value: Any) -> Any:
    """Return a parameter as something that any psycopg2 understands."""
    if hasattr(value, "adapted"):
        return json.dumps(value.adapted)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, enum.Enum):
        return value.value
    return str(value) if isinstance(value, uuid.UUID) else value


class _Finder:
    """Finds out where the values of parameters come from."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = runs
        self.fresh: list[tuple[list[Any], Sent]] = []

    def place(self, number: int, index: int) -> Any:
        """Return what belongs in a place of a statement."""
        values = [run.statements[number].values[index] for run in self.runs]
        place = self._place(values, number)
        if isinstance(place, (Fresh, FreshUuid, Now, Composed)):
            self.fresh.append((values, Sent(number, index)))
        return place

    def known(self, values: Sequence[Any], *, before: int) -> Input | Result | Sent | None:
        """Return where these values, one a run, were met before; ``None``: nowhere."""
        for name in self.runs[0].inputs:
            if _same(values, [run.inputs[name] for run in self.runs]):
                return Input(name)
        for values_sent, sent in self.fresh:
            if sent.statement < before and _same(values, values_sent):
                return sent
        for place, results in self._results(before):
            if _same(values, results):
                return place
        return None

    def _results(self, before: int) -> Iterator[tuple[Result, list[Any]]]:
        for number in range(before):
            tables = [run.statements[number].rows for run in self.runs]
            for row in range(min(map(len, tables))):
                for column in range(len(tables[0][row])):
                    yield Result(number, row, column), [table[row][column] for table in tables]

    def _place(self, values: Sequence[Any], number: int) -> Any:
        if all(type(value) is type(values[0]) and value == values[0] for value in values):
            return Constant(values[0])
        found = self.known(values, before=number)
        if found is not None:
            return found
        if all(isinstance(value, list) for value in values):
            return Many([self._place(inner, number) for inner in zip(*values, strict=True)])
        makers: Mapping[type, Callable[[Any, int], Any]] = {
            datetime.datetime: self._moment,
            str: self._text,
        }
        maker = makers.get(type(values[0]))
        # Amounts of the first run: they add up among themselves.
        return maker(values, number) if maker else Constant(values[0])

    def _moment(self, values: Sequence[Any], number: int) -> Now:
        seconds = (values[0] - self.runs[0].began).total_seconds()
        return Now(seconds if abs(seconds) > 5 else 0.0)

    def _text(self, values: Sequence[str], number: int) -> Any:
        if values[0].startswith(("{", "[")):
            return Constant(values[0])  # what is kept beside: nothing refers to it
        composed = self._composed(values, number)
        if composed is not None:
            return composed
        if all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one) for one in values):
            return FreshUuid()
        if len({len(one) for one in values}) > 1:
            raise ValueError(f"What are these? {values}")
        marks = ["?" if len(set(column)) > 1 else "=" for column in zip(*values, strict=True)]
        # The inside of what varies may have been the same by chance.
        first, last = marks.index("?"), len(marks) - marks[::-1].index("?")
        pattern = "".join(
            "?" if first <= at < last and character.isalnum() else mark
            for at, (mark, character) in enumerate(zip(marks, values[0], strict=True))
        )
        return Fresh(values[0], pattern)

    def _composed(self, values: Sequence[str], number: int) -> Composed | None:
        """Return the text as pieces around values met before, if that explains all of it."""
        candidates = [
            *(
                (Input(name), [run.inputs[name] for run in self.runs])
                for name in self.runs[0].inputs
            ),
            *((place, sent) for sent, place in self.fresh if place.statement < number),
            *self._results(number),
        ]
        parts: list[list[Any]] = [[value] for value in values]
        for place, known in candidates:
            if len(set(map(str, known))) < len(self.runs) or not all(map(str, known)):
                continue
            if all(_holds(one, str(value)) for one, value in zip(parts, known, strict=True)):
                parts = [
                    _split(one, str(value), place) for one, value in zip(parts, known, strict=True)
                ]
        return Composed(parts[0]) if all(one == parts[0] for one in parts) else None


def _same(values: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(
        type(one) is type(_plain(other)) and one == _plain(other)
        for one, other in zip(values, others, strict=True)
    )


def _whole(value: str) -> str:
    return rf"(?<![0-9A-Za-z]){re.escape(value)}(?![0-9A-Za-z])"


def _holds(parts: Sequence[Any], value: str) -> bool:
    return any(isinstance(part, str) and re.search(_whole(value), part) for part in parts)


def _split(parts: Sequence[Any], value: str, place: Any) -> list[Any]:
    found: list[Any] = []
    for part in parts:
        if isinstance(part, str):
            for number, piece in enumerate(re.split(_whole(value), part)):
                found += [place] * (number > 0) + [piece] * bool(piece)
        else:
            found.append(part)
    return found
