"""What is asked of the shop, and by whom."""

import itertools
import random
import uuid
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from benchmarks.load import Answer, Script, request
from benchmarks.words import NOUNS
from catalog.models import Product, Variant
from inventory import services as inventory
from shipping.models import Address

CLIENTS = 16
HOT_SKUS = 200
_MANY = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """One row of the table. ``script_for`` makes the script of the client of that number."""

    name: str
    script_for: Callable[[int], Script]


class Shop:
    """The people and goods that the scripts need, made once for a database."""

    def __init__(self) -> None:
        self.products = Product.objects.count()
        self.random = random.Random(7)
        self.variants = list(
            Variant.objects.filter(option_values=None)
            .select_related("stock_item")
            .order_by("pk")[:HOT_SKUS]
        )
        for variant in self.variants:
            inventory.set_available(
                item_id=variant.stock_item_id, available=_MANY, reason="benchmark", actor_id=None
            )
        self.users = [self._customer(number) for number in range(CLIENTS)]
        self.tokens = [
            accounts.open_session(user=user, device=accounts.Device(), rotates=True).access
            for user in self.users
        ]

    def _customer(self, number: int) -> User:
        user, _ = User.objects.get_or_create(
            username=f"bench-{number}", defaults={"email_verified_at": timezone.now()}
        )
        Address.objects.get_or_create(
            user=user,
            defaults={
                "default_for": user.pk,
                "full_name": "A Customer",
                "line1": "1 High Street",
                "city": "London",
                "postal_code": "N1 9GU",
                "country": "GB",
            },
        )
        return user

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield every row of the table; orders are read after some were placed."""
        products, reading = "/api/catalog/products/", self._reading
        yield Endpoint("product list", reading(lambda: f"{products}?page_size=20"))
        yield Endpoint("list by price", reading(lambda: f"{products}?ordering=price"))
        yield Endpoint(
            "list of a category", reading(lambda: f"{products}?category={self._category()}")
        )
        yield Endpoint("search", reading(lambda: f"{products}?search={self.random.choice(NOUNS)}"))
        yield Endpoint(
            "in stock, 5 to 20", reading(lambda: f"{products}?in_stock=1&min_price=5&max_price=20")
        )
        yield Endpoint("deep page by cursor", self._walking)
        yield Endpoint("product detail", reading(lambda: f"{products}{self._product()}/"))
        yield Endpoint("category tree", reading(lambda: "/api/catalog/categories/?tree=1"))
        yield Endpoint("cart of three lines", self._signed_in("/api/cart/", lines=3))
        yield Endpoint("add to cart", self._adding)
        yield Endpoint("whole purchase", self._buying(lines=1))
        yield Endpoint("whole purchase of 20 lines", self._buying(lines=20))
        yield Endpoint("own orders", self._signed_in("/api/orders/"))
        yield Endpoint("order detail", self._seeing_an_order)

    def _product(self) -> int:
        return self.random.randint(1, self.products)

    def _category(self) -> int:
        return self.random.randint(23, 2_000)

    def _reading(self, path: Callable[[], str]) -> Callable[[int], Script]:
        def script() -> Generator[bytes, Answer, None]:
            yield request("GET", path())

        return lambda client: script

    def _signed_in(self, path: str, *, lines: int = 0) -> Callable[[int], Script]:
        def script_for(client: int) -> Script:
            token, is_filled = self.tokens[client], False

            def script() -> Generator[bytes, Answer, None]:
                nonlocal is_filled
                if lines and not is_filled:
                    is_filled = True
                    yield request("DELETE", "/api/cart/", token=token)
                    for variant in self.variants[:lines]:
                        yield self._put_in(token, variant, 1)
                yield request("GET", path, token=token)

            return script

        return script_for

    def _walking(self, client: int) -> Script:
        following = "/api/catalog/products/?cursor="

        def script() -> Generator[bytes, Answer, None]:
            nonlocal following
            answer = yield request("GET", following)
            url = answer.payload["next"]
            following = url[url.index("/api/") :] if url else "/api/catalog/products/?cursor="

        return script

    def _adding(self, client: int) -> Script:
        token, quantities = self.tokens[client], itertools.cycle(range(1, 9))

        def script() -> Generator[bytes, Answer, None]:
            variant = self.random.choice(self.variants[:10])
            yield self._put_in(token, variant, next(quantities))

        return script

    def _buying(self, *, lines: int) -> Callable[[int], Script]:
        def script_for(client: int) -> Script:
            token, is_emptied = self.tokens[client], False

            def script() -> Generator[bytes, Answer, None]:
                nonlocal is_emptied
                if not is_emptied:
                    is_emptied = True
                    yield request("DELETE", "/api/cart/", token=token)
                for variant in self.random.sample(self.variants, lines):
                    yield self._put_in(token, variant, 1)
                placed = yield self._keyed("/api/orders/", token, {})
                number = placed.payload["number"]
                paying = {"order_id": number, "payment_method": "pm_card_visa"}
                paid = yield self._keyed("/api/payments/", token, paying)
                assert paid.payload["status"] == "succeeded", paid.payload

            return script

        return script_for

    def _seeing_an_order(self, client: int) -> Script:
        token, number = self.tokens[client], ""

        def script() -> Generator[bytes, Answer, None]:
            nonlocal number
            if not number:
                answer = yield request("GET", "/api/orders/?page_size=1", token=token)
                number = answer.payload["results"][0]["number"]
            yield request("GET", f"/api/orders/{number}/", token=token)

        return script

    def _put_in(self, token: str, variant: Variant, quantity: int) -> bytes:
        body = {"variant_id": variant.pk, "quantity": quantity}
        return request("POST", "/api/cart/", token=token, body=body)

    def _keyed(self, path: str, token: str, body: Any) -> bytes:
        return request("POST", path, token=token, body=body, Idempotency_Key=uuid.uuid4().hex)
