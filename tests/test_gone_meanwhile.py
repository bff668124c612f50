"""What one of the staff deletes while another changes it is missing then, and no bug."""

import pytest
from django.db import connection
from django.test import Client

from cart.tests.factories import CouponFactory, TaxRateFactory
from catalog.models import Attribute, Option, OptionValue, ProductAttributeValue, Variant
from catalog.tests.factories import VariantFactory
from orders.tests.trade import client_of, manager
from shipping.tests.factories import ShippingMethodFactory, ZoneFactory
from tests.faces import code_of

pytestmark = pytest.mark.django_db


class Colleague:
    """Deletes a row as soon as the change of it is written."""

    def __init__(self, row):
        self.row, self.has_seen_it = row, False

    def __call__(self, execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if not self.has_seen_it and sql.startswith(f'UPDATE "{self.row._meta.db_table}"'):
            self.has_seen_it = True
            type(self.row)._base_manager.filter(pk=self.row.pk).delete()
        return answer


@pytest.mark.parametrize(
    ("factory", "path", "body"),
    [
        (TaxRateFactory, "cart/tax-rates/{row.pk}/", {"name": "VAT"}),
        (CouponFactory, "cart/coupons/{row.pk}/", {"is_active": False}),
        (ZoneFactory, "shipping/zones/{row.pk}/", {"name": "Islands"}),
        (ShippingMethodFactory, "shipping/methods/{row.pk}/", {"name": "Slow"}),
    ],
)
def test_what_is_deleted_while_it_is_changed_answers_like_a_missing_one(factory, path, body):
    row = factory()
    colleague = Colleague(row)

    with connection.execute_wrapper(colleague):
        answer = client_of(manager()).patch(f"/api/{path.format(row=row)}", body, format="json")

    assert colleague.has_seen_it
    assert answer.status_code == 404
    assert code_of(answer) == "not_found"


class Meanwhile:
    """Does something as soon as rows of a table have been read, the first time or a later one."""

    def __init__(self, model, act, *, reading=1):
        self._from, self._act, self.left = f'FROM "{model._meta.db_table}"', act, reading

    def __call__(self, execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if sql.startswith("SELECT") and self._from in sql:
            self.left -= 1
            if self.left == 0:
                self._act()
        return answer


def delete(*rows):
    for row in rows:
        type(row)._base_manager.filter(pk=row.pk).delete()


@pytest.mark.parametrize(
    ("factory", "path", "code"),
    [
        (TaxRateFactory, "cart/tax-rates/{row.pk}/", "not_found"),
        (ShippingMethodFactory, "shipping/methods/{row.pk}/", "shipping_method_not_found"),
    ],
)
def test_of_two_who_delete_the_same_the_second_is_told_it_is_gone(factory, path, code):
    row = factory()
    colleague = Meanwhile(type(row), lambda: delete(row))

    with connection.execute_wrapper(colleague):
        answer = client_of(manager()).delete(f"/api/{path.format(row=row)}")

    assert colleague.left <= 0
    assert (answer.status_code, code_of(answer)) == (404, code)


def test_an_attribute_taken_away_while_a_product_is_shown_is_shown_once_more():
    product = VariantFactory().product
    width = Attribute.objects.create(code="width", name="Width")
    stated = ProductAttributeValue.objects.create(product=product, attribute=width, value="3")
    colleague = Meanwhile(ProductAttributeValue, lambda: delete(stated, width), reading=2)

    with connection.execute_wrapper(colleague):
        path = f"/api/catalog/products/{product.pk}/"
        answer = client_of(manager()).patch(path, {"name": "Lamp"}, format="json")

    assert colleague.left <= 0
    assert answer.status_code == 200


def test_an_option_taken_away_while_the_admins_form_is_made_breaks_nothing():
    variant = VariantFactory()
    option = Option.objects.create(product=variant.product, name="Colour")
    red = OptionValue.objects.create(option=option, value="Red")
    variant.option_values.add(red)
    chosen = Variant.option_values.through.objects.get(optionvalue=red)
    colleague = Meanwhile(OptionValue, lambda: delete(chosen, red, option))
    browser = Client()
    browser.force_login(manager())

    with connection.execute_wrapper(colleague):
        answer = browser.get(f"/admin/catalog/product/{variant.product_id}/change/")

    assert colleague.left <= 0
    assert answer.status_code == 200
