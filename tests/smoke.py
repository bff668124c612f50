"""Buys something at a running demo shop, over HTTP alone: ``python -m tests.smoke URL``."""

import json
import sys
import uuid
from typing import Any
from urllib.request import Request, urlopen

PASSWORD = "demo-shop-2026"  # of every account of the demo shop
TIMEOUT_SECONDS = 20


class Caller:
    """Speaks to the envelope's face, signed in or not."""

    def __init__(self, base: str, token: str = "") -> None:
        self.base, self.token = base.rstrip("/"), token

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the payload of a success.

        :raises urllib.error.HTTPError: the shop refused.
        """
        headers = {key.replace("_", "-"): value for key, value in headers.items()}
        headers["Content-Type"] = "application/json"
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.base}/api{path}", data, headers, method=method)
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response:
            return json.load(response)["data"]

    def log_in(self, username: str) -> "Caller":
        """Return a caller signed in as one of the demo's accounts."""
        body = {"username": username, "password": PASSWORD}
        return Caller(self.base, self.call("POST", "/accounts/login/", body)["access"])


def buy(base: str, *, search: str = "") -> dict[str, Any]:
    """Buy two of the first product in stock, have it shipped, and return the order."""
    stranger = Caller(base)
    customer, manager = stranger.log_in("customer"), stranger.log_in("manager")
    query = f"?in_stock=true&search={search}" if search else "?in_stock=true"
    rows = stranger.call("GET", f"/catalog/products/{query}")["results"]
    product = stranger.call("GET", f"/catalog/products/{rows[0]['id']}/")
    variant = next(v for v in product["variants"] if v["in_stock"])
    customer.call("POST", "/cart/", {"variant_id": variant["id"], "quantity": 1})
    cart = customer.call("GET", "/cart/")
    order = customer.call(
        "POST", "/orders/", {"expected_total": cart["total"]}, Idempotency_Key=uuid.uuid4().hex
    )
    customer.call(
        "POST", "/payments/", {"order_id": order["number"], "payment_method": "pm_card_visa"}
    )
    for status in ("processing", "shipped"):
        manager.call("PATCH", f"/orders/{order['number']}/", {"status": status})
    order = customer.call("GET", f"/orders/{order['number']}/")
    assert (order["status"], order["payment_status"]) == ("shipped", "paid"), order
    parcel = stranger.call("GET", f"/shipping/track/{order['shipments'][0]['tracking_number']}/")
    assert parcel["status"] == "shipped", parcel
    return order


if __name__ == "__main__":
    bought = buy(sys.argv[1], search=sys.argv[2] if len(sys.argv) > 2 else "")
    line = bought["lines"][0]
    print(f"{bought['number']}: {line['quantity']} x {line['name']}, {bought['total']}, shipped")
