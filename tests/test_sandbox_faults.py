"""Everything that a provider can do to a shop, rehearsed over the API: paid once, or money back."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import TestCase
from django.utils import timezone

from catalog.tests.factories import VariantFactory
from orders.tests.trade import buyer, client_of, manager, pay, place
from payments import services
from payments.models import (
    MoneyMovement,
    Payment,
    ProviderEvent,
    SandboxEvent,
    SandboxIntent,
)
from payments.providers import sandbox_cards, sandbox_faults
from shop_backend import background, invariants
from shop_backend.kernel import outbox
from tests.client import ShopClient
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture(autouse=True)
def _nothing_is_broken():
    """Whatever went wrong, the books are right afterwards."""
    yield
    assert [each.sentence for each in invariants.ALL if each.find()] == []


@pytest.fixture
def order():
    return place(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))


def pass_time(seconds=0):
    """Do what is due by then: messages, and events that wait for their next try."""
    then = timezone.now() + timedelta(seconds=seconds)
    with TestCase.captureOnCommitCallbacks(execute=True):
        outbox.deliver_due(limit=1000, now=then)
        services.apply_pending_events(now=then)


def reconcile():
    """Run the command as of later, and return what it says."""
    said = StringIO()
    with TestCase.captureOnCommitCallbacks(execute=True):
        call_command("reconcile_payments", "--quiet-minutes", "0", stdout=said)
    return said.getvalue()


def is_paid_once(order):
    order.refresh_from_db()
    payment = Payment.objects.get(reference=order.number)
    intent = SandboxIntent.objects.get(intent_id=payment.provider_reference)
    captures = MoneyMovement.objects.filter(payment__reference=order.number, kind="capture")
    told = order.events.filter(kind="payment_captured").count()
    return (
        (order.status, order.payment_status) == ("paid", "paid")
        and payment.captured_minor == intent.captured_minor == order.total_minor
        and captures.count() == told == 1
    )


def status_of(response):
    body = response.json()
    return response.status_code, body["data"]["status"] if body["success"] else body["code"]


@pytest.mark.parametrize("code", ["processing", "webhookTwice", "webhookOutOfOrder"])
def test_the_bank_takes_its_time_and_the_webhook_tells(order, code):
    assert status_of(pay(order, f"pm_sandbox_{code}")) == (201, "processing")

    pass_time(60)

    assert is_paid_once(order)
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_a_webhook_that_comes_twice_is_kept_once(order):
    pay(order, "pm_sandbox_webhookTwice")

    kinds = [kind for (kind,) in SandboxEvent.objects.order_by("pk").values_list("kind")]
    sent = outbox.OutboxMessage.objects.filter(kind="payments.sandbox_webhook").count()
    assert kinds[-2:] == ["payment_intent.processing", "payment_intent.succeeded"]
    assert sent == len(kinds) + 2  # the two of the confirmation came twice
    assert ProviderEvent.objects.count() == len(kinds)
    assert is_paid_once(order)


def test_a_webhook_that_comes_late_pays_late(order):
    pay(order, "pm_sandbox_webhookLate")
    pass_time()
    order.refresh_from_db()
    assert (order.status, order.payment_status) == ("pending", "unpaid")

    pass_time(11)

    assert is_paid_once(order)


def test_a_webhook_that_never_comes_is_healed_by_the_reconciler(order):
    pay(order, "pm_sandbox_webhookLost")
    pass_time(3600)
    order.refresh_from_db()
    assert order.status == "pending"

    said = reconcile()

    assert is_paid_once(order)
    assert "processing, captured 0.00 GBP" in said
    assert "succeeded, captured 10.00 GBP" in said
    assert "1 changed, 0 not settled" in said
    assert "0 payments asked about" in reconcile()


def test_a_webhook_that_never_comes_is_healed_by_the_worker(order):
    pay(order, "pm_sandbox_webhookLost")
    Payment.objects.update(synced_at=timezone.now() - timedelta(minutes=2))

    with TestCase.captureOnCommitCallbacks(execute=True):
        background.run_once()

    assert is_paid_once(order)


def test_a_dry_run_asks_nothing(order):
    pay(order, "pm_sandbox_webhookLost")
    said = StringIO()

    call_command("reconcile_payments", "--quiet-minutes", "0", "--dry-run", stdout=said)

    assert "1 payments, 0 events to apply." in said.getvalue()
    assert Payment.objects.get().status == "processing"


def test_a_charge_whose_answer_is_lost_is_told_by_the_webhook(order):
    answer = pay(order, "pm_sandbox_timeout")

    assert (answer.status_code, answer.json()["code"]) == (503, "payment_provider_unavailable")
    assert is_paid_once(order)
    assert pay(order, "pm_sandbox_timeout").json()["code"] == "nothing_due"


def test_a_charge_of_which_nothing_is_heard_is_found_by_the_same_request(order):
    client, key = client_of(order.customer), {"Idempotency-Key": "attempt-1"}
    body = {"order_id": order.number, "payment_method": "pm_sandbox_timeoutWebhookLost"}

    first = client.post("/api/payments/", body, format="json", headers=key)
    order.refresh_from_db()
    assert (first.status_code, order.status) == (503, "pending")
    again = client.post("/api/payments/", body, format="json", headers=key)

    assert status_of(again) == (201, "succeeded")
    assert is_paid_once(order)


def test_a_charge_of_which_nothing_is_heard_is_found_by_the_reconciler(order):
    pay(order, "pm_sandbox_timeoutWebhookLost")

    reconcile()

    assert is_paid_once(order)


def test_a_request_that_never_arrived_charges_when_it_is_made_again(order):
    assert pay(order, "pm_sandbox_unreached").status_code == 503
    order.refresh_from_db()
    assert SandboxIntent.objects.get().captured_minor == 0

    assert status_of(pay(order, "pm_sandbox_unreached")) == (201, "succeeded")

    assert is_paid_once(order)


def test_a_decline_that_comes_late_leaves_the_order_to_be_paid_otherwise(order):
    assert status_of(pay(order, "pm_sandbox_processingDeclined")) == (201, "processing")
    pass_time(60)
    payment = Payment.objects.get()
    assert (payment.status, payment.failure_code) == ("requires_payment_method", "generic_decline")
    assert payment.processing_minor == 0

    assert status_of(pay(order)) == (201, "succeeded")

    assert is_paid_once(order)


def test_the_customer_agrees_by_sending_the_request_once_more(order):
    assert status_of(pay(order, "pm_card_authenticationRequired")) == (201, "requires_action")

    assert status_of(pay(order, "pm_card_authenticationRequired")) == (201, "succeeded")

    assert is_paid_once(order)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("wrongAmount", "amount_mismatch"),
        ("wrongCurrency", "currency_mismatch"),
        ("wrongReference", "reference_mismatch"),
    ],
)
def test_what_does_not_fit_never_pays_and_is_settled_by_a_person(order, code, reason):
    pay(order, f"pm_sandbox_{code}")
    pass_time(60)

    payment = Payment.objects.get()
    order.refresh_from_db()
    assert (payment.review_reason, payment.captured_minor) == (reason, 0)
    assert (order.status, order.payment_status) == ("pending", "unpaid")
    assert pay(order).json()["code"] == "payment_under_review"

    services.close_review(payment_id=payment.pk, actor_id=manager().pk, note="Asked the bank.")
    reconcile()
    assert is_paid_once(order)


def test_a_refund_whose_answer_is_lost_is_made_once(order):
    pay(order, "pm_sandbox_refundTimeout")
    payment = Payment.objects.get()

    answer = client_of(manager()).post(
        f"/api/payments/{payment.pk}/refunds/", {"amount": "4.00"}, format="json"
    )
    pass_time(60)

    assert answer.status_code == 201
    payment.refresh_from_db()
    assert payment.refunded_minor == SandboxIntent.objects.get().refunded_minor == 400
    assert [refund.status for refund in payment.refunds.all()] == ["succeeded"]


@pytest.mark.parametrize("healer", ["reconciler", "worker"])
def test_a_refund_whose_end_is_never_told_is_asked_about(order, healer):
    pay(order, "pm_sandbox_refundWebhookLost")
    payment = Payment.objects.get()
    client_of(manager()).post(f"/api/payments/{payment.pk}/refunds/", {}, format="json")
    pass_time(3600)
    assert payment.refunds.get().status == "pending"

    if healer == "reconciler":
        assert "(1 pending) -> succeeded" in reconcile()
    else:
        payment.refunds.update(updated_at=timezone.now() - timedelta(minutes=2))
        with TestCase.captureOnCommitCallbacks(execute=True):
            background.run_once()

    order.refresh_from_db()
    assert payment.refunds.get().status == "succeeded"
    assert order.payment_status == "refunded"


def test_a_refund_made_at_the_providers_site_without_a_webhook_is_found_since_then(order):
    pay(order)
    payment = Payment.objects.get()
    intent = SandboxIntent.objects.get()
    intent.refunds.create(refund_id="re_site", status="succeeded", amount_minor=300)
    SandboxIntent.objects.update(refunded_minor=300)
    said = StringIO()

    reconcile()
    assert payment.refunds.count() == 0  # it is settled, as far as we know
    today = timezone.now().date().isoformat()
    with TestCase.captureOnCommitCallbacks(execute=True):
        call_command("reconcile_payments", "--since", today, stdout=said)

    payment.refresh_from_db()
    assert payment.refunded_minor == 300
    assert (
        "refunded 0.00 GBP -> succeeded, captured 10.00 GBP, refunded 3.00 GBP" in said.getvalue()
    )


def test_the_reconciler_fails_while_something_is_not_settled(order):
    pay(order)
    event = ProviderEvent.objects.latest("pk")
    event.payload["intent"]["amount"]["minor"] = "x"
    event.payload["intent"]["version"] = "x"
    event.applied_at = None
    event.save(update_fields=["payload", "applied_at"])
    ProviderEvent.objects.update(attempts=0)

    with pytest.raises(CommandError, match="a person has to look"):
        reconcile()


def test_the_config_lists_what_can_be_rehearsed_and_stripe_has_none_of_it(settings):
    cards = payload_of(ShopClient().get("/api/payments/config/"))["test_cards"]

    names = {card["payment_method"] for card in cards}
    assert {card.payment_method for card in sandbox_cards.FAULTS} <= names
    assert all(
        card.payment_method.startswith(sandbox_faults.FAULT_PREFIX) for card in sandbox_cards.FAULTS
    )


# --- a share of everything, by the setting ---


def rehearse(orders):
    """Pay each order until it is paid, and return what was answered on the way."""
    answers = []
    for order in orders:
        for _ in range(30):
            answers.append(status_of(pay(order)))
            pass_time(60)
            reconcile()  # what is being processed may still be declined
            order.refresh_from_db()
            if order.status == "paid":
                break
        assert is_paid_once(order)
    return answers


def test_whatever_share_of_everything_goes_wrong_each_order_is_paid_once(settings):
    settings.SANDBOX_FAULTS = {
        "seed": "7",
        "decline": "0.3",
        "action": "0.3",
        "processing": "0.3",
        "timeout": "0.3",
        "unreached": "0.3",
        "duplicate": "0.3",
        "reorder": "0.3",
        "delay": "0.3",
        "drop": "0.3",
    }
    variant = VariantFactory(stock=20, price_minor=1000)

    answers = rehearse([place(buyer(), (variant, 1)) for _ in range(10)])

    assert {status for status, _ in answers} > {201}  # something did go wrong


def test_the_same_seed_draws_the_same_faults(settings):
    settings.SANDBOX_FAULTS = {"seed": "7", "drop": "0.5"}
    drawn = [sandbox_faults.is_drawn(sandbox_faults.Fault.DROP, pk) for pk in range(1000)]

    assert drawn == [sandbox_faults.is_drawn(sandbox_faults.Fault.DROP, pk) for pk in range(1000)]
    assert 400 < sum(drawn) < 600
    settings.SANDBOX_FAULTS = {"seed": "8", "drop": "0.5"}
    assert drawn != [sandbox_faults.is_drawn(sandbox_faults.Fault.DROP, pk) for pk in range(1000)]
    settings.SANDBOX_FAULTS = {"drop": "0"}
    assert not any(sandbox_faults.is_drawn(sandbox_faults.Fault.DROP, pk) for pk in range(1000))
