"""Stolen cards are not tried out here: what is declined too often has to wait."""

import time
from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.tests.factories import StaffFactory, UserFactory
from payments import services
from payments.errors import RefundDayLimitExceeded
from payments.models import Payment, Refund
from payments.providers.stripe import StripeProvider
from payments.tests.doubles.stripe_server import StripeDouble
from payments.tests.factories import PaymentFactory, pay
from shop_backend.kernel import transactions
from shop_backend.kernel.models import SpentBudget
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]

DECLINED = "pm_card_chargeDeclined"
LOST = "pm_card_chargeDeclinedLostCard"


@pytest.fixture(autouse=True)
def _limits(settings):
    settings.RATE_LIMITS = True


def allow(settings, **rates):
    settings.THROTTLE_RATES = settings.THROTTLE_RATES | rates


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


def moment():
    return time.time_ns() // 1000


def try_card(customer, number, card=DECLINED):
    body = {"order_id": number, "payment_method": card}
    answer = client_of(customer).post("/api/payments/", body)
    return answer.status_code, answer.json().get("code")


def test_an_order_for_which_too_many_cards_were_declined_waits(orders, settings):
    allow(settings, declined_order="3/hour")
    customer = UserFactory()
    number, another = orders.place(customer), orders.place(customer)

    tries = [try_card(customer, number, card) for card in [DECLINED, LOST, DECLINED, LOST]]

    assert tries == [(409, "card_declined")] * 3 + [(429, "too_many_declines")]
    assert Payment.objects.get().confirmations == 3  # the provider was not asked again
    assert try_card(customer, another)[0] == 409


def test_a_good_card_waits_with_them_and_the_answer_says_how_long(orders, settings):
    allow(settings, declined_order="1/hour")
    customer = UserFactory()
    number = orders.place(customer)
    try_card(customer, number)

    body = {"order_id": number, "payment_method": "pm_card_visa"}
    answer = client_of(customer).post("/payments/", body)

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_declines")
    assert 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert Payment.objects.get().captured_minor == 0


def test_without_a_card_no_payment_is_begun_either(orders, settings):
    allow(settings, declined_order="1/hour")
    customer = UserFactory()
    number = orders.place(customer)
    try_card(customer, number)

    answer = client_of(customer).post("/api/payments/", {"order_id": number})

    assert answer.json()["code"] == "too_many_declines"


def test_an_account_whose_cards_are_declined_waits_whatever_the_order(orders, settings):
    allow(settings, declined_account="3/hour")
    customer, neighbour = UserFactory(), UserFactory()

    tries = [try_card(customer, orders.place(customer)) for _ in range(4)]

    assert [status for status, _ in tries] == [409, 409, 409, 429]
    assert try_card(neighbour, orders.place(neighbour))[0] == 409


def test_a_card_that_is_declined_everywhere_waits_whoever_sends_it_under_whichever_name(
    orders, settings
):
    allow(settings, declined_card="2/hour")
    people = UserFactory.create_batch(4)
    names = [DECLINED, "pm_card_visa_chargeDeclined", "4000 0000 0000 0002", DECLINED]

    tries = [
        try_card(person, orders.place(person), name)
        for person, name in zip(people, names, strict=True)
    ]

    assert [status for status, _ in tries] == [409, 409, 429, 429]
    assert try_card(people[0], orders.place(people[0]), LOST)[0] == 409
    assert try_card(people[1], orders.place(people[1]), "pm_card_visa")[0] == 201


def test_a_decline_that_only_the_webhook_tells_of_counts_too(orders, settings):
    allow(settings, declined_order="1/hour")
    customer = UserFactory()
    number = orders.place(customer)
    try_card(customer, number, "pm_sandbox_processingDeclined")

    assert try_card(customer, number, "pm_card_visa") == (429, "too_many_declines")


