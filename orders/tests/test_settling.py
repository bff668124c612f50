"""Money and time: expiry, late payments, and what happens when both come at once."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.tests.factories import StaffFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders import services
from orders.errors import OrderNotFound
from orders.events import OrderExpired
from orders.models import Order
from orders.tests.trade import buyer, client_of, manager, pay, place, place_and_pay, set_status
from payments import services as payments
from payments.events import PaymentAuthorized, PaymentCanceled, PaymentCaptured
from payments.models import Payment, ProviderEvent, Refund, SandboxIntent
from payments.providers.base import ProviderNews
from payments.providers.sandbox import SandboxProvider
from payments.services.applying import fail_refund
from shop_backend.kernel import events, transactions
from shop_backend.kernel.money import Money

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def stock_of(variant):
    level = StockLevel.objects.get(item_id=variant.stock_item_id)
    return level.on_hand, level.reserved


def expire(order):
    count = services.expire_overdue_orders(now=timezone.now() + timedelta(hours=1), limit=10)
    order.refresh_from_db()
    return count


def test_a_hold_runs_out():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))

    assert expire(order) == 1

    assert (order.status, stock_of(variant)) == ("expired", (5, 0))
    assert expire(order) == 0


def test_a_hold_that_is_not_over_stays():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))

    assert services.expire_overdue_orders(now=timezone.now(), limit=10) == 0

    order.refresh_from_db()
    assert (order.status, stock_of(variant)) == ("pending", (5, 2))


def test_a_paid_order_does_not_expire():
    variant = VariantFactory(stock=5)
    order = place_and_pay(buyer(), (variant, 2))

    assert expire(order) == 0

    assert (order.status, stock_of(variant)) == ("paid", (5, 2))


def test_the_worker_expires_what_is_overdue():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))
    Order.objects.filter(pk=order.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    call_command("run_worker", "--once")

    order.refresh_from_db()
    assert (order.status, stock_of(variant)) == ("expired", (5, 0))


def test_an_expired_order_takes_no_new_payment():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    expire(order)

    response = pay(order)

    assert response.status_code == 409
    assert not Payment.objects.filter(captured_minor__gt=0).exists()


def capture_late(order):
    """Let the provider's capture arrive now, as a webhook would bring it."""
    payment = Payment.objects.create(
        reference=order.number,
        customer=order.customer,
        provider="offline",
        status=Payment.Status.SUCCEEDED,
        amount_minor=order.total_minor,
        captured_minor=order.total_minor,
        currency=order.currency,
    )
    news = PaymentCaptured(order.number, payment.pk, Money(order.total_minor, order.currency))
    transactions.run(lambda: events.publish(news))
    order.refresh_from_db()
    return payment


def test_late_money_finds_the_goods_again():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))
    expire(order)

    capture_late(order)

    assert (order.status, order.expires_at, stock_of(variant)) == ("paid", None, (5, 2))


def test_late_money_for_goods_that_are_gone_goes_back():
    variant = VariantFactory(stock=2, price_minor=500)
    order = place(buyer(), (variant, 2))
    expire(order)
    place(buyer(), (variant, 2))

    payment = capture_late(order)

    assert (order.status, stock_of(variant)) == ("expired", (2, 2))
    refund = Refund.objects.get(payment=payment)
    assert refund.amount_minor == 1000
    assert order.payment_status == "refunded"


