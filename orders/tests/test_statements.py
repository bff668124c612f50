"""How many statements each step of a purchase sends, to the last one: it cannot creep back."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from accounts.tests.factories import StaffFactory
from catalog import version
from catalog.models import Variant
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from orders.models import Order
from orders.tests.trade import buyer, place
from shop_backend.kernel.models import IdempotencyKey
from tests.client import ShopClient
from tests.faces import code_of, payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
LINES = pytest.mark.parametrize("lines", [1, 20])


def signed_in(user: User) -> ShopClient:
    """Return a client with a token, whose every request is checked like a stranger's."""
    tokens = accounts.open_session(user=user, device=accounts.Device(), rotates=True)
    client = ShopClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.access}")
    return client


def put_in(client: ShopClient, variant: Variant, quantity: int = 1) -> Any:
    body = {"variant_id": variant.pk, "quantity": quantity}
    return client.post("/api/cart/", body, format="json")


def buyer_of(lines: int) -> tuple[User, ShopClient, list[Variant]]:
    """Return a customer, a client of theirs, and the variants in their cart."""
    user = buyer()
    user.email = None  # nobody to write to: the mails are counted apart
    user.save(update_fields=["email"])
    client = signed_in(user)
    variants = VariantFactory.create_batch(lines, stock=50)
    for variant in variants:
        assert put_in(client, variant).status_code == 200
    return user, client, variants


def only_on_returning() -> None:
    if connection.vendor == "mysql":
        pytest.skip("MariaDB needs a statement more per line; see test_placing_sql")


def moving_stock(lines: int) -> int:
    """Return how many statements move the stock of so many lines."""
    if connection.vendor == "postgresql":
        return min(lines, 2)  # one guarded UPDATE; of several levels, after they were locked
    return lines


@LINES
def test_reading_the_cart(lines, django_assert_num_queries):
    _, client, _ = buyer_of(lines)

    # The session, the cart; and what comes on top, where no version says that it is the same.
    with django_assert_num_queries(2 if version.is_known() else 3):
        assert len(payload_of(client.get("/api/cart/"))["items"]) == lines


@LINES
def test_putting_something_into_the_cart(lines, django_assert_num_queries):
    _, client, variants = buyer_of(lines)
    another = VariantFactory(stock=5)

    # Two of them are the transaction. MariaDB returns nothing from an UPDATE and is asked.
    statements = 9 if connection.vendor == "mysql" else 8
    with django_assert_num_queries(statements):
        assert put_in(client, variants[-1], 2).status_code == 200
    with django_assert_num_queries(statements):
        assert put_in(client, another).status_code == 200


@LINES
def test_placing_paying_and_reading(lines, django_assert_num_queries):
    only_on_returning()
    _, client, _ = buyer_of(lines)
    headers = {"Idempotency-Key": "placing"}

    with django_assert_num_queries(19 + moving_stock(lines)):
        placed = client.post("/api/orders/", {}, format="json", headers=headers)
    number = payload_of(placed)["number"]
    # With what the sandbox does in a provider's place, and its two webhooks.
    with django_assert_num_queries(73):
        paying = {"order_id": number, "payment_method": "pm_card_visa"}
        client.post("/api/payments/", paying, format="json", headers={"Idempotency-Key": "pay"})
    with django_assert_num_queries(3):  # the session, the orders, their lines
        client.get("/api/orders/")
    with django_assert_num_queries(3):  # the session, the order with its lines, its payments
        assert payload_of(client.get(f"/api/orders/{number}/"))["payment_status"] == "paid"


@LINES
def test_shipping_what_was_paid(lines, django_assert_num_queries):
    only_on_returning()
    _, client, _ = buyer_of(lines)
    number = payload_of(client.post("/api/orders/", {}, format="json"))["number"]
    paying = {"order_id": number, "payment_method": "pm_card_visa"}
    client.post("/api/payments/", paying, format="json")
    worker = signed_in(StaffFactory(role="manager"))
    worker.patch(f"/api/orders/{number}/", {"status": "processing"}, format="json")

    # Two of them are the transaction of the audit's first row, two more its rows, and 29 look at
    # what is around the order, before and after; as many for one line as for twenty.
    with django_assert_num_queries(79 + moving_stock(lines)):
        path = f"/api/orders/{number}/"
        assert worker.patch(path, {"status": "shipped"}, format="json").status_code == 200


