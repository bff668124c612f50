"""Stock over HTTP: what staff see and book, on both faces, with and without the slash."""

import pytest
from django.db import transaction

from accounts.tests.factories import StaffFactory, UserFactory
from inventory import services
from inventory.models import Location, StockLevel, StockMovement
from inventory.tests.factories import LocationFactory, StockItemFactory, StockLevelFactory
from tests.client import ShopClient

pytestmark = pytest.mark.django_db

SHAPES = [("/api", "/"), ("/api", ""), ("", "/"), ("", "")]


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0] or 'plain'}{shape[1]}")
def path_of(request):
    prefix, slash = request.param
    return lambda path: f"{prefix}/inventory/{path}{slash}"


@pytest.fixture
def staff():
    client = ShopClient()
    client.force_authenticate(StaffFactory(role="warehouse"))
    return client


@pytest.fixture
def manager():
    client = ShopClient()
    client.force_authenticate(StaffFactory(role="manager"))
    return client


def payload(response):
    body = response.json()
    return body["data"] if "success" in body else body


def code_of(response):
    return response.json()["code"]


@pytest.mark.portable
def test_locations_are_added_listed_changed_and_removed(manager, path_of):
    created = manager.post(path_of("locations"), {"code": "annex", "name": "Annex"})
    assert created.status_code == 201
    location = payload(created)
    assert location["priority"] == 100

    listed = payload(manager.get(path_of("locations")))
    assert [row["code"] for row in listed["results"]] == ["main", "annex"]

    one = path_of(f"locations/{location['id']}")
    body = {"code": "annex", "name": "Annex 2", "priority": 1}
    assert payload(manager.put(one, body))["name"] == "Annex 2"
    assert payload(manager.patch(one, {"is_active": False}))["is_active"] is False
    assert payload(manager.get(one))["priority"] == 1

    assert manager.delete(one).status_code in {200, 204}
    assert manager.get(one).status_code == 404


def test_a_location_with_stock_is_not_removed(manager):
    level = StockLevelFactory()

    refused = manager.delete(f"/api/inventory/locations/{level.location_id}/")

    assert (refused.status_code, code_of(refused)) == (409, "location_in_use")
    assert Location.objects.filter(pk=level.location_id).exists()


def test_a_location_code_is_given_once(manager):
    body = {"code": "main", "name": "Again"}

    refused = manager.post("/api/inventory/locations/", body)

    assert (refused.status_code, code_of(refused)) == (400, "location_code_taken")
    assert Location.objects.count() == 1


@pytest.mark.parametrize("pk", ["9" * 30, "0", "abc", "1.5"])
def test_impossible_location_ids_are_not_found(manager, pk):
    assert manager.get(f"/api/inventory/locations/{pk}/").status_code == 404


def test_stock_is_shown_in_all_and_per_location(staff, path_of):
    level = StockLevelFactory(on_hand=9)
    closed = LocationFactory(code="closed", is_active=False, priority=200)
    StockLevelFactory(on_hand=5, item=level.item, location=closed)
    with transaction.atomic():
        services.reserve(quantities={level.item_id: 2}, reference="A", expires_at=None)

    stock = payload(staff.get(path_of(f"stock/{level.item.sku}")))

    assert stock == {
        "id": level.item_id,
        "sku": level.item.sku,
        "is_tracked": True,
        "on_hand": 14,
        "reserved": 2,
        "available": 7,
        "low_stock_threshold": None,
        "locations": [
            {
                "location": "main",
                "location_name": "Main warehouse",
                "on_hand": 9,
                "reserved": 2,
                "available": 7,
            },
            {
                "location": "closed",
                "location_name": closed.name,
                "on_hand": 5,
                "reserved": 0,
                "available": 5,
            },
        ],
    }


def test_a_sku_may_hold_slashes_and_dots(staff, path_of):
    StockLevelFactory(item__sku="A/1.5 m", on_hand=3)

    assert payload(staff.get(path_of("stock/A/1.5%20m")))["available"] == 3
    assert staff.get(path_of("stock/none")).status_code == 404


@pytest.mark.portable
def test_low_stock_is_what_is_tracked_and_nearly_gone(staff, path_of):
    low, enough = StockLevelFactory(on_hand=5).item, StockLevelFactory(on_hand=6).item
    empty, endless = StockItemFactory(), StockItemFactory(is_tracked=False)

    def skus(query):
        rows = payload(staff.get(path_of("stock") + query))["results"]
        return {row["sku"] for row in rows}

    assert skus("?low=1") == {low.sku, empty.sku}
    assert skus("?low=false") == {enough.sku, endless.sku}
    assert skus("?location=main") == {low.sku, enough.sku}
    assert skus(f"?sku={low.sku.lower()}&ordering=-available") == {low.sku}
    assert staff.get(path_of("stock") + "?low=maybe").status_code == 400
    assert staff.get(path_of("stock") + "?ordering=secret").status_code == 400


