"""A counter that is a cache of other rows is set to what those say, and nothing else is touched."""

import threading
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from cart import services as cart
from cart.models import Coupon, CouponTally, CouponUse
from cart.tests.factories import CouponFactory
from catalog.models import Review
from catalog.services import settle_stock_doubts
from catalog.tests.factories import VariantFactory
from inventory.models import Reservation, StockLevel
from orders import services as orders
from orders.models import Order
from orders.tests.trade import buyer, place, place_and_pay
from payments.models import Payment
from shop_backend import invariants
from shop_backend.invariants import repairs
from shop_backend.kernel.models import AuditEntry
from tests.threads import closing

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
OURS = ("accounts", "catalog", "cart", "orders", "payments", "shipping", "inventory", "kernel")


def repair(*only: str) -> tuple[str, str | None]:
    """Return what the command printed, and why it was not content."""
    out = StringIO()
    try:
        call_command("check_invariants", "--repair", "--only", ",".join(only), stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), None


def everything() -> dict[str, list[Any]]:
    """Return every row of the shop; that it was repaired stands in the audit log."""
    ours = [model for model in apps.get_models() if model._meta.app_label in OURS]
    models = [model for model in ours if model is not AuditEntry]
    return {
        model.__name__: list(model._default_manager.order_by("pk").values()) for model in models
    }


def busy_shop():
    """Sell something with a coupon and something without; return the paid order."""
    CouponFactory(code="TENTH")
    place(buyer(), (VariantFactory(stock=9, price_minor=500), 2), coupon="TENTH")
    return place_and_pay(buyer(), (VariantFactory(stock=9), 1))


def test_repairing_a_sound_shop_changes_nothing():
    busy_shop()
    before = everything()

    printed, failure = repair()

    assert failure is None
    assert "->" not in printed
    assert everything() == before


def test_no_repair_service_changes_what_is_right():
    order = busy_shop()
    settle_stock_doubts()
    before = everything()

    orders.recount_money(order_id=order.pk)
    cart.recount_coupon(coupon_id=Coupon.objects.get().pk)
    for each in {each.repair for each in invariants.ALL if each.repair}:
        pks = each_pk_for(each)
        assert [each(pk) for pk in pks] == [""] * len(pks)

    assert everything() == before


def each_pk_for(repair_of_row) -> list[int]:
    """Return the keys of all rows that this repair may be asked about."""
    models = {
        invariant.query().model for invariant in invariants.ALL if invariant.repair is repair_of_row
    }
    assert len(models) == 1
    return list(models.pop()._default_manager.values_list("pk", flat=True))


@pytest.mark.parametrize("code", ["I2", "I3"])
def test_a_level_follows_its_ledger_and_its_holds(code):
    busy_shop()
    level = StockLevel.objects.order_by("pk")[0]
    wrong = {"on_hand": 8} if code == "I2" else {"reserved": 3}
    StockLevel.objects.filter(pk=level.pk).update(**wrong)

    printed, failure = repair(code)

    ((name, was),) = wrong.items()
    assert failure is None
    assert f"stock level {level.pk}: {name} {was} -> {getattr(level, name)}" in printed
    level_now = StockLevel.objects.get(pk=level.pk)
    assert (level_now.on_hand, level_now.reserved) == (level.on_hand, level.reserved)


def test_books_that_contradict_each_other_are_left_to_a_person():
    busy_shop()
    Reservation.objects.filter(status="held").update(quantity=5)
    before = everything()

    printed, failure = repair("I3")

    assert failure == "1 of 1 are broken."
    assert "left to a person" in printed
    assert everything() == before


def test_a_coupon_and_its_customers_follow_the_uses():
    busy_shop()
    Coupon.objects.update(used_count=7)
    CouponTally.objects.update(used_count=0)

    printed, failure = repair("I11")

    assert failure is None
    assert "used_count 7 -> 1" in printed
    assert list(Coupon.objects.values_list("used_count", flat=True)) == [1]
    assert list(CouponTally.objects.values_list("used_count", flat=True)) == [1]


