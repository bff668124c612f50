"""The ledger says where the money of a payment is, whatever was told of it and in what order."""

from dataclasses import asdict, replace
from datetime import timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Sum
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.tests.factories import StaffFactory, UserFactory
from payments import services
from payments.models import (
    Account,
    MoneyEntry,
    MoneyMovement,
    Payment,
    PaymentReview,
    ProviderEvent,
)
from payments.providers.base import IntentState, ProviderNews, RefundState
from payments.services.ledger import get_counters
from payments.tests.factories import PaymentFactory, RefundFactory, pay
from shop_backend import invariants
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db]


def balances(payment):
    """Return what each account holds, without those that hold nothing."""
    rows = MoneyEntry.objects.filter(movement__payment=payment).values_list("account")
    sums = rows.annotate(balance=Sum("amount_minor")).order_by()
    return {account: balance for account, balance in sums if balance}


def booked(payment):
    return list(payment.movements.order_by("pk").values_list("kind", flat=True))


def counted(payment):
    payment.refresh_from_db()
    names = ("processing_minor", "authorized_minor", "captured_minor", "refunded_minor")
    return {name: getattr(payment, name) for name in names}


def wrong():
    return [each.sentence for each in invariants.ALL if each.code in {"I8", "I13"} and each.find()]


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


# --- each step, over the API ---


@pytest.mark.portable
def test_a_payment_is_a_capture_from_the_customer(orders):
    payment = pay(orders, UserFactory())

    assert booked(payment) == ["capture"]
    assert balances(payment) == {"customer": -1999, "captured": 1999}


@pytest.mark.portable
def test_what_is_authorised_is_captured_from_what_was_set_aside(orders, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = pay(orders, UserFactory())
    assert balances(payment) == {"customer": -1999, "authorized": 1999}
    assert payment.authorized_minor == 1999

    client_of(StaffFactory(role="manager")).post(f"/api/payments/{payment.pk}/capture/")

    assert booked(payment) == ["authorization", "capture"]
    assert balances(payment) == {"customer": -1999, "captured": 1999}
    assert counted(payment)["authorized_minor"] == 0


@pytest.mark.portable
def test_what_is_voided_is_released(orders, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = pay(orders, UserFactory())

    client_of(StaffFactory(role="manager")).post(f"/api/payments/{payment.pk}/void/")

    assert booked(payment) == ["authorization", "release"]
    assert balances(payment) == {}


@pytest.mark.portable
def test_an_authorisation_that_is_given_up_is_held_until_the_provider_lets_go(
    orders, settings, line
):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = pay(orders, UserFactory())
    with transaction.atomic():
        services.cancel_open_payments(reference=payment.reference)
    assert balances(payment) == {"customer": -1999, "authorized": 1999}

    services.sync_open_payments()

    assert balances(payment) == {}
    assert counted(payment)["authorized_minor"] == 0


@pytest.mark.portable
def test_parts_go_back_until_nothing_is_left(orders):
    payment = pay(orders, UserFactory(), minor=1000)
    manager = client_of(StaffFactory(role="manager"))

    for amount in ("4.00", "0.01", "5.99"):
        answer = manager.post(f"/api/payments/{payment.pk}/refunds/", {"amount": amount})
        assert answer.status_code == 201
    refused = manager.post(f"/api/payments/{payment.pk}/refunds/", {"amount": "0.01"})

    assert refused.json()["code"] == "nothing_to_refund"
    assert booked(payment) == ["capture"] + ["refund_request", "refund_success"] * 3
    assert balances(payment) == {"customer": -1000, "refunded": 1000}


@pytest.mark.portable
def test_a_refund_that_fails_late_comes_home(orders):
    payment = pay(orders, UserFactory(), minor=1000, card="pm_card_refundFail")

    client_of(StaffFactory(role="manager")).post(f"/api/payments/{payment.pk}/refunds/")

    assert balances(payment) == {"customer": -1000, "captured": 1000}
    assert counted(payment)["refunded_minor"] == 0
    assert wrong() == []


@pytest.mark.portable
def test_money_received_outside_names_who_entered_it(orders):
    customer, manager = UserFactory(), StaffFactory(role="manager")
    number = orders.place(customer, 500)

    client_of(manager).post("/api/payments/offline/", {"order_id": number})

    movement = MoneyMovement.objects.get()
    assert (movement.kind, movement.actor_id) == ("capture", manager.pk)
    assert wrong() == []


# --- what the database itself forbids ---


@pytest.mark.portable
@pytest.mark.parametrize(
    "entry",
    [
        {"amount_minor": 0},
        {"account": "pocket"},
        {"account": "captured"},  # it has one
    ],
)
def test_the_database_forbids_entries_that_say_nothing_or_twice_the_same(entry):
    movement = PaymentFactory().movements.get()
    entry = {"account": "refunded", "amount_minor": 1, "currency": "GBP", **entry}

    with pytest.raises(IntegrityError), transaction.atomic():
        MoneyEntry.objects.create(movement=movement, **entry)


@pytest.mark.portable
def test_the_database_forbids_to_say_once_only_things_twice():
    movement = PaymentFactory().movements.get()

    with pytest.raises(IntegrityError), transaction.atomic():
        MoneyMovement.objects.create(
            payment=movement.payment, kind="capture", once_key=movement.once_key
        )


@pytest.mark.portable
@pytest.mark.parametrize(
    "counters",
    [
        {"processing_minor": -1},
        {"authorized_minor": -1},
        {"authorized_minor": 1},
        {"captured_minor": 0, "processing_minor": 1000, "authorized_minor": 1000},
        {"provider_key": ""},
    ],
)
def test_the_database_forbids_counters_beyond_the_amount(counters):
    payment = PaymentFactory()

    with pytest.raises(IntegrityError), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**counters)


@pytest.mark.parametrize("table", ["payments_moneymovement", "payments_moneyentry"])
@pytest.mark.parametrize("sql", ["DELETE FROM {}", "UPDATE {} SET id = id + 1000"])
def test_the_ledger_only_grows(table, sql):
    if connection.vendor == "mysql":
        pytest.skip("MariaDB leaves it to the services")
    PaymentFactory()

    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(table))


