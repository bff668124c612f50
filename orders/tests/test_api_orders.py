"""Looking at orders: own ones, staff's view, and nobody else's."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import (
    ask_back,
    buyer,
    client_of,
    manager,
    move_return,
    pay,
    place,
    place_and_deliver,
    place_and_pay,
    set_status,
)
from payments.models import Payment
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@every_spelling
def test_customers_see_their_own_orders_newest_first(prefix, ending):
    user, variant = buyer(), VariantFactory(stock=9)
    first, second = place(user, (variant, 1)), place(user, (variant, 2))
    place(buyer(), (variant, 1))

    response = client_of(user).get(f"{prefix}/orders{ending}")

    data = payload_of(response, prefix)
    assert [row["number"] for row in data["results"]] == [second.number, first.number]
    assert data["count"] == 2


@every_spelling
def test_an_order_is_found_by_id_and_by_number(prefix, ending):
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))

    for name in (order.pk, order.number, order.number.lower()):
        response = client_of(user).get(f"{prefix}/orders/{name}{ending}")
        assert payload_of(response, prefix)["number"] == order.number


def test_the_answer_carries_an_etag_that_answers_304():
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))
    client = client_of(user)
    etag = client.get(f"/api/orders/{order.number}/").headers["ETag"]

    response = client.get(f"/api/orders/{order.number}/", headers={"If-None-Match": etag})

    assert (response.status_code, response.content) == (304, b"")


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_another_customers_order_answers_like_a_missing_one(method):
    order = place(buyer(), (VariantFactory(stock=5), 1))
    client = client_of(UserFactory())
    body = None if method == "get" else {"status": "cancelled"}

    theirs = getattr(client, method)(f"/api/orders/{order.number}/", body)
    missing = getattr(client, method)("/api/orders/R000000000000/", body)

    assert (theirs.status_code, code_of(theirs)) == (404, "order_not_found")
    assert theirs.content == missing.content
    order.refresh_from_db()
    assert order.status == "pending"


@pytest.mark.parametrize("path", ["cancel/", "events/"])
def test_another_customers_order_has_no_further_paths(path):
    order = place(buyer(), (VariantFactory(stock=5), 1))
    client = client_of(UserFactory())
    method = client.post if path == "cancel/" else client.get

    response = method(f"/api/orders/{order.number}/{path}")

    assert response.status_code == 404


@pytest.mark.parametrize("name", ["0", "999999999999999999999999", "-1", "R", "%00", "é"])
def test_an_odd_name_is_simply_not_there(name):
    response = client_of(buyer()).get(f"/api/orders/{name}/")

    assert response.status_code in {400, 404}


def test_staff_see_everybodys_orders_and_narrow_them():
    user, variant = buyer(), VariantFactory(stock=9)
    paid, unpaid = place(user, (variant, 1)), place(buyer(), (variant, 1))
    pay(paid)
    client = client_of(StaffFactory(role="support"))

    def numbers(query):
        return {row["number"] for row in payload_of(client.get(f"/api/orders/{query}"))["results"]}

    assert numbers("") == {paid.number, unpaid.number}
    assert numbers("?status=paid") == {paid.number}
    assert numbers(f"?user={unpaid.customer_id}") == {unpaid.number}
    assert numbers(f"?number={paid.number}") == {paid.number}
    assert numbers("?placed_after=2999-01-01T00:00:00Z") == set()
    assert numbers("?placed_before=2999-01-01T00:00:00Z") == {paid.number, unpaid.number}


def test_staff_find_an_order_by_who_bought_it():
    user, variant = buyer(), VariantFactory(stock=9)
    order, _other = place(user, (variant, 1)), place(buyer(), (variant, 1))
    Order.objects.filter(pk=order.pk).update(email="old@example.org", full_name="Zoë O'Hara")
    client = client_of(StaffFactory(role="support"))

    def found(text):
        rows = payload_of(client.get("/api/orders/", {"search": text}))["results"]
        return [row["number"] for row in rows]

    for text in (user.username.upper(), user.email, "OLD@example", "o'hara", order.number[2:9]):
        assert found(text) == [order.number]
    assert found("nobody%") == []


def test_staff_narrow_orders_by_what_was_paid_shipped_and_returned():
    user, worker, variant = buyer(), manager(), VariantFactory(stock=99, price_minor=500)
    free = VariantFactory(stock=9, price_minor=0)
    place(user, (variant, 1))
    place(user, (free, 1))
    partly = place(user, (variant, 2))
    Order.objects.filter(pk=partly.pk).update(captured_minor=300)
    back = place(user, (variant, 2))
    Order.objects.filter(pk=back.pk).update(captured_minor=1000, refunded_minor=300)
    sent_back = place(user, (variant, 2))
    Order.objects.filter(pk=sent_back.pk).update(captured_minor=1000, refunded_minor=1000)
    waiting = place(user, (variant, 2))
    Order.objects.filter(pk=waiting.pk).update(is_authorized=True)
    place_and_pay(user, (variant, 1))
    shipped = place_and_pay(user, (variant, 1))
    for step in ("processing", "shipped"):
        set_status(shipped, step, worker)
    place_and_deliver(user, (variant, 1))
    for units in (1, 2):
        returned = place_and_deliver(user, (variant, 2))
        pk = payload_of(ask_back(returned, units))["id"]
        for status in ("approved", "received"):
            move_return(returned, pk, status, worker)
    half = place(user, (variant, 2), (free, 2))
    half.lines.filter(variant=variant).update(shipped_quantity=1)
    client = client_of(worker)

    for name in ("payment_status", "fulfilment_status"):
        every = {order.number: getattr(order, name) for order in Order.objects.all()}
        assert len(set(every.values())) == 6
        for status in set(every.values()):
            rows = payload_of(client.get("/api/orders/", {name: status}))["results"]
            expected = {number for number, its in every.items() if its == status}
            assert {row["number"] for row in rows} == expected


@pytest.mark.parametrize("ordering", ["placed_at", "total", "number", "status"])
def test_orders_are_sorted_both_ways(ordering):
    user, variant = buyer(), VariantFactory(stock=9)
    for units in (2, 1, 3):
        place(user, (variant, units))
    client = client_of(user)

    def numbers(query):
        rows = payload_of(client.get(f"/api/orders/?ordering={query}"))["results"]
        return [row["number"] for row in rows]

    assert numbers(ordering) == numbers(f"-{ordering}")[::-1]
    assert len(numbers(ordering)) == 3


@pytest.mark.parametrize(
    "query",
    [
        "?status=lost",
        "?payment_status=lost",
        "?fulfilment_status=lost",
        "?search=" + "x" * 101,
        "?user=x",
        "?user=99999999999999999999",
        "?user=1.5",
        "?placed_after=0001-01-01T00:00:00%2B14:00",
        "?placed_before=9999-12-31T23:59:59-14:00",
        "?ordering=total,total",
        "?ordering=total,-total",
        "?placed_after=yesterday",
        "?ordering=secret",
        "?page=0",
        "?page_size=x",
        "?cursor=x",
        "?colour=red",
    ],
)
def test_a_filter_that_is_not_understood_is_refused(query):
    response = client_of(manager()).get(f"/api/orders/{query}")

    assert response.status_code == 400


def test_the_plain_face_ignores_parameters_it_does_not_know():
    assert client_of(buyer()).get("/orders/?colour=red").status_code == 200


@every_spelling
def test_a_users_orders_are_theirs_and_the_staffs(prefix, ending):
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))
    path = f"{prefix}/orders/user/{user.pk}{ending}"

    for reader in (user, manager()):
        rows = payload_of(client_of(reader).get(path), prefix)["results"]
        assert [row["number"] for row in rows] == [order.number]
    assert client_of(buyer()).get(path).status_code == 404


@every_spelling
def test_the_history_says_what_happened_and_by_whom(prefix, ending):
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))
    pay(order)
    worker = manager()
    set_status(order, "processing", worker)

    response = client_of(user).get(f"{prefix}/orders/{order.number}/events{ending}")

    rows = payload_of(response, prefix)["results"]
    assert [row["kind"] for row in rows] == ["placed", "payment_captured", "paid", "processing"]
    assert [row["actor_id"] for row in rows] == [user.pk, None, None, worker.pk]
    assert rows[-1]["status"] == "processing"


def test_the_history_names_who_took_the_money_and_who_sent_it_back():
    worker, order = manager(), place(buyer(), (VariantFactory(stock=5, price_minor=900), 1))
    assert set_status(order, "paid", worker).status_code == 200
    payment = Payment.objects.get()
    client_of(worker).post(f"/api/payments/{payment.pk}/refunds/", {"amount": "1.00"})

    events = payload_of(client_of(worker).get(f"/api/orders/{order.number}/events/"))["results"]

    assert [(row["kind"], row["actor_id"]) for row in events[1:]] == [
        ("payment_captured", worker.pk),
        ("paid", worker.pk),
        ("payment_refunded", worker.pk),
    ]


@pytest.mark.parametrize("path", ["/api/orders/", "/api/orders/user/{user_id}/"])
def test_a_list_of_orders_takes_the_same_queries_for_one_and_for_ten(
    path, django_assert_max_num_queries
):
    user, variant = buyer(), VariantFactory(stock=100)
    client = client_of(user)
    path = path.format(user_id=user.pk)
    place(user, (variant, 1))
    with django_assert_max_num_queries(8) as one:
        client.get(path)
    other = VariantFactory(stock=100)
    for _ in range(9):
        place(user, (variant, 1), (other, 2))

    with django_assert_max_num_queries(8) as ten:
        assert payload_of(client.get(path))["count"] == 10

    assert len(ten) == len(one)


def test_the_history_takes_the_same_queries_for_one_and_for_ten(django_assert_max_num_queries):
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))
    client = client_of(user)
    with django_assert_max_num_queries(6) as one:
        client.get(f"/api/orders/{order.number}/events/")
    for _ in range(9):
        order.events.create(kind="note", status="pending")

    with django_assert_max_num_queries(6) as ten:
        client.get(f"/api/orders/{order.number}/events/")

    assert len(ten) == len(one)


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("path", ["/orders/{n}/", "/orders/delete/{n}", "/orders/delete/{n}/"])
def test_an_unpaid_order_can_be_removed_by_its_owner(prefix, path):
    user, variant = buyer(), VariantFactory(stock=5)
    order = place(user, (variant, 1))
    client = client_of(user)

    response = client.delete(prefix + path.format(n=order.number))

    assert response.status_code == (200 if prefix else 204)
    order.refresh_from_db()
    assert order.status == "cancelled"
    assert variant.stock_item.levels.get().reserved == 0
    rows = payload_of(client.get(f"/api/orders/user/{user.pk}/"))["results"]
    assert rows == []
    for reader in (user, manager()):
        for tail in ("", "events/"):
            answer = client_of(reader).get(f"/api/orders/{order.number}/{tail}")
            assert answer.status_code == 404
        assert payload_of(client_of(reader).get("/api/orders/"))["count"] == 0
    assert Order.objects.filter(pk=order.pk).exists()


def test_a_free_order_that_is_being_worked_on_is_not_removed_by_its_owner():
    user = buyer()
    order = place(user, (VariantFactory(stock=5, price_minor=0), 1))
    set_status(order, "processing")

    response = client_of(user).delete(f"/api/orders/{order.number}/")

    assert (response.status_code, code_of(response)) == (409, "order_not_unpaid")
    order.refresh_from_db()
    assert order.hidden_at is None


def test_a_paid_order_is_not_removed_by_its_owner():
    user = buyer()
    order = place(user, (VariantFactory(stock=5), 1))
    pay(order)

    response = client_of(user).delete(f"/api/orders/{order.number}/")

    assert (response.status_code, code_of(response)) == (409, "order_not_unpaid")
    order.refresh_from_db()
    assert (order.status, order.hidden_at) == ("paid", None)


def test_staff_remove_an_order_only_once_its_money_went_back():
    order = place(buyer(), (VariantFactory(stock=5), 1))
    pay(order)
    client = client_of(StaffFactory(role="admin"))
    refused = client.delete(f"/api/orders/{order.number}/")
    client.post(f"/api/orders/{order.number}/cancel/")

    accepted = client.delete(f"/api/orders/{order.number}/")

    assert (refused.status_code, code_of(refused)) == (409, "refund_first")
    assert accepted.status_code == 200


def test_support_sees_an_order_but_may_not_remove_it():
    order = place(buyer(), (VariantFactory(stock=5), 1))

    response = client_of(StaffFactory(role="support")).delete(f"/api/orders/{order.number}/")

    assert response.status_code == 403
    order.refresh_from_db()
    assert order.status == "pending"
