"""Every field of every model, laid under a good request of every operation that takes a body.

A body of nothing but hostile fields is refused before anything is written, and proves little.
Here each operation gets what it declares and does its work; what the same request does with all
other fields beside it must be the same, row for row and column for column.
"""

import copy
from collections.abc import Mapping
from typing import Any

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.db import models
from django.test import override_settings

from accounts.models import User
from accounts.tests.factories import PASSWORD, UserFactory
from cart.tests.factories import CouponFactory
from catalog.models import Variant
from catalog.tests.factories import ProductFactory, VariantFactory
from orders.tests.trade import client_of, manager, pay, place, place_and_deliver, place_and_pay
from tests.client import ShopClient
from tests.contract.document import Operation, published
from tests.made_codes import made_for
from tests.security.hostile import Gunner
from tests.security.shop import Shop
from tests.security_matrix import nothing_lasts

pytestmark = pytest.mark.django_db

DOCUMENT = published()
WRITES = [
    operation
    for operation in DOCUMENT.by_name.values()
    if operation.method in {"post", "put", "patch"}
]
APPS = ["accounts", "cart", "catalog", "inventory", "orders", "payments", "shipping", "kernel"]
MODELS = [
    model
    for label in APPS
    for model in apps.get_app_config(label).get_models(include_auto_created=True)
]
# A good request where the one of the document is not good in this shop.
BODIES: dict[str, Any] = {
    "accounts_change_password": {"old_password": PASSWORD, "new_password": "another-long-phrase"},
    "accounts_two_factor_begin": {"current_password": PASSWORD},
    "auth_users_set_password": {
        "current_password": PASSWORD,
        "new_password": "another-long-phrase",
    },
    "cart_apply_coupon": {"code": "TENTH"},
    "cart_coupons_create": {"code": "spring-10", "kind": "percent", "percent": "12.5"},
    "cart_coupons_partial_update": {"usage_limit": 5},
    "catalog_categories_create": {"name": "Lighting"},
    "catalog_categories_update": {"name": "Lighting"},
    "catalog_categories_partial_update": {"name": "Lighting"},
    "catalog_images_create": {"url": "https://images.example.com/lamp.png"},
    "catalog_variants_create": {"price": "1.00", "options": {}},
    "catalog_variants_partial_update": {"price": "21.00", "stock": 5},
    "orders_partial_update": {"status": "processing"},
    "orders_update": {"status": "processing"},
    "orders_returns_partial_update": {"status": "approved"},
    "shipping_addresses_partial_update": {"city": "Leeds"},
    "shipping_methods_create": {
        "name": "Express",
        "code": "express",
        "price": "9.99",
        "rates": [{"from_weight_grams": 2000, "price": "8.99"}],
    },
    "shipping_methods_partial_update": {"price": "7.99"},
    "shipping_shipments_partial_update": {"status": "shipped"},
}
# Its body is the provider's: signed as it stands, and read by what that declares.
NOT_MADE = {"payments_webhook_stripe"}
TRIES = 30  # good requests are drawn by chance from what is there
# What the API calls such things, or might.
FURTHER = {
    "role": "admin",
    "roles": ["admin"],
    "is_admin": True,
    "customer": 1,
    "owner": 1,
    "price": "0.01",
    "total": "0.01",
    "amount": "0.01",
}
COLUMNS = [
    (
        model,
        [column.attname for column in model._meta.concrete_fields if not column.generated],
        "created_at" if isinstance(model._meta.pk, models.UUIDField) else "pk",
    )
    for model in MODELS
]
NAMES = {model._meta.label: names for model, names, _ in COLUMNS}
ABSENT = ["no row"] * max(len(names) for names in NAMES.values())
Rows = dict[tuple[str, int], tuple[Any, ...]]
Cell = tuple[str, int, str]


