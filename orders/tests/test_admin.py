"""Orders in the admin: looked at, and moved by the services alone."""

import pytest
from django.urls import reverse

from accounts.tests.factories import UserFactory
from cart.models import Cart
from catalog.tests.factories import VariantFactory
from orders.models import Order, OrderEvent, OrderLine
from orders.tests.trade import buyer, client_of, place, place_and_pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


def url_of(model, page, *arguments):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize("model", [Order, OrderLine, OrderEvent, Cart])
def test_every_page_opens_and_none_can_be_edited(worker, model):
    variant = VariantFactory(stock=5)
    user = buyer()
    client_of(user).post("/api/cart/", {"variant_id": variant.pk, "quantity": 1}, format="json")
    client_of(user).post("/api/orders/", {}, format="json")
    row = model.objects.first()

    assert worker.get(url_of(model, "changelist")).status_code == 200
    page = worker.get(url_of(model, "change", row.pk))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert worker.get(url_of(model, "add")).status_code == 403
    assert worker.post(url_of(model, "delete", row.pk)).status_code == 403


def test_money_is_shown_as_money(worker):
    order = place(buyer(), (VariantFactory(stock=5, price_minor=1234), 1))

    page = worker.get(url_of(Order, "change", order.pk)).content.decode()

    assert "12.34 GBP" in page
    assert "_minor<" not in page


def test_an_order_is_moved_on_by_an_action(worker):
    order = place_and_pay(buyer(), (VariantFactory(stock=5), 1))
    for action, status in (("start_processing", "processing"), ("ship", "shipped")):
        worker.post(url_of(Order, "changelist"), {"action": action, "_selected_action": [order.pk]})
        order.refresh_from_db()
        assert order.status == status


def test_an_action_that_the_state_forbids_says_so(worker):
    order = place(buyer(), (VariantFactory(stock=5), 1))

    page = worker.post(
        url_of(Order, "changelist"), {"action": "ship", "_selected_action": [order.pk]}, follow=True
    )

    assert b"cannot become shipped" in page.content
    order.refresh_from_db()
    assert order.status == "pending"


def test_the_list_takes_the_same_queries_for_one_and_for_ten(worker, django_assert_max_num_queries):
    variant = VariantFactory(stock=50)
    place(buyer(), (variant, 1))
    with django_assert_max_num_queries(15) as one:
        worker.get(url_of(Order, "changelist"))
    for _ in range(9):
        place(buyer(), (variant, 1))

    with django_assert_max_num_queries(15) as ten:
        worker.get(url_of(Order, "changelist"))

    assert len(ten) == len(one)
