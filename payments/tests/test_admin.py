"""The admin shows the money and changes none of it but through the services."""

import uuid

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.urls import reverse

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from payments.models import (
    MoneyEntry,
    MoneyMovement,
    Payment,
    PaymentReview,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
)
from payments.tests.factories import RefundFactory, pay
from shop_backend.kernel import outbox
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db]
MODELS = [
    MoneyEntry,
    MoneyMovement,
    Payment,
    PaymentReview,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
]


@pytest.fixture
def site():
    client = ShopClient()
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def payment(orders):
    payment = pay(orders, UserFactory())
    client = ShopClient()
    client.force_authenticate(StaffFactory())
    client.post(f"/payments/{payment.pk}/refunds/", {"amount": "1.00"})
    PaymentReview.objects.create(payment=payment, reason="refund_failed")
    return payment


def change(site, model, action, row):
    path = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return site.post(
        path, {"action": action, "_selected_action": [row.pk]}, format="multipart", follow=True
    )


def test_every_model_of_payments_is_in_the_admin():
    registered = {model for model in admin.site._registry if model._meta.app_label == "payments"}
    assert registered == set(MODELS)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.usefixtures("payment")
def test_every_list_and_every_row_can_be_looked_at_and_nothing_added_or_deleted(site, model):
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    row = model.objects.first()

    assert site.get(reverse(f"{name}_changelist"), {"q": "x"}).status_code == 200
    assert site.get(reverse(f"{name}_changelist")).status_code == 200
    assert site.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert site.get(reverse(f"{name}_add")).status_code == 403
    assert site.get(reverse(f"{name}_delete", args=[row.pk])).status_code == 403


def test_the_admin_shows_no_secret_of_the_client(site, payment):
    for row in (payment, SandboxIntent.objects.get(), SandboxRequest.objects.first()):
        name = f"admin:payments_{row._meta.model_name}_change"
        assert b"_secret_" not in site.get(reverse(name, args=[row.pk])).content


def test_what_is_left_is_refunded_by_an_action(site, payment):
    change(site, Payment, "refund_what_is_left", payment)

    payment.refresh_from_db()
    assert payment.refunded_minor == 1999
    again = change(site, Payment, "refund_what_is_left", payment)
    assert b"Nothing is left to refund" in again.content


def refund_page(payment):
    return reverse("admin:payments_payment_refund", args=[payment.pk])


def refund_form(**changes):
    return {"amount": "5.00", "reason": "Broken", "attempt": str(uuid.uuid4()), **changes}


def test_a_refund_is_made_with_amount_and_reason(site, payment):
    assert b"18.99" in site.get(refund_page(payment)).content

    form = refund_form()
    for _ in range(2):  # sent twice, refunded once
        site.post(refund_page(payment), form, format="multipart")

    payment.refresh_from_db()
    assert payment.refunded_minor == 600
    refund = payment.refunds.latest("pk")
    assert (refund.amount_minor, refund.reason) == (500, "Broken")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": "0"},
        {"amount": "-1.00"},
        {"amount": "19.00"},
        {"amount": "1.001"},
        {"amount": "x"},
        {"reason": ""},
        {"attempt": "x"},
    ],
)
def test_a_refund_that_is_none_is_refused_on_its_page(site, payment, changes):
    response = site.post(refund_page(payment), refund_form(**changes), format="multipart")

    assert response.status_code == 200
    payment.refresh_from_db()
    assert payment.refunded_minor == 100


def test_a_link_refunds_nothing(site, payment):
    site.get(refund_page(payment), refund_form())

    payment.refresh_from_db()
    assert payment.refunded_minor == 100


def test_support_refunds_here_within_its_limit_alone(payment, settings):
    settings.SUPPORT_REFUND_LIMIT_MINOR = 500
    support = ShopClient()
    support.force_login(StaffFactory(role="support"))

    page = support.post(refund_page(payment), refund_form(amount="4.01"), format="multipart")
    assert b'role="alert"' in page.content
    support.post(refund_page(payment), refund_form(amount="4.00"), format="multipart")

    payment.refresh_from_db()
    assert payment.refunded_minor == 500


def test_who_may_not_refund_has_no_page_for_it(payment):
    warehouse = ShopClient()
    warehouse.force_login(StaffFactory(role="warehouse"))

    assert warehouse.get(refund_page(payment)).status_code == 403


@pytest.mark.parametrize(("role", "is_done"), [("support", False), ("manager", True)])
def test_who_may_only_look_asks_no_provider_and_applies_no_event(orders, payment, role, is_done):
    asked = pay(orders, UserFactory(), card="pm_card_authenticationRequired")
    SandboxIntent.objects.update(status="succeeded", captured_minor=1999, version=9)
    event = ProviderEvent.objects.first()
    ProviderEvent.objects.update(applied_at=None, failure="x")
    person, client = StaffFactory(role=role), ShopClient()
    person.user_permissions.add(Permission.objects.get(codename="view_providerevent"))
    client.force_login(person)

    change(client, Payment, "ask_the_provider", asked)
    change(client, ProviderEvent, "apply_again", event)

    asked.refresh_from_db()
    event.refresh_from_db()
    assert (asked.captured_minor, event.failure) == ((1999, "") if is_done else (0, "x"))