# --- the counters are a cache ---


@pytest.mark.portable
def test_counters_that_went_wrong_are_rebuilt_from_the_ledger(orders):
    payment = pay(orders, UserFactory())
    Payment.objects.update(captured_minor=7)
    assert wrong() == ["a payment counts its ledger"]

    assert services.rebuild_payment_counters(payment_id=payment.pk)

    assert counted(payment)["captured_minor"] == 1999
    assert wrong() == []
    assert not services.rebuild_payment_counters(payment_id=payment.pk)


def test_a_shop_that_counted_before_opens_its_ledger_with_what_it_counted(orders):
    """The data migration, over rows of every kind."""
    customer = UserFactory()
    # As they were: the counters, and not one movement.
    make = Payment.objects.create
    rows = {"customer": customer, "provider": "sandbox", "currency": "GBP", "amount_minor": 1000}
    paid = make(**rows, reference="R1", status="succeeded", captured_minor=900, refunded_minor=500)
    paid.refunds.create(amount_minor=200, currency="GBP", status="pending")
    paid.refunds.create(amount_minor=300, currency="GBP", status="succeeded")
    paid.refunds.create(amount_minor=400, currency="GBP", status="failed")
    held = make(**rows, reference="R2", status="requires_capture")
    working = make(**rows, reference="R3", status="processing")
    untouched = make(**rows, reference="R4")
    migration = import_module("payments.migrations.0003_open_ledger")

    for _ in range(2):  # interrupted, and run again
        migration.open_ledger(apps, None)

    assert balances(paid) == {
        "customer": -900,
        "captured": 400,
        "refund_pending": 200,
        "refunded": 300,
    }
    assert balances(held) == {"customer": -1000, "authorized": 1000}
    assert balances(working) == {"customer": -1000, "processing": 1000}
    assert balances(untouched) == {}
    assert MoneyMovement.objects.count() == 3
    assert wrong() == []


# --- in any order, as often as may be: the same end ---

AMOUNT = 1000
# Where a provider's intent can go from each state.
PATHS = {
    "requires_payment_method": ["requires_action", "processing", "held_or_taken", "canceled"],
    "requires_action": ["requires_payment_method", "processing", "held_or_taken", "canceled"],
    "processing": ["requires_payment_method", "held_or_taken"],
    "requires_capture": ["succeeded", "canceled"],
    "succeeded": [],
    "canceled": [],
}


