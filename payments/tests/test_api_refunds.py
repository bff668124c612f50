"""Sending money back over HTTP."""

from datetime import timedelta
from functools import partial

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from payments import services
from payments.errors import RefundExceedsCaptured, RefundLimitExceeded, RefundNotAllowed
from payments.events import PaymentRefunded, PaymentRefundFailed
from payments.models import Payment, Refund, SandboxIntent, SandboxRefund
from payments.tests.factories import PaymentFactory, RefundFactory, pay
from shop_backend.kernel import outbox, transactions
from shop_backend.kernel.models import IdempotencyKey
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def manager():
    return client_of(StaffFactory(role="manager"))


@pytest.fixture
def payment(orders, told):
    payment = pay(orders, UserFactory())
    told.clear()
    return payment


def pounds(minor):
    return Money(minor, "GBP")


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_full_refund_sends_back_all_that_was_captured(manager, payment, told, prefix, slash):
    answer = manager.post(f"{prefix}/payments/{payment.pk}/refunds{slash}", {"reason": "Broken"})

    refund = answer.json()["data"] if prefix else answer.json()
    assert answer.status_code == 201
    assert (refund["amount"], refund["currency"]) == ("19.99", "GBP")
    assert (refund["status"], refund["reason"]) == ("succeeded", "Broken")
    assert told == [PaymentRefunded(payment.reference, payment.pk, pounds(1999))]
    shown = manager.get(f"/api/payments/{payment.pk}/").json()["data"]
    assert shown["refunded"] == "19.99"
    assert [row["id"] for row in shown["refunds"]] == [refund["id"]]
    assert SandboxIntent.objects.get().refunded_minor == 1999


def test_parts_are_refunded_until_nothing_is_left(manager, payment, told):
    path = f"/api/payments/{payment.pk}/refunds/"
    assert manager.post(path, {"amount": "9.99"}).json()["data"]["amount"] == "9.99"

    too_much = manager.post(path, {"amount": "10.01"})
    assert (too_much.status_code, too_much.json()["code"]) == (409, "refund_exceeds_captured")
    assert too_much.json()["params"] == {"requested": "10.01 GBP", "left": "10.00 GBP"}

    assert manager.post(path).json()["data"]["amount"] == "10.00"
    nothing = manager.post(path)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "nothing_to_refund")
    assert [event.amount.minor for event in told] == [999, 1000]
    assert Refund.objects.count() == SandboxRefund.objects.count() == 2


def test_what_was_not_captured_is_not_refunded(manager, orders):
    customer = UserFactory()
    number = orders.place(customer)
    payment = services.start_payment(reference=number, customer=customer, payment_method=None)

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/", {"amount": "1.00"})

    assert answer.json()["code"] == "nothing_to_refund"
    assert not Refund.objects.exists()


def test_the_same_key_refunds_once(manager, payment):
    path, key = f"/payments/{payment.pk}/refunds/", {"Idempotency-Key": "back-1"}

    answers = [manager.post(path, {"amount": "5.00"}, headers=key) for _ in range(3)]

    assert answers[0].json() == answers[1].json() == answers[2].json()
    assert Payment.objects.get().refunded_minor == 500


def test_a_key_that_is_used_again_after_three_days_refunds_again(manager, payment):
    path, key = f"/api/payments/{payment.pk}/refunds/", {"Idempotency-Key": "refund-1"}
    manager.post(path, {"amount": "5.00"}, headers=key)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=73))

    assert manager.post(path, {"amount": "6.00"}, headers=key).status_code == 201

    payment.refresh_from_db()
    assert payment.refunded_minor == 1100


def test_the_same_key_with_another_amount_is_refused(manager, payment):
    path, key = f"/payments/{payment.pk}/refunds/", {"Idempotency-Key": "back-1"}
    manager.post(path, {"amount": "5.00"}, headers=key)

    assert manager.post(path, {"amount": "6.00"}, headers=key).status_code == 422
    assert Payment.objects.get().refunded_minor == 500


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "1.001", "NaN", "Infinity", [], "9" * 40])
def test_an_amount_that_is_none_is_refused(manager, payment, amount):
    answer = manager.post(f"/api/payments/{payment.pk}/refunds/", {"amount": amount})

    assert answer.status_code == 400
    assert not Refund.objects.exists()


@pytest.mark.parametrize("role", ["warehouse", "customer"])
def test_other_roles_do_not_refund(payment, role):
    answer = client_of(StaffFactory(role=role)).post(f"/api/payments/{payment.pk}/refunds/")

    assert answer.status_code == 403
    assert not Refund.objects.exists()


def test_the_owner_does_not_refund(payment):
    assert client_of(payment.customer).post(f"/payments/{payment.pk}/refunds/").status_code == 403