def test_whoever_has_no_role_is_not_asked_for_it(django_assert_num_queries):
    client = signed_in(buyer())

    with django_assert_num_queries(2):  # the session with its user, and the order
        assert client.patch("/api/orders/R0/", {"status": "paid"}).status_code == 404


@LINES
def test_a_placing_answers_what_is_read_afterwards(lines):
    _, client, _ = buyer_of(lines)

    placed = payload_of(client.post("/api/orders/", {}, format="json"))

    assert placed == payload_of(client.get(f"/api/orders/{placed['number']}/"))


def test_what_a_worker_may_do_is_one_query(django_assert_num_queries):
    worker = StaffFactory(role="support")

    with django_assert_num_queries(1):
        assert worker.has_perm("orders.view_order")
        assert not worker.has_perm("orders.delete_order")


def placing(client: ShopClient, **body: Any) -> tuple[Any, list[str]]:
    """Place an order; return the answer and the statements, those of transactions apart."""
    headers = {"Idempotency-Key": "placing"}
    with CaptureQueriesContext(connection) as said:
        answer = client.post("/api/orders/", body, format="json", headers=headers)
    framing = ("BEGIN", "SAVEPOINT", "ROLLBACK", "RELEASE", "COMMIT")
    return answer, [query["sql"] for query in said if not query["sql"].startswith(framing)]


@pytest.mark.parametrize("named_by", ["cart", "variant_id", "sku"])
def test_what_is_sold_out_is_said_before_anything_is_locked(named_by):
    _, client, (variant,) = buyer_of(1)
    StockLevel.objects.update(reserved=50)
    body = {} if named_by == "cart" else {"items": [item_of(variant, named_by)]}

    answer, said = placing(client, **body)

    assert (answer.status_code, code_of(answer)) == (409, "insufficient_stock")
    assert answer.json()["params"]["available"] == 0
    # The session, the availability, what overdue orders hold, whether the key is known.
    assert [sql.split(" ")[0] for sql in said] == ["SELECT"] * 4
    assert "kernel_idempotencykey" in said[3]
    assert not any("FOR UPDATE" in sql for sql in said)
    assert not IdempotencyKey.objects.exists()


def item_of(variant: Variant, named_by: str) -> dict[str, Any]:
    name = variant.pk if named_by == "variant_id" else variant.sku
    return {named_by: name, "quantity": 1}


def test_two_lines_of_one_variant_are_short_together():
    _, client, (variant,) = buyer_of(1)
    items = [
        {"variant_id": variant.pk, "quantity": 30},
        {"sku": variant.sku, "quantity": 30},
    ]

    answer, said = placing(client, items=items)

    assert code_of(answer) == "insufficient_stock"
    assert answer.json()["params"]["requested"] == 60
    assert len(said) == 5  # what is named by id and what is named by SKU are looked up apart


def test_a_repeat_gets_its_order_when_all_is_sold():
    _, client, (variant,) = buyer_of(1)
    items = [item_of(variant, "sku")]  # a cart would be empty by now
    first, _ = placing(client, items=items)
    StockLevel.objects.update(reserved=50)

    again, _ = placing(client, items=items)

    assert (again.status_code, payload_of(again)) == (201, payload_of(first))
    assert Order.objects.count() == 1


def test_what_an_overdue_order_holds_is_still_let_go():
    _, client, (variant,) = buyer_of(1)
    held = place(buyer(), (variant, 50))
    Order.objects.filter(pk=held.pk).update(expires_at=timezone.now())

    answer, _ = placing(client)

    assert answer.status_code == 201, answer.json()
    held.refresh_from_db()
    assert held.status == Order.Status.EXPIRED