def test_what_is_paid_counts_as_nothing(orders):
    customer = UserFactory()

    assert try_card(customer, orders.place(customer), "pm_card_visa")[0] == 201

    spent = SpentBudget.objects.filter(pk__startswith="declined", spent_until__gt=moment())
    assert not spent.exists()


def test_what_the_provider_could_not_be_asked_counts_as_nothing(orders):
    customer = UserFactory()

    assert try_card(customer, orders.place(customer), "pm_nobody")[0] == 400

    spent = SpentBudget.objects.filter(pk__startswith="declined", spent_until__gt=moment())
    assert not spent.exists()


def test_a_decline_costs_what_a_rate_says_and_comes_back(orders, settings):
    allow(settings, declined_order="1/hour", declined_account="1/hour", declined_card="1/hour")
    customer = UserFactory()
    number = orders.place(customer)
    try_card(customer, number)
    SpentBudget.objects.filter(pk__startswith="declined").update(spent_until=0)

    assert try_card(customer, number, "pm_card_visa")[0] == 201


def test_stripe_tells_a_cards_fingerprint_before_and_with_its_decline(settings):
    with StripeDouble() as stripe:
        settings.STRIPE_SECRET_KEY, settings.STRIPE_API_BASE = stripe.key, stripe.url
        provider = StripeProvider()
        intent = provider.create_intent(
            amount=PaymentFactory().amount,
            payment_id=1,
            reference="R1",
            capture_method="automatic",
            idempotency_key="a",
        )
        before = provider.get_card_fingerprint(payment_method="pm_card_visa_chargeDeclined")
        declined = provider.confirm(
            provider_reference=intent.provider_reference,
            payment_method=DECLINED,
            idempotency_key="b",
        )
        unknown = provider.get_card_fingerprint(payment_method="pm_nobody")

    assert before
    assert declined.card_fingerprint == before
    assert unknown == ""


# --- What the support role sends back in a day


def refund(actor, payment, amount):
    path = f"/api/payments/{payment.pk}/refunds/"
    answer = client_of(actor).post(path, {"amount": amount})
    return answer.status_code, answer.json().get("code")


def test_support_refunds_so_much_in_a_day_of_all_payments_together(orders, settings):
    settings.SUPPORT_REFUND_DAY_LIMIT_MINOR = 2500
    support, colleague = StaffFactory(role="support"), StaffFactory(role="support")
    first, second = pay(orders, UserFactory()), pay(orders, UserFactory())

    assert refund(support, first, "15.00") == (201, None)
    assert refund(support, second, "10.01") == (403, "refund_day_limit_exceeded")
    assert refund(support, second, "10.00") == (201, None)
    assert refund(support, second, "0.01") == (403, "refund_day_limit_exceeded")
    assert refund(colleague, second, "0.01") == (201, None)
    assert refund(StaffFactory(role="manager"), second, "5.00") == (201, None)


def test_a_day_later_support_refunds_again_and_failed_refunds_never_counted(orders, settings):
    settings.SUPPORT_REFUND_DAY_LIMIT_MINOR = 1000
    support, payment = StaffFactory(role="support"), pay(orders, UserFactory())
    refund(support, payment, "10.00")
    assert refund(support, payment, "0.01")[0] == 403

    Refund.objects.update(created_at=timezone.now() - timedelta(hours=24))
    assert refund(support, payment, "1.00")[0] == 201
    Refund.objects.update(status=Refund.Status.FAILED, created_at=timezone.now())
    assert refund(support, payment, "2.00")[0] == 201


def test_cancelling_an_order_counts_towards_the_day(orders, settings):
    settings.SUPPORT_REFUND_DAY_LIMIT_MINOR = 1998
    support, payment = StaffFactory(role="support"), pay(orders, UserFactory())
    check = partial(services.check_refund_limit_for, actor=support, reference=payment.reference)

    with pytest.raises(RefundDayLimitExceeded):
        transactions.run(check)
