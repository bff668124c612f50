"""Facts that products state and lists are filtered by."""

import pytest

from catalog.models import Attribute, ProductAttributeValue
from catalog.tests.answers import names, payload, refused
from catalog.tests.factories import VariantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def attributes():
    return [
        Attribute.objects.create(code=code, name=code.title(), kind=kind)
        for code, kind in [("dimmable", "boolean"), ("material", "text"), ("width", "number")]
    ]


@pytest.mark.portable
def test_attributes_are_added_listed_changed_and_removed(manager, anonymous, path_of):
    body = {"code": "width", "name": "Width", "kind": "number"}
    created = manager.post(path_of("attributes"), body)
    assert created.status_code == 201
    width = payload(created)

    assert payload(anonymous.get(path_of("attributes")))["results"] == [width]
    assert payload(anonymous.get(path_of("attributes/width"))) == width
    one = path_of(f"attributes/{width['id']}")
    assert payload(manager.patch(one, {"kind": "text"}))["kind"] == "text"
    assert payload(manager.put(one, width)) == width
    taken = manager.post(path_of("attributes"), body)
    assert refused(taken, 400, "attribute_code_taken")
    assert manager.delete(one).status_code in {200, 204}
    assert anonymous.get(one).status_code == 404


def test_attributes_are_written_by_staff(anonymous, customer, path_of):
    body = {"code": "width", "name": "Width"}

    assert anonymous.post(path_of("attributes"), body).status_code == 401
    assert customer.post(path_of("attributes"), body).status_code == 403
    assert Attribute.objects.count() == 0


@pytest.mark.portable
def test_a_product_states_attributes(manager, anonymous, path_of, attributes):
    stated = [
        {"code": "material", "value": " Glass "},
        {"code": "width", "value": 30.50},
        {"code": "dimmable", "value": True},
    ]
    body = {"name": "Lamp", "price": "1.00", "attributes": stated}

    lamp = payload(manager.post(path_of("products"), body))

    assert lamp["attributes"] == [
        {"code": "dimmable", "name": "Dimmable", "kind": "boolean", "value": "true"},
        {"code": "material", "name": "Material", "kind": "text", "value": "Glass"},
        {"code": "width", "name": "Width", "kind": "number", "value": "30.5"},
    ]
    one = path_of(f"products/{lamp['id']}")
    assert payload(manager.put(one, lamp))["attributes"] == lamp["attributes"]
    assert payload(manager.patch(one, {"name": "L"}))["attributes"] == lamp["attributes"]
    for change in [manager.delete(path_of("attributes/width"))]:
        assert refused(change, 409, "attribute_in_use")
    kind = manager.patch(path_of("attributes/width"), {"kind": "text"})
    assert refused(kind, 409, "attribute_in_use")
    assert payload(manager.patch(one, {"attributes": []}))["attributes"] == []


@pytest.mark.parametrize(
    ("stated", "status", "code"),
    [
        ([{"code": "colour", "value": "Red"}], 404, "attribute_not_found"),
        ([{"code": "width", "value": "wide"}], 400, "attribute_value_invalid"),
        ([{"code": "width", "value": True}], 400, "attribute_value_invalid"),
        ([{"code": "width", "value": "NaN"}], 400, "attribute_value_invalid"),
        ([{"code": "width", "value": "1e999999999"}], 400, "attribute_value_invalid"),
        ([{"code": "dimmable", "value": "perhaps"}], 400, "attribute_value_invalid"),
        ([{"code": "width", "value": 1}] * 2, 400, "repeated_attribute"),
        ([{"code": "material", "value": "x" * 101}], 400, "validation_error"),
        ([{"code": "material", "value": "a\x00"}], 400, "validation_error"),
        ([{"code": "material", "value": None}], 400, "validation_error"),
        ([{"code": "material", "value": {}}], 400, "validation_error"),
        ([{"code": "material", "value": "a"}] * 51, 400, "validation_error"),
        ([{"code": "material"}], 400, "validation_error"),
        ([{"value": "a"}], 400, "validation_error"),
        ([{}], 400, "validation_error"),
        ("glass", 400, "validation_error"),
    ],
)
def test_what_cannot_be_stated_is_refused(manager, path_of, attributes, stated, status, code):
    product = VariantFactory().product

    answer = manager.patch(path_of(f"products/{product.pk}"), {"attributes": stated})

    assert refused(answer, status, code)
    assert ProductAttributeValue.objects.count() == 0


@pytest.mark.portable
def test_lists_are_narrowed_by_attributes(anonymous, path_of, attributes):
    _, material, width = attributes
    for name, glass, wide in [("A", "Glass", "30"), ("B", "Glass", "40"), ("C", "Wood", "30")]:
        product = VariantFactory(product__name=name).product
        product.attribute_values.create(attribute=material, value=glass)
        product.attribute_values.create(attribute=width, value=wide)

    def found(*stated):
        query = {"attribute": list(stated), "ordering": "name"}
        return names(anonymous.get(path_of("products"), query))

    assert found("material:Glass") == found("material:glass") == ["A", "B"]
    assert found("material:Glass", "width:30") == ["A"]
    assert found("material:Steel") == found("colour:Red") == []
    path = path_of("products")
    assert anonymous.get(path + "?attribute=material").status_code == 400
    assert anonymous.get(path + "?" + "&".join(["attribute=a:b"] * 6)).status_code == 400
