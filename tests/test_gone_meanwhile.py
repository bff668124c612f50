"""What one of the staff deletes while another changes it is missing then, and no bug."""

import pytest
from django.db import connection

from cart.tests.factories import CouponFactory, TaxRateFactory
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
