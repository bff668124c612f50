"""What customers and staff do at the shop, through its API."""

import hashlib
import hmac
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from orders.models import Order, Return
from shipping import postcodes
from shop_backend.kernel.money import Money
from shop_backend.replay.client import Client, Refused
from shop_backend.replay.countries import COUNTRIES, HOME
from shop_backend.replay.planning import PlannedOrder, PlannedReturn
from shop_backend.replay.progress import (
    CREDIT_NOTE,
    CUSTOMER,
    DELIVERY,
    INVOICE,
    WALK_IN,
    Progress,
)

CARD = "pm_card_visa"
# Orders of so few SKUs are put into the cart line by line; longer ones name their items.
MOST_IN_CART = 3
FREE_DELIVERY = "replay-free"
_TOKEN_SECONDS = 8 * 60  # they live for ten minutes
_WAY = (Order.Status.PROCESSING, Order.Status.SHIPPED, Order.Status.DELIVERED)
_WAY_BACK = (Return.Status.APPROVED, Return.Status.RECEIVED, Return.Status.RESTOCKED)


@dataclass(frozen=True)
class Article:
    """Where a SKU is found in the API, and its present price in pence."""

    product_id: int
    variant_id: int
    price_minor: int


class Shop:
    """Acts for the recording's customers, and as its manager. Threads may share it.

    :param manager: the name and password of a manager's account.
    """

    def __init__(
        self,
        client: Client,
        *,
        manager: tuple[str, str],
        articles: Mapping[str, Article],
        progress: Progress,
    ) -> None:
        self._client = client
        self._manager = manager
        self._articles = articles
        self._progress = progress
        self._tokens: dict[str, tuple[str, float]] = {}
        self._manager_turn = threading.Lock()
        self._method_id = 0

    def prepare(self) -> None:
        """Have a way of sending that costs nothing, so that a total is its goods alone."""
        methods = self._client.call("GET", "/shipping/methods/?page_size=100", token=self._staff())
        for method in methods["results"]:
            if method["code"] == FREE_DELIVERY:
                self._method_id = method["id"]
                return
        made = self._client.call(
            "POST",
            "/shipping/methods/",
            {"name": "Free delivery", "code": FREE_DELIVERY, "price": "0.00"}
            | {"min_days": 1, "max_days": 3},
            token=self._staff(),
        )
        self._method_id = made["id"]

    def receive(self, sku: str, units: int) -> None:
        """Take a delivery in, so that the recording's demand is met."""
        received = self._progress.delivered[sku]
        self._client.call(
            "POST",
            "/inventory/adjustments/",
            {"sku": sku, "delta": units, "reason": DELIVERY},
            token=self._staff(),
            key=f"replay-delivery-{sku}-{received + units}",
        )

    def set_price(self, sku: str, price_minor: int) -> None:
        """Change the shop's price of a SKU."""
        article = self._articles[sku]
        self._client.call(
            "PATCH",
            f"/catalog/products/{article.product_id}/variants/{article.variant_id}/",
            {"price": _decimal(price_minor)},
            token=self._staff(),
        )

    def sell(self, order: PlannedOrder) -> None:
        """Place, pay, pack, ship and deliver, from wherever an earlier run left off."""
        number, status = self._progress.orders.get(order.name, ("", ""))
        if not number:
            number, status = self._place(order)
        if status == Order.Status.PENDING:
            status = self._pay(order, number)
        for step in _WAY[_WAY.index(Order.Status(status)) + 1 :] if status in _WAY else _WAY:
            self._move(f"/orders/{number}/", step, _WAY)
        self._progress.orders[order.name] = (number, Order.Status.DELIVERED)

    def take_back(self, wanted: PlannedReturn) -> None:
        """Take the goods of a credit note back, restock them, and refund them."""
        number, _ = self._progress.orders[wanted.order]
        order = self._client.call("GET", f"/orders/{number}/", token=self._staff())
        reason = f"{CREDIT_NOTE}{wanted.credit_note}"
        known = (wanted.credit_note, number)
        return_id, status = self._progress.returns.get(known, (0, ""))
        if not return_id:
            ids = {line["sku"]: line["id"] for line in order["lines"]}
            lines = [{"line_id": ids[sku], "quantity": n} for sku, n in wanted.units.items()]
            asked = self._client.call(
                "POST",
                f"/orders/{number}/returns/",
                {"lines": lines, "reason": reason},
                token=self._customer(wanted.customer),
                key=f"replay-{wanted.credit_note}-{number}-return",
            )
            return_id, status = asked["id"], asked["status"]
        path = f"/orders/{number}/returns/{return_id}/"
        way = _WAY_BACK
        for step in way[way.index(Return.Status(status)) + 1 :] if status in way else way:
            self._move(path, step, way)
        if known not in self._progress.refunded:
            self._refund(order, wanted, reason)

    def _place(self, order: PlannedOrder) -> tuple[str, str]:
        token = self._customer(order.customer)
        body: dict[str, Any] = {
            "shipping_address": _address(order),
            "shipping_method_id": self._method_id,
            "note": f"{INVOICE}{order.name}",
            "expected_total": _decimal(order.total_minor),
        }
        if order.customer and len(order.units) <= MOST_IN_CART:
            self._fill_cart(order, token)
        else:
            body["items"] = [{"sku": sku, "quantity": units} for sku, units in order.units.items()]
        attempt = self._progress.dead[order.name]
        placed = self._client.call(
            "POST", "/orders/", body, token=token, key=f"replay-{order.name}-place-{attempt}"
        )
        return placed["number"], placed["status"]

    def _fill_cart(self, order: PlannedOrder, token: str) -> None:
        self._client.call("DELETE", "/cart/", token=token)  # what a broken-off run left there
        for sku, units in order.units.items():
            line = {"variant_id": self._articles[sku].variant_id, "quantity": units}
            self._client.call("POST", "/cart/", line, token=token)

    def _pay(self, order: PlannedOrder, number: str) -> str:
        """Pay by card; what no card pays (pennies, say) the manager books as paid by transfer."""
        try:
            self._client.call(
                "POST",
                "/payments/",
                {"order_id": number, "payment_method": CARD},
                token=self._customer(order.customer),
                key=f"replay-{number}-pay",
            )
        except Refused as refusal:
            if refusal.code != "amount_not_payable":
                raise
            self._client.call(
                "POST",
                "/payments/offline/",
                {"order_id": number, "note": f"{INVOICE}{order.name}"},
                token=self._staff(),
                key=f"replay-{number}-transfer",
            )
        return Order.Status.PAID

    def _refund(self, order: dict[str, Any], wanted: PlannedReturn, reason: str) -> None:
        payments = [payment for payment in order["payments"] if payment["captured"] != "0.00"]
        (payment,) = payments
        self._client.call(
            "POST",
            f"/payments/{payment['id']}/refunds/",
            {"amount": _decimal(wanted.refund_minor), "reason": reason},
            token=self._staff(),
            key=f"replay-{wanted.credit_note}-{wanted.order}-refund",
        )

    def _move(self, path: str, status: str, way: tuple[str, ...]) -> None:
        """Set a status; a repeat after a lost answer finds it set, and that is well."""
        try:
            self._client.call("PATCH", path, {"status": status}, token=self._staff())
        except Refused as refusal:
            if refusal.status != 409:
                raise
            present = self._client.call("GET", path, token=self._staff())["status"]
            if present not in way or way.index(present) < way.index(status):
                raise

    def _customer(self, customer: str) -> str:
        """Return a token of the customer; the first time they register."""
        username = f"{CUSTOMER}{customer}" if customer else WALK_IN
        password = _password(username)
        token, until = self._tokens.get(username, ("", 0.0))
        if time.monotonic() < until:
            return token
        if username not in self._progress.customers:
            wish = {"username": username, "password": password, "re_password": password}
            try:
                self._client.call("POST", "/auth/users/", wish)
            except Refused as refusal:
                if "already exists" not in str(refusal):  # another thread was first
                    raise
            self._progress.customers.add(username)
        return self._log_in(username, password)

    def _staff(self) -> str:
        username, password = self._manager
        token, until = self._tokens.get(username, ("", 0.0))
        if time.monotonic() < until:
            return token
        with self._manager_turn:
            return self._log_in(username, password)

    def _log_in(self, username: str, password: str) -> str:
        body = {"username": username, "password": password}
        token: str = self._client.call("POST", "/accounts/login/", body)["access"]
        self._tokens[username] = (token, time.monotonic() + _TOKEN_SECONDS)
        return token


def _password(username: str) -> str:
    """Return a password that a later run finds again and nobody else knows."""
    secret = settings.SECRET_KEY.encode()
    return hmac.new(secret, f"replay {username}".encode(), hashlib.sha256).hexdigest()


def _address(order: PlannedOrder) -> dict[str, str]:
    """The recording knows the country alone."""
    name = f"Customer {order.customer}" if order.customer else "Walk-in customer"
    country = COUNTRIES.get(order.country, HOME)
    return {
        "full_name": name,
        "line1": "Unknown",
        "city": "Unknown",
        "postal_code": postcodes.get_example(country) or "",
        "country": country,
    }


def _decimal(minor: int) -> str:
    return Money(minor, settings.SHOP_CURRENCY).decimal_string
