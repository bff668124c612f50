"""Stripe's adapter without a network: what it sends, what it makes of the answers, signatures."""

import json
import time
from urllib.parse import parse_qs

import pytest
import stripe

from accounts.tests.factories import UserFactory
from payments import providers, services
from payments.errors import (
    InvalidPaymentMethod,
    InvalidSignature,
    PaymentUnderReview,
    ProviderUnavailable,
)
from payments.events import PaymentCaptured
from payments.models import Payment, ProviderEvent
from payments.providers.base import RefundRefused, UnexpectedState
from payments.providers.stripe import StripeProvider
from payments.tests.factories import pay
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db]
SECRET = "whsec_test"
NOW = "Sat, 21 Nov 2026 10:00:00 GMT"


def intent(**changes):
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "requires_payment_method",
        "amount": 1999,
        "amount_received": 0,
        "currency": "gbp",
        "client_secret": "pi_1_secret_2",
        "last_payment_error": None,
        "next_action": None,
        "metadata": {"payment_id": "7", "reference": "R1"},
        **changes,
    }


class Wire(stripe.HTTPClient):
    """What Stripe would answer, in order; and what it was asked."""

    name = "wire"

    def __init__(self, *answers):
        super().__init__()
        self.answers, self.asked = list(answers), []

    def request(self, method, url, headers, post_data=None):
        self.asked.append((method, url, headers, parse_qs(post_data or "")))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, body, *more = answer
        return json.dumps(body), status, {"date": NOW, **(more[0] if more else {})}

    def _sleep_time_seconds(self, *args, **kwargs):
        return 0


def error(status, **fields):
    return status, {"error": {"message": "No.", "type": "invalid_request_error", **fields}}


@pytest.fixture(autouse=True)
def keys(settings):
    settings.STRIPE_SECRET_KEY = "sk_test_1"
    settings.STRIPE_WEBHOOK_SECRET = SECRET


def over(*answers):
    wire = Wire(*answers)
    return StripeProvider(wire), wire


def create(provider, amount=None):
    return provider.create_intent(
        amount=amount or Money(1999, "GBP"),
        payment_id=7,
        reference="R1",
        capture_method="automatic",
        idempotency_key="payment-7",
    )


def confirm(provider, method="pm_card_visa"):
    return provider.confirm(
        provider_reference="pi_1", payment_method=method, idempotency_key="payment-7-confirm-1"
    )


def refund(provider):
    return provider.refund(
        provider_reference="pi_1",
        amount=Money(500, "GBP"),
        refund_id=3,
        idempotency_key="refund-3",
    )


def test_an_intent_is_announced_with_its_key_amount_and_name():
    provider, wire = over((200, intent()))

    state = create(provider)

    method, url, headers, sent = wire.asked[0]
    assert (method, url) == ("post", "https://api.stripe.com/v1/payment_intents")
    assert headers["Idempotency-Key"] == "payment-7"
    assert (sent["amount"], sent["currency"]) == (["1999"], ["gbp"])
    assert sent["metadata[payment_id]"] == ["7"]
    assert (state.provider_reference, state.payment_id, state.reference) == ("pi_1", 7, "R1")
    assert (state.amount, state.captured) == (Money(1999, "GBP"), Money(0, "GBP"))
    assert state.client_secret == "pi_1_secret_2"
    assert state.version == 1795255200


def test_the_address_of_the_api_can_be_another(settings):
    settings.STRIPE_API_BASE = "http://127.0.0.1:8420"
    provider, wire = over((200, intent()))

    create(provider)

    assert wire.asked[0][1] == "http://127.0.0.1:8420/v1/payment_intents"


@pytest.mark.parametrize(("currency", "sent"), [("JPY", "500"), ("ISK", "50000"), ("GBP", "500")])
def test_amounts_go_in_stripes_units(currency, sent):
    number = int(sent)
    provider, wire = over((200, intent(amount=number, currency=currency.lower())))

    state = create(provider, Money(500, currency))

    assert wire.asked[0][3]["amount"] == [sent]
    assert state.amount == Money(500, currency)


