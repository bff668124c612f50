"""From when until when a product is there at all."""

from datetime import timedelta

import pytest
from django.utils import timezone

from catalog import selectors
from catalog.errors import VariantNotFound
from catalog.models import Product
from catalog.selectors import VariantReference
from catalog.tests.answers import names, payload, refused
from catalog.tests.factories import VariantFactory

pytestmark = pytest.mark.django_db

BEFORE, AFTER = timedelta(minutes=-5), timedelta(minutes=5)


def product(name, begin=None, end=None):
    now = timezone.now()
    dates = {
        "product__published_from": begin and now + begin,
        "product__published_until": end and now + end,
    }
    return VariantFactory(product__name=name, **dates)


@pytest.mark.portable
def test_a_product_is_there_between_its_dates_alone(anonymous, manager, path_of):
    shown = [product("Now", BEFORE, AFTER), product("Begun", BEFORE), product("Open", None, AFTER)]
    hidden = [product("Soon", AFTER), product("Over", None, BEFORE)]

    listed = names(anonymous.get(path_of("products") + "?ordering=name"))

    assert listed == ["Begun", "Now", "Open"]
    for variant in shown:
        assert anonymous.get(path_of(f"products/{variant.product_id}")).status_code == 200
        selectors.get_variants_for_sale([VariantReference(sku=variant.sku)])
    for variant in hidden:
        assert anonymous.get(path_of(f"products/{variant.product_id}")).status_code == 404
        assert anonymous.get(path_of(f"products/{variant.product_id}/variants")).status_code == 404
        assert manager.get(path_of(f"products/{variant.product_id}")).status_code == 200
        with pytest.raises(VariantNotFound):
            selectors.get_variants_for_sale([VariantReference(sku=variant.sku)])


@pytest.mark.portable
def test_dates_are_set_and_taken_away(manager, path_of):
    body = {"name": "Lamp", "price": "1.00", "published_from": "2030-01-01T00:00:00Z"}
    lamp = payload(manager.post(path_of("products"), body))
    one = path_of(f"products/{lamp['id']}")

    assert (lamp["published_from"], lamp["published_until"]) == ("2030-01-01T00:00:00Z", None)
    backwards = manager.patch(one, {"published_until": "2029-12-31T00:00:00Z"})
    assert refused(backwards, 400, "published_backwards")
    assert payload(manager.patch(one, {"published_from": None}))["published_from"] is None
    assert manager.patch(one, {"published_from": "soon"}).status_code == 400
    assert Product.objects.get().published_until is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_dates_at_the_edge_are_answered(manager, path_of, text):
    product = VariantFactory().product

    answer = manager.patch(path_of(f"products/{product.pk}"), {"published_from": text})

    assert answer.status_code in {200, 400}