def test_a_customer_whom_nobody_counts_is_counted():
    busy_shop()
    CouponTally.objects.all().delete()

    assert repair("I11")[1] is None

    use = CouponUse.objects.get()
    assert list(CouponTally.objects.values_list("customer", "used_count")) == [(use.customer_id, 1)]


def test_more_uses_than_the_limit_are_not_made_fewer():
    busy_shop()
    Coupon.objects.update(usage_limit=0, used_count=0)

    printed, failure = repair("I11")

    assert failure == "1 of 4 are broken."
    assert Coupon.objects.get().used_count == 1


def test_an_order_takes_its_balance_from_the_payments_and_its_history_says_so():
    order = busy_shop()
    wrong = order.captured_minor - 1
    Order.objects.filter(pk=order.pk).update(captured_minor=wrong)

    printed, failure = repair("I7")

    assert failure is None
    assert f"order {order.pk}: captured_minor {wrong} -> {order.captured_minor}" in printed
    told = order.events.get(kind="balance_recounted")
    assert told.data == {"captured_minor": [wrong, order.captured_minor]}
    assert Order.objects.get(pk=order.pk).captured_minor == order.captured_minor


def test_a_payment_follows_its_ledger_and_the_order_its_payment():
    order = busy_shop()
    payment = Payment.objects.get()
    Payment.objects.update(captured_minor=F("captured_minor") - 1)
    Order.objects.filter(pk=order.pk).update(captured_minor=F("captured_minor") - 1)

    printed, failure = repair("I8", "I7")
    again, still = repair("I8", "I7")

    assert f"payment {payment.pk}: counted by its ledger" in printed
    assert (failure or still, "->" in again) == (None, False)
    assert Payment.objects.get().captured_minor == order.total_minor
    assert Order.objects.get(pk=order.pk).captured_minor == order.total_minor


def test_a_product_takes_its_rating_from_its_approved_reviews():
    product = VariantFactory().product
    Review.objects.create(product=product, author=buyer(), rating=4, status="approved")
    Review.objects.create(product=product, author=buyer(), rating=1)

    printed, failure = repair("R1")

    product.refresh_from_db()
    assert failure is None
    assert "rating_hundredths 0 -> 400, review_count 0 -> 1" in printed
    assert (product.rating_hundredths, product.review_count) == (400, 1)


def test_a_product_is_looked_at_again_for_stock():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL keeps it beside the product")
    variant = VariantFactory(stock=3)
    settle_stock_doubts()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET is_in_stock = false")

    printed, failure = repair("R2")

    assert failure is None
    assert f"product {variant.product_id}: is_in_stock False -> True" in printed


def test_money_over_is_a_fact_and_no_counter():
    order = busy_shop()
    more = order.total_minor + 5
    Payment.objects.update(amount_minor=more, captured_minor=more)
    Order.objects.filter(pk=order.pk).update(captured_minor=more)
    before = everything()

    assert repair("I7")[1] == "1 of 2 are broken."

    assert everything() == before


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_checking_and_repairing_while_the_shop_sells_finds_nothing_and_loses_nothing():
    CouponFactory(code="BUSY")
    variant = VariantFactory(stock=200, price_minor=500)
    buyers = [buyer() for _ in range(4)]
    over = threading.Event()
    failures: list[str] = []

    def sell(user: Any) -> None:
        for number in range(8):
            order = place(user, (variant, 1), coupon="BUSY")
            if number % 2:
                orders.cancel_order(number=order.number, actor_id=user.pk)

    def look() -> None:
        while not over.is_set():
            failures.extend(
                f"{finding.invariant.code} {finding.names}"
                for finding in (each.check() for each in invariants.ALL)
                if not finding.is_kept
            )
            cart.recount_coupon(coupon_id=coupon_id)
            repairs.stock_level(level_id)

    coupon_id, level_id = Coupon.objects.get().pk, StockLevel.objects.get().pk
    sellers = [threading.Thread(target=closing(partial(sell, user))) for user in buyers]
    watcher = threading.Thread(target=closing(look))
    for thread in [*sellers, watcher]:
        thread.start()
    for thread in sellers:
        thread.join()
    over.set()
    watcher.join()

    assert Order.objects.count() == 32
    assert failures == []
    assert [each.find() for each in invariants.ALL] == [[]] * len(invariants.ALL)
