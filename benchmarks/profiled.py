"""``python -m benchmarks.profiled FACTS``, in the environment of a shop: buy under a profiler."""

import cProfile
import json
import os
import sys
from typing import Any

import django

django.setup()

from django.test import Client

from benchmarks import facts as facts_module
from benchmarks.environment import LOOPBACK
from benchmarks.profiling import by_place

PURCHASES, WARMING = 100, 10


class Buyer:
    """One customer, who buys one line after the other."""

    def __init__(self, facts: facts_module.Facts) -> None:
        self._facts, self._client, self._token = facts, Client(SERVER_NAME=LOOPBACK), ""
        refreshed = self._send("/api/auth/jwt/refresh/", {"refresh": facts.customers[0].refresh})
        self._token = refreshed["access"]

    def buy(self, turn: int) -> None:
        """Add to the cart, place and pay."""
        variant = self._facts.variants[turn % len(self._facts.variants)]
        self._send("/api/cart/", {"variant_id": variant, "quantity": 1})
        number = self._send("/api/orders/", {})["data"]["number"]
        paying = {"order_id": number, "payment_method": "pm_card_visa"}
        self._send("/api/payments/", paying)

    def _send(self, path: str, body: dict[str, Any]) -> Any:
        headers = {"Idempotency-Key": os.urandom(16).hex()}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        answer = self._client.post(path, body, content_type="application/json", headers=headers)
        assert answer.status_code < 300, answer.content
        return answer.json()


def main(path: str) -> None:
    """Print as JSON where the time went."""
    buyer = Buyer(facts_module.load(path))
    for turn in range(WARMING):
        buyer.buy(turn)
    profile = cProfile.Profile()
    profile.enable()
    for turn in range(PURCHASES):
        buyer.buy(turn)
    profile.disable()
    print(json.dumps(by_place(profile, purchases=PURCHASES)))


if __name__ == "__main__":
    main(sys.argv[1])