def test_an_answer_that_is_replayed_is_old_so_the_present_is_asked_for():
    provider, wire = over(
        (200, intent(), {"idempotent-replayed": "true"}),
        (200, intent(status="succeeded", amount_received=1999)),
    )

    assert create(provider).status == "succeeded"
    assert wire.asked[1][:2] == ("get", "https://api.stripe.com/v1/payment_intents/pi_1")


def test_a_declined_card_is_an_answer():
    declined = {"code": "card_declined", "decline_code": "insufficient_funds"}
    provider, _ = over(
        error(402, type="card_error", **declined), (200, intent(last_payment_error=declined))
    )

    state = confirm(provider)

    assert (state.status, state.failure_code) == (
        "requires_payment_method",
        "insufficient_funds",
    )


@pytest.mark.parametrize("method", ["4242424242424242", "tok_visa", "visa", "pm_sandbox_timeout"])
def test_what_is_no_name_of_a_payment_method_is_never_sent(method):
    provider, wire = over()

    with pytest.raises(InvalidPaymentMethod):
        confirm(provider, method)
    assert wire.asked == []


@pytest.mark.parametrize(
    ("answer", "raised"),
    [
        (error(400, code="payment_intent_unexpected_state"), UnexpectedState),
        (error(400, code="resource_missing", param="payment_method"), InvalidPaymentMethod),
        (error(401), ProviderUnavailable),
        (error(429), ProviderUnavailable),
    ],
)
def test_refusals_are_told_apart(answer, raised):
    provider, _ = over(*[answer] * 3)

    with pytest.raises(raised):
        confirm(provider)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (error(400, type="idempotency_error"), "idempotency_error"),
        (error(404, code="resource_missing", param="intent"), "unknown_intent"),
        (error(402, type="card_error", code="card_declined"), "card_declined"),
    ],
)
@pytest.mark.parametrize("step", ["create", "capture", "cancel"])
def test_what_stripe_will_never_do_is_left_to_a_person(step, answer, reason):
    provider, _ = over(answer)
    steps = {
        "create": create,
        "capture": lambda it: it.capture(provider_reference="pi_1", idempotency_key="k"),
        "cancel": lambda it: it.cancel(provider_reference="pi_1", idempotency_key="k"),
    }

    with pytest.raises(PaymentUnderReview) as refusal:
        steps[step](provider)
    assert refusal.value.params == {"reason": reason}


@pytest.mark.parametrize(
    "answer",
    [
        stripe.APIConnectionError("timeout", should_retry=True),
        error(500, type="api_error"),
        error(409, code="idempotency_key_in_use"),
        error(409, type="idempotency_error", code="idempotency_key_in_use"),
    ],
)
def test_what_may_pass_is_tried_three_times_with_the_same_key(answer):
    provider, wire = over(*[answer] * 3)

    with pytest.raises(ProviderUnavailable):
        create(provider)
    assert [headers["Idempotency-Key"] for _, _, headers, _ in wire.asked] == ["payment-7"] * 3


def test_a_refund_is_told_with_our_own_number():
    made = {
        "id": "re_1",
        "object": "refund",
        "payment_intent": "pi_1",
        "status": "requires_action",
        "amount": 500,
        "currency": "gbp",
        "metadata": {"refund_id": "3"},
    }
    provider, wire = over((200, made))

    state = refund(provider)

    assert wire.asked[0][3]["payment_intent"] == ["pi_1"]
    assert (state.status, state.refund_id, state.amount) == ("pending", 3, Money(500, "GBP"))


def test_a_refund_that_stripe_will_not_make_is_refused():
    provider, _ = over(error(400, code="charge_already_refunded"))

    with pytest.raises(RefundRefused, match="charge_already_refunded"):
        refund(provider)


@pytest.mark.parametrize("kind", ["idempotency_error", "card_error"])
def test_a_refund_is_refused_whatever_the_kind_of_the_error(kind):
    provider, _ = over(error(400 if kind == "idempotency_error" else 402, type=kind))

    with pytest.raises(RefundRefused):
        refund(provider)


# --- webhooks ---


def event(**changes):
    what = intent(status="succeeded", amount_received=1999, **changes)
    body = {
        "id": "evt_1",
        "object": "event",
        "type": "payment_intent.succeeded",
        "created": int(time.time()),
        "data": {"object": what},
    }
    return json.dumps(body)


