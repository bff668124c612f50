"""One purchase, end to end, as a stranger makes it: every step over the API."""

import re

import pytest
from django.core import mail

from accounts.tests.factories import StaffFactory
from catalog.tests.factories import VariantFactory
from inventory.models import StockLevel
from shipping.tests.factories import ShippingMethodFactory
from tests.client import ShopClient
from tests.faces import payload_of

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
PASSWORD = "a long and winding road"


def code_in(message):
    return re.search(r"\b(\d{6})\b", message.body)[1]


@pytest.mark.parametrize("prefix", ["/api", ""])
def test_a_stranger_becomes_a_customer_and_holds_a_parcel(prefix):
    variant = VariantFactory(stock=5, price_minor=1250)
    ShippingMethodFactory(price_minor=399)
    client = ShopClient()

    def post(path, body, status):
        response = client.post(prefix + path, body, format="json")
        assert response.status_code == status, response.json()
        return payload_of(response, prefix)

    shown = payload_of(client.get(f"{prefix}/catalog/products/"), prefix)["results"]
    assert [row["id"] for row in shown] == [variant.product_id]

    post(
        "/accounts/register/",
        {"username": "stranger", "email": "stranger@example.org", "password": PASSWORD},
        201,
    )
    refused = client.post(
        f"{prefix}/accounts/login/", {"username": "stranger", "password": PASSWORD}, format="json"
    )
    assert refused.status_code == 401
    (message,) = mail.outbox
    assert message.to == ["stranger@example.org"]
    post(
        "/accounts/verify-otp/",
        {"email": "stranger@example.org", "otp": code_in(message)},
        200,
    )
    tokens = post("/accounts/login/", {"username": "stranger", "password": PASSWORD}, 200)
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")

    post(
        "/shipping/addresses/",
        {
            "full_name": "Sam Stranger",
            "line1": "1 Far Away",
            "city": "Leeds",
            "postal_code": "LS1 1AA",
            "country": "GB",
        },
        201,
    )
    cart = post("/cart/", {"product_id": variant.product_id, "quantity": 2}, 200)
    assert cart["total"] == "28.99"
    order = post("/orders/", {"expected_total": cart["total"]}, 201)
    assert order["total"] == "28.99"
    payment = post(
        "/payments/", {"order_id": order["number"], "payment_method": "pm_card_visa"}, 201
    )
    assert payment["status"] == "succeeded"
    assert payment["amount"] == "28.99"

    worker = ShopClient()
    worker.force_authenticate(StaffFactory(role="warehouse"))
    for status in ("processing", "shipped"):
        answer = worker.patch(
            f"{prefix}/orders/{order['number']}/", {"status": status}, format="json"
        )
        assert answer.status_code == 200

    seen = payload_of(client.get(f"{prefix}/orders/{order['number']}/"), prefix)
    assert (seen["status"], seen["payment_status"]) == ("shipped", "paid")
    number = seen["shipments"][0]["tracking_number"]
    tracked = payload_of(ShopClient().get(f"{prefix}/shipping/track/{number}/"), prefix)
    assert tracked["status"] == "shipped"
    assert "Stranger" not in str(tracked)
    level = StockLevel.objects.get(item_id=variant.stock_item_id)
    assert (level.on_hand, level.reserved) == (3, 0)
