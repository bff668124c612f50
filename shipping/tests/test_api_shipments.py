"""Parcels: packing, moving, looking at, tracking."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from shipping.events import ShipmentDelivered, ShipmentShipped
from shipping.models import Shipment, ShipmentEvent, ShipmentLine
from shipping.ports import Parcel, ParcelLine, fulfilment
from shipping.services import new_tracking_number
from shipping.tests.factories import ShipmentFactory
from shop_backend.kernel import events
from shop_backend.kernel.errors import Conflict, Missing
from tests.client import ShopClient

pytestmark = pytest.mark.django_db


class OrderMissing(Missing):
    code = "test_order_not_found"
    message = "There is no such order."


class NothingLeft(Conflict):
    code = "already_shipped"
    message = "Everything is in a parcel already."


class Orders:
    """Stands for the app above: one order, ``R1``, of two lamps and a shade."""

    def __init__(self) -> None:
        self.customer = UserFactory()
        self.news: list[Any] = []
        self.refuses_news = False

    def lock(self, *, reference) -> None:
        """There is nothing to wait for."""

    def claim_parcel(self, *, reference, lines, actor_id):
        if reference != "R1":
            raise OrderMissing
        if Shipment.objects.filter(reference="R1").exists():
            raise NothingLeft
        names = {"LAMP": "Red lamp", "SHADE": "Shade"}
        lines = lines or (ParcelLine("LAMP", 2), ParcelLine("SHADE", 1))
        named = tuple(ParcelLine(line.sku, line.quantity, names[line.sku]) for line in lines)
        return Parcel("R1", self.customer.pk, named)

    def hear(self, event) -> None:
        if self.refuses_news:
            raise NothingLeft
        self.news.append(event)


@pytest.fixture
def orders() -> Iterator[Orders]:
    upper_floor = Orders()
    listeners = {ShipmentShipped: [upper_floor.hear], ShipmentDelivered: [upper_floor.hear]}
    with fulfilment.answered_by(upper_floor), events.subscribed(listeners):
        yield upper_floor


def client_of(user) -> ShopClient:
    client = ShopClient()
    client.force_authenticate(user)
    return client


def staff_client(role: str = "warehouse") -> ShopClient:
    return client_of(StaffFactory(role=role))


@pytest.mark.portable
@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_parcel_is_packed_shipped_delivered_and_tracked(prefix, slash, orders):
    packer = StaffFactory(role="warehouse")
    client = client_of(packer)
    path = f"{prefix}/shipping/shipments"

    def payload(response):
        return response.json()["data"] if prefix else response.json()

    packed = client.post(path + slash, {"order": "R1", "carrier": "Royal Mail"})
    assert packed.status_code == 201
    parcel = payload(packed)
    pk, number = parcel["id"], parcel["tracking_number"]
    assert parcel == {
        "id": pk,
        "order": "R1",
        "status": "packed",
        "carrier": "Royal Mail",
        "tracking_number": number,
        "created_at": parcel["created_at"],
        "shipped_at": None,
        "delivered_at": None,
        "lines": [
            {"sku": "LAMP", "name": "Red lamp", "quantity": 2},
            {"sku": "SHADE", "name": "Shade", "quantity": 1},
        ],
        "events": [{"status": "packed", "created_at": parcel["events"][0]["created_at"]}],
    }
    assert Shipment.objects.get().customer == orders.customer

    shipped = payload(client.patch(f"{path}/{pk}{slash}", {"status": "shipped"}))
    assert (shipped["status"], shipped["delivered_at"]) == ("shipped", None)
    delivered = payload(client.patch(f"{path}/{pk}{slash}", {"status": "DELIVERED"}))
    assert [event["status"] for event in delivered["events"]] == ["packed", "shipped", "delivered"]
    assert delivered["shipped_at"] == shipped["shipped_at"] < delivered["delivered_at"]
    assert orders.news == [
        ShipmentShipped("R1", pk, (("LAMP", 2), ("SHADE", 1)), packer.pk),
        ShipmentDelivered("R1", pk, packer.pk),
    ]

    own = client_of(orders.customer)
    assert payload(own.get(path + slash))["results"] == [delivered]
    assert payload(own.get(f"{path}/{pk}{slash}")) == delivered
    tracked = ShopClient().get(f"{prefix}/shipping/track/{number.lower()}{slash}")
    assert tracked.status_code == 200
    assert payload(tracked) == {
        "tracking_number": number,
        "carrier": "Royal Mail",
        "status": "delivered",
        "history": delivered["events"],
    }


@pytest.mark.portable
def test_a_parcel_may_hold_a_part_and_have_the_carriers_number(orders):
    response = staff_client().post(
        "/shipping/shipments/",
        {
            "order": "R1",
            "lines": [{"sku": "LAMP", "quantity": 1}],
            "tracking_number": " 1z 999-aa1 ",
        },
    )

    assert response.status_code == 201
    assert response.json()["tracking_number"] == "1Z999-AA1"
    assert response.json()["carrier"] == ""
    line = ShipmentLine.objects.get()
    assert (line.sku, line.name, line.quantity) == ("LAMP", "Red lamp", 1)


def test_what_the_order_forbids_is_not_packed(orders):
    client = staff_client()

    missing = client.post("/shipping/shipments/", {"order": "R2"})
    assert missing.status_code == 404
    assert client.post("/shipping/shipments/", {"order": "R1"}).status_code == 201
    refused = client.post("/api/shipping/shipments/", {"order": "R1"})

    assert refused.status_code == 409
    assert refused.json()["code"] == "already_shipped"
    assert Shipment.objects.count() == 1


def test_the_same_key_packs_one_parcel(orders):
    client = staff_client()
    body = {"order": "R1"}

    first = client.post("/shipping/shipments/", body, HTTP_IDEMPOTENCY_KEY="key")
    again = client.post("/shipping/shipments/", body, HTTP_IDEMPOTENCY_KEY="key")
    other = client.post("/shipping/shipments/", {"order": "R2"}, HTTP_IDEMPOTENCY_KEY="key")

    assert again.status_code == 201
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert other.status_code == 422
    assert Shipment.objects.count() == 1


@pytest.mark.portable
@pytest.mark.parametrize(
    ("status", "wanted", "allowed"),
    [
        ("packed", "packed", "cancelled, shipped"),
        ("packed", "delivered", "cancelled, shipped"),
        ("shipped", "packed", "delivered"),
        ("shipped", "shipped", "delivered"),
        ("delivered", "packed", "nothing"),
        ("delivered", "shipped", "nothing"),
        ("delivered", "delivered", "nothing"),
        ("shipped", "cancelled", "delivered"),
        ("cancelled", "shipped", "nothing"),
    ],
)
def test_a_parcel_moves_one_way_only(status, wanted, allowed, orders):
    shipment = ShipmentFactory(status=status)

    response = staff_client().patch(
        f"/api/shipping/shipments/{shipment.pk}/", {"status": wanted, "carrier": "DHL"}
    )

    assert response.status_code == 409
    assert response.json()["code"] == "illegal_shipment_transition"
    assert response.json()["params"] == {"current": status, "wanted": wanted, "allowed": allowed}
    shipment.refresh_from_db()
    assert (shipment.status, shipment.carrier) == (status, "")
    assert ShipmentEvent.objects.count() == 1
    assert orders.news == []


def test_a_parcel_does_not_move_when_the_order_refuses_the_news(orders):
    shipment = ShipmentFactory()
    orders.refuses_news = True

    response = staff_client().patch(f"/shipping/shipments/{shipment.pk}/", {"status": "shipped"})

    assert response.status_code == 409
    shipment.refresh_from_db()
    assert (shipment.status, shipment.shipped_at) == ("packed", None)
    assert ShipmentEvent.objects.count() == 1


def test_carrier_and_number_can_be_corrected(orders):
    shipment = ShipmentFactory(status="shipped")

    response = staff_client("manager").patch(
        f"/shipping/shipments/{shipment.pk}/", {"carrier": "DHL", "tracking_number": "jd01 4600"}
    )

    assert response.status_code == 200
    assert response.json()["carrier"] == "DHL"
    assert response.json()["tracking_number"] == "JD014600"
    assert response.json()["status"] == "shipped"
    assert orders.news == []


@pytest.mark.portable
def test_two_parcels_never_share_a_tracking_number(orders):
    ShipmentFactory(tracking_number="JD014600")
    other = ShipmentFactory(tracking_number="JD014601")
    client = staff_client()

    packed = client.post("/shipping/shipments/", {"order": "R1", "tracking_number": "jd014600"})
    changed = client.patch(f"/shipping/shipments/{other.pk}/", {"tracking_number": "JD014600"})

    for response in (packed, changed):
        assert response.status_code == 400
        assert response.json() == {
            "tracking_number": ["Another shipment has this tracking number."]
        }
    assert Shipment.objects.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"order": ""},
        {"order": None},
        {"order": "x" * 65},
        {"lines": []},
        {"lines": "LAMP"},
        {"lines": [{"sku": "LAMP"}]},
        {"lines": [{"sku": "LAMP", "quantity": 0}]},
        {"lines": [{"sku": "LAMP", "quantity": -1}]},
        {"lines": [{"sku": "LAMP", "quantity": 2**31}]},
        {"lines": [{"sku": "LAMP", "quantity": True}]},
        {"lines": [{"sku": "LAMP", "quantity": 1}] * 2},
        {"lines": [{"sku": str(n), "quantity": 1} for n in range(501)]},
        {"carrier": "x" * 101},
        {"carrier": "a\nb"},
        {"tracking_number": "abc"},
        {"tracking_number": "x" * 65},
        {"tracking_number": "a/b/c/d"},
        {"tracking_number": "ß" * 64},
    ],
)
def test_a_parcel_that_makes_no_sense_is_refused(changes, orders):
    response = staff_client().post("/api/shipping/shipments/", {"order": "R1", **changes})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == list(changes)
    assert not Shipment.objects.exists()


@pytest.mark.parametrize("status", ["lost", "", None, 1, [], {}, True])
def test_a_status_that_is_none_is_refused(status, orders):
    shipment = ShipmentFactory()

    response = staff_client().patch(f"/shipping/shipments/{shipment.pk}/", {"status": status})

    assert response.status_code == 400
    assert list(response.json()) == ["status"]


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_customers_see_their_own_parcels_and_staff_all(prefix):
    mine, other = ShipmentFactory(), ShipmentFactory()
    path = f"{prefix}/shipping/shipments/"

    def seen(client):
        body = client.get(path).json()
        return [row["id"] for row in (body["data"] if prefix else body)["results"]]

    own = client_of(mine.customer)
    assert seen(own) == [mine.pk]
    assert own.get(f"{path}{mine.pk}/").status_code == 200
    assert own.get(f"{path}{other.pk}/").status_code == 404
    for role in ("support", "warehouse", "manager", "admin"):
        assert seen(staff_client(role)) == [other.pk, mine.pk]
    assert ShopClient().get(path).status_code == 401
    assert ShopClient().get(f"{path}{mine.pk}/").status_code == 401


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("support", 403)])
def test_only_those_who_pack_may_pack_and_move(prefix, role, status, orders):
    shipment = ShipmentFactory()
    client = ShopClient()
    if role is not None:
        user = StaffFactory(role=role) if role else shipment.customer
        client.force_authenticate(user)

    packed = client.post(f"{prefix}/shipping/shipments/", {"order": "R1"})
    moved = client.patch(f"{prefix}/shipping/shipments/{shipment.pk}/", {"status": "shipped"})

    assert (packed.status_code, moved.status_code) == (status, status)
    shipment.refresh_from_db()
    assert shipment.status == "packed"
    assert Shipment.objects.count() == 1


def test_parcels_are_neither_replaced_nor_deleted(orders):
    shipment = ShipmentFactory()
    client = staff_client("admin")

    for method in ("put", "delete"):
        response = getattr(client, method)(f"/api/shipping/shipments/{shipment.pk}/", {})
        assert response.status_code == 405
        assert response.json()["code"] == "method_not_allowed"
    assert Shipment.objects.count() == 1


def test_staff_find_parcels_by_order_status_customer_and_number():
    wanted = ShipmentFactory(status="shipped", reference="R1", tracking_number="FIND1234")
    ShipmentFactory()
    client = staff_client()

    for query in (
        "order=R1",
        "status=shipped",
        f"customer={wanted.customer_id}",
        "tracking_number=find1234",
        "order=R1&status=shipped&ordering=-created_at&page=1&page_size=5",
    ):
        body = client.get(f"/api/shipping/shipments/?{query}").json()
        assert [row["id"] for row in body["data"]["results"]] == [wanted.pk], query
    assert client.get("/shipping/shipments/?order=R9").json()["results"] == []


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize(
    "query",
    [
        "status=lost",
        "customer=abc",
        "customer=0",
        f"customer={2**63}",
        "customer=1e999999999",
        "customer=NaN",
        "customer=1.5",
        "order=" + "x" * 65,
        "ordering=carrier",
        "page=0",
        "cursor=%FF",
    ],
)
def test_a_filter_that_is_not_understood_is_refused(prefix, query):
    assert staff_client().get(f"{prefix}/shipping/shipments/?{query}").status_code == 400


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize("number", ["UNKNOWN99", "x" * 3000, "%F0%9F%98%80", "a b", "'--"])
def test_an_unknown_tracking_number_is_404(prefix, number):
    ShipmentFactory()

    response = ShopClient().get(f"{prefix}/shipping/track/{number}/")

    assert response.status_code == 404
    assert response.json()["code"] == "shipment_not_found"


def test_tracking_numbers_of_the_shop_cannot_be_guessed(settings):
    settings.SHOP_NAME = "The Lamp shop"
    numbers = {new_tracking_number() for _ in range(1000)}

    assert len(numbers) == 1000
    assert all(re.fullmatch(r"TLS[0-9A-HJKMNP-TV-Z]{16}", number) for number in numbers)
    settings.SHOP_NAME = "灯"
    assert re.fullmatch(r"SHOP[0-9A-Z]{16}", new_tracking_number())


def test_a_list_of_parcels_takes_as_many_queries_for_ten_as_for_one(django_assert_num_queries):
    customer = UserFactory()
    client = client_of(customer)
    ShipmentFactory(customer=customer)
    client.get("/shipping/shipments/")  # the permissions are read once a user

    with django_assert_num_queries(4):
        client.get("/shipping/shipments/")
    for _ in range(9):
        ShipmentFactory(customer=customer, units={"A": 1, "B": 2})
    with django_assert_num_queries(4):
        assert client.get("/shipping/shipments/").json()["count"] == 10
