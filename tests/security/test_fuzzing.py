"""Whether schemathesis comes to every operation, and not by luck."""

import json

import pytest
import schemathesis

from accounts.models import User
from catalog.models import Review
from tests.contract.document import PUBLISHED, published
from tests.security.fuzzing import Naming, is_open
from tests.security.shop import Shop

pytestmark = pytest.mark.django_db

SCHEMA = schemathesis.openapi.from_dict(json.loads(PUBLISHED.read_text()))
REVIEW = "/api/catalog/products/{product}/reviews/{id}/"
NAMED = [path for path in published().paths if "{" in path]


@pytest.mark.parametrize("kind", ["customer", "staff"])
def test_a_shop_with_nobody_else_in_it_has_something_for_every_path(kind):
    shop = Shop(kind, seed=1)
    User.objects.exclude(pk=shop.caller.user.pk).filter(is_staff=False).update(is_active=False)

    assert [path for path in NAMED if shop.path_parts(path) is None] == []


def test_a_customer_is_shown_the_way_to_reviews_of_their_own():
    shop, _ = Shop("customer", seed=1), Shop("customer", seed=2)

    shown = {shop.path_parts(REVIEW)["id"] for _ in range(10)}

    assert Review.objects.count() == 2
    assert shown == {Review.objects.get(author=shop.caller.user).pk}


def test_the_first_requests_to_every_operation_name_what_is_there():
    naming = Naming(Shop("staff", seed=1))

    astray = [
        operation.label
        for operation in (found.ok() for found in SCHEMA.get_all_operations())
        if "{" in operation.path
        for _ in range(4)
        if "astray" in _named(naming, operation)
    ]

    assert astray == []


def _named(naming, operation):
    names = [piece.split("}")[0] for piece in operation.path.split("{")[1:]]
    case = operation.Case(path_parameters=dict.fromkeys(names, "astray"), headers={})
    naming(None, case, {})
    return case.path_parameters.values()


def test_nobody_asks_at_open_doors_alone():
    open_ones = {found.ok().label for found in SCHEMA.include(is_open).get_all_operations()}

    assert open_ones == {
        f"{each.method.upper()} {each.path}"
        for each in published().by_name.values()
        if each.published.get("security") == []
    }
