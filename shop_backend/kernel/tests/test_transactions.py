"""A use case opens a transaction, a building block demands one, and news shares it."""

from dataclasses import dataclass

import psycopg2.errors
import pytest
from django.db import (
    DataError,
    IntegrityError,
    InternalError,
    OperationalError,
    transaction,
)

from shop_backend.kernel import events, transactions
from shop_backend.kernel.errors import ConcurrentChange, Conflict, DatabaseBusy
from shop_backend.kernel.models import OutboxMessage
from shop_backend.kernel.ports import Port

pytestmark = pytest.mark.django_db


class SoldOut(Conflict):
    code = "test_sold_out"
    message = "Sold out."


@pytest.fixture(autouse=True)
def pauses(monkeypatch) -> list[float]:
    """Nobody waits in a test; what would have been waited is written down."""
    taken: list[float] = []
    monkeypatch.setattr(transactions.time, "sleep", taken.append)
    return taken


def database_error(kind, *args, cause: Exception | None = None) -> Exception:
    error = kind(*args)
    error.__cause__ = cause
    return error


class WithCode(Exception):
    def __init__(self, pgcode: str) -> None:
        self.pgcode = pgcode


RETRYABLE = [
    database_error(OperationalError, cause=WithCode("40001")),
    database_error(OperationalError, cause=WithCode("40P01")),
    database_error(OperationalError, cause=WithCode("55P03")),
    database_error(OperationalError, cause=Exception(1213, "Deadlock found")),
    database_error(OperationalError, cause=Exception(1205, "Lock wait timeout exceeded")),
    database_error(InternalError, cause=Exception(1020, "Record has changed")),
    database_error(OperationalError, "database is locked"),
    database_error(OperationalError, "database table is locked"),
]
FINAL = [
    database_error(OperationalError, cause=Exception(2006, "Server has gone away")),
    database_error(OperationalError, cause=psycopg2.errors.AdminShutdown()),
    database_error(DataError, "out of range"),
    ValueError("no"),
]


