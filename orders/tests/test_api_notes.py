"""Notes on orders: written by staff, for the customer or for the house alone."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.tests.factories import VariantFactory
from orders.models import OrderNote
from orders.tests.trade import buyer, client_of, manager, place
from tests.faces import code_of, every_spelling, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]


@pytest.fixture
def order():
    return place(buyer(), (VariantFactory(stock=5), 1))


def write(order, actor, **body):
    return client_of(actor).post(f"/api/orders/{order.number}/notes/", body, format="json")


def notes_seen_by(user, order):
    shown = payload_of(client_of(user).get(f"/api/orders/{order.number}/"))
    return [note["text"] for note in shown["notes"]]


@every_spelling
def test_a_note_says_who_wrote_it(order, prefix, ending):
    worker = StaffFactory(role="support")

    response = client_of(worker).post(
        f"{prefix}/orders/{order.pk}/notes{ending}", {"text": "Called back."}, format="json"
    )

    assert response.status_code == 201
    note = payload_of(response, prefix)
    assert (note["text"], note["is_internal"], note["author_id"]) == (
        "Called back.",
        True,
        worker.pk,
    )
    event = order.events.order_by("pk").last()
    assert (event.kind, event.actor_id) == ("internal_note_added", worker.pk)
    assert event.data == {"note_id": note["id"]}


def test_customers_see_the_notes_to_them_and_staff_see_all(order):
    write(order, manager(), text="A friend of the house.")
    write(order, manager(), text="It leaves on Monday.", is_internal=False)

    assert notes_seen_by(order.customer, order) == ["It leaves on Monday."]
    for role in ("support", "warehouse", "manager", "admin"):
        seen = notes_seen_by(StaffFactory(role=role), order)
        assert seen == ["A friend of the house.", "It leaves on Monday."]


def test_an_internal_note_leaves_no_trace_for_the_customer(order):
    write(order, manager(), text="secret words")

    client = client_of(order.customer)
    for path in ("", "events/"):
        answer = client.get(f"/api/orders/{order.number}/{path}")
        assert "secret words" not in answer.content.decode()
        assert "internal_note" not in answer.content.decode()


def test_customers_write_no_notes_and_strangers_find_no_order(order):
    own, stranger = write(order, order.customer, text="x"), write(order, UserFactory(), text="x")

    assert (own.status_code, code_of(own)) == (403, "permission_denied")
    assert (stranger.status_code, code_of(stranger)) == (404, "order_not_found")
    assert not OrderNote.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": ""},
        {"text": "x" * 2001},
        {"text": "\x00"},
        {"text": ["x"]},
        {"text": "x", "is_internal": "perhaps"},
    ],
)
def test_nonsense_is_no_note(order, body):
    assert write(order, manager(), **body).status_code == 400
    assert not OrderNote.objects.exists()


def test_a_note_written_twice_with_one_key_is_one(order):
    client = client_of(manager())
    path, key = f"/api/orders/{order.number}/notes/", {"Idempotency-Key": "k"}

    first = client.post(path, {"text": "once"}, format="json", headers=key)
    again = client.post(path, {"text": "once"}, format="json", headers=key)

    assert payload_of(again) == payload_of(first)
    assert OrderNote.objects.count() == 1
