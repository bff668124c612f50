"""Zones and methods."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from shipping.models import ShippingMethod, Zone
from shipping.tests.factories import ShippingMethodFactory, ZoneFactory
from tests.client import ShopClient

pytestmark = pytest.mark.django_db


def client_as(role: str | None) -> ShopClient:
    client = ShopClient()
    if role is not None:
        user = StaffFactory(role=role) if role else UserFactory()
        client.force_authenticate(user)  # type: ignore[arg-type]  # factories return models
    return client


@pytest.mark.portable
@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_zone_is_made_read_changed_and_deleted(prefix, slash):
    client = client_as("manager")
    path = f"{prefix}/shipping/zones"

    def payload(response):
        return response.json()["data"] if prefix else response.json()

    made = client.post(
        path + slash,
        {"name": "Home", "areas": [{"country": "us", "region": "CA"}, {"country": "GB"}]},
    )
    assert made.status_code == 201
    pk = payload(made)["id"]
    assert payload(made) == {
        "id": pk,
        "name": "Home",
        "areas": [{"country": "GB", "region": ""}, {"country": "US", "region": "CA"}],
    }
    assert payload(client.get(path + slash))["results"] == [payload(made)]
    assert payload(client.get(f"{path}/{pk}{slash}")) == payload(made)

    renamed = client.patch(f"{path}/{pk}{slash}", {"name": "Near"})
    assert payload(renamed) == {**payload(made), "name": "Near"}
    replaced = client.put(f"{path}/{pk}{slash}", {"name": "Far", "areas": [{"country": "NZ"}]})
    assert payload(replaced) == {
        "id": pk,
        "name": "Far",
        "areas": [{"country": "NZ", "region": ""}],
    }

    assert client.delete(f"{path}/{pk}{slash}").status_code == (200 if prefix else 204)
    assert not Zone.objects.exists()


def test_a_zone_that_limits_a_method_is_not_deleted():
    zone = ZoneFactory(areas=["GB"])
    ShippingMethodFactory(code="standard", zones=[zone])

    response = client_as("manager").delete(f"/api/shipping/zones/{zone.pk}/")

    assert response.status_code == 409
    assert response.json()["code"] == "zone_in_use"
    assert response.json()["params"] == {"methods": "standard"}
    assert Zone.objects.get().areas.count() == 1


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": "", "areas": []}, "name"),
        ({"name": "x" * 101, "areas": []}, "name"),
        ({"name": "A"}, "areas"),
        ({"name": "A", "areas": "GB"}, "areas"),
        ({"name": "A", "areas": [{"country": "XX"}]}, "areas"),
        ({"name": "A", "areas": [{"country": "GB"}] * 2}, "areas"),
        ({"name": "A", "areas": [{"country": "US", "region": r} for r in ("CA", "ca")]}, "areas"),
        (
            {"name": "A", "areas": [{"country": "GB", "region": str(n)} for n in range(501)]},
            "areas",
        ),
        ({"name": "Taken", "areas": []}, "name"),
    ],
)
def test_a_zone_that_makes_no_sense_is_refused(body, field):
    ZoneFactory(name="Taken")

    response = client_as("manager").post("/shipping/zones/", body)

    assert response.status_code == 400
    assert list(response.json()) == [field]
    assert Zone.objects.count() == 1


METHOD = {
    "name": "Express",
    "code": "express",
    "description": "With a van.",
    "price": "9.99",
    "is_active": True,
    "position": 2,
    "zones": [],
    "min_subtotal": "10.00",
    "max_subtotal": "500.00",
    "min_weight_grams": 0,
    "max_weight_grams": 20_000,
    "min_days": 1,
    "max_days": 2,
    "rates": [
        {"from_weight_grams": 2000, "price": "8.99"},
        {"from_weight_grams": 10000, "price": "19.00"},
    ],
    "free_from_subtotal": "50.00",
}


@pytest.mark.portable
@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_method_is_made_read_changed_and_deleted(prefix, slash):
    zone = ZoneFactory(areas=["GB"])
    client = client_as("manager")
    path = f"{prefix}/shipping/methods"

    def payload(response):
        return response.json()["data"] if prefix else response.json()

    made = client.post(path + slash, {**METHOD, "zones": [zone.pk]})
    assert made.status_code == 201
    pk = payload(made)["id"]
    assert payload(made) == {**METHOD, "id": pk, "currency": "GBP", "zones": [zone.pk]}
    assert payload(ShopClient().get(path + slash))["results"] == [payload(made)]
    assert payload(ShopClient().get(f"{path}/{pk}{slash}")) == payload(made)

    changed = client.patch(f"{path}/{pk}{slash}", {"price": "0", "max_subtotal": None})
    assert payload(changed) == {**payload(made), "price": "0.00", "max_subtotal": None}
    replaced = client.put(f"{path}/{pk}{slash}", {"name": "E", "code": "e", "price": "1.50"})
    assert payload(replaced) == {
        **dict.fromkeys(METHOD),
        "id": pk,
        "name": "E",
        "code": "e",
        "description": "",
        "price": "1.50",
        "currency": "GBP",
        "is_active": True,
        "position": 0,
        "zones": [],
        "rates": [],
        "min_days": 1,
        "max_days": 5,
    }

    assert client.delete(f"{path}/{pk}{slash}").status_code == (200 if prefix else 204)
    assert not ShippingMethod.objects.exists()


def test_customers_see_active_methods_and_staff_all():
    shown, hidden = ShippingMethodFactory(), ShippingMethodFactory(is_active=False)

    for role, expected in (
        (None, [shown.pk]),
        ("", [shown.pk]),
        ("manager", [shown.pk, hidden.pk]),
    ):
        client = client_as(role)
        results = client.get("/shipping/methods/").json()["results"]
        assert sorted(method["id"] for method in results) == expected
        status = 200 if role == "manager" else 404
        assert client.get(f"/shipping/methods/{hidden.pk}/").status_code == status


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"price": "-1"}, "price"),
        ({"price": "1.999"}, "price"),
        ({"price": "1e999999999"}, "price"),
        ({"price": True}, "price"),
        ({"price": None}, "price"),
        ({"free_from_subtotal": "-1"}, "free_from_subtotal"),
        ({"rates": "none"}, "rates"),
        ({"rates": [{"from_weight_grams": 0, "price": "1"}]}, "rates"),
        ({"rates": [{"from_weight_grams": 2**31, "price": "1"}]}, "rates"),
        ({"rates": [{"from_weight_grams": 5, "price": "-1"}]}, "rates"),
        ({"rates": [{"from_weight_grams": 5, "price": "1"}] * 2}, "rates"),
        ({"rates": [{"from_weight_grams": w, "price": "1"} for w in range(1, 102)]}, "rates"),
        ({"code": "no spaces"}, "code"),
        ({"code": "taken"}, "code"),
        ({"name": "a\nb"}, "name"),
        ({"min_days": 3, "max_days": 2}, "max_days"),
        ({"max_days": 366}, "max_days"),
        ({"min_subtotal": "600"}, "max_subtotal"),
        ({"min_weight_grams": 30_000}, "max_weight_grams"),
        ({"max_weight_grams": 2**31}, "max_weight_grams"),
        ({"position": 32768}, "position"),
        ({"zones": "all"}, "zones"),
        ({"zones": [2**63]}, "zones"),
        ({"zones": [1] * 101}, "zones"),
    ],
)
def test_a_method_that_makes_no_sense_is_refused(changes, field):
    ShippingMethodFactory(code="taken")

    response = client_as("manager").post("/api/shipping/methods/", {**METHOD, **changes})

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]
    assert ShippingMethod.objects.count() == 1


def test_a_change_is_held_against_what_stays():
    method = ShippingMethodFactory(min_days=3, max_days=5)

    response = client_as("manager").patch(f"/shipping/methods/{method.pk}/", {"max_days": 2})

    assert response.status_code == 400
    method.refresh_from_db()
    assert method.max_days == 5


def test_a_method_is_not_limited_to_a_zone_that_is_not_there():
    response = client_as("manager").post("/shipping/methods/", {**METHOD, "zones": [99]})

    assert response.status_code == 404
    assert response.json()["code"] == "zone_not_found"
    assert not ShippingMethod.objects.exists()


@pytest.mark.parametrize("prefix", ["/api", ""])
@pytest.mark.parametrize(("role", "status"), [(None, 401), ("", 403), ("warehouse", 403)])
def test_only_managers_manage_methods_and_zones(prefix, role, status):
    method, zone = ShippingMethodFactory(), ZoneFactory(areas=["GB"])
    client = client_as(role)

    for name, pk in (("methods", method.pk), ("zones", zone.pk)):
        path = f"{prefix}/shipping/{name}/"
        assert client.post(path, METHOD).status_code == status
        assert client.put(f"{path}{pk}/", METHOD).status_code == status
        assert client.patch(f"{path}{pk}/", METHOD).status_code == status
        assert client.delete(f"{path}{pk}/").status_code == status
    assert client.get(f"{prefix}/shipping/zones/").status_code == status
    assert client.get(f"{prefix}/shipping/zones/{zone.pk}/").status_code == status
    assert ShippingMethod.objects.get().name == "Standard"
    assert Zone.objects.get().name == zone.name


def test_lists_take_as_many_queries_for_ten_as_for_one(django_assert_num_queries):
    client, public = client_as("admin"), ShopClient()
    ShippingMethodFactory(zones=[ZoneFactory(areas=["GB"])])
    client.get("/shipping/zones/")  # the permissions are read once a user

    with django_assert_num_queries(3):
        client.get("/shipping/zones/")
    with django_assert_num_queries(4):
        public.get("/shipping/methods/")
    for number in range(9):
        ShippingMethodFactory(zones=[ZoneFactory(areas=["GB", ("US", str(number))])])
    with django_assert_num_queries(3):
        assert client.get("/shipping/zones/").json()["count"] == 10
    with django_assert_num_queries(4):
        assert public.get("/shipping/methods/").json()["count"] == 10


@pytest.mark.parametrize(
    ("areas", "status"),
    [([{"country": "GB"}], 200), ([{"region": "Kent"}], 400), ([{}], 400)],
)
def test_an_area_comes_whole_even_when_a_zone_is_changed_in_part(areas, status):
    zone = ZoneFactory(areas=["DE"])

    response = client_as("manager").patch(
        f"/api/shipping/zones/{zone.pk}/", {"areas": areas}, format="json"
    )

    assert response.status_code == status


@pytest.mark.parametrize(
    ("rates", "status"),
    [
        ([{"from_weight_grams": 5, "price": "8.99"}], 200),
        ([{"from_weight_grams": 5}], 400),
        ([{"price": "8.99"}], 400),
        ([{}, {}], 400),
    ],
)
def test_a_rate_comes_whole_even_when_a_method_is_changed_in_part(rates, status):
    method = ShippingMethodFactory()
    path = f"/api/shipping/methods/{method.pk}/"
    before = ShopClient().get(path).json()["data"]

    response = client_as("manager").patch(path, {"rates": rates}, format="json")

    assert response.status_code == status
    if status == 400:
        assert list(response.json()["errors"]) == ["rates"]
        assert ShopClient().get(path).json()["data"] == before
