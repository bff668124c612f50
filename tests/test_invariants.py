"""What must never be false is found out when it is."""

import dataclasses
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import Model
from django.db.models.expressions import RawSQL
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import UserFactory
from cart.models import Cart, Coupon, CouponTally, CouponUse
from cart.tests.factories import CouponFactory
from catalog.models import Product
from catalog.services import approve_review, settle_stock_doubts, write_review
from catalog.tests.factories import VariantFactory
from inventory.models import Reservation, StockLevel, StockMovement
from orders.models import Order, OrderEvent, OrderLine
from orders.services import cancel_order, expire_overdue_orders
from orders.tests.trade import (
    ask_back,
    buyer,
    client_of,
    manager,
    move_return,
    place,
    place_and_deliver,
    place_and_pay,
)
from payments.models import MoneyEntry, MoneyMovement, Payment, Refund
from payments.services import ledger, rebuild_payment_counters
from payments.tests.factories import PaymentFactory, RefundFactory
from shipping.models import Shipment
from shop_backend import invariants, wiring
from shop_backend.kernel import events
from shop_backend.kernel.models import RecordedEvent

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(minutes=6)


@contextmanager
def unguarded(model: type[Model], *constraints: str) -> Iterator[None]:
    """Take the database's own guards away; the end of the test brings them back."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA ignore_check_constraints = ON")
            yield
            cursor.execute("PRAGMA ignore_check_constraints = OFF")
            return
        if connection.vendor != "postgresql":
            pytest.skip("this database commits where a constraint is dropped")
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for name in constraints:
            cursor.execute(f"ALTER TABLE {model._meta.db_table} DROP CONSTRAINT {name}")
        yield


def unique_constraint_of(model: type[Model], column: str) -> str:
    """Return the name that Django gave a unique column's constraint."""
    with connection.cursor() as cursor:
        found = connection.introspection.get_constraints(cursor, model._meta.db_table)
    names = [
        name for name, about in found.items() if about["unique"] and about["columns"] == [column]
    ]
    return names[0]


def broken() -> dict[str, list[str]]:
    """Return the codes that are broken now, and by what."""
    found: dict[str, list[str]] = {}
    for invariant in invariants.ALL:
        rows = invariant.find()
        if rows:
            found.setdefault(invariant.code, []).extend(rows)
    return found


@pytest.mark.portable
def test_a_shop_in_which_everything_happened_breaks_none():
    user, variant = buyer(), VariantFactory(stock=50, price_minor=700)
    CouponFactory(code="TENTH", usage_limit=2, per_customer_limit=2)
    place(user, (variant, 1), coupon="TENTH")
    cancelled = place_and_pay(user, (variant, 2))
    cancel_order(number=cancelled.number, actor_id=user.pk)
    delivered = place_and_deliver(user, (variant, 3))
    back = ask_back(delivered, 2).json()["data"]["id"]
    worker = manager()
    for status in ("approved", "received", "restocked"):
        response = move_return(delivered, back, status, worker)
        assert response.status_code == 200, response.json()
    client_of(user).post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")

    assert broken() == {}


@contextmanager
def unrecorded(*kinds: str) -> Iterator[None]:
    """Let things of these kinds happen without a record, as no code of the shop could."""
    table = {event: kind for event, kind in wiring.RECORDED.items() if kind not in kinds}
    events.record(table)
    yield
    events.record(wiring.RECORDED)


@pytest.mark.parametrize("kind", ["order.placed", "order.paid", "order.delivered"])
def test_i14_an_order_with_a_step_that_was_not_recorded(kind):
    with unrecorded(kind):
        order = place_and_deliver(buyer(), (VariantFactory(stock=3), 1))

    assert broken() == {"I14": [f"order {order.pk}"]}


@pytest.mark.parametrize(("status", "kind"), [("cancelled", "cancelled"), ("expired", "expired")])
def test_i14_an_order_whose_end_was_not_recorded(status, kind):
    order = place(buyer(), (VariantFactory(stock=3), 1))
    with unrecorded(f"order.{kind}"):
        if status == "cancelled":
            cancel_order(number=order.number, actor_id=None)
        else:
            expire_overdue_orders(now=order.expires_at + LONG_AGO, limit=1)

    assert broken() == {"I14": [f"order {order.pk}"]}