def sample(column: Any, *, variant: int) -> Any:
    """Return what a serializer would take for this column."""
    if column.is_relation:
        return [1] if column.many_to_many or column.one_to_many else 1
    if column.choices:
        return [key for key, _ in column.flatchoices][-1 - variant % len(column.flatchoices)]
    samples: dict[Any, tuple[Any, ...]] = {
        models.BooleanField: (True, False),
        models.DateTimeField: ("2020-01-02T03:04:05Z",),
        models.DateField: ("2020-01-02",),
        models.UUIDField: ("11111111-1111-4111-8111-111111111111",),
        models.EmailField: ("eve@example.com",),
        models.JSONField: ({},),
        models.IntegerField: (7, 0),
        models.DecimalField: ("7.00",),
    }
    for kind, values in samples.items():
        if isinstance(column, kind):
            return values[variant % len(values)]
    return "planted"


def hostile(*, variant: int) -> dict[str, Any]:
    """Return every name that a row of the shop has, with a value that its column takes."""
    found: dict[str, Any] = dict(FURTHER)
    for model in reversed(MODELS) if variant else MODELS:
        for column in model._meta.get_fields():
            if column.auto_created and not column.concrete:
                found.setdefault(column.name, [1])
                continue
            value = sample(column, variant=variant)
            found.setdefault(column.name, value)
            found.setdefault(getattr(column, "attname", column.name), value)
    found["groups"] = [Group.objects.get(name="admin").pk]
    return found


def declared(schema: Any) -> dict[str, Any]:
    """Return what a body may hold, by name."""
    if "$ref" in schema:
        schema = DOCUMENT.text["definitions"][schema["$ref"].rsplit("/", 1)[1]]
    return {
        name: child
        for name, child in schema.get("properties", {}).items()
        if not child.get("readOnly")
    }


def schema_of(operation: Operation) -> dict[str, Any]:
    """Return what an operation takes, as JSON or as a form."""
    parts = operation.published["parameters"]
    form = {part["name"]: part for part in parts if part["in"] == "formData"}
    return operation.body_schema or {"properties": form}


def laid_under(body: Any, schema: Any, fields: dict[str, Any]) -> Any:
    """Return the body with all fields beside its own that are not declared, at every depth."""
    if isinstance(body, list):
        return [laid_under(row, schema.get("items", {}), fields) for row in body]
    known = declared(schema)
    if not isinstance(body, dict) or "additionalProperties" in schema:
        return body  # a text or a number, or names that the caller may choose
    whole = {
        name: laid_under(value, known.get(name, {"type": "text"}), fields)
        for name, value in body.items()
    }
    return {**{name: value for name, value in fields.items() if name not in known}, **whole}


def rows() -> Rows:
    """Return every row; by their turn, for the keys of new ones may differ."""
    return {
        (model._meta.label, turn): row
        for model, names, order in COLUMNS
        for turn, row in enumerate(model._base_manager.order_by(order).values_list(*names))
    }


def changed(left: Rows, after: Rows) -> set[Cell]:
    """Return the columns in which what is there differs; every one of a row too many."""
    found: set[Cell] = set()
    for label, turn in left.keys() | after.keys():
        old, new = left.get((label, turn)), after.get((label, turn))
        if old != new:
            pairs = zip(NAMES[label], old or ABSENT, new or ABSENT, strict=False)
            found |= {(label, turn, name) for name, one, other in pairs if one != other}
    return found


