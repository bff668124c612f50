"""Everything the shop knows about a person, for that person and nobody else."""

import pytest

from accounts.ports import personal_data
from accounts.serializers import ExportSerializer
from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from orders.models import Order
from orders.tests.trade import buyer, client_of, place_and_pay
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.mark.parametrize("path", ["/api/accounts/user/export/", "/accounts/user/export"])
def test_a_customer_gets_what_every_part_of_the_shop_keeps(path):
    user, stranger = buyer(), buyer()
    order, another = (place_and_pay(who, (VariantFactory(), 1)) for who in (user, stranger))

    answer = client_of(user).get(path)
    body = answer.json()
    data = body.get("data", body)

    assert answer.status_code == 200
    assert answer["Cache-Control"] == "no-store"
    assert data["account"]["username"] == user.username
    assert [row["number"] for row in data["orders"]] == [order.number]
    assert [(row["order"], row["status"]) for row in data["payments"]] == [
        (order.number, "succeeded")
    ]
    assert another.number not in answer.content.decode()


def test_nothing_secret_is_exported():
    user = UserFactory()

    text = client_of(user).get("/accounts/user/export/").content.decode()

    assert user.password not in text
    assert "jti" not in text


def test_every_part_is_published():
    user = UserFactory()

    parts = [set(holder.export(user_id=user.pk)) for holder in personal_data.answerer]

    assert set().union(*parts) <= set(ExportSerializer().fields)


def test_it_is_for_oneself_alone():
    assert ShopClient().get("/api/accounts/user/export/").status_code == 401
    data = client_of(StaffFactory(role="admin")).get("/accounts/user/export/").json()
    assert data["orders"] == []


@pytest.mark.parametrize("orders", [1, 3])
def test_it_costs_the_same_with_one_order_and_with_three(orders, django_assert_num_queries):
    user = buyer()
    for _ in range(orders):
        place_and_pay(user, (VariantFactory(), 1))
    client = client_of(user)

    with django_assert_num_queries(22):
        assert len(client.get("/accounts/user/export/").json()["orders"]) == orders
    assert Order.objects.count() == orders