@pytest.mark.parametrize("kind", ["payment.captured", "payment.refunded"])
def test_i14_money_that_was_not_recorded(kind):
    with unrecorded(kind):
        order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
        cancel_order(number=order.number, actor_id=None)
        call_command("run_worker", "--once")
    assert Refund.objects.get().status == Refund.Status.SUCCEEDED

    assert broken() == {"I14": [f"payment {Payment.objects.get().pk}"]}


@pytest.mark.parametrize("kind", ["packed", "shipped", "delivered"])
def test_i14_a_parcel_with_a_step_that_was_not_recorded(kind):
    with unrecorded(f"shipment.{kind}"):
        place_and_deliver(buyer(), (VariantFactory(stock=3), 1))

    assert broken() == {"I14": [f"shipment {Shipment.objects.get().pk}"]}


@pytest.mark.portable
def test_what_happened_before_events_were_recorded_is_recorded_by_the_migration():
    with unrecorded(*wiring.RECORDED.values()):
        user, variant = buyer(), VariantFactory(stock=9)
        place_and_deliver(user, (variant, 1))
        cancel_order(number=place_and_pay(user, (variant, 1)).number, actor_id=None)
        overdue = place(user, (variant, 1))
        expire_overdue_orders(now=overdue.expires_at + LONG_AGO, limit=1)
        call_command("run_worker", "--once")
    assert set(broken()) == {"I14"}

    import_module("orders.migrations.0005_first_events").write_first_events(apps, None)

    assert broken() == {}


@pytest.mark.portable
def test_an_order_that_costs_nothing_is_recorded_as_paid():
    order = place(buyer(), (VariantFactory(stock=3, price_minor=0), 1))

    recorded = RecordedEvent.objects.filter(subject="order", subject_id=order.pk)
    assert list(recorded.order_by("pk").values_list("kind", flat=True)) == [
        "order.placed",
        "order.paid",
    ]
    assert broken() == {}


def test_what_is_recorded_is_ids_amounts_and_codes():
    fields = {field.name for event in wiring.RECORDED for field in dataclasses.fields(event)}

    assert fields == {
        "order_id",
        "payment_id",
        "shipment_id",
        "actor_id",
        "reference",
        "amount",
        "code",
        "units",
    }


def test_i1_more_reserved_than_there_is():
    VariantFactory(stock=3)
    with unguarded(StockLevel, "stock_reserved_within_on_hand"):
        StockLevel.objects.update(reserved=4)

        assert "I1" in broken()


def test_i2_a_level_that_moved_without_its_ledger():
    VariantFactory(stock=3)
    StockLevel.objects.update(on_hand=4)

    assert set(broken()) == {"I2"}


def test_i3_a_reservation_nobody_counted():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Reservation.objects.filter(reference=order.number).update(quantity=2)

    assert "I3" in broken()


@pytest.mark.parametrize("status", ["released", "committed"])
def test_i4_an_order_whose_units_are_gone(status):
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Reservation.objects.filter(reference=order.number).update(status=status)

    assert broken()["I4"] == [f"order line {order.lines.get().pk}"]


def test_i4_a_hold_for_no_order():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Reservation.objects.filter(reference=order.number).update(reference="nobody")

    assert any(row.startswith("reservation") for row in broken()["I4"])


def test_i4_a_hold_of_a_cancelled_order():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.filter(pk=order.pk).update(status="cancelled")

    assert broken()["I4"] == [f"order line {order.lines.get().pk}"]


def test_i4_more_restocked_than_came_back():
    order = place_and_deliver(buyer(), (VariantFactory(stock=3), 1))
    StockMovement.objects.create(
        level=StockLevel.objects.get(), kind="return", on_hand_delta=1, reference=order.number
    )

    assert broken()["I4"] == [f"order line {order.lines.get().pk}"]


