"""The address book."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from shipping.models import Address
from shipping.services import MAX_ADDRESSES
from shipping.tests.factories import AddressFactory
from tests.client import ShopClient

pytestmark = pytest.mark.django_db

HOME = {
    "full_name": "Ada Lovelace",
    "line1": "12 St James's Square",
    "city": "London",
    "postal_code": "SW1Y 4JH",
    "country": "GB",
}


def client_of(user) -> ShopClient:
    client = ShopClient()
    client.force_authenticate(user)
    return client


def defaults_of(user) -> list[int]:
    return list(Address.objects.filter(default_for=user.pk).values_list("pk", flat=True))


@pytest.mark.portable
@pytest.mark.parametrize("slash", ["/", ""])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_an_address_is_added_read_changed_and_deleted(prefix, slash):
    user = UserFactory()
    client = client_of(user)
    path = f"{prefix}/shipping/addresses"

    def payload(response):
        return response.json()["data"] if prefix else response.json()

    added = client.post(path + slash, HOME)
    assert added.status_code == 201
    pk = payload(added)["id"]
    assert payload(added) == {
        **HOME,
        "id": pk,
        "line2": "",
        "region": "",
        "phone": "",
        "is_default": True,
        "created_at": payload(added)["created_at"],
    }

    listed = client.get(path + slash)
    assert payload(listed) == {
        "count": 1,
        "next": None,
        "previous": None,
        "results": [payload(added)],
    }
    one = client.get(f"{path}/{pk}{slash}")
    assert payload(one) == payload(added)
    again = client.get(f"{path}/{pk}{slash}", HTTP_IF_NONE_MATCH=one["ETag"])
    assert again.status_code == 304

    changed = client.patch(f"{path}/{pk}{slash}", {"line2": "Flat 3"})
    assert changed.status_code == 200
    assert payload(changed) == {**payload(added), "line2": "Flat 3"}
    replaced = client.put(f"{path}/{pk}{slash}", {**HOME, "city": "Westminster"})
    assert replaced.status_code == 200
    assert payload(replaced) == {**payload(added), "city": "Westminster"}

    deleted = client.delete(f"{path}/{pk}{slash}")
    assert deleted.status_code == (200 if prefix else 204)
    assert not Address.objects.exists()
    assert client.get(f"{path}/{pk}{slash}").status_code == 404


@pytest.mark.portable
def test_the_first_address_is_the_default_and_a_later_one_takes_over_only_when_asked():
    user = UserFactory()
    client = client_of(user)

    first = client.post("/shipping/addresses/", HOME).json()
    second = client.post("/shipping/addresses/", HOME).json()
    assert (first["is_default"], second["is_default"]) == (True, False)

    third = client.post("/shipping/addresses/", {**HOME, "is_default": True}).json()
    assert third["is_default"] is True
    assert defaults_of(user) == [third["id"]]

    moved = client.patch(f"/shipping/addresses/{second['id']}/", {"is_default": True})
    assert moved.json()["is_default"] is True
    assert defaults_of(user) == [second["id"]]


@pytest.mark.portable
def test_deleting_the_default_promotes_the_newest_other():
    user = UserFactory()
    default = AddressFactory(user=user, is_default=True)
    AddressFactory(user=user)
    newest = AddressFactory(user=user)
    AddressFactory()

    client_of(user).delete(f"/shipping/addresses/{default.pk}/")

    assert defaults_of(user) == [newest.pk]


def test_deleting_another_than_the_default_leaves_the_default_alone():
    user = UserFactory()
    default = AddressFactory(user=user, is_default=True)
    other = AddressFactory(user=user)

    client_of(user).delete(f"/shipping/addresses/{other.pk}/")

    assert defaults_of(user) == [default.pk]


def test_the_default_is_not_given_up_for_none():
    user = UserFactory()
    default = AddressFactory(user=user, is_default=True)

    response = client_of(user).patch(f"/shipping/addresses/{default.pk}/", {"is_default": False})

    assert response.status_code == 409
    assert response.json()["code"] == "default_address_needed"
    assert defaults_of(user) == [default.pk]


def test_a_form_that_leaves_the_default_out_leaves_it_as_it_is():
    user = UserFactory()
    default = AddressFactory(user=user, is_default=True)

    response = client_of(user).put(f"/shipping/addresses/{default.pk}/", HOME, format="multipart")

    assert response.status_code == 200
    assert response.json()["is_default"] is True


def test_an_address_book_holds_fifty():
    user = UserFactory()
    AddressFactory.create_batch(MAX_ADDRESSES - 1, user=user)
    client = client_of(user)

    assert client.post("/api/shipping/addresses/", HOME).status_code == 201
    refused = client.post("/api/shipping/addresses/", HOME)

    assert refused.status_code == 409
    assert refused.json() == {
        "success": False,
        "message": "An address book holds at most 50 addresses.",
        "data": None,
        "code": "too_many_addresses",
        "params": {"limit": 50},
    }
    assert Address.objects.filter(user=user).count() == MAX_ADDRESSES


def test_the_same_key_adds_one_address():
    user = UserFactory()
    client = client_of(user)

    first = client.post("/shipping/addresses/", HOME, HTTP_IDEMPOTENCY_KEY="a")
    again = client.post("/api/shipping/addresses/", HOME, HTTP_IDEMPOTENCY_KEY="a")

    assert again["Idempotent-Replayed"] == "true"
    assert again.json()["data"] == first.json()
    assert Address.objects.count() == 1


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
@pytest.mark.parametrize("prefix", ["/api", ""])
def test_another_customers_address_is_not_there(prefix, method):
    address = AddressFactory(is_default=True)
    before = Address.objects.values().get()

    for caller in (UserFactory(), StaffFactory(role="manager")):
        response = getattr(client_of(caller), method)(
            f"{prefix}/shipping/addresses/{address.pk}/", HOME if method != "get" else None
        )
        assert response.status_code == 404

    assert Address.objects.values().get() == before
    assert client_of(UserFactory()).get("/shipping/addresses/").json()["results"] == []


@pytest.mark.parametrize("pk", ["0", str(2**63), "9" * 5000, "abc", "-1"])
def test_an_id_that_cannot_be_is_404(pk):
    assert client_of(UserFactory()).get(f"/shipping/addresses/{pk}/").status_code == 404


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_an_address_book_needs_a_token(prefix):
    address = AddressFactory()
    client = ShopClient()

    for path in ("addresses/", f"addresses/{address.pk}/"):
        response = client.get(f"{prefix}/shipping/{path}")
        assert response.status_code == 401
        assert response.json()["code"] == "not_authenticated"
    assert client.post(f"{prefix}/shipping/addresses/", HOME).status_code == 401
    assert Address.objects.count() == 1


def test_what_is_typed_is_tidied():
    response = client_of(UserFactory()).post(
        "/shipping/addresses/",
        {**HOME, "full_name": "  Ada Lovelace ", "country": "gb", "postal_code": " sw1y  4jh "},
    )

    assert response.status_code == 201
    assert response.json()["full_name"] == "Ada Lovelace"
    assert response.json()["country"] == "GB"
    assert response.json()["postal_code"] == "SW1Y 4JH"


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("full_name", "", "blank"),
        ("full_name", "   ", "blank"),
        ("full_name", None, "null"),
        ("full_name", "x" * 151, "max_length"),
        ("full_name", "Ada\r\nBcc: all@example.com", "control_character"),
        ("full_name", "Ada\x00", "null_characters_not_allowed"),
        ("line1", "", "blank"),
        ("line1", ["a"], "invalid"),
        ("city", "", "blank"),
        ("city", {"a": 1}, "invalid"),
        ("region", "x" * 101, "max_length"),
        ("country", "", "blank"),
        ("country", "UK", "unknown_country"),
        ("country", "GBR", "unknown_country"),
        ("country", "ZZ", "unknown_country"),
        ("country", True, "invalid"),
        ("postal_code", "12345", "invalid_postal_code"),
        ("postal_code", "", "invalid_postal_code"),
        ("postal_code", "ß" * 20, "invalid_postal_code"),
        ("phone", "call me", "phone"),
        ("phone", "1" * 33, "max_length"),
        ("is_default", "perhaps", "invalid"),
    ],
)
def test_an_address_no_parcel_could_reach_is_refused(field, value, code):
    response = client_of(UserFactory()).post("/api/shipping/addresses/", {**HOME, field: value})

    assert response.status_code == 400
    assert response.json()["code"] == "validation_error"
    assert response.json()["errors"][field][0]["code"] == code
    assert not Address.objects.exists()


@pytest.mark.parametrize("field", ["full_name", "line1", "city", "country"])
def test_an_address_without_its_necessary_parts_is_refused(field):
    body = {name: value for name, value in HOME.items() if name != field}

    response = client_of(UserFactory()).post("/shipping/addresses/", body)

    assert response.status_code == 400
    assert response.json() == {field: ["This field is required."]}


@pytest.mark.parametrize(
    ("country", "good", "bad"),
    [
        ("GB", "EC1A 1BB", "EC1A"),
        ("GB", "m11ae", "M1"),
        ("US", "20500-0003", "2050"),
        ("DE", "10115", "1011"),
        ("FR", "75001", "7500A"),
        ("NL", "1012 AB", "0012 AB"),
        ("CA", "K1A 0B1", "K1A 0BB"),
        ("JP", "100-0001", "10-0001"),
        ("SE", "111 29", "11 129"),
        ("PL", "00-001", "00001"),
        ("US", "20500", "٢٠٥٠٠"),
    ],
)
def test_a_postal_code_is_checked_by_its_country(country, good, bad):
    client = client_of(UserFactory())
    body = {**HOME, "country": country}

    assert client.post("/shipping/addresses/", {**body, "postal_code": good}).status_code == 201
    refused = client.post("/shipping/addresses/", {**body, "postal_code": bad})
    assert refused.status_code == 400
    assert list(refused.json()) == ["postal_code"]


def test_a_country_without_postal_codes_needs_none():
    body = {**HOME, "country": "HK", "city": "Hong Kong", "postal_code": ""}

    assert client_of(UserFactory()).post("/shipping/addresses/", body).status_code == 201


def test_a_change_of_country_alone_holds_the_old_postal_code_against_it():
    address = AddressFactory(postal_code="SW1Y 4JH")

    response = client_of(address.user).patch(
        f"/api/shipping/addresses/{address.pk}/", {"country": "US"}
    )

    assert response.status_code == 400
    assert response.json()["errors"] == {
        "postal_code": [
            {
                "message": "A postal code of US looks like 20500.",
                "code": "invalid_postal_code",
            }
        ]
    }


def test_owner_and_id_in_the_body_are_ignored():
    user, victim = UserFactory(), UserFactory()

    response = client_of(user).post(
        "/shipping/addresses/",
        {**HOME, "id": 7, "user": victim.pk, "user_id": victim.pk, "default_for": victim.pk},
    )

    assert response.status_code == 201
    address = Address.objects.get()
    assert (address.user, address.default_for) == (user, user.pk)


def test_a_change_to_a_version_that_is_gone_is_refused():
    address = AddressFactory()
    client = client_of(address.user)
    etag = client.get(f"/shipping/addresses/{address.pk}/")["ETag"]
    client.patch(f"/shipping/addresses/{address.pk}/", {"city": "Leeds"})

    late = client.patch(f"/shipping/addresses/{address.pk}/", {"city": "York"}, HTTP_IF_MATCH=etag)

    assert late.status_code == 412
    address.refresh_from_db()
    assert address.city == "Leeds"


def test_an_unknown_query_parameter_is_refused_under_api_and_ignored_without():
    client = client_of(UserFactory())

    refused = client.get("/api/shipping/addresses/?colour=red")
    assert refused.status_code == 400
    assert refused.json()["code"] == "unknown_parameter"
    assert client.get("/shipping/addresses/?colour=red").status_code == 200


def test_a_list_of_addresses_takes_as_many_queries_for_ten_as_for_one(django_assert_num_queries):
    user = UserFactory()
    client = client_of(user)
    AddressFactory(user=user)

    with django_assert_num_queries(2):
        client.get("/api/shipping/addresses/")
    AddressFactory.create_batch(9, user=user)
    with django_assert_num_queries(2):
        assert client.get("/api/shipping/addresses/").json()["data"]["count"] == 10