@pytest.mark.parametrize("way", ["webhook", "asking"])
def test_late_money_finds_the_goods_that_others_hold_too_long(way):
    variant = VariantFactory(stock=2, price_minor=500)
    order = place(buyer(), (variant, 2))
    client_of(order.customer).post("/api/payments/", {"order_id": order.number})
    payment = Payment.objects.get()
    expire(order)
    SandboxIntent.objects.update(status="succeeded", captured_minor=1000, version=9)
    Payment.objects.update(status="canceled", open_reference=None, is_cancel_pending=False)
    other = place(buyer(), (variant, 2))
    Order.objects.filter(pk=other.pk).update(expires_at=timezone.now() - timedelta(seconds=1))

    if way == "asking":
        payments.refresh_payment(payment_id=payment.pk)
    else:
        state = SandboxProvider().retrieve(provider_reference=payment.provider_reference)
        event = ProviderEvent.objects.create(
            provider="sandbox",
            event_id="evt_late",
            kind="payment_intent.succeeded",
            payload=ProviderNews("evt_late", "x", intent=state).to_payload(),
        )
        assert payments.apply_event(event_id=event.pk)

    order.refresh_from_db()
    other.refresh_from_db()
    assert (order.status, other.status, stock_of(variant)) == ("paid", "expired", (2, 2))
    assert not Refund.objects.exists()


def test_an_authorisation_that_is_captured_in_part_leaves_an_order_that_runs_out(settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    variant = VariantFactory(stock=2, price_minor=500)
    order = place(buyer(), (variant, 2))
    pay(order)
    payment = Payment.objects.get()
    # Somebody did that at the provider's own site.
    SandboxIntent.objects.update(status="succeeded", captured_minor=400, version=9)

    payments.ask_again(payment_id=payment.pk)

    order.refresh_from_db()
    payment.refresh_from_db()
    assert (order.status, order.payment_status) == ("pending", "partially_paid")
    assert (payment.captured_minor, payment.authorized_minor) == (400, 0)
    assert payment.review_reason == "captured_in_part"
    assert order.expires_at is not None
    assert expire(order) == 1
    assert Refund.objects.get().amount_minor == 400
    assert stock_of(variant) == (2, 0)


def test_nobody_starts_the_payment_of_anothers_order():
    order = place(buyer(), (VariantFactory(stock=2), 1))

    with pytest.raises(OrderNotFound):
        payments.start_payment(reference=order.number, customer=buyer(), payment_method=None)

    assert not Payment.objects.exists()


def test_money_for_a_cancelled_order_goes_back():
    variant = VariantFactory(stock=2, price_minor=500)
    order = place(buyer(), (variant, 2))
    services.cancel_order(number=order.number, actor_id=None)

    payment = capture_late(order)

    assert (order.status, stock_of(variant)) == ("cancelled", (2, 0))
    assert Refund.objects.get(payment=payment).amount_minor == 1000


def test_money_that_came_twice_goes_back_once():
    variant = VariantFactory(stock=2, price_minor=500)
    order = place_and_pay(buyer(), (variant, 2))

    payment = capture_late(order)

    assert (order.status, stock_of(variant)) == ("paid", (2, 2))
    assert Refund.objects.get().payment == payment
    assert Refund.objects.get().amount_minor == 1000
    assert order.captured_minor - order.refunded_minor == order.total_minor


def test_a_part_of_the_money_does_not_pay_the_order():
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))
    client_of(manager()).post(
        "/api/payments/offline/",
        {"order_id": order.number, "amount": "4.00", "note": "cash"},
        format="json",
    )

    order.refresh_from_db()
    assert (order.status, order.payment_status) == ("pending", "partially_paid")
    assert set_status(order, "paid").status_code == 200
    order.refresh_from_db()
    assert (order.status, order.payment_status, order.captured_minor) == ("paid", "paid", 1000)


def test_a_refund_of_everything_is_seen_on_the_order():
    order = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))
    payment = Payment.objects.get(reference=order.number)

    response = client_of(manager()).post(
        f"/api/payments/{payment.pk}/refunds/", {"reason": "unhappy"}, format="json"
    )

    assert response.status_code == 201
    order.refresh_from_db()
    assert (order.status, order.payment_status) == ("paid", "refunded")


def test_a_failing_listener_takes_the_money_news_back():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    def break_down(event):
        raise RuntimeError("the listener is broken")

    with events.subscribed({PaymentCaptured: [break_down]}), pytest.raises(RuntimeError):
        transactions.run(
            lambda: payments.record_offline_payment(
                reference=order.number, amount=None, note="", actor_id=None
            )
        )

    order.refresh_from_db()
    assert (order.status, Payment.objects.count()) == ("pending", 0)