class Attack:
    """One caller's requests, each with and without what is not declared."""

    def __init__(self, kind: str) -> None:
        self.shop = Shop(kind, seed=1)
        self.gunner = Gunner(DOCUMENT, self.shop, seed=1)
        self.hostile = [hostile(variant=variant) for variant in (0, 1)]
        buyer = User.objects.get(pk=self.shop.caller.user.pk)
        variant: Variant = VariantFactory(stock=20)  # type: ignore[assignment]  # factory_boy is untyped
        place_and_deliver(buyer, (variant, 1))  # and not reviewed
        packed = place_and_pay(buyer, (variant, 1))
        client_of(manager()).post("/api/shipping/shipments/", {"order": packed.number})
        with override_settings(PAYMENT_CAPTURE_METHOD="manual"):
            pay(place(buyer, (variant, 1)))
        ProductFactory()
        CouponFactory(code="TENTH")

    def good_request(self, operation: Operation) -> tuple[str, Any] | None:
        """Return path and body of a request that does its work; ``None``: there is none."""
        for _ in range(TRIES):
            path, body = self.gunner.good_request(operation)
            body = copy.deepcopy(self._body(operation) or body)
            with nothing_lasts():
                status = self._send(operation, path, body, {})
            if status == 403:
                return None
            if 200 <= status < 300:
                return path, body
        return None

    def _body(self, operation: Operation) -> Any:
        user = self.shop.caller.user
        assert user is not None
        if operation.name in {"accounts_login", "auth_jwt_create"}:
            return {"username": user.username, "password": PASSWORD}
        if operation.name == "accounts_token":
            return {"email": user.email, "password": PASSWORD}
        return BODIES.get(operation.name)

    def _send(self, operation: Operation, path: str, body: Any, fields: Mapping[str, Any]) -> int:
        """Send it with these fields beside its own, and with what is made for each request."""
        user, token = self.shop.caller.user, self.shop.caller.token
        assert user is not None
        made = made_for(operation.name, user)  # from now on the caller is another than was made
        if made is not None:
            path, body = operation.path.format(**made.path), made.body
            token = made.token or token
        body = laid_under(body, schema_of(operation), dict(fields)) if fields else body
        client = ShopClient(headers={"Authorization": f"Bearer {token}"})
        answer = getattr(client, operation.method)(path, body, format="json")
        status: int = answer.status_code
        return status

    def _leaves(
        self, operation: Operation, path: str, body: Any, fields: Mapping[str, Any]
    ) -> tuple[int, Rows]:
        """Return the status, and what there is afterwards; it is undone."""
        with nothing_lasts():
            return self._send(operation, path, body, fields), rows()

    def differences(self, operation: Operation) -> list[str] | None:
        """Return what a request does only with what is not declared; ``None``: none is good."""
        found = self.good_request(operation)
        if found is None:
            return None
        path, body = found
        status, left = self._leaves(operation, path, body, {})
        # What differs from one to the other anyway: moments, keys, hashes.
        moving = changed(left, self._leaves(operation, path, body, {})[1])
        wrong = []
        for fields in self.hostile:
            met, after = self._leaves(operation, path, body, fields)
            wrong += [f"{operation.name}: {cell}" for cell in changed(left, after) - moving]
            if met != status:
                wrong.append(f"{operation.name}: {met}, not {status}")
        return wrong


def test_a_good_request_does_the_same_with_every_other_field_beside_it():
    """And every operation does its work for somebody: one test, for one process to run."""
    wrong: list[str] = []
    reached: set[str] = set()
    for kind in ("customer", "staff"):
        with nothing_lasts():
            UserFactory()
            attack = Attack(kind)
            for operation in WRITES:
                found = attack.differences(operation)
                if found is not None:
                    reached.add(operation.name)
                    wrong += found

    assert wrong == [], "\n".join(wrong)
    assert {operation.name for operation in WRITES} - reached == NOT_MADE


def test_a_registration_gets_what_it_declares_and_no_more():
    names = {"username": "eve", "email": "eve@example.com", "password": "correct horse battery"}
    body = {**hostile(variant=0), "first_name": "Eve", "last_name": "Adams", **names}

    answer = client_of(None).post("/api/accounts/register/", body, format="json")

    eve = User.objects.get(username="eve")
    assert answer.status_code == 201
    assert (eve.is_staff, eve.is_superuser, eve.email_verified_at) == (False, False, None)
    assert [group.name for group in eve.groups.all()] == ["customer"]
