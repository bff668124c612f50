"""The admin shows the money and changes none of it but through the services."""

import pytest
from django.contrib import admin
from django.urls import reverse

from accounts.tests.factories import StaffFactory, UserFactory
from payments.models import (
    Payment,
    ProviderEvent,
    Refund,
    SandboxEvent,
    SandboxIntent,
    SandboxRefund,
    SandboxRequest,
)
from payments.tests.factories import PaymentFactory, RefundFactory, pay
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db]
MODELS = [
    Payment,
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


def test_the_provider_is_asked_by_an_action(site, orders):
    payment = pay(orders, UserFactory(), card="pm_card_authenticationRequired")
    SandboxIntent.objects.update(status="succeeded", captured_minor=1999, version=9)

    change(site, Payment, "ask_the_provider", payment)

    payment.refresh_from_db()
    assert payment.captured_minor == 1999


def test_a_review_is_closed_by_an_action(site):
    payment = PaymentFactory(review_reason="amount_mismatch")

    change(site, Payment, "close_review", payment)

    payment.refresh_from_db()
    assert payment.review_reason == ""


def test_an_event_is_applied_again_by_an_action(site, payment):
    event = ProviderEvent.objects.first()
    ProviderEvent.objects.update(applied_at=None, failure="x")

    change(site, ProviderEvent, "apply_again", event)

    event.refresh_from_db()
    assert event.applied_at is not None
    assert event.failure == ""


def test_the_list_takes_as_many_queries_for_ten_rows_as_for_one(site, django_assert_num_queries):
    path = reverse("admin:payments_refund_changelist")
    for rows in (1, 9):
        for _ in range(rows):
            RefundFactory()
        with django_assert_num_queries(5):
            site.get(path)
