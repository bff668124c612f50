"""Every field of every model, offered to every operation that takes a body."""

from typing import Any

import pytest
from django.apps import apps
from django.db import models

from accounts.models import User
from cart.tests.factories import CouponFactory
from orders.tests.trade import client_of
from tests import security_matrix
from tests.routes import api_routes
from tests.security_matrix import IN
from tests.test_security_matrix import anns, filled, nothing_lasts

pytestmark = pytest.mark.django_db
__all__ = ["anns"]

ROUTES = [route for route in api_routes() if route.method in {"post", "put", "patch"}]
APPS = ["accounts", "cart", "catalog", "inventory", "orders", "payments", "shipping", "kernel"]
MODELS = [model for label in APPS for model in apps.get_app_config(label).get_models()]
# What a customer may change of rows that are there, by the services' own rules.
FREE = {
    "accounts.User": {"first_name", "last_name", "last_login"},
    "accounts.Session": None,  # logging in and out
    "cart.Cart": None,
    "cart.CartLine": None,
    "shipping.Address": None,
    "inventory.StockLevel": {"reserved"},  # by placing an order, or ending one
    "orders.Return": {"status", "reason"},  # their own, while it is asked for
    "orders.ReturnLine": None,
    "kernel.SpentBudget": None,
}
# Names that end what is asked for, or are told in plain words, stay out.
HOSTILE: list[Any] = [True, 1, "1", "admin"]


def fields() -> set[str]:
    """Return every name that a row of the shop has, and what the API calls such a thing."""
    names = {"role", "roles", "is_admin", "customer", "owner", "price", "total", "amount"}
    for model in MODELS:
        for column in model._meta.get_fields():
            names |= {column.name, getattr(column, "attname", column.name)}
    return names


def rows(model: type[models.Model]) -> dict[Any, dict[str, Any]]:
    free = FREE.get(model._meta.label, set())
    columns = [
        column.attname
        for column in model._meta.concrete_fields
        if not column.generated and (free is not None and column.attname not in free)
    ]
    return {row["pk"]: row for row in model._base_manager.values("pk", *columns)}


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
def test_no_body_changes_what_its_operation_does_not_declare(anns, value):
    ann = User.objects.get(username="ann")
    CouponFactory(code="TENTH")
    client, body, wrong, asked = client_of(ann), dict.fromkeys(fields(), value), [], 0
    watched = [model for model in MODELS if FREE.get(model._meta.label, set()) is not None]
    before = {model: rows(model) for model in watched}
    rights = sorted(ann.get_all_permissions())
    for route in ROUTES:
        path = filled(route.template, anns)
        if path is None or security_matrix.verdicts(route)["customer"] != IN:
            continue
        asked += 1
        with nothing_lasts():
            answer = getattr(client, route.method)(path, body, format="json")
            assert answer.status_code < 500, f"{route.method} {path}"
            for model in watched:
                after = rows(model)
                wrong += [
                    f"{route.method} {path}: {model._meta.label} {pk}"
                    for pk, row in before[model].items()
                    if pk in after and after[pk] != row
                ]
            assert sorted(User.objects.get(pk=ann.pk).get_all_permissions()) == rights

    assert wrong == []
    assert asked > 80


def test_a_registration_gets_what_it_declares_and_no_more(anns):
    body = {**dict.fromkeys(fields(), True), "first_name": "Eve", "last_name": "Adams"}
    names = {"username": "eve", "email": "eve@example.com", "password": "correct horse battery"}

    answer = client_of(None).post("/api/accounts/register/", {**body, **names}, format="json")

    eve = User.objects.get(username="eve")
    assert answer.status_code == 201
    assert (eve.is_staff, eve.is_superuser, eve.email_verified_at) == (False, False, None)
    assert [group.name for group in eve.groups.all()] == ["customer"]