def test_support_refunds_up_to_its_limit_which_cannot_be_split(payment, settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 1000
    support = client_of(StaffFactory(role="support"))
    path = f"/api/payments/{payment.pk}/refunds/"

    assert support.post(path, {"amount": "6.00"}).status_code == 201
    beyond = support.post(path, {"amount": "4.01"})
    assert (beyond.status_code, beyond.json()["code"]) == (403, "refund_limit_exceeded")
    assert beyond.json()["params"] == {"limit": "10.00 GBP"}
    assert support.post(path).json()["code"] == "refund_limit_exceeded"
    assert support.post(path, {"amount": "4.00"}).status_code == 201

    payment.refresh_from_db()
    assert payment.refunded_minor == 1000


def test_the_limit_of_each_role(settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 1000
    support, customer = StaffFactory(role="support"), UserFactory()

    services.check_refund_limit(actor=StaffFactory(role="manager"), amount=pounds(10**9))
    services.check_refund_limit(actor=support, amount=pounds(1000))
    services.check_refund_limit(actor=customer, amount=pounds(0))
    with pytest.raises(RefundLimitExceeded):
        services.check_refund_limit(actor=support, amount=pounds(1001))
    with pytest.raises(RefundNotAllowed):
        services.check_refund_limit(actor=customer, amount=pounds(1))


def test_the_limit_counts_what_went_back_before_of_each_payment(payment, settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 1998
    support = StaffFactory(role="support")
    check = partial(services.check_refund_limit_for, actor=support, reference=payment.reference)
    services.refund_as_staff(
        payment_id=payment.pk, amount=pounds(1000), reason="", actor=support, attempt_key=None
    )

    with pytest.raises(RefundLimitExceeded):
        transactions.run(check)

    settings.SUPPORT_REFUND_LIMIT_MINOR = 1999
    PaymentFactory(reference=payment.reference)  # a limit each
    transactions.run(check)
    with pytest.raises(RefundNotAllowed):
        transactions.run(partial(check, actor=UserFactory()))


def test_nothing_left_is_no_matter_of_a_limit(payment, settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 1
    Payment.objects.update(refunded_minor=1999)
    actor = StaffFactory(role="support")

    transactions.run(
        partial(services.check_refund_limit_for, actor=actor, reference=payment.reference)
    )


def test_money_from_outside_is_refunded_in_the_books_alone(manager, told):
    payment = PaymentFactory()

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/")

    assert answer.json()["data"]["status"] == "succeeded"
    assert told == [PaymentRefunded(payment.reference, payment.pk, pounds(1999))]
    assert not SandboxRefund.objects.exists()


# --- the provider has its own mind ---


def test_a_refund_may_be_pending_until_the_provider_says_that_it_succeeded(manager, orders, told):
    payment = pay(orders, UserFactory(), card="pm_card_pendingRefund")
    told.clear()

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/")

    assert answer.json()["data"]["status"] == "pending"
    assert Refund.objects.get().status == "succeeded"  # by the webhook after it
    assert told == [PaymentRefunded(payment.reference, payment.pk, pounds(1999))]


def test_a_refund_that_fails_after_it_succeeded_is_left_to_a_person(manager, orders, told):
    payment = pay(orders, UserFactory(), card="pm_card_refundFail")

    manager.post(f"/api/payments/{payment.pk}/refunds/")

    payment.refresh_from_db()
    assert payment.review_reason == "refund_failed_late"
    assert (Refund.objects.get().status, payment.refunded_minor) == ("failed", 0)
    assert [type(news) for news in told[-2:]] == [PaymentRefunded, PaymentRefundFailed]


def test_what_the_provider_will_not_refund_can_be_refunded_again(manager, payment, told):
    SandboxIntent.objects.update(refunded_minor=1500)

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/")

    refund = answer.json()["data"]
    assert (refund["status"], refund["failure_code"]) == ("failed", "amount_too_large")
    payment.refresh_from_db()
    assert (payment.refunded_minor, payment.review_reason) == (0, "refund_failed")
    assert told == [
        PaymentRefundFailed(payment.reference, payment.pk, pounds(1999), code="amount_too_large")
    ]
    SandboxIntent.objects.update(refunded_minor=0)
    again = manager.post(f"/api/payments/{payment.pk}/refunds/")
    assert again.json()["data"]["status"] == "succeeded"


def test_a_failed_refund_does_not_hide_a_graver_reason_to_look(manager, payment):
    SandboxIntent.objects.update(refunded_minor=1500)
    Payment.objects.update(review_reason="amount_mismatch")

    manager.post(f"/api/payments/{payment.pk}/refunds/")

    assert Payment.objects.get().review_reason == "amount_mismatch"


def test_a_payment_whose_refund_failed_can_still_be_asked_about(manager, payment):
    SandboxIntent.objects.update(refunded_minor=1500)
    manager.post(f"/api/payments/{payment.pk}/refunds/")

    assert services.refresh_payment(payment_id=payment.pk).status == "succeeded"


def test_a_refund_of_an_intent_that_is_gone_fails(manager, payment):
    SandboxIntent.objects.update(intent_id="pi_other")

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/")

    refund = answer.json()["data"]
    assert (refund["status"], refund["failure_code"]) == ("failed", "resource_missing")


def test_a_refund_made_at_the_providers_own_site_is_entered_in_the_books(payment, told, line):
    line.refund(
        provider_reference=payment.provider_reference,
        amount=pounds(500),
        refund_id=0,
        idempotency_key="dashboard-1",
    )

    outbox.deliver_due()

    refund = Refund.objects.get()
    payment.refresh_from_db()
    assert (refund.amount, refund.status) == (pounds(500), "succeeded")
    assert payment.refunded_minor == 500
    assert told == [PaymentRefunded(payment.reference, payment.pk, pounds(500))]


@pytest.mark.parametrize("what", ["request", "answer"])
def test_a_refund_that_was_lost_on_the_line_is_sent_again_and_made_once(
    manager, payment, told, line, what
):
    line.lose("refund", what)

    answer = manager.post(f"/api/payments/{payment.pk}/refunds/")

    assert answer.json()["data"]["status"] == "pending"
    # A lost answer is made up for by the webhook before anybody asks again.
    assert line.calls == (["refund"] if what == "answer" else ["refund", "refund"])
    assert Refund.objects.get().status == "succeeded"
    assert SandboxRefund.objects.count() == 1
    assert told == [PaymentRefunded(payment.reference, payment.pk, pounds(1999))]


def test_a_refund_whose_request_died_in_the_middle_is_resumed_by_its_key(payment, line):
    wanted = {
        "payment_id": payment.pk,
        "amount": pounds(500),
        "reason": "",
        "actor_id": None,
        "attempt_key": "attempt-1",
    }

    def die():
        raise KeyboardInterrupt

    line.before["refund"] = die
    with pytest.raises(KeyboardInterrupt):
        services.refund(**wanted)

    refund = services.refund(**wanted)

    assert refund.status == "succeeded"
    assert Refund.objects.count() == SandboxRefund.objects.count() == 1


def test_a_refund_that_was_left_behind_is_found_and_sent(payment):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(outbox, "_handlers", {"payments.send_refund": lambda payload: None})
        transactions.run(
            lambda: services.request_refund(
                payment_id=payment.pk, amount=pounds(100), reason="", actor_id=None
            )
        )
    Refund.objects.update(created_at="2026-01-01T00:00:00Z")

    assert services.send_refunds_left_behind() == 1

    assert Refund.objects.get().status == "succeeded"


def test_one_refund_that_cannot_be_sent_does_not_keep_the_rest_waiting(payment, line):
    broken = RefundFactory(payment=payment)
    stranger = RefundFactory(payment__provider="nobody", payment__provider_reference="pi_9")
    left = RefundFactory(payment=payment)
    Payment.objects.filter(pk=payment.pk).update(refunded_minor=200)
    Refund.objects.update(created_at="2026-01-01T00:00:00Z")

    def crash():
        raise RuntimeError("a bug")

    line.before["refund"] = crash

    assert services.send_refunds_left_behind() == 2

    for refund, status in ((broken, "pending"), (stranger, "pending"), (left, "succeeded")):
        refund.refresh_from_db()
        assert refund.status == status
    assert services.send_refunds_left_behind() == 1


# --- for the floor above ---


def test_everything_that_came_in_goes_back_after_the_commit(orders, told):
    customer = UserFactory()
    payment = pay(orders, customer)
    PaymentFactory(reference=payment.reference, customer=customer, amount_minor=1)
    told.clear()

    amount = transactions.run(
        lambda: services.refund_everything(
            reference=payment.reference, reason="Cancelled", actor_id=7
        )
    )

    assert amount == pounds(2000)
    assert set(Refund.objects.values_list("status", "actor_id")) == {("pending", 7)}
    assert told == []
    outbox.deliver_due()
    assert set(Refund.objects.values_list("status", flat=True)) == {"succeeded"}
    assert sorted(event.amount.minor for event in told) == [1, 1999]
    again = transactions.run(
        lambda: services.refund_everything(
            reference=payment.reference, reason="Cancelled", actor_id=7
        )
    )
    assert again == pounds(0)


def test_a_requested_refund_beyond_what_was_captured_undoes_the_callers_transaction(payment):
    with pytest.raises(RefundExceedsCaptured):
        transactions.run(
            lambda: services.request_refund(
                payment_id=payment.pk, amount=pounds(2000), reason="", actor_id=None
            )
        )

    assert not Refund.objects.exists()


@pytest.mark.parametrize(
    "block",
    [
        lambda: services.lock_payments(reference="R1"),
        lambda: services.cancel_open_payments(reference="R1"),
        lambda: services.check_refund_limit_for(actor=User(), reference="R1"),
        lambda: services.refund_everything(reference="R1", reason="", actor_id=None),
        lambda: services.request_refund(payment_id=1, amount=pounds(1), reason="", actor_id=None),
    ],
)
@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_building_blocks_demand_a_transaction(block):
    with pytest.raises(RuntimeError, match="needs a transaction"):
        block()
