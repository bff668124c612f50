"""Looking at payments; capture, void and money from outside."""

import pytest
from django.contrib.auth.models import Permission

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from payments import services
from payments.events import PaymentAuthorized, PaymentCanceled, PaymentCaptured
from payments.models import Payment, SandboxIntent
from payments.tests.factories import PaymentFactory, RefundFactory, pay
from shop_backend.kernel import outbox
from shop_backend.kernel.money import Money
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


def client_of(user):
    client = ShopClient()
    client.force_authenticate(user)
    return client


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_the_owner_sees_a_payment_and_its_secret(orders, prefix, slash):
    payment = pay(orders, UserFactory())

    answer = client_of(payment.customer).get(f"{prefix}/payments/{payment.pk}{slash}")

    shown = answer.json()["data"] if prefix else answer.json()
    assert answer.status_code == 200
    assert shown["client_secret"] == payment.client_secret
    assert answer.headers["ETag"]


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_customers_list_their_own_payments_newest_first(prefix, slash):
    customer = UserFactory()
    first, second = (PaymentFactory(customer=customer) for _ in range(2))
    PaymentFactory()

    answer = client_of(customer).get(f"{prefix}/payments{slash}").json()

    page = answer["data"] if prefix else answer
    assert [row["id"] for row in page["results"]] == [second.pk, first.pk]


def test_anothers_payment_does_not_exist():
    payment = PaymentFactory()
    client = client_of(UserFactory())

    assert client.get(f"/api/payments/{payment.pk}/").status_code == 404
    assert client.get("/api/payments/99999999999999999999/").status_code == 404


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_staff_see_all_payments_and_nobodys_secret(orders, prefix):
    payment = pay(orders, UserFactory(), card="pm_card_authenticationRequired")
    client = client_of(StaffFactory(role="support"))

    def seen_by(client):
        one = client.get(f"{prefix}/payments/{payment.pk}/").json()
        some = client.get(f"{prefix}/payments/").json()
        (row,) = (some["data"] if prefix else some)["results"]
        return [
            (each["client_secret"], each["next_action"])
            for each in (one["data"] if prefix else one, row)
        ]

    assert payment.next_action["type"] == "confirm_again"
    assert seen_by(client) == [(None, None)] * 2
    assert (
        seen_by(client_of(payment.customer)) == [(payment.client_secret, payment.next_action)] * 2
    )
    assert client.get("/api/payments/").json()["data"]["count"] == 1


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/payments/"),
        ("post", "/api/payments/"),
        ("get", "/api/payments/1/"),
        ("post", "/api/payments/1/refunds/"),
        ("post", "/api/payments/1/capture/"),
        ("post", "/api/payments/1/void/"),
        ("post", "/api/payments/offline/"),
    ],
)
def test_without_a_token_there_is_nothing_to_see(method, path):
    assert getattr(ShopClient(), method)(path).status_code == 401


def test_the_list_is_narrowed_by_order_and_status(orders):
    customer = UserFactory()
    payment = pay(orders, customer)
    PaymentFactory(customer=customer, status="canceled", captured_minor=0)
    client = client_of(customer)

    def found(query):
        return [
            row["id"] for row in client.get(f"/api/payments/?{query}").json()["data"]["results"]
        ]

    assert found(f"order={payment.reference}") == [payment.pk]
    assert found("order=1&status=succeeded") == [payment.pk]
    assert found("order=R404") == []
    assert found("status=processing") == []


def test_nobody_finds_out_about_anothers_order_by_the_filter(orders):
    payment = pay(orders, UserFactory())

    answer = client_of(UserFactory()).get(f"/api/payments/?order={payment.reference}")

    assert answer.json()["data"]["count"] == 0


@pytest.mark.parametrize("query", ["status=paid", "order=" + "R" * 40, "x=1", "ordering=note"])
def test_a_filter_that_is_not_understood_is_refused(query):
    answer = client_of(UserFactory()).get(f"/api/payments/?{query}")

    assert answer.status_code == 400


def test_the_list_takes_as_many_queries_for_ten_rows_as_for_one(django_assert_num_queries):
    customer = UserFactory()
    for rows in (1, 9):
        for _ in range(rows):
            RefundFactory(payment__customer=customer)
        client = client_of(User.objects.get(pk=customer.pk))
        # One for the permissions, then count, payments and refunds.
        with django_assert_num_queries(4):
            client.get("/api/payments/")


# --- capture and void ---


@pytest.fixture
def authorised(orders, settings):
    settings.PAYMENT_CAPTURE_METHOD = "manual"
    return pay(orders, UserFactory())


def test_with_manual_capture_a_card_is_only_authorised(authorised, told):
    assert (authorised.status, authorised.captured_minor) == ("requires_capture", 0)
    assert told == [PaymentAuthorized(authorised.reference, authorised.pk, Money(1999, "GBP"))]


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_manager_captures_what_was_authorised(authorised, told, prefix, slash):
    client = client_of(StaffFactory(role="manager"))

    answer = client.post(f"{prefix}/payments/{authorised.pk}/capture{slash}")

    shown = answer.json()["data"] if prefix else answer.json()
    assert answer.status_code == 200
    assert (shown["status"], shown["captured"]) == ("succeeded", "19.99")
    assert told[1:] == [PaymentCaptured(authorised.reference, authorised.pk, Money(1999, "GBP"))]
    again = client.post(f"/api/payments/{authorised.pk}/capture/")
    assert (again.status_code, again.json()["code"]) == (409, "payment_not_capturable")


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_manager_voids_what_was_authorised(authorised, told, prefix, slash):
    client = client_of(StaffFactory(role="manager"))

    answer = client.post(f"{prefix}/payments/{authorised.pk}/void{slash}")

    shown = answer.json()["data"] if prefix else answer.json()
    assert (answer.status_code, shown["status"], shown["captured"]) == (200, "canceled", "0.00")
    assert told[1:] == [PaymentCanceled(authorised.reference, authorised.pk)]
    again = client.post(f"/api/payments/{authorised.pk}/void/")
    assert (again.status_code, again.json()["code"]) == (409, "payment_not_voidable")