def test_an_item_may_run_low_at_a_number_of_its_own(staff, path_of):
    dear, cheap = StockLevelFactory(on_hand=9).item, StockLevelFactory(on_hand=2).item
    path = path_of(f"stock/{dear.sku}")

    changed = staff.patch(path, {"low_stock_threshold": 9})
    staff.patch(path_of(f"stock/{cheap.sku}"), {"low_stock_threshold": 0})

    assert payload(changed)["low_stock_threshold"] == 9
    rows = payload(staff.get(path_of("stock") + "?low=1"))["results"]
    assert [row["sku"] for row in rows] == [dear.sku]
    assert payload(staff.patch(path, {"low_stock_threshold": None}))["low_stock_threshold"] is None
    for nonsense in (-1, 1.5, True, "many", 2**31):
        assert staff.patch(path, {"low_stock_threshold": nonsense}).status_code == 400
    assert staff.patch(path, {}).status_code == 400
    assert staff.patch(path_of("stock/none"), {"low_stock_threshold": 1}).status_code == 404


@pytest.mark.parametrize("rows", [1, 10])
def test_lists_cost_a_constant_number_of_queries(staff, rows, django_assert_num_queries):
    StockLevelFactory.create_batch(rows, on_hand=5)

    for path, queries in [("stock", 4), ("movements", 3), ("locations", 3)]:
        staff.handler._force_user = type(staff.handler._force_user).objects.get()
        with django_assert_num_queries(queries):
            assert staff.get(f"/api/inventory/{path}/").status_code == 200


@pytest.mark.portable
def test_an_adjustment_books_the_difference_with_its_reason(staff, path_of):
    level = StockLevelFactory(on_hand=9)
    body = {"sku": level.item.sku, "location": "main", "delta": -2, "reason": "broken"}

    answer = staff.post(path_of("adjustments"), body)

    assert answer.status_code == 201
    assert payload(answer) == {
        "sku": level.item.sku,
        "location": "main",
        "location_name": "Main warehouse",
        "on_hand": 7,
        "reserved": 0,
        "available": 7,
    }
    movement = StockMovement.objects.get(kind="adjustment")
    assert (movement.on_hand_delta, movement.reason) == (-2, "broken")
    assert movement.actor_id == staff.handler._force_user.pk


def test_a_count_sets_what_is_on_hand_and_one_that_confirms_books_nothing(staff, path_of):
    level = StockLevelFactory(on_hand=9)
    body = {"sku": level.item.sku, "counted": 4, "reason": "stocktaking"}

    assert payload(staff.post(path_of("adjustments"), body))["on_hand"] == 4
    assert payload(staff.post(path_of("adjustments"), body))["on_hand"] == 4

    assert StockMovement.objects.filter(kind="adjustment").count() == 1


def test_an_adjustment_repeated_with_its_key_is_booked_once(staff):
    level = StockLevelFactory(on_hand=9)
    body = {"sku": level.item.sku, "delta": 1, "reason": "found"}

    first = staff.post("/api/inventory/adjustments/", body, headers={"Idempotency-Key": "k"})
    again = staff.post("/inventory/adjustments", body, headers={"Idempotency-Key": "k"})
    other = staff.post(
        "/inventory/adjustments", {**body, "delta": 2}, headers={"Idempotency-Key": "k"}
    )

    assert again.headers["Idempotent-Replayed"] == "true"
    assert payload(again) == payload(first)
    assert other.status_code == 422
    level.refresh_from_db()
    assert level.on_hand == 10


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"delta": -8}, 409, "units_reserved"),
        ({"counted": 1}, 409, "units_reserved"),
        ({"delta": 0}, 400, "nothing_to_move"),
        ({"delta": 1_000_000_000}, 400, "too_many_units"),
        ({"delta": 1, "counted": 1}, 400, "validation_error"),
        ({}, 400, "validation_error"),
        ({"delta": True}, 400, "validation_error"),
        ({"delta": 1.5}, 400, "validation_error"),
        ({"delta": 2**63}, 400, "validation_error"),
        ({"counted": -1}, 400, "validation_error"),
        ({"delta": 1, "reason": ""}, 400, "validation_error"),
        ({"delta": 1, "reason": "\x00"}, 400, "validation_error"),
        ({"delta": 1, "location": "nowhere"}, 404, "location_not_found"),
        ({"delta": 1, "sku": "nothing"}, 404, "sku_not_found"),
    ],
)
def test_an_impossible_adjustment_is_refused_and_books_nothing(staff, change, status, code):
    level = StockLevelFactory(on_hand=9)
    with transaction.atomic():
        services.reserve(quantities={level.item_id: 2}, reference="A", expires_at=None)
    body = {"sku": level.item.sku, "reason": "count", **change}

    refused = staff.post("/api/inventory/adjustments/", body)

    assert (refused.status_code, code_of(refused)) == (status, code)
    level.refresh_from_db()
    assert level.on_hand == 9
    assert not StockMovement.objects.filter(kind="adjustment").exists()


