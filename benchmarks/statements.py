"""The statements of a flow with places for what is new each time, and how they are sent bare.

This is the floor of a purchase: what PostgreSQL is asked, without the shop that asks it.
``recording`` makes flows from what the shop really sends; here nothing of the shop is imported.
"""

import datetime
import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_PLACE = re.compile("(?<!%)%s")
_HEX = "0123456789abcdef"
_DIGITS = "0123456789"
_LETTERS = "ABCDEFGHJKMNPQRSTVWXYZ"


class Unlike(Exception):
    """A statement touched another number of rows than when it was recorded."""


@dataclass(frozen=True)
class Constant:
    """The same value each time."""

    value: Any


@dataclass(frozen=True)
class Input:
    """A value that the caller of the step gives."""

    name: str


@dataclass(frozen=True)
class Result:
    """A value that an earlier statement of the step has returned."""

    statement: int
    row: int
    column: int


@dataclass(frozen=True)
class Sent:
    """A value that was sent with an earlier statement of the step."""

    statement: int
    place: int


@dataclass(frozen=True)
class Composed:
    """Text with values in it."""

    parts: Sequence[str | Input | Result | Sent]


@dataclass(frozen=True)
class Many:
    """An array."""

    places: Sequence[Any]


@dataclass(frozen=True)
class Now:
    """The present moment, and so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Fresh:
    """Text that nobody has seen before; ``pattern`` marks what is drawn anew with ``?``."""

    like: str
    pattern: str


@dataclass(frozen=True)
class FreshUuid:
    """A UUID of its own."""


@dataclass(frozen=True)
class Statement:
    """One statement, the places of its parameters, and what it did when it was recorded."""

    text: str
    places: Sequence[Any]
    rows: int
    is_in_transaction: bool
    begins: bool


@dataclass(frozen=True)
class Step:
    """What one request sends; ``outputs`` are values that the next request needs."""

    statements: Sequence[Statement]
    outputs: Mapping[str, Input | Result | Sent]

    @property
    def round_trips(self) -> int:
        """How many messages it sends to the database, BEGIN and COMMIT too."""
        return len(self.statements) + 2 * sum(row.begins for row in self.statements)


@dataclass(frozen=True)
class PreparedStep:
    """A step whose constants stand in its statements, as a script written by hand has them."""

    statements: Sequence[tuple[Statement, Sequence[Any]]]
    outputs: Mapping[str, Any]


def prepared(step: Step, connection: Any) -> PreparedStep:
    """Return the step made ready; the connection tells how values are written."""
    statements = []
    with connection.cursor() as cursor:
        for statement in step.statements:
            pieces = _PLACE.split(statement.text) if statement.places else [statement.text]
            text, places = pieces[0], []
            for number, (place, piece) in enumerate(zip(statement.places, pieces[1:], strict=True)):
                if isinstance(place, Constant):
                    written = cursor.mogrify("%s", [place.value]).decode()
                    text += written.replace("%", "%%") + piece
                else:
                    text += "%s" + piece
                    places.append((number, place))
            statements.append((replace(statement, text=text), places))
    return PreparedStep(statements, step.outputs)


def replay(connection: Any, step: PreparedStep, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Send the statements of a step with these inputs; return its outputs.

    :raises Unlike: one of them found more or fewer rows than it should; all is rolled back.
    """
    known = _Known(inputs)
    _send_all(connection, step, known)
    return {name: known.value(place) for name, place in step.outputs.items()}


def sent(connection: Any, step: PreparedStep, inputs: Mapping[str, Any]) -> list[Sequence[Any]]:
    """Send the statements of a step with these inputs; return the rows of each.

    :raises Unlike: see ``replay``.
    """
    known = _Known(inputs)
    _send_all(connection, step, known)
    return known.results


def _send_all(connection: Any, step: PreparedStep, known: "_Known") -> None:
    with connection.cursor() as cursor:
        is_open = False
        try:
            for statement, places in step.statements:
                if is_open and (statement.begins or not statement.is_in_transaction):
                    cursor.execute("COMMIT")
                    is_open = False
                if statement.begins:
                    cursor.execute("BEGIN")
                    is_open = True
                _send(cursor, statement, places, known)
            if is_open:
                cursor.execute("COMMIT")
        except BaseException:
            if is_open:
                cursor.execute("ROLLBACK")
            raise


def _send(cursor: Any, statement: Statement, places: Sequence[Any], known: "_Known") -> None:
    values = {number: known.value(place) for number, place in places}
    known.sent.append(values)
    cursor.execute(statement.text, list(values.values()) if statement.places else None)
    if cursor.rowcount != statement.rows:
        raise Unlike(f"{cursor.rowcount} rows, not {statement.rows}: {statement.text[:200]}")
    known.results.append(cursor.fetchall() if cursor.description else [])


@dataclass
class _Known:
    """What is known while a step is sent."""

    inputs: Mapping[str, Any]
    results: list[Sequence[Any]] = field(default_factory=list)
    sent: list[dict[int, Any]] = field(default_factory=list)

    def value(self, place: Any) -> Any:
        """Return what stands in a place this time."""
        match place:
            case Input(name):
                return self.inputs[name]
            case Result(statement, row, column):
                return self.results[statement][row][column]
            case Sent(statement, index):
                return self.sent[statement][index]
            case Constant(value):
                return value
            case Composed(parts):
                pieces = (part if isinstance(part, str) else self.value(part) for part in parts)
                return "".join(map(str, pieces))
            case Many(places):
                return [self.value(inner) for inner in places]
            case _:
                return _made(place)


def _made(place: Any) -> Any:
    match place:
        case Now(seconds):
            return datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=seconds)
        case Fresh(like, pattern):
            return _drawn(like, pattern)
        case FreshUuid():
            return _uuid()
    raise TypeError(place)


def _drawn(like: str, pattern: str) -> str:
    kinds = _HEX if re.fullmatch(r"[0-9a-f_\W]*[a-f][0-9a-f_\W]*", like) else _DIGITS
    drawn = []
    for character, mark in zip(like, pattern, strict=True):
        if mark != "?":
            drawn.append(character)
        elif character.isupper():
            drawn.append(random.choice(_LETTERS))
        elif character in _HEX:
            drawn.append(random.choice(_HEX if kinds is _HEX or character > "9" else _DIGITS))
        else:
            drawn.append(character)
    return "".join(drawn)


def _uuid() -> str:
    digits = f"{random.getrandbits(128):032x}"
    return "-".join(
        [digits[:8], digits[8:12], "4" + digits[13:16], "8" + digits[17:20], digits[20:]]
    )