@pytest.mark.parametrize("action", ["capture", "void"])
@pytest.mark.parametrize("role", ["support", "warehouse"])
def test_other_roles_neither_capture_nor_void(authorised, action, role):
    client = client_of(StaffFactory(role=role))

    answer = client.post(f"/api/payments/{authorised.pk}/{action}/")

    assert answer.status_code == 403
    authorised.refresh_from_db()
    assert authorised.status == "requires_capture"


def test_capturing_is_a_permission_of_its_own(authorised):
    refunder = UserFactory(is_staff=True)
    refunder.user_permissions.add(*Permission.objects.filter(codename="refund_payment"))
    capturer = UserFactory(is_staff=True)
    names = ("capture_payment", "view_payment")
    capturer.user_permissions.add(*Permission.objects.filter(codename__in=names))
    path = f"/api/payments/{authorised.pk}/capture/"

    assert client_of(refunder).post(path).status_code == 403
    assert client_of(capturer).post(path).status_code == 200


def test_a_void_that_comes_after_the_capture_changes_nothing(authorised, told):
    services.capture_payment(payment_id=authorised.pk)
    Payment.objects.update(status="requires_capture")  # what a slow request still believes

    answer = client_of(StaffFactory()).post(f"/api/payments/{authorised.pk}/void/")

    assert answer.json()["code"] == "payment_not_voidable"
    assert SandboxIntent.objects.get().captured_minor == 1999


# --- money from outside ---


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("slash", ["/", ""])
def test_a_manager_records_a_bank_transfer_of_what_is_due(orders, told, prefix, slash):
    customer, manager = UserFactory(), StaffFactory(role="manager")
    number = orders.place(customer)

    answer = client_of(manager).post(
        f"{prefix}/payments/offline{slash}", {"order_id": number, "note": "Transfer of 3 May"}
    )

    shown = answer.json()["data"] if prefix else answer.json()
    payment = Payment.objects.get()
    assert answer.status_code == 201
    assert (shown["provider"], shown["status"], shown["captured"]) == (
        "offline",
        "succeeded",
        "19.99",
    )
    assert (payment.customer, payment.recorded_by_id) == (customer, manager.pk)
    assert payment.note == "Transfer of 3 May"
    assert told == [PaymentCaptured(number, payment.pk, Money(1999, "GBP"))]


def test_a_part_may_be_paid_outside_and_the_rest_by_card(orders):
    customer = UserFactory()
    number = orders.place(customer)
    client_of(StaffFactory()).post("/api/payments/offline/", {"order_id": number, "amount": "9.99"})

    answer = client_of(customer).post(
        "/api/payments/", {"order_id": number, "payment_method": "pm_card_visa"}
    )

    assert answer.json()["data"]["captured"] == "10.00"


def test_more_than_is_due_is_not_taken(orders, told):
    number = orders.place(UserFactory())

    answer = client_of(StaffFactory()).post(
        "/api/payments/offline/", {"order_id": number, "amount": "20.00"}
    )

    assert (answer.status_code, answer.json()["code"]) == (409, "amount_exceeds_due")
    assert answer.json()["params"] == {"requested": "20.00 GBP", "due": "19.99 GBP"}
    assert not Payment.objects.exists()
    assert told == []


def test_money_from_outside_ends_the_open_card_payment(orders):
    customer = UserFactory()
    number = orders.place(customer)
    client_of(customer).post("/api/payments/", {"order_id": number})

    client_of(StaffFactory()).post("/api/payments/offline/", {"order_id": number})

    outbox.deliver_due()
    assert SandboxIntent.objects.get().status == "canceled"
    assert Payment.objects.get(provider="sandbox").status == "canceled"


@pytest.mark.parametrize("amount", ["0", "-1", "1.999", "NaN", "1e9", True, "9" * 30])
def test_an_amount_that_is_none_is_refused(orders, amount):
    number = orders.place(UserFactory())

    answer = client_of(StaffFactory()).post(
        "/api/payments/offline/", {"order_id": number, "amount": amount}
    )

    assert answer.status_code == 400
    assert not Payment.objects.exists()


@pytest.mark.parametrize("role", ["support", "warehouse", "customer"])
def test_only_a_manager_records_money_from_outside(orders, role):
    number = orders.place(UserFactory())

    answer = client_of(StaffFactory(role=role)).post("/api/payments/offline/", {"order_id": number})

    assert answer.status_code == 403
    assert not Payment.objects.exists()


def test_the_same_key_records_money_from_outside_once(orders):
    number = orders.place(UserFactory())
    client = client_of(StaffFactory())
    body, key = {"order_id": number, "amount": "5.00"}, {"Idempotency-Key": "slip-7"}

    answers = [client.post("/api/payments/offline/", body, headers=key) for _ in range(2)]

    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert Payment.objects.count() == 1
