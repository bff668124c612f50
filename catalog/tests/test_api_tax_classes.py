"""What products are taxed as, over HTTP."""

import pytest
from django.db import IntegrityError

from catalog.models import TaxClass
from catalog.tests.answers import names, payload, refused

pytestmark = pytest.mark.django_db


@pytest.mark.portable
def test_tax_classes_are_added_listed_changed_and_removed(manager, path_of):
    created = manager.post(path_of("tax-classes"), {"name": "Books", "code": "books"})
    assert created.status_code == 201
    books = payload(created)
    assert books == {"id": books["id"], "name": "Books", "code": "books", "is_default": False}

    assert names(manager.get(path_of("tax-classes"))) == ["Books", "Standard"]
    assert payload(manager.get(path_of("tax-classes/books"))) == books
    one = path_of(f"tax-classes/{books['id']}")
    assert payload(manager.patch(one, {"name": "Printed"}))["name"] == "Printed"
    assert payload(manager.put(one, books)) == books
    assert manager.delete(one).status_code in {200, 204}
    assert manager.get(one).status_code == 404


def test_tax_classes_are_for_staff(customer, anonymous, path_of):
    assert anonymous.get(path_of("tax-classes")).status_code == 401
    assert customer.get(path_of("tax-classes")).status_code == 403
    assert customer.post(path_of("tax-classes"), {"name": "A", "code": "a"}).status_code == 403


@pytest.mark.portable
def test_there_is_always_exactly_one_default(manager, path_of):
    first = payload(manager.get(path_of("tax-classes/standard")))

    made = manager.post(path_of("tax-classes"), {"name": "B", "code": "b", "is_default": True})
    assert payload(made)["is_default"] is True
    assert payload(manager.get(path_of("tax-classes/standard")))["is_default"] is False
    back = manager.patch(path_of(f"tax-classes/{first['id']}"), {"is_default": True})
    assert payload(back)["is_default"] is True

    stepped_down = manager.patch(path_of("tax-classes/standard"), {"is_default": False})
    assert refused(stepped_down, 409, "default_tax_class")
    removed = manager.delete(path_of("tax-classes/standard"))
    assert refused(removed, 409, "default_tax_class")
    assert TaxClass.objects.get(is_default=True).code == "standard"


def test_the_database_refuses_a_second_default():
    with pytest.raises(IntegrityError):
        TaxClass.objects.create(name="B", code="b", is_default=True)


@pytest.mark.portable
def test_a_product_names_its_tax_class_by_code_or_id(manager, path_of):
    books = payload(manager.post(path_of("tax-classes"), {"name": "Books", "code": "books"}))
    body = {"name": "Atlas", "price": "9.00", "tax_class": "books"}

    atlas = payload(manager.post(path_of("products"), body))

    assert atlas["tax_class"] == "books"
    one = path_of(f"products/{atlas['id']}")
    assert payload(manager.patch(one, {"tax_class": None}))["tax_class"] is None
    assert payload(manager.patch(one, {"tax_class": books["id"]}))["tax_class"] == "books"
    missing = manager.patch(one, {"tax_class": "food"})
    assert refused(missing, 404, "tax_class_not_found")
    assert manager.patch(one, {"tax_class": True}).status_code == 400
    in_use = manager.delete(path_of("tax-classes/books"))
    assert refused(in_use, 409, "tax_class_in_use")
    assert payload(manager.get(one))["tax_class"] == "books"


@pytest.mark.parametrize(
    "body",
    [
        {"name": "A"},
        {"name": "A", "code": "123"},
        {"name": "A", "code": "Äh"},
        {"name": "A", "code": "a" * 51},
        {"name": "A", "code": "standard"},
        {"name": "", "code": "a"},
        {"name": "A\x00", "code": "a"},
    ],
)
def test_a_tax_class_that_cannot_be_is_refused(manager, path_of, body):
    assert manager.post(path_of("tax-classes"), body).status_code == 400
    assert TaxClass.objects.count() == 1