def signed(body, secret=SECRET, timestamp=None):
    return stripe.WebhookSignature.generate_signature_header(body, secret, timestamp=timestamp)


@pytest.fixture
def stripe_payment(orders):
    """A payment at Stripe whose customer has just paid."""
    customer = UserFactory()
    payment = services.start_payment(
        reference=orders.place(customer), customer=customer, payment_method=None
    )
    Payment.objects.update(provider="stripe", provider_reference="pi_1", provider_version=1)
    return payment


@pytest.fixture
def _stripe_is_there():
    providers._providers["stripe"] = StripeProvider(Wire())
    yield
    del providers._providers["stripe"]


@pytest.mark.usefixtures("_stripe_is_there")
def test_stripes_news_pays_once(stripe_payment, told):
    body = event(metadata={"payment_id": str(stripe_payment.pk)})
    headers = {"Stripe-Signature": signed(body)}

    answers = [
        ShopClient().generic(
            "POST", "/api/payments/webhooks/stripe/", body, "application/json", headers=headers
        )
        for _ in range(2)
    ]

    assert [answer.status_code for answer in answers] == [200, 200]
    stripe_payment.refresh_from_db()
    assert (stripe_payment.status, stripe_payment.captured_minor) == ("succeeded", 1999)
    assert [type(news) for news in told] == [PaymentCaptured]


@pytest.mark.usefixtures("_stripe_is_there")
@pytest.mark.parametrize(
    "change",
    [
        {"next_action": 5},
        {"next_action": [1]},
        {"metadata": [1]},
        {"amount": 2**63},
        {"amount": -1},
        {"amount_received": 2**64},
        {"id": "pi_" + "1" * 300},
        {"currency": 5},
        {"created": 2**63},
    ],
    ids=str,
)
def test_signed_news_of_a_strange_shape_is_refused_and_not_kept(stripe_payment, change):
    body = event(metadata={"payment_id": str(stripe_payment.pk)})
    strange = json.loads(body)
    strange["data"]["object"] |= change
    strange["created"] = change.get("created", strange["created"])
    body = json.dumps(strange)

    answer = ShopClient(raise_request_exception=False).generic(
        "POST",
        "/api/payments/webhooks/stripe/",
        body,
        "application/json",
        headers={"Stripe-Signature": signed(body)},
    )

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_webhook")
    assert not ProviderEvent.objects.exists()


@pytest.mark.usefixtures("_stripe_is_there")
def test_news_of_one_provider_moves_no_payment_of_another(orders, told):
    payment = pay(orders, UserFactory(), card="pm_card_authenticationRequired")
    body = event(id=payment.provider_reference)

    ShopClient().generic(
        "POST",
        "/api/payments/webhooks/stripe/",
        body,
        "application/json",
        headers={"Stripe-Signature": signed(body)},
    )

    payment.refresh_from_db()
    assert payment.captured_minor == 0
    assert ProviderEvent.objects.get(provider="stripe").failure == "not_ours"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "t=1,v1=0",
        f"t={int(time.time())},v1=é",
        "t=²,v1=0",
        signed("{}"),
        signed(event(), "whsec_other"),
        signed(event(), SECRET, 1000),
    ],
    # Numbered, because the texts differ from one process of the suite to the next.
    ids=map(str, range(7)),
)
def test_a_forged_or_old_event_of_stripe_is_refused(signature):
    with pytest.raises(InvalidSignature):
        StripeProvider(Wire()).parse_webhook(body=event().encode(), signature=signature)


def test_both_secrets_are_good_while_one_is_replaced():
    body = event()
    other, ours = signed(body, "whsec_old"), signed(body)
    both = f"{other},{ours.split(',')[1]}"

    news = StripeProvider(Wire()).parse_webhook(body=body.encode(), signature=both)

    assert news.intent is not None
    assert news.intent.captured == Money(1999, "GBP")


def test_without_a_webhook_secret_nothing_is_believed(settings):
    settings.STRIPE_WEBHOOK_SECRET = ""
    body = event()

    with pytest.raises(InvalidSignature):
        StripeProvider(Wire()).parse_webhook(body=body.encode(), signature=signed(body, ""))


def test_without_a_key_there_is_no_stripe(settings):
    settings.STRIPE_SECRET_KEY = ""

    assert not providers.is_known("stripe")
