"""Returns and notes in the admin."""

import pytest
from django.urls import reverse

from accounts.tests.factories import UserFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import OrderNote, Return
from orders.tests.trade import ask_back, buyer, client_of, manager, place_and_deliver

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker(client):
    client.force_login(UserFactory(is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def variant():
    return VariantFactory(stock=5)


@pytest.fixture
def order(variant):
    order = place_and_deliver(buyer(), (variant, 2))
    assert ask_back(order, 2).status_code == 201
    client_of(manager()).post(f"/api/orders/{order.number}/notes/", {"text": "Careful."})
    return order


def url_of(model, page, *arguments):
    return reverse(f"admin:orders_{model._meta.model_name}_{page}", args=arguments)


@pytest.mark.parametrize(("model", "add"), [(Return, 403), (OrderNote, 200)])
def test_every_page_opens_and_nothing_is_rewritten(worker, order, model, add):
    row = model.objects.get()

    assert worker.get(url_of(model, "changelist"), {"q": order.number}).status_code == 200
    page = worker.get(url_of(model, "change", row.pk))
    assert page.status_code == 200
    assert b'name="_save"' not in page.content
    assert worker.get(url_of(model, "add")).status_code == add
    assert worker.post(url_of(model, "delete", row.pk)).status_code == 403


def test_an_order_shows_its_returns_and_notes(worker, order):
    page = worker.get(url_of(type(order), "change", order.pk)).content.decode()

    assert "Careful." in page
    assert url_of(Return, "change", Return.objects.get().pk) in page


@pytest.mark.parametrize(("receive", "on_hand"), [("receive_good", 5), ("receive_damaged", 3)])
def test_a_return_is_moved_on_by_actions(worker, order, variant, receive, on_hand):
    found = Return.objects.get()
    for action, status in (
        ("approve", "approved"),
        (receive, "received"),
        ("restock", "restocked"),
    ):
        body = {"action": action, "_selected_action": [found.pk]}
        worker.post(url_of(Return, "changelist"), body)
        found.refresh_from_db()
        assert found.status == status

    assert StockLevel.objects.get(item_id=variant.stock_item_id).on_hand == on_hand


def test_an_action_that_the_state_forbids_says_so(worker, order):
    found = Return.objects.get()
    body = {"action": "restock", "_selected_action": [found.pk]}

    page = worker.post(url_of(Return, "changelist"), body, follow=True)

    assert b"cannot become restocked" in page.content
    found.refresh_from_db()
    assert found.status == "requested"


def test_a_note_written_in_the_admin_names_its_author(worker, order):
    body = {"order": order.pk, "text": "Called back.", "is_internal": "on"}

    assert worker.post(url_of(OrderNote, "add"), body).status_code == 302

    note = OrderNote.objects.order_by("pk").last()
    assert (note.text, note.is_internal) == ("Called back.", True)
    assert note.author_id == int(worker.session["_auth_user_id"])
    assert OrderNote.objects.count() == 2
    assert order.events.order_by("pk").last().kind == "internal_note_added"


def test_the_list_takes_the_same_queries_for_one_and_for_ten(worker, django_assert_max_num_queries):
    order = place_and_deliver(buyer(), (VariantFactory(stock=20), 10))
    ask_back(order, 1)
    with django_assert_max_num_queries(15) as one:
        worker.get(url_of(Return, "changelist"))
    for _ in range(9):
        ask_back(order, 1)

    with django_assert_max_num_queries(15) as ten:
        worker.get(url_of(Return, "changelist"))

    assert len(ten) == len(one)
