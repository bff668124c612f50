"""What a placing asks of the database: one short transaction, the stock last, every try whole."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import InternalError, OperationalError, connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from cart.models import Cart
from cart.tests.factories import CouponFactory
from catalog.models import Variant
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel, StockMovement
from orders.events import OrderPlaced
from orders.models import Order
from orders.tests.trade import buyer, client_of
from payments.providers import get_provider
from payments.providers.sandbox import SandboxProvider
from payments.providers.stripe import StripeProvider
from shop_backend import wiring
from shop_backend.kernel import events, transactions
from shop_backend.kernel.models import IdempotencyKey, OutboxMessage
from tests.faces import code_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
STOCK_UPDATE = re.compile(r"UPDATE .inventory_stocklevel.")
# An order with a coupon and a key: so many statements, and those that move the stock.
# MySQL reads the key's row after it has inserted it: the insert cannot tell whose it is.
STATEMENTS = {"sqlite": 24, "postgresql": 24, "mysql": 27}


def fill_cart(lines: int) -> User:
    user = buyer()
    client = client_of(user)
    for variant in VariantFactory.create_batch(lines, stock=5):
        client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")
    CouponFactory(code="TEN")
    assert client.post("/api/cart/coupon/", {"code": "TEN"}, format="json").status_code == 200
    return user


def place_cart(user: User) -> Any:
    headers = {"Idempotency-Key": "one"}
    return client_of(user).post("/api/orders/", {}, format="json", headers=headers)


def statements_of_placing(lines: int) -> list[str]:
    """Return what one placing over HTTP says to the database, up to its commit."""
    user = fill_cart(lines)
    with CaptureQueriesContext(connection) as queries:
        assert place_cart(user).status_code == 201
    said = [query["sql"] for query in queries]
    assert said[0].startswith("SELECT")  # whether it is sold out, before the transaction
    assert said[1].startswith("SAVEPOINT")  # the test's stand-in for BEGIN, so of COMMIT below
    name = said[1].split()[1]
    return said[2 : said.index(f"RELEASE SAVEPOINT {name}")]


@pytest.mark.parametrize("lines", [1, 3])
def test_the_stock_is_the_last_thing_and_in_the_order_of_ids(lines):
    said = statements_of_placing(lines)
    first = next(number for number, sql in enumerate(said) if STOCK_UPDATE.match(sql))

    updates = [sql for sql in said[first:] if STOCK_UPDATE.match(sql)]
    if connection.vendor == "postgresql" and lines > 1:
        (update,) = said[first:]
        *_, locks = said[:first]
        assert locks.endswith("ORDER BY id FOR NO KEY UPDATE")
        ids = [int(pk) for pk in re.findall(r"\((\d+)::bigint", update)]
        assert re.search(r"on_hand >= .*reserved \+ ", update)
    else:
        ids = [int(re.search(r"\.?.id. = (\d+)", sql)[1]) for sql in updates]
        assert all(re.search(r"on_hand. >= \(?.*reserved. \+ ", sql) for sql in updates)
    assert len(ids) == lines
    assert ids == sorted(ids)
    # MariaDB cannot return what is left, and is asked for it.
    assert all("inventory_stocklevel" in sql for sql in said[first:])


def test_whoever_is_told_of_low_stock_is_told_before_the_stock_is_taken(settings):
    settings.SHOP_NOTIFY_EMAIL = "stock@shop.example"
    settings.LOW_STOCK_THRESHOLD = 4

    said = statements_of_placing(1)

    assert OutboxMessage.objects.filter(kind="inventory.send_low_stock_mail").count() == 1
    first = next(number for number, sql in enumerate(said) if STOCK_UPDATE.match(sql))
    assert not any("kernel_outboxmessage" in sql for sql in said[first:])


def test_one_line_that_runs_low_does_not_lock_its_level_before_those_of_lower_ids(settings):
    if connection.vendor != "postgresql":
        pytest.skip("elsewhere one UPDATE a level locks them, in order")
    settings.LOW_STOCK_THRESHOLD = 4
    user = buyer()
    client = client_of(user)
    for variant in [VariantFactory(stock=500), VariantFactory(stock=5)]:
        client.post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")

    with CaptureQueriesContext(connection) as queries:
        assert place_cart(user).status_code == 201

    locks = [q["sql"] for q in queries if q["sql"].endswith("ORDER BY id FOR NO KEY UPDATE")]
    assert len(re.search(r"IN \((.*?)\)", locks[0])[1].split(",")) == 2


def test_what_can_run_out_is_taken_by_a_conditional_update():
    said = statements_of_placing(1)

    def wheres(table: str) -> list[str]:
        return [sql.partition("WHERE")[2] for sql in said if re.match(f"UPDATE .{table}. ", sql)]

    (coupon,), (cart,) = wheres("cart_coupon"), wheres("cart_cart")
    assert "is_active" in coupon
    assert "usage_limit" in coupon
    assert "used_count" in coupon
    assert "open_for" in cart


def test_a_cart_that_was_closed_meanwhile_becomes_no_second_order():
    user = fill_cart(1)
    with interrupted_at(r"UPDATE .cart_coupon. ", lambda: Cart.objects.update(open_for=None)):
        answer = place_cart(user)

    assert (answer.status_code, code_of(answer)) == (409, "concurrent_change")
    assert not Order.objects.exists()
    assert not StockMovement.objects.filter(kind="reservation").exists()


@pytest.mark.parametrize("lines", [1, 20])
def test_only_the_guarded_updates_grow_with_the_lines(lines):
    said = statements_of_placing(lines)

    moving = {"postgresql": min(lines, 2), "sqlite": lines, "mysql": 2 * lines}
    others = [sql for sql in said if not re.match("SAVEPOINT|RELEASE", sql)]
    assert len(others) - moving[connection.vendor] == STATEMENTS[connection.vendor]


@contextmanager
def interrupted_at(statement: str, act: Callable[[], Any]) -> Iterator[list[str]]:
    """Act right before each statement of this sort; what the act raises, the database raises."""
    met: list[str] = []

    def before(execute: Any, sql: str, params: Any, many: Any, context: Any) -> Any:
        if re.match(statement, sql):
            met.append(sql)
            act()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(before):
        yield met


class FromDriver(Exception):
    """A driver's own error: psycopg2's has a ``pgcode``, PyMySQL's a number."""

    def __init__(self, *args: Any, pgcode: str | None = None) -> None:
        super().__init__(*args)
        self.pgcode = pgcode


