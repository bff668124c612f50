"""A customer's and a shop worker's steps over the API, for tests."""

from typing import Any

from accounts.models import User
from accounts.tests.factories import StaffFactory, UserFactory
from catalog.models import Variant
from orders.models import Order
from shipping.tests.factories import AddressFactory
from tests.client import ShopClient
from tests.faces import payload_of


def client_of(user: User | None) -> ShopClient:
    """Return a client signed in as this user; a stranger's without one."""
    client = ShopClient()
    if user is not None:
        client.force_authenticate(user)
    return client


def buyer() -> User:
    """Return a customer who has a default address."""
    user: User = UserFactory()  # type: ignore[assignment]  # factory_boy is untyped here
    AddressFactory(user=user, default_for=user.pk, country="GB", postal_code="M1 1AE")
    return user


def manager() -> User:
    """Return somebody who may do almost everything."""
    return StaffFactory(role="manager")  # type: ignore[return-value]  # as above


def try_to_place(user: User, *wanted: tuple[Variant, int], **body: Any) -> Any:
    """Ask for these units without a cart; return the answer."""
    items = [{"variant_id": variant.pk, "quantity": units} for variant, units in wanted]
    return client_of(user).post("/api/orders/", {"items": items, **body}, format="json")


def place(user: User, *wanted: tuple[Variant, int], **body: Any) -> Order:
    """Place an order for these units and return it."""
    response = try_to_place(user, *wanted, **body)
    assert response.status_code == 201, response.json()
    return Order.objects.get(number=payload_of(response)["number"])


def pay(order: Order, payment_method: str = "pm_card_visa") -> Any:
    """Pay the order with a test card; return the answer."""
    return client_of(order.customer).post(
        "/api/payments/",
        {"order_id": order.number, "payment_method": payment_method},
        format="json",
    )


def set_status(order: Order, status: str, actor: User | None = None) -> Any:
    """Have a shop worker set the status; return the answer."""
    return client_of(actor or manager()).patch(
        f"/api/orders/{order.number}/", {"status": status}, format="json"
    )


def place_and_pay(user: User, *wanted: tuple[Variant, int]) -> Order:
    """Place an order and pay it."""
    order = place(user, *wanted)
    response = pay(order)
    assert response.status_code in {200, 201}, response.json()
    order.refresh_from_db()
    assert order.status == Order.Status.PAID
    return order


def place_and_deliver(user: User, *wanted: tuple[Variant, int]) -> Order:
    """Place an order, pay it and have it delivered."""
    order = place_and_pay(user, *wanted)
    worker = manager()
    for status in ("processing", "shipped", "delivered"):
        response = set_status(order, status, worker)
        assert response.status_code == 200, response.json()
    order.refresh_from_db()
    return order


def ask_back(order: Order, *units: int, actor: User | None = None, **body: Any) -> Any:
    """Ask to send back so many units of the order's first, second… line; return the answer."""
    lines = order.lines.order_by("pk")
    wanted = [
        {"line_id": line.pk, "quantity": quantity}
        for line, quantity in zip(lines, units, strict=False)
        if quantity
    ]
    return client_of(actor or order.customer).post(
        f"/api/orders/{order.number}/returns/", {"lines": wanted, **body}, format="json"
    )


def move_return(order: Order, return_id: int, status: str, actor: User, **said: Any) -> Any:
    """Have a shop worker move a return on; return the answer."""
    return client_of(actor).patch(
        f"/api/orders/{order.number}/returns/{return_id}/",
        {"status": status, **said},
        format="json",
    )