@pytest.mark.portable
def test_a_transfer_moves_units_between_locations(staff, path_of):
    level = StockLevelFactory(on_hand=9)
    LocationFactory(code="annex")
    body = {"sku": level.item.sku, "source": "main", "target": "annex", "quantity": 4}

    answer = staff.post(path_of("transfers"), body)

    assert answer.status_code == 201
    moved = payload(answer)
    assert (moved["source"]["on_hand"], moved["target"]["on_hand"]) == (5, 4)
    deltas = StockMovement.objects.filter(kind="transfer").values_list("on_hand_delta", flat=True)
    assert sorted(deltas) == [-4, 4]


def test_a_transfer_leaves_what_is_reserved(staff):
    level = StockLevelFactory(on_hand=9)
    LocationFactory(code="annex")
    with transaction.atomic():
        services.reserve(quantities={level.item_id: 6}, reference="A", expires_at=None)
    body = {"sku": level.item.sku, "source": "main", "target": "annex", "quantity": 4}

    refused = staff.post("/api/inventory/transfers/", body)
    same = staff.post("/api/inventory/transfers/", {**body, "target": "main"})

    assert (refused.status_code, code_of(refused)) == (409, "insufficient_stock")
    assert (same.status_code, code_of(same)) == (400, "same_location")
    level.refresh_from_db()
    assert level.on_hand == 9
    assert not StockMovement.objects.filter(kind="transfer").exists()


def test_movements_are_narrowed_by_what_staff_look_for(staff, path_of):
    first, second = StockLevelFactory(on_hand=9), StockLevelFactory(on_hand=9)
    with transaction.atomic():
        services.reserve(quantities={first.item_id: 6}, reference="ORDER-1", expires_at=None)

    def found(query):
        rows = payload(staff.get(path_of("movements") + query))["results"]
        return [(row["sku"], row["kind"]) for row in rows]

    hold = (first.item.sku, "reservation")
    receipt = (first.item.sku, "receipt")
    assert found("?reference=ORDER-1") == [hold]
    assert found("?kind=reservation") == [hold]
    assert found(f"?sku={first.item.sku}") == [hold, receipt]
    assert found(f"?sku={first.item.sku}&ordering=created_at") == [receipt, hold]
    assert found("?location=nowhere") == []
    assert found("?created_before=2020-01-01") == []
    assert len(found("?created_after=2020-01-01T00:00:00Z&location=main")) == 3
    assert found(f"?sku={second.item.sku}") == [(second.item.sku, "receipt")]
    for nonsense in (
        "?kind=theft",
        "?created_after=yesterday",
        "?created_after=0001-01-01T00:00:00%2B14:00",
        "?created_before=9999-12-31T23:59:59-14:00",
    ):
        assert staff.get(path_of("movements") + nonsense).status_code == 400


def test_the_ledger_cannot_be_written_over_http(staff):
    movement = StockLevelFactory(on_hand=1).movements.get()

    assert staff.post("/api/inventory/movements/", {}).status_code == 405
    assert staff.delete(f"/api/inventory/movements/{movement.pk}/").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "locations"),
        ("post", "locations"),
        ("get", "locations/1"),
        ("put", "locations/1"),
        ("patch", "locations/1"),
        ("delete", "locations/1"),
        ("get", "stock"),
        ("get", "stock/X"),
        ("patch", "stock/X"),
        ("post", "adjustments"),
        ("post", "transfers"),
        ("get", "movements"),
    ],
)
def test_stock_is_nobodys_business_but_the_staffs(method, path, path_of):
    anonymous, customer = ShopClient(), ShopClient()
    customer.force_authenticate(UserFactory())

    assert getattr(anonymous, method)(path_of(path)).status_code == 401
    assert getattr(customer, method)(path_of(path)).status_code == 403


def test_a_unit_cannot_be_lost_between_two_adjustments_of_one_level(staff):
    level = StockLevelFactory(on_hand=1)
    for delta in (5, -3):
        body = {"sku": level.item.sku, "delta": delta, "reason": "count"}
        assert staff.post("/api/inventory/adjustments/", body).status_code == 201

    assert StockLevel.objects.get().on_hand == 3