def test_i5_a_total_that_does_not_add_up():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    with unguarded(Order, "order_total_adds_up"):
        Order.objects.update(total_minor=order.total_minor + 1)

        assert broken() == {"I5": [f"order {order.pk}"]}


@pytest.mark.parametrize("column", ["discount_minor", "tax_minor"])
def test_i6_a_line_that_its_order_does_not_know(column):
    order = place(buyer(), (VariantFactory(stock=3, price_minor=500), 1))
    OrderLine.objects.update(**{column: 7})

    assert broken() == {"I6": [f"order {order.pk}"]}


def test_i6_an_order_without_lines():
    order = Order.objects.create(
        customer=UserFactory(), currency="EUR", subtotal_minor=0, total_minor=0
    )

    assert broken()["I6"] == [f"order {order.pk}"]


def test_i7_money_beyond_the_total():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    more = order.total_minor + 5
    payment = Payment.objects.get()
    Payment.objects.update(amount_minor=more, captured_minor=more)
    ledger.book_progress(payment=payment, working=0, held=0, received=5)
    Order.objects.update(captured_minor=more)

    assert broken() == {"I7": [f"order {order.pk}"]}


def test_i7_an_order_that_miscounts_its_money():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(captured_minor=order.total_minor + 1)

    assert broken() == {"I7": [f"order {order.pk}"]}


def test_i8_more_refunded_than_captured():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    payment = Payment.objects.get()
    Refund.objects.create(
        payment=payment, amount_minor=order.total_minor + 1, currency=order.currency
    )

    assert set(broken()["I8"]) == {f"payment {payment.pk}"}


@pytest.mark.parametrize("counter", ["processing_minor", "authorized_minor", "captured_minor"])
def test_i8_a_payment_that_counts_what_its_ledger_does_not_know(counter):
    place(buyer(), (VariantFactory(stock=3), 1))
    payment = PaymentFactory(captured_minor=0)
    Payment.objects.update(**{counter: 1})

    assert broken()["I8"] == [f"payment {payment.pk}"]
    assert rebuild_payment_counters(payment_id=payment.pk)
    assert not rebuild_payment_counters(payment_id=payment.pk)
    assert broken() == {}


def test_i8_a_refund_that_ended_beside_its_ledger():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    payment = Payment.objects.get()
    refund = RefundFactory(payment=payment, amount_minor=order.total_minor)
    Payment.objects.update(refunded_minor=order.total_minor)
    Order.objects.update(refunded_minor=order.total_minor)
    assert broken() == {}

    Refund.objects.filter(pk=refund.pk).update(status="succeeded")

    # No event tells of it either.
    assert broken() == {"I8": [f"payment {payment.pk}"], "I14": [f"payment {payment.pk}"]}


def test_i13_a_movement_that_does_not_add_up():
    payment = PaymentFactory(captured_minor=0)
    movement = MoneyMovement.objects.create(payment=payment, kind="capture", once_key="planted")
    assert broken() == {"I13": [f"money movement {movement.pk}"]}

    MoneyEntry.objects.create(
        movement=movement, account="customer", amount_minor=-5, currency="GBP"
    )
    assert broken() == {"I13": [f"money movement {movement.pk}"]}

    other = MoneyEntry.objects.create(
        movement=movement, account="captured", amount_minor=5, currency="EUR"
    )
    assert broken()["I13"] == [f"money movement {movement.pk}", f"money entry {other.pk}"]


def test_i9_an_order_that_is_paid_with_nothing():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(status="paid")

    assert broken()["I9"] == [f"order {order.pk}"]


@pytest.mark.parametrize("status", ["cancelled", "expired"])
def test_i10_money_of_an_order_that_is_over(status):
    place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(status=status)

    assert broken()["I10"] == [f"payment {Payment.objects.get().pk}"]


def test_i11_a_coupon_that_miscounts():
    coupon = CouponFactory(usage_limit=9)
    Coupon.objects.update(used_count=1)

    assert broken() == {"I11": [f"coupon {coupon.pk}"]}