def test_the_provider_is_asked_by_an_action(site, orders):
    payment = pay(orders, UserFactory(), card="pm_card_authenticationRequired")
    SandboxIntent.objects.update(status="succeeded", captured_minor=1999, version=9)

    change(site, Payment, "ask_the_provider", payment)

    payment.refresh_from_db()
    assert payment.captured_minor == 1999


@pytest.mark.parametrize(("action", "status"), [("capture", "succeeded"), ("void", "canceled")])
def test_an_authorisation_is_captured_or_voided_by_an_action(
    site, orders, settings, action, status
):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    payment = pay(orders, UserFactory())

    done = change(site, Payment, action, payment)
    again = change(site, Payment, action, payment)

    payment.refresh_from_db()
    assert payment.status == status
    assert f"{status}." in done.content.decode()
    assert "only an authorised one" in again.content.decode()


def test_a_review_is_closed_with_a_note_and_by_whom(site, orders):
    payment = pay(orders, UserFactory(), card="pm_sandbox_wrongAmount")
    outbox.deliver_due()
    page = reverse("admin:payments_payment_mark_as_reviewed", args=[payment.pk])
    assert b"amount_mismatch" in site.get(change_page(payment)).content

    site.post(page, {"note": ""}, format="multipart")
    payment.refresh_from_db()
    assert payment.review_reason == "amount_mismatch"
    site.post(page, {"note": "Checked with the bank."}, format="multipart")

    payment.refresh_from_db()
    review = PaymentReview.objects.get()
    assert (payment.review_reason, payment.captured_minor) == ("", 0)
    assert (review.note, review.open_key) == ("Checked with the bank.", None)
    assert review.closed_by_id == User.objects.get(is_superuser=True).pk


def test_a_payment_that_is_held_and_right_after_all_is_asked_about_again(site, orders):
    payment = pay(orders, UserFactory(), card="pm_sandbox_wrongAmount")
    outbox.deliver_due()

    change(site, Payment, "ask_the_provider", payment)

    payment.refresh_from_db()
    assert (payment.status, payment.captured_minor) == ("succeeded", 1999)
    assert payment.review_reason == "amount_mismatch"  # until somebody has looked


def change_page(payment):
    return reverse("admin:payments_payment_change", args=[payment.pk])


def test_who_may_not_settle_closes_no_review(payment):
    support = ShopClient()
    support.force_login(StaffFactory(role="support"))
    page = reverse("admin:payments_payment_mark_as_reviewed", args=[payment.pk])

    assert support.post(page, {"note": "x"}, format="multipart").status_code == 403


def test_a_payments_page_shows_no_secret(site, payment):
    Payment.objects.update(client_secret="pi_1_secret_x", next_action={"url": "https://x/secret_y"})

    content = site.get(change_page(payment)).content.decode()

    assert "secret" not in content


def test_a_payment_shows_its_ledger(site, payment):
    content = site.get(change_page(payment)).content.decode()

    assert "customer -19.99 GBP, captured 19.99 GBP" in content


def test_an_event_is_applied_again_by_an_action(site, payment):
    event = ProviderEvent.objects.first()
    ProviderEvent.objects.update(applied_at=None, failure="x")

    change(site, ProviderEvent, "apply_again", event)

    event.refresh_from_db()
    assert event.applied_at is not None
    assert event.failure == ""


def test_the_list_takes_as_many_queries_for_ten_rows_as_for_one(site, django_assert_num_queries):
    path = reverse("admin:payments_refund_changelist")
    site.get(path)  # the first page after a sign-in notes when it was
    for rows in (1, 9):
        for _ in range(rows):
            RefundFactory()
        with django_assert_num_queries(5):
            site.get(path)


def test_a_payments_page_shows_amounts_as_money(site, payment):
    page = site.get(change_page(payment)).content.decode()

    assert "19.99 GBP" in page
    assert "mount minor" not in page


def test_a_review_is_offered_only_where_one_is_open(site, payment):
    link = reverse("admin:payments_payment_mark_as_reviewed", args=[payment.pk])
    assert link not in site.get(change_page(payment)).content.decode()

    Payment.objects.filter(pk=payment.pk).update(review_reason="amount_mismatch")

    assert link in site.get(change_page(payment)).content.decode()


def test_a_refund_is_offered_only_while_something_is_left(site, payment):
    assert refund_page(payment) in site.get(change_page(payment)).content.decode()

    change(site, Payment, "refund_what_is_left", payment)

    assert refund_page(payment) not in site.get(change_page(payment)).content.decode()