@st.composite
def histories(draw):
    """Return what happened at a provider, as news in the order in which it happened."""
    taken = draw(st.sampled_from(["requires_capture", "succeeded"]))
    status, states = "requires_payment_method", []
    for version in range(1, draw(st.integers(2, 7))):
        choices = PATHS[status]
        if not choices:
            break
        before, status = status, draw(st.sampled_from(choices))
        status = taken if status == "held_or_taken" else status
        captured = AMOUNT if status == "succeeded" else 0
        # Only of an authorisation a part can be taken.
        if captured and before == "requires_capture":
            captured = draw(st.sampled_from([AMOUNT, 400]))
        states.append((version, status, captured))
    refunds = []
    left = states[-1][2] if states else 0
    for number in range(draw(st.integers(0, 3)) if left else 0):
        amount = draw(st.integers(1, max(1, left // 3)))
        end = draw(st.sampled_from([["succeeded"], ["failed"], ["succeeded", "failed"], []]))
        refunds.append((f"re_{number}", amount, ["pending", *end]))
    return states, refunds


def model(states, refunds):
    """Return where the money is after all that: the pure model."""
    status, captured = states[-1][1:] if states else ("requires_payment_method", 0)
    pending = sum(amount for _, amount, path in refunds if path[-1] == "pending")
    gone = sum(amount for _, amount, path in refunds if path[-1] == "succeeded")
    accounts = {
        Account.PROCESSING: AMOUNT if status == "processing" else 0,
        Account.AUTHORIZED: AMOUNT if status == "requires_capture" else 0,
        Account.CAPTURED: captured - pending - gone,
        Account.REFUND_PENDING: pending,
        Account.REFUNDED: gone,
    }
    accounts[Account.CUSTOMER] = -sum(accounts.values())
    return status, {account.value: balance for account, balance in accounts.items() if balance}


def as_news(payment, states, refunds):
    said = IntentState(
        provider_reference=payment.provider_reference,
        status="",
        amount=Money(AMOUNT, "GBP"),
        captured=Money(0, "GBP"),
        version=0,
        payment_id=payment.pk,
        reference=payment.reference,
    )
    for version, status, captured in states:
        state = replace(said, status=status, captured=Money(captured, "GBP"), version=version)
        yield ProviderNews(f"evt_{payment.pk}_{version}", "payment_intent.x", intent=state)
    for name, amount, path in refunds:
        for step, status in enumerate(path):
            intent, name_here = payment.provider_reference, f"{name}_{payment.pk}"
            refund = RefundState(name_here, intent, status, Money(amount, "GBP"))
            yield ProviderNews(f"evt_{name_here}_{step}", "refund.x", refund=refund)


@pytest.mark.usefixtures("orders", "told")
@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_news_in_any_order_and_repeated_ends_where_the_model_does(data):
    states, refunds = data.draw(histories(), label="history")
    number = f"R{Payment.objects.count()}"
    payment = Payment.objects.create(
        reference=number,
        open_reference=number,
        customer=UserFactory(),
        amount_minor=AMOUNT,
        currency="GBP",
        provider="sandbox",
        provider_reference=f"pi_{number}",
    )
    news = list(as_news(payment, states, refunds))
    more = data.draw(st.lists(st.sampled_from(news)) if news else st.just([]), label="repeated")
    for each in data.draw(st.permutations(news + more), label="told"):
        event, _ = ProviderEvent.objects.get_or_create(
            provider="sandbox",
            event_id=each.event_id,
            defaults={"kind": each.kind, "payload": each.to_payload()},
        )
        if event.applied_at is None:
            services.try_to_apply_event(event_id=event.pk)
        assert counted(payment) == asdict(get_counters(payment_id=payment.pk))
    later = timezone.now() + timedelta(days=1)
    while services.apply_pending_events(now=later):
        pass

    payment.refresh_from_db()
    assert not ProviderEvent.objects.filter(applied_at=None).exists()
    assert (payment.status, balances(payment)) == model(states, refunds)
    assert counted(payment) == asdict(get_counters(payment_id=payment.pk))
    assert not PaymentReview.objects.filter(reason__endswith="mismatch").exists()


@pytest.mark.portable
def test_a_refund_posts_its_end_once(orders):
    payment = pay(orders, UserFactory())
    refund = RefundFactory(payment=payment)
    Payment.objects.update(refunded_minor=100)
    state = RefundState("re_1", str(payment.provider_reference), "succeeded", refund.amount)
    news = ProviderNews("evt_1", "refund.x", refund=replace(state, refund_id=refund.pk))

    for number in range(3):  # three events that say the same
        event = ProviderEvent.objects.create(
            provider="sandbox", event_id=f"e{number}", kind="refund.x", payload=news.to_payload()
        )
        assert services.apply_event(event_id=event.pk)

    assert booked(payment) == ["capture", "refund_request", "refund_success"]