class Work:
    """Writes a row and then fails as often as it is told to."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        OutboxMessage.objects.create(kind=f"try {self.calls}")
        if self.failures:
            raise self.failures.pop(0)
        return "done"


def rows() -> list[str]:
    return list(OutboxMessage.objects.order_by("pk").values_list("kind", flat=True))


@pytest.mark.parametrize("error", RETRYABLE, ids=repr)
def test_a_whole_transaction_is_tried_again_when_the_database_asks_for_it(error, pauses):
    work = Work(error, error)

    assert transactions.run(work) == "done"
    assert rows() == ["try 3"]
    assert len(pauses) == 2
    assert all(0 <= pause < 0.2 for pause in pauses)


def test_a_constraint_that_nobody_foresaw_is_a_conflict_and_a_line_in_the_log(caplog):
    work = Work(IntegrityError("a row vanished"))

    with pytest.raises(ConcurrentChange):
        transactions.run(work)

    assert work.calls == 1
    assert rows() == []
    assert "a row vanished" in caplog.text


@pytest.mark.parametrize("error", FINAL, ids=repr)
def test_other_errors_are_not_tried_again(error):
    work = Work(error)

    with pytest.raises(type(error)):
        transactions.run(work)

    assert work.calls == 1
    assert rows() == []


def test_a_database_that_stays_busy_is_told_as_503(pauses):
    work = Work(*RETRYABLE[:4], *RETRYABLE[:4])

    with pytest.raises(DatabaseBusy) as caught:
        transactions.run(work)

    assert (work.calls, len(pauses)) == (4, 3)
    assert caught.value.status == 503
    assert rows() == []


def test_a_refusal_is_not_tried_again_but_what_may_be_mended_is_once():
    asked = []

    def recover(refusal) -> bool:
        asked.append((type(refusal), transactions.in_transaction()))
        return True

    work = Work(SoldOut(), SoldOut())
    with pytest.raises(SoldOut):
        transactions.run(work, recover=recover)
    assert (work.calls, asked) == (2, [(SoldOut, False)])

    mended = Work(SoldOut())
    assert transactions.run(mended, recover=recover) == "done"
    assert rows() == ["try 2"]

    hopeless = Work(SoldOut())
    with pytest.raises(SoldOut):
        transactions.run(hopeless, recover=lambda refusal: False)
    assert hopeless.calls == 1


def test_a_transaction_of_its_own_never_stands_inside_another():
    work = Work()

    with transaction.atomic(), pytest.raises(RuntimeError):
        transactions.run(work)

    assert work.calls == 0


@transactions.use_case
def sell(*, fails: bool = False) -> bool:
    OutboxMessage.objects.create(kind="sold")
    if fails:
        raise SoldOut
    return transactions.in_transaction()


def test_a_use_case_opens_a_transaction():
    assert sell() is True
    with pytest.raises(SoldOut):
        sell(fails=True)

    assert rows() == ["sold"]
    assert not transactions.in_transaction()
    assert sell.__name__ == "sell"


def test_a_use_case_joins_the_transaction_that_is_there():
    def sell_two() -> None:
        sell()
        sell(fails=True)

    with pytest.raises(SoldOut):
        transactions.run(sell_two)

    assert rows() == []


@transactions.requires_transaction
def reserve() -> str:
    return "reserved"


@transactions.forbids_transaction
def call_the_bank() -> str:
    return "called"


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_building_block_demands_a_transaction():
    with pytest.raises(RuntimeError, match="reserve needs a transaction"):
        reserve()
    assert transactions.run(reserve) == "reserved"


def test_the_network_is_never_called_inside_a_transaction():
    assert call_the_bank() == "called"
    with pytest.raises(RuntimeError, match="call_the_bank must not run inside"):
        transactions.run(call_the_bank)
    with transaction.atomic(), pytest.raises(RuntimeError):
        call_the_bank()


def test_what_waits_for_the_commit_does_not_happen_without_it(django_capture_on_commit_callbacks):
    calls: list[int] = []

    def work(number: int, *, fails: bool) -> None:
        transactions.after_commit(calls.append, number)
        if fails:
            raise SoldOut

    with django_capture_on_commit_callbacks(execute=True):
        transactions.run(lambda: work(1, fails=False))
        with pytest.raises(SoldOut):
            transactions.run(lambda: work(2, fails=True))
        assert calls == []

    assert calls == [1]


@dataclass(frozen=True)
class TeaPoured:
    cups: int


@dataclass(frozen=True)
class TeaSpilled:
    cups: int


@pytest.fixture
def subscribers():
    with events.subscribed({}):
        yield events.subscribe


def test_news_reaches_its_listeners_in_order_and_no_others(subscribers):
    heard: list = []
    subscribers(
        {
            TeaPoured: [lambda event: heard.append(("a", event)), lambda event: heard.append("b")],
            TeaSpilled: [lambda event: heard.append("never")],
        }
    )

    transactions.run(lambda: events.publish(TeaPoured(2)))

    assert heard == [("a", TeaPoured(2)), "b"]
    subscribers({})
    transactions.run(lambda: events.publish(TeaPoured(3)))
    assert len(heard) == 2


def test_a_failing_listener_rolls_the_publisher_back(subscribers):
    heard: list = []

    def listen(event) -> None:
        OutboxMessage.objects.create(kind="heard")
        heard.append(event)

    def refuse(event) -> None:
        raise SoldOut

    subscribers({TeaPoured: [listen, refuse, listen]})

    def pour() -> None:
        OutboxMessage.objects.create(kind="poured")
        events.publish(TeaPoured(1))

    with pytest.raises(SoldOut):
        transactions.run(pour)

    assert rows() == []
    assert len(heard) == 1


def test_a_stand_in_hears_alone_until_its_block_ends_however_it_ends(subscribers):
    heard, stand_in = [], []
    subscribers({TeaPoured: [heard.append], TeaSpilled: [heard.append]})

    def refuse(event) -> None:
        stand_in.append(event)
        raise SoldOut

    with pytest.raises(SoldOut), events.subscribed({TeaPoured: [refuse]}):
        transactions.run(lambda: [events.publish(news) for news in (TeaSpilled(1), TeaPoured(2))])
    transactions.run(lambda: events.publish(TeaPoured(3)))

    assert stand_in == [TeaPoured(2)]
    assert heard == [TeaSpilled(1), TeaPoured(3)]


def test_a_port_answers_once_somebody_is_bound():
    port: Port[list[int]] = Port("tests.port")

    with pytest.raises(RuntimeError, match="tests.port"):
        _ = port.answerer
    port.bind([1])
    assert port.answerer == [1]


def test_a_stand_in_answers_until_its_block_ends_however_it_ends():
    port: Port[list[int]] = Port("tests.port")
    port.bind([1])

    with port.answered_by([2]):
        assert port.answerer == [2]
    assert port.answerer == [1]
    with pytest.raises(IndexError), port.answered_by([]):
        _ = port.answerer[0]
    assert port.answerer == [1]