ASKS_FOR_ANOTHER_TRY = {
    "40001": (OperationalError, FromDriver("could not serialize access", pgcode="40001")),
    "40P01": (OperationalError, FromDriver("deadlock detected", pgcode="40P01")),
    "1213": (OperationalError, FromDriver(1213, "Deadlock found when trying to get lock")),
    "1205": (OperationalError, FromDriver(1205, "Lock wait timeout exceeded")),
    "1020": (InternalError, FromDriver(1020, "Record has changed since last read")),
    "SQLITE_BUSY": (OperationalError, FromDriver("database is locked")),
}


def failing(times: int, code: str) -> Callable[[], None]:
    left = [times]

    def fail() -> None:
        if left[0]:
            left[0] -= 1
            kind, cause = ASKS_FOR_ANOTHER_TRY[code]
            raise kind(*cause.args) from cause

    return fail


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    taken: list[float] = []
    monkeypatch.setattr(transactions.time, "sleep", taken.append)
    return taken


# The first thing, something in the middle, and the last thing that a placing does.
STEPS = [
    pytest.param(r"INSERT .*kernel_idempotencykey", id="key"),
    pytest.param(r"INSERT INTO .orders_orderline", id="lines"),
    pytest.param(STOCK_UPDATE.pattern, id="stock"),
]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("code", ASKS_FOR_ANOTHER_TRY)
def test_a_placing_is_tried_again_as_a_whole_three_times(code, step, pauses):
    user = fill_cart(1)

    with interrupted_at(step, failing(3, code)) as met:
        answer = place_cart(user)

    assert answer.status_code == 201, answer.json()
    assert len(met) == 4
    assert len(pauses) == 3
    assert Order.objects.count() == IdempotencyKey.objects.count() == 1
    assert StockMovement.objects.filter(kind="reservation").count() == 1
    assert StockLevel.objects.get().reserved == 1


@pytest.mark.parametrize("code", ASKS_FOR_ANOTHER_TRY)
def test_and_no_more_than_three_times(code, pauses):
    user = fill_cart(1)

    with interrupted_at(STOCK_UPDATE.pattern, failing(9, code)) as met:
        answer = place_cart(user)

    assert (answer.status_code, code_of(answer)) == (503, "database_busy")
    assert int(answer.headers["Retry-After"]) >= 1
    assert len(met) == 4
    assert not Order.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert not OutboxMessage.objects.exists()
    assert StockLevel.objects.get().reserved == 0


def test_the_pauses_are_short_and_not_all_alike(pauses):
    for _ in range(3):
        user = fill_cart(1) if not User.objects.exists() else buyer()
        with interrupted_at(STOCK_UPDATE.pattern, failing(3, "40P01")):
            body = {"items": [{"variant_id": Variant.objects.get().pk, "quantity": 1}]}
            client_of(user).post("/api/orders/", body, format="json")

    assert len(pauses) == 9
    assert len(set(pauses)) == 9
    assert all(0 <= pause < 0.5 for pause in pauses)


@pytest.mark.parametrize("provider", [SandboxProvider, StripeProvider])
@pytest.mark.parametrize(
    "door", ["create_intent", "confirm", "retrieve", "capture", "cancel", "refund"]
)
def test_no_provider_opens_its_door_inside_a_transaction(provider, door):
    with pytest.raises(RuntimeError, match="must not run inside a transaction"):
        transactions.run(lambda: getattr(provider, door)(None))


@pytest.fixture
def a_listener_that_calls_the_provider() -> Iterator[None]:
    def call(event: OrderPlaced) -> None:
        get_provider("sandbox").retrieve(provider_reference="pi_1")

    events.subscribe({**wiring.SUBSCRIBERS, OrderPlaced: [call]})
    yield
    events.subscribe(wiring.SUBSCRIBERS)


@pytest.mark.usefixtures("a_listener_that_calls_the_provider")
def test_a_placing_that_calls_the_provider_fails():
    with pytest.raises(RuntimeError, match="must not run inside a transaction"):
        place_cart(fill_cart(1))

    assert not Order.objects.exists()


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_line_that_is_not_sold_any_more_is_named(prefix):
    user = fill_cart(3)
    gone = Cart.objects.get().lines.order_by("pk")[1]
    Variant.objects.filter(pk=gone.variant_id).update(is_active=False)

    answer = client_of(user).post(f"{prefix}/orders/", {}, format="json")

    assert (answer.status_code, code_of(answer, prefix)) == (409, "not_for_sale")
    assert answer.json()["params"] == {
        "sku": gone.variant.sku,
        "item_id": gone.pk,
        "item_ids": [gone.pk],
    }
    problems = client_of(user).get("/cart/").json()["problems"]
    assert [(problem["code"], problem["item_id"]) for problem in problems] == [
        ("not_for_sale", gone.pk)
    ]
    assert not Order.objects.exists()