def test_late_money_for_an_order_that_was_removed_goes_back():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))
    expire(order)
    assert client_of(order.customer).delete(f"/api/orders/{order.number}/").status_code == 200

    payment = capture_late(order)

    assert (order.status, stock_of(variant)) == ("expired", (5, 0))
    assert Refund.objects.get(payment=payment).amount_minor == order.total_minor


def test_a_refund_that_fails_is_money_that_is_kept():
    order = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=900), 1))
    payment = Payment.objects.get(reference=order.number)
    transactions.run(
        lambda: payments.request_refund(
            payment_id=payment.pk, amount=Money(900, "GBP"), reason="", actor_id=None
        )
    )
    refund = Refund.objects.get()

    transactions.run(lambda: fail_refund(payment=payment, refund=refund, code="refused"))

    order.refresh_from_db()
    assert (order.captured_minor, order.refunded_minor) == (900, 0)
    assert order.payment_status == "paid"
    assert order.events.filter(kind="payment_refund_failed").exists()
    refused = client_of(StaffFactory(role="admin")).delete(f"/api/orders/{order.number}/")
    assert (refused.status_code, refused.json()["code"]) == (409, "refund_first")


def test_an_authorisation_keeps_the_stock_until_it_is_gone():
    variant = VariantFactory(stock=5)
    order = place(buyer(), (variant, 2))
    payment = Payment.objects.create(
        reference=order.number,
        open_reference=order.number,
        customer=order.customer,
        provider="offline",
        status=Payment.Status.REQUIRES_CAPTURE,
        amount_minor=order.total_minor,
        currency=order.currency,
    )
    amount = Money(order.total_minor, order.currency)
    news = PaymentAuthorized(order.number, payment.pk, amount)

    transactions.run(lambda: events.publish(news))

    assert expire(order) == 0
    assert (order.status, order.payment_status) == ("pending", "authorized")
    assert stock_of(variant) == (5, 2)
    refused = client_of(order.customer).delete(f"/api/orders/{order.number}/")
    assert refused.json()["code"] == "order_not_unpaid"

    Payment.objects.filter(pk=payment.pk).update(status="canceled", open_reference=None)
    transactions.run(lambda: events.publish(PaymentCanceled(order.number, payment.pk)))

    assert expire(order) == 1
    assert stock_of(variant) == (5, 0)


def test_a_part_payment_of_an_order_that_expires_goes_back():
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))
    client_of(manager()).post(
        "/api/payments/offline/", {"order_id": order.number, "amount": "4.00"}, format="json"
    )

    expire(order)

    assert Refund.objects.get().amount_minor == 400
    assert (order.status, order.payment_status) == ("expired", "refunded")


def test_one_order_that_cannot_expire_does_not_hold_up_the_others(caplog):
    broken, fine = (place(buyer(), (VariantFactory(stock=5), 1)) for _ in range(2))

    def break_down_over_one(event):
        if event.order_id == broken.pk:
            raise RuntimeError("the listener is broken")

    with events.subscribed({OrderExpired: [break_down_over_one]}):
        expired = expire(fine)

    assert expired == 1

    broken.refresh_from_db()
    assert (broken.status, fine.status) == ("pending", "expired")
    assert f"order {broken.number} did not expire" in caplog.text


def test_support_cancels_only_within_its_refund_limit(settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 1000
    small = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=1000), 1))
    large = place_and_pay(buyer(), (VariantFactory(stock=5, price_minor=1001), 1))
    support = client_of(StaffFactory(role="support"))

    allowed = support.post(f"/api/orders/{small.number}/cancel/")
    refused = support.post(f"/api/orders/{large.number}/cancel/")

    assert allowed.status_code == 200
    assert (refused.status_code, refused.json()["code"]) == (403, "refund_limit_exceeded")
    large.refresh_from_db()
    assert large.status == "paid"