def test_i11_a_coupon_used_too_often():
    coupon = CouponFactory(code="ONCE")
    for _ in range(2):
        place(buyer(), (VariantFactory(stock=3, price_minor=500), 1), coupon="ONCE")
    assert broken() == {}
    Coupon.objects.update(usage_limit=1)

    assert broken() == {"I11": [f"coupon {coupon.pk}"]}


def test_i11_a_customer_who_is_miscounted():
    user = buyer()
    tally = CouponTally.objects.create(coupon=CouponFactory(), customer=user, used_count=1)

    assert broken() == {"I11": [f"coupon tally {tally.pk}"]}


def test_i11_a_customer_whom_nobody_counts():
    CouponFactory(code="ONCE")
    place(buyer(), (VariantFactory(stock=3, price_minor=500), 1), coupon="ONCE")
    CouponTally.objects.all().delete()

    assert broken() == {"I11": [f"coupon use {CouponUse.objects.get().pk}"]}


def test_i11_a_use_that_a_cancelled_order_did_not_give_back():
    CouponFactory(code="ONCE")
    order = place(buyer(), (VariantFactory(stock=3, price_minor=500), 1), coupon="ONCE")
    use = CouponUse.objects.get()
    Order.objects.filter(pk=order.pk).update(status="cancelled")

    assert broken()["I11"] == [f"coupon use {use.pk}"]


def test_i12_an_open_cart_that_counts_as_anothers():
    user, other = UserFactory(), UserFactory()
    cart = Cart.objects.create(user=user, open_for=other.pk)

    assert broken() == {"I12": [f"cart {cart.pk}"]}


def test_i12_two_open_carts_of_one_user():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can drop a unique constraint in a transaction")
    user = UserFactory()
    with unguarded(Cart, unique_constraint_of(Cart, "open_for")):
        carts = [Cart.objects.create(user=user, open_for=user.pk) for _ in range(2)]

        assert broken() == {"I12": [f"cart {cart.pk}" for cart in carts]}


def test_i12_a_cart_that_was_bought_and_is_still_open():
    user = buyer()
    order = place(user, (VariantFactory(stock=3), 1))
    cart = Cart.objects.create(user=user, open_for=user.pk)
    Order.objects.filter(pk=order.pk).update(cart=cart)

    assert broken() == {"I12": [f"cart {cart.pk}"]}


def test_i12_a_cart_that_was_bought_twice():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can drop a unique constraint in a transaction")
    user, variant = buyer(), VariantFactory(stock=3)
    place(user, (variant, 1))
    place(user, (variant, 1))
    cart = Cart.objects.create(user=user)
    with unguarded(Order, unique_constraint_of(Order, "cart_id")):
        Order.objects.update(cart=cart)

        assert broken() == {"I12": [f"cart {cart.pk}"]}


