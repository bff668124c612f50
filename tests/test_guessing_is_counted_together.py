"""Who tries tokens, links or numbers is counted once for the whole shop, not by each process."""

import pytest

from shop_backend.kernel import budgets
from shop_backend.kernel.access import Anyone
from shop_backend.kernel.models import SpentBudget
from tests.client import ShopClient
from tests.routes import api_routes

pytestmark = pytest.mark.django_db

# What works without a token and is counted by each process: there is nothing in it to guess.
NOTHING_TO_GUESS = (
    "get catalog/",
    "get products/",
    "get payments/config/",
    "get shipping/methods/",
    "get userinfo/",
    "post shipping/quotes/",
    "post payments/webhooks/",  # signed: nobody guesses 256 bits, and providers come in storms
)
GUESSES = [
    ("post", "/api/accounts/token/refresh/", {"refresh": "x.y.z"}),
    ("post", "/accounts/token/verify/", {"token": "x.y.z"}),
    ("post", "/auth/jwt/refresh/", {"refresh": "x.y.z"}),
    ("post", "/api/auth/jwt/verify/", {"token": "x.y.z"}),
    ("get", "/shipping/track/RM123456789GB/", {}),
    ("post", "/accounts/verify-otp/", {"email": "a@example.com", "otp": "000000"}),
    ("post", "/auth/users/activation/", {"uid": "MQ", "token": "x-y"}),
    ("post", "/reset_password/x/", {"password": "x", "confirm_password": "x"}),
]


@pytest.mark.parametrize(("method", "path", "body"), GUESSES)
def test_another_process_counts_on(settings, method, path, body):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = dict.fromkeys(settings.THROTTLE_RATES, "2/hour")
    client = ShopClient(REMOTE_ADDR="203.0.113.200")

    def ask():
        budgets.IN_MEMORY._spent_until.clear()  # another process knows nothing of what this one has
        return getattr(client, method)(path, body)

    first, second, third = ask(), ask(), ask()

    assert 400 <= first.status_code == second.status_code < 429
    assert third.status_code == 429
    assert int(third["Retry-After"]) > 0


def test_whatever_is_open_and_not_counted_together_holds_no_secret(settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": "1000/min"}
    alone = set()
    for route in api_routes():
        if isinstance(route.access, Anyone) and route.method in {"get", "post"}:
            SpentBudget.objects.all().delete()
            getattr(ShopClient(), route.method)(route.path)
            if not SpentBudget.objects.exists():
                alone.add(f"{route.method} {route.template.removeprefix('api/')}")

    assert {name for name in alone if not name.startswith(NOTHING_TO_GUESS)} == {"get "}
