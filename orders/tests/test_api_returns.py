"""Goods that come back: who asks, who decides, and where the units are at every step."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.db.models import Sum
from django.utils import timezone

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel, StockMovement
from inventory.tests.factories import LocationFactory, StockLevelFactory
from orders.answers import OrderRecords
from orders.models import OrderLine, Return, ReturnLine
from orders.tests.trade import (
    ask_back,
    buyer,
    client_of,
    manager,
    move_return,
    place,
    place_and_deliver,
    place_and_pay,
)
from payments.models import Refund
from shipping.models import Shipment
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def variant():
    return VariantFactory(stock=9, price_minor=1000)


@pytest.fixture
def order(variant):
    return place_and_deliver(buyer(), (variant, 3))


def shelf(variant, code="main"):
    level = StockLevel.objects.get(item_id=variant.stock_item_id, location__code=code)
    return level.on_hand, level.reserved


def counts(order):
    line = order.lines.get()
    return line.shipped_quantity, line.returning_quantity, line.returned_quantity


def opened(order, *units):
    response = ask_back(order, *units)
    assert response.status_code == 201, response.json()
    return payload_of(response)


def moved(order, return_id, *steps):
    for status, said in steps:
        response = move_return(order, return_id, status, manager(), **said)
        assert response.status_code == 200, response.json()
    return payload_of(response)


def test_a_return_goes_its_whole_way(order, variant):
    asked = ask_back(order, 2, reason="Too small.")
    assert asked.status_code == 201
    found = payload_of(asked)
    assert (found["status"], found["reason"], found["requested_by"]) == (
        "requested",
        "Too small.",
        order.customer_id,
    )
    assert counts(order) == (3, 2, 0)

    worker, line_id = manager(), found["lines"][0]["id"]
    receipts = [{"line_id": line_id, "good": 1, "damaged": 1}]
    assert move_return(order, found["id"], "approved", worker).status_code == 200
    assert move_return(order, found["id"], "received", worker, lines=receipts).status_code == 200
    assert counts(order) == (3, 0, 2)
    assert shelf(variant) == (6, 0)
    response = move_return(order, found["id"], "restocked", worker)

    data = payload_of(response)
    assert (data["status"], data["allowed_actions"]) == ("restocked", [])
    assert data["lines"] == [
        {
            "id": line_id,
            "order_line_id": order.lines.get().pk,
            "sku": variant.sku,
            "name": order.lines.get().name,
            "quantity": 2,
            "good": 1,
            "damaged": 1,
        }
    ]
    assert shelf(variant) == (7, 0)
    booked = StockMovement.objects.filter(reference=order.number, actor_id=worker.pk)
    assert list(booked.order_by("pk").values_list("kind", "on_hand_delta", "reason")) == [
        ("return", 2, f"Return {found['id']}"),
        ("adjustment", -1, "Came back damaged"),
    ]
    assert not Refund.objects.exists()
    shown = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
    assert (shown["status"], shown["payment_status"]) == ("delivered", "paid")
    assert shown["fulfilment_status"] == "partially_returned"
    assert shown["returns"][0]["status"] == "restocked"
    assert shown["lines"][0]["returned_quantity"] == 2
    assert shown["lines"][0]["returnable_quantity"] == 1


def test_an_order_whose_units_all_came_back_is_returned(order):
    found = opened(order, 3)

    moved(order, found["id"], ("approved", {}), ("received", {}))

    shown = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
    assert shown["fulfilment_status"] == "returned"
    assert shown["allowed_actions"] == []


def test_the_history_says_who_did_what_with_a_return(order):
    found = opened(order, 1)
    worker = manager()
    for status in ("approved", "received", "restocked"):
        move_return(order, found["id"], status, worker)

    events = payload_of(client_of(worker).get(f"/api/orders/{order.number}/events/"))["results"]

    assert [(row["kind"], row["actor_id"]) for row in events[-4:]] == [
        ("return_requested", order.customer_id),
        ("return_approved", worker.pk),
        ("return_received", worker.pk),
        ("return_restocked", worker.pk),
    ]
    assert events[-2]["data"] == {"return_id": found["id"], "good": 1, "damaged": 0}


@every_spelling
def test_returns_answer_on_both_faces_with_and_without_the_slash(order, prefix, ending):
    client = client_of(order.customer)
    path = f"{prefix}/orders/{order.number}/returns{ending}"
    body = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}

    found = payload_of(client.post(path, body, format="json"), prefix)

    one = f"{prefix}/orders/{order.pk}/returns/{found['id']}{ending}"
    assert payload_of(client.get(one), prefix) == found
    assert payload_of(client.get(path), prefix)["results"] == [found]
    approved = client_of(manager()).patch(one, {"status": "approved"}, format="json")
    assert payload_of(approved, prefix)["status"] == "approved"


def test_a_return_has_an_etag_that_guards_its_change(order):
    found = opened(order, 1)
    path = f"/api/orders/{order.number}/returns/{found['id']}/"
    client = client_of(manager())
    etag = client.get(path).headers["ETag"]
    body = {"status": "approved"}

    first = client.patch(path, body, format="json", headers={"If-Match": etag})
    late = client.patch(path, body, format="json", headers={"If-Match": etag})

    assert (first.status_code, late.status_code) == (200, 412)


@pytest.mark.parametrize("units", [(4,), (10_000,)])
def test_more_than_was_shipped_is_not_sent_back(order, units):
    refused = ask_back(order, *units)

    assert (refused.status_code, code_of(refused)) == (409, "not_left_to_return")
    assert refused.json()["params"]["left"] == 3
    assert counts(order) == (3, 0, 0)
    assert not Return.objects.exists()


def test_one_line_named_twice_cannot_get_around_what_is_left(order):
    line_id = order.lines.get().pk
    lines = [{"line_id": line_id, "quantity": 2}, {"line_id": line_id, "quantity": 2}]

    refused = ask_back(order, lines=lines)

    assert refused.status_code == 409
    assert not Return.objects.exists()


def test_a_unit_is_in_one_return_at_a_time(order):
    first = opened(order, 2)
    assert code_of(ask_back(order, 2)) == "not_left_to_return"

    moved(order, first["id"], ("rejected", {}))

    assert counts(order) == (3, 0, 0)
    assert ask_back(order, 3).status_code == 201


def test_a_return_whose_goods_never_came_is_closed_and_frees_its_units(order):
    found = opened(order, 2)

    moved(order, found["id"], ("approved", {}), ("closed", {}))

    assert counts(order) == (3, 0, 0)
    shown = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
    assert shown["fulfilment_status"] == "delivered"


def test_units_that_did_not_come_can_be_asked_back_anew(order, variant):
    found = opened(order, 3)
    receipts = [{"line_id": found["lines"][0]["id"], "good": 1}]

    moved(order, found["id"], ("approved", {}), ("received", {"lines": receipts}))
    moved(order, found["id"], ("restocked", {}))

    assert counts(order) == (3, 0, 1)
    assert shelf(variant) == (7, 0)
    assert ask_back(order, 3).status_code == 409
    assert ask_back(order, 2).status_code == 201


def test_what_was_not_shipped_cannot_be_sent_back(variant):
    unpaid, paid = place(buyer(), (variant, 1)), place_and_pay(buyer(), (variant, 1))

    for order in (unpaid, paid):
        refused = ask_back(order, 1)
        assert (refused.status_code, code_of(refused)) == (409, "not_left_to_return")
        shown = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
        assert "return" not in shown["allowed_actions"]


def test_the_units_of_a_part_that_was_shipped_can_be_sent_back(variant):
    order = place_and_pay(buyer(), (variant, 3))
    client = client_of(manager())
    body = {"order": order.number, "lines": [{"sku": variant.sku, "quantity": 2}]}
    shipment = payload_of(client.post("/api/shipping/shipments/", body, format="json"))
    client.patch(f"/api/shipping/shipments/{shipment['id']}/", {"status": "shipped"}, format="json")

    assert ask_back(order, 3).status_code == 409
    assert ask_back(order, 2).status_code == 201


def test_customers_have_so_many_days_from_the_last_delivery_and_staff_have_all(order):
    long_ago = timezone.now() - timedelta(days=settings.RETURN_DAYS, hours=1)
    Shipment.objects.update(delivered_at=long_ago)

    refused = ask_back(order, 1)

    assert (refused.status_code, code_of(refused)) == (409, "return_window_closed")
    shown = payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))
    assert "return" not in shown["allowed_actions"]
    assert not Return.objects.exists()
    assert ask_back(order, 1, actor=StaffFactory(role="support")).status_code == 201


@pytest.mark.parametrize("status", ["received", "restocked", "closed"])
def test_a_step_that_the_state_forbids_changes_nothing(order, variant, status):
    found = opened(order, 1)

    refused = move_return(order, found["id"], status, manager())

    assert (refused.status_code, code_of(refused)) == (409, "illegal_return_transition")
    assert refused.json()["params"]["allowed"] == "approved, rejected"
    assert counts(order) == (3, 1, 0)
    assert shelf(variant) == (6, 0)


def test_what_was_restocked_is_not_restocked_again(order, variant):
    found = opened(order, 1)
    moved(order, found["id"], ("approved", {}), ("received", {}), ("restocked", {}))

    for status in ("received", "restocked"):
        assert move_return(order, found["id"], status, manager()).status_code == 409

    assert shelf(variant) == (7, 0)


def test_more_than_was_asked_back_cannot_have_come(order):
    found = opened(order, 1)
    moved(order, found["id"], ("approved", {}))
    receipts = [{"line_id": found["lines"][0]["id"], "good": 1, "damaged": 1}]

    refused = move_return(order, found["id"], "received", manager(), lines=receipts)

    assert (refused.status_code, code_of(refused)) == (409, "more_received_than_asked")
    assert Return.objects.get().status == "approved"
    assert counts(order) == (3, 1, 0)


def test_returned_goods_go_to_the_location_that_is_named(order, variant):
    LocationFactory(code="annex")
    found = opened(order, 2)
    moved(order, found["id"], ("approved", {}), ("received", {}))
    lost = move_return(order, found["id"], "restocked", manager(), location="nowhere")
    assert (lost.status_code, code_of(lost)) == (404, "location_not_found")

    moved(order, found["id"], ("restocked", {"location": "annex"}))

    assert (shelf(variant), shelf(variant, "annex")) == ((6, 0), (2, 0))


def test_a_line_that_lies_at_two_locations_ships_from_both_and_comes_back_to_one():
    variant = VariantFactory(stock=3)
    annex = LocationFactory(code="annex", priority=200)
    StockLevelFactory(item_id=variant.stock_item_id, location=annex, on_hand=4)
    order = place_and_pay(buyer(), (variant, 5))
    assert (shelf(variant), shelf(variant, "annex")) == ((3, 3), (4, 2))
    client, path = client_of(manager()), "/api/shipping/shipments/"

    body = {"order": order.number, "lines": [{"sku": variant.sku, "quantity": 4}]}
    first = payload_of(client.post(path, body, format="json"))
    client.patch(f"{path}{first['id']}/", {"status": "shipped"}, format="json")
    assert (shelf(variant), shelf(variant, "annex")) == ((0, 0), (3, 1))
    second = payload_of(client.post(path, {"order": order.number}, format="json"))
    client.patch(f"{path}{second['id']}/", {"status": "shipped"}, format="json")
    assert (shelf(variant), shelf(variant, "annex")) == ((0, 0), (2, 0))

    found = opened(order, 5)
    moved(order, found["id"], ("approved", {}), ("received", {}))
    moved(order, found["id"], ("restocked", {"location": "annex"}))

    assert (shelf(variant), shelf(variant, "annex")) == ((0, 0), (7, 0))
    assert counts(order) == (5, 0, 5)
    for level in StockLevel.objects.filter(item_id=variant.stock_item_id):
        assert level.movements.aggregate(units=Sum("on_hand_delta"))["units"] == level.on_hand


def test_goods_that_are_not_counted_come_back_without_touching_the_stock():
    variant = VariantFactory(stock_item__is_tracked=False)
    order = place_and_deliver(buyer(), (variant, 1))
    found = opened(order, 1)

    moved(order, found["id"], ("approved", {}), ("received", {}), ("restocked", {}))

    assert counts(order) == (1, 0, 1)
    assert not StockMovement.objects.filter(kind="return").exists()


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("support", {"approved", "rejected"}),
        ("warehouse", set()),
        ("manager", {"approved", "rejected"}),
        ("admin", {"approved", "rejected"}),
    ],
)
def test_who_decides_about_a_return(order, role, may):
    found = opened(order, 1)
    worker = StaffFactory(role=role)
    path = f"/api/orders/{order.number}/returns/{found['id']}/"
    assert set(payload_of(client_of(worker).get(path))["allowed_actions"]) == may

    response = move_return(order, found["id"], "approved", worker)

    assert response.status_code == (200 if may else 403)
    assert Return.objects.get().status == ("approved" if may else "requested")


@pytest.mark.parametrize(
    ("role", "may"), [("support", False), ("warehouse", True), ("manager", True)]
)
def test_who_takes_returned_goods_in(order, role, may):
    found = opened(order, 1)
    moved(order, found["id"], ("approved", {}))

    response = move_return(order, found["id"], "received", StaffFactory(role=role))

    assert response.status_code == (200 if may else 403)


def test_customers_do_not_move_their_returns_and_workers_without_the_right_open_none(order):
    found = opened(order, 1)

    refused = move_return(order, found["id"], "approved", order.customer)
    unasked = ask_back(order, 1, actor=StaffFactory(role="warehouse"))

    assert (refused.status_code, code_of(refused)) == (403, "permission_denied")
    assert unasked.status_code == 403
    assert Return.objects.get().status == "requested"
    assert (
        "return"
        in payload_of(client_of(order.customer).get(f"/api/orders/{order.number}/"))[
            "allowed_actions"
        ]
    )


def test_another_customers_returns_are_not_there(order):
    found = opened(order, 1)
    stranger = client_of(UserFactory())
    one = f"/api/orders/{order.number}/returns/{found['id']}/"
    body = {"lines": [{"line_id": order.lines.get().pk, "quantity": 1}]}

    answers = [
        stranger.get(one),
        stranger.patch(one, {"status": "approved"}, format="json"),
        stranger.get(f"/api/orders/{order.number}/returns/"),
        stranger.post(f"/api/orders/{order.number}/returns/", body, format="json"),
    ]

    assert {(answer.status_code, code_of(answer)) for answer in answers} == {
        (404, "order_not_found")
    }
    assert Return.objects.count() == 1


def test_a_return_is_found_under_its_own_order_alone(order, variant):
    found = opened(order, 1)
    other = place(order.customer, (variant, 1))

    for pk in (found["id"] + 1, "9" * 30):
        assert (
            client_of(manager()).get(f"/api/orders/{order.number}/returns/{pk}/").status_code == 404
        )
    wrong = client_of(manager()).get(f"/api/orders/{other.number}/returns/{found['id']}/")
    assert (wrong.status_code, code_of(wrong)) == (404, "return_not_found")


def test_a_line_of_another_order_is_not_sent_back_with_this_one(order, variant):
    other = place_and_deliver(order.customer, (variant, 1))
    body = {"lines": [{"line_id": other.lines.get().pk, "quantity": 1}]}

    refused = client_of(order.customer).post(
        f"/api/orders/{order.number}/returns/", body, format="json"
    )

    assert (refused.status_code, code_of(refused)) == (404, "order_line_not_found")
    assert not Return.objects.exists()
    assert counts(other) == (1, 0, 0)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"lines": []},
        {"lines": "all"},
        {"lines": [{"line_id": 1}]},
        {"lines": [{"line_id": 1, "quantity": 0}]},
        {"lines": [{"line_id": 1, "quantity": -1}]},
        {"lines": [{"line_id": 1, "quantity": 1.5}]},
        {"lines": [{"line_id": 1, "quantity": True}]},
        {"lines": [{"line_id": 2**63, "quantity": 1}]},
        {"lines": [{"line_id": 1, "quantity": 10_001}]},
        {"lines": [{"line_id": 1, "quantity": 1}] * 101},
        {"lines": [{"line_id": 1, "quantity": 1}], "reason": "x" * 501},
        {"lines": [{"line_id": 1, "quantity": 1}], "reason": "\x00"},
    ],
)
def test_nonsense_is_no_return(order, body):
    response = client_of(order.customer).post(
        f"/api/orders/{order.number}/returns/", body, format="json"
    )

    assert response.status_code == 400
    assert not Return.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"status": "requested"},
        {"status": "lost"},
        {"status": "approved", "lines": [{"line_id": 1, "good": 1}]},
        {"status": "approved", "location": "main"},
        {"status": "received", "lines": []},
        {"status": "received", "lines": [{"line_id": 1, "good": -1}]},
        {"status": "received", "lines": [{"good": 1}]},
        {"status": "restocked", "location": "x" * 33},
    ],
)
def test_nonsense_does_not_move_a_return(order, body):
    found = opened(order, 1)

    response = client_of(manager()).patch(
        f"/api/orders/{order.number}/returns/{found['id']}/", body, format="json"
    )

    assert response.status_code == 400
    assert Return.objects.get().status == "requested"


def test_a_receipt_for_a_line_that_is_not_in_the_return_is_refused(order):
    found = opened(order, 1)
    moved(order, found["id"], ("approved", {}))
    receipts = [{"line_id": found["lines"][0]["id"] + 1, "good": 1}]

    refused = move_return(order, found["id"], "received", manager(), lines=receipts)

    assert (refused.status_code, code_of(refused)) == (404, "order_line_not_found")
    assert Return.objects.get().status == "approved"


def test_a_return_asked_for_twice_with_one_key_is_one(order):
    client, line_id = client_of(order.customer), order.lines.get().pk
    body = {"lines": [{"line_id": line_id, "quantity": 1}]}
    key = {"Idempotency-Key": "k"}

    first = client.post(f"/api/orders/{order.number}/returns/", body, format="json", headers=key)
    again = client.post(f"/orders/{order.number}/returns", body, format="json", headers=key)
    other = client.post(
        f"/orders/{order.number}/returns", {**body, "reason": "x"}, format="json", headers=key
    )

    assert again.headers["Idempotent-Replayed"] == "true"
    assert payload_of(again, "") == payload_of(first)
    assert other.status_code == 422
    assert Return.objects.count() == 1


def test_returns_take_the_same_queries_for_one_and_for_ten(variant, django_assert_max_num_queries):
    order = place_and_deliver(buyer(), (VariantFactory(stock=20), 10), (variant, 1))
    client = client_of(order.customer)
    path = f"/api/orders/{order.number}/returns/"
    opened(order, 1, 1)
    with django_assert_max_num_queries(8) as one:
        client.get(path)
    with django_assert_max_num_queries(30) as order_with_one:
        client.get(f"/api/orders/{order.number}/")
    for _ in range(9):
        opened(order, 1)

    with django_assert_max_num_queries(8) as ten:
        assert payload_of(client.get(path))["count"] == 10
    with django_assert_max_num_queries(30) as order_with_ten:
        client.get(f"/api/orders/{order.number}/")

    assert len(ten) == len(one)
    assert len(order_with_ten) == len(order_with_one)


def test_what_is_kept_about_a_person_holds_returns_and_forgets_their_words(order):
    ask_back(order, 1, reason="I am allergic.")
    client_of(manager()).post(
        f"/api/orders/{order.number}/notes/", {"text": "Sorry, Ms X", "is_internal": False}
    )

    kept = OrderRecords().export(user_id=order.customer_id)
    OrderRecords().forget(user_id=order.customer_id)

    assert "I am allergic." in str(kept)
    assert "Sorry, Ms X" in str(kept)
    assert Return.objects.get().reason == ""
    assert not order.notes.exists()


@pytest.mark.parametrize(
    ("model", "change"),
    [
        (OrderLine, {"returning_quantity": 4}),
        (OrderLine, {"returned_quantity": 3}),
        (ReturnLine, {"quantity": 0}),
        (ReturnLine, {"good_quantity": 1, "damaged_quantity": 1}),
    ],
)
def test_the_database_refuses_a_return_that_does_not_add_up(order, model, change):
    opened(order, 1)

    with pytest.raises(DatabaseError), transaction.atomic():
        model.objects.update(**change)