def test_i14_a_status_the_history_does_not_tell():
    order = place_and_pay(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(status="processing")

    assert broken() == {"I14": [f"order {order.pk}"]}


def test_i14_a_step_that_no_rule_allows():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    wrong = OrderEvent.objects.create(order=order, kind="delivered", status="delivered")
    OrderEvent.objects.create(order=order, kind="placed", status="pending")

    assert f"order event {wrong.pk}" in broken()["I14"]


def test_i14_money_the_history_does_not_tell():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    Order.objects.update(captured_minor=1)

    assert broken()["I14"] == [f"order {order.pk}"]


def test_i14_a_parcel_the_history_does_not_tell():
    place_and_deliver(buyer(), (VariantFactory(stock=3), 1))
    Shipment.objects.update(status="packed")

    assert broken() == {"I14": [f"shipment {Shipment.objects.get().pk}"]}


def test_i15_a_hold_that_should_have_ended():
    order = place(buyer(), (VariantFactory(stock=3), 1))
    hold = Reservation.objects.get(reference=order.number)
    Reservation.objects.update(expires_at=timezone.now() - LONG_AGO)

    assert broken() == {"I15": [f"reservation {hold.pk}"]}


@pytest.mark.parametrize(
    ("constraint", "accounts"),
    [
        ("email_once", ({"email": "ann@example.com"}, {"email": "ANN@example.com"})),
        (
            "username_once",
            (
                {"username": "Ann", "email": "one@example.com"},
                {"username": "ann", "email": "two@example.com"},
            ),
        ),
    ],
)
def test_i16_two_accounts_of_one_name(constraint, accounts):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL can drop a unique constraint in a transaction")
    with unguarded(User, constraint):
        users = [UserFactory(**named) for named in accounts]

        assert broken() == {"I16": [f"user {user.pk}" for user in users]}


@pytest.mark.portable
@pytest.mark.parametrize("planted", [{"rating_hundredths": 499}, {"review_count": 2}])
def test_r1_a_rating_that_no_reviews_make(planted):
    variant = VariantFactory(stock=3)
    user = buyer()
    place_and_deliver(user, (variant, 1))
    review = write_review(product=variant.product, author=user, rating=4, text="Good.")
    approve_review(review=review, revision=1, moderator_id=user.pk)
    assert broken() == {}

    Product.objects.update(**planted)

    assert broken() == {"R1": [f"product {variant.product_id}"]}


def test_r2_a_product_that_lists_take_for_sold_out():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL keeps it beside the product")
    variant = VariantFactory(stock=3)
    settle_stock_doubts()
    assert broken() == {}

    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET is_in_stock = false")

    assert broken() == {"R2": [f"product {variant.product_id}"]}


def test_every_code_has_a_test_that_plants_it():
    tests = [name for name in globals() if re.match(r"test_[ir]\d", name)]
    tested = {name.split("_")[1].upper() for name in tests}

    assert tested == set(invariants.CODES)


def test_the_command_names_what_is_broken_and_fails():
    VariantFactory(stock=3)
    StockLevel.objects.update(on_hand=4)
    out = StringIO()

    with pytest.raises(CommandError, match="1 of 2 are broken") as refusal:
        call_command("check_invariants", "--only", "i1, I2", stdout=out)

    assert refusal.value.returncode == 1
    assert out.getvalue().strip().endswith(f": stock level {StockLevel.objects.get().pk}")


def test_the_command_speaks_json():
    out = StringIO()

    call_command("check_invariants", "--json", stdout=out)

    found = json.loads(out.getvalue())
    assert [row["count"] for row in found["checked"]] == [0] * len(invariants.ALL)
    assert found["mended"] == []


def test_the_first_offenders_are_named_and_the_rest_counted():
    for _ in range(22):
        CouponFactory()
    Coupon.objects.update(used_count=1)
    out = StringIO()

    with pytest.raises(CommandError):
        call_command("check_invariants", "--only", "I11", stdout=out)

    line = next(line for line in out.getvalue().splitlines() if "BROKEN" in line)
    assert line.endswith(" and 2 more")
    assert line.count("coupon ") == 20 + 1  # and the one in the sentence


def test_a_query_that_takes_too_long_is_given_up_and_is_no_success():
    if connection.vendor != "postgresql":
        pytest.skip("on SQLite a query cannot be timed, on MariaDB this one would be too fast")
    asleep = RawSQL("(SELECT 0 FROM pg_sleep(5))", [])
    endless = invariants.Invariant("I1", "nobody waits", lambda: User.objects.filter(pk__gt=asleep))
    UserFactory()

    finding = endless.check(seconds=0.05)

    assert (finding.is_kept, finding.is_unknown, finding.count) == (False, True, None)
    assert invariants.ALL[0].check(seconds=5).is_kept  # the connection is as good as before


@pytest.mark.portable
def test_a_time_limit_ends_with_the_look():
    with connection.cursor() as cursor:
        before = _time_limit(cursor)
        assert invariants.ALL[0].check(seconds=7).is_kept

        assert _time_limit(cursor) == before


def _time_limit(cursor):
    statements = {
        "postgresql": "SHOW statement_timeout",
        "mysql": "SELECT @@max_statement_time",
    }
    cursor.execute(statements.get(connection.vendor, "SELECT 0"))
    return cursor.fetchone()[0]


def test_an_unknown_code_is_refused():
    with pytest.raises(CommandError, match="Unknown: I99"):
        call_command("check_invariants", "--only", "I99")
