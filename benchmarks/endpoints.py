"""What is asked of the shop, and by whom."""

import itertools
import random
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.facts import Facts
from benchmarks.load import Answer, Script, request
from benchmarks.words import NOUNS

CLIENTS = 16
PRODUCTS = "/api/catalog/products/"
WARM_PRODUCTS = 50
SEARCHED = NOUNS[:8]

# Every ordering and every filter of the list, by the query that asks for it.
LISTS = {
    "newest first": "page_size=20",
    "oldest first": "ordering=created_at",
    "by price": "ordering=price",
    "by price, dearest first": "ordering=-price",
    "by name": "ordering=name",
    "by name, backwards": "ordering=-name",
    "by rating": "ordering=rating",
    "by rating, best first": "ordering=-rating",
    "in a category": "category={category}",
    "in a category, by price": "category={category}&ordering=price",
    "5 to 20": "min_price=5&max_price=20",
    "5 to 20, by price": "min_price=5&max_price=20&ordering=price",
    "rated 4 or more": "min_rating=4",
    "in stock": "in_stock=1",
    "sold out": "in_stock=0",
    "in stock, 5 to 20": "in_stock=1&min_price=5&max_price=20",
    "of size M": "option=Size:M",
    "search": "search={word}",
    "search for two words": "search={adjective}%20{word}",
    "search, by price": "search={word}&ordering=price",
    "search for a SKU": "search=SKU-7{digits}-0",
    "by cursor": "cursor=",
}


@dataclass(frozen=True)
class Endpoint:
    """One row of the table.

    ``script_for`` makes the script of the client of that number, ``server`` names who is asked
    and ``floor`` the row that it is compared with.
    """

    name: str
    script_for: Callable[[int], Script]
    server: str = "shop"
    floor: str = "floor: one query, orjson"


class Shop:
    """The rows that are measured in one shop, and the floors below them."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.random = random.Random(7)
        self.tokens = facts.tokens

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield every row of the shop; orders are read after some were placed."""
        reading, listed, one = self._reading, "floor: the list's rows", "floor: the detail's rows"
        yield Endpoint("product list, cold", reading(self._list), "cold", listed)
        yield Endpoint("product list, warm", reading(self._list), "shop", listed)
        yield Endpoint("product list, not modified", self._unmodified, "shop", listed)
        yield Endpoint("product detail, cold", reading(self._detail), "cold", one)
        yield Endpoint("product detail, warm", reading(self._warm_detail), "shop", one)
        tree = reading(lambda: "/api/catalog/categories/?tree=1")
        yield Endpoint("category tree", tree)
        for name in ("by price", "in a category", "in stock, 5 to 20"):
            yield Endpoint(f"list {name}", self.listing(name), "cold")
        yield Endpoint("deep page by cursor", self._walking, "cold")
        bare = "floor: the search's statements"
        yield Endpoint("search, cold", reading(self._search), "cold", bare)
        yield Endpoint("cart of three lines", self._signed_in("/api/cart/", lines=3))
        yield Endpoint("add to cart", self._adding)
        yield Endpoint("whole purchase", self.buying, "shop", "floor: the purchase's statements")
        for lines in (1, 20):
            floor = f"floor: the statements of {lines} line{'s' * (lines > 1)}"
            name = f"place and pay {lines} line{'s' * (lines > 1)}"
            yield Endpoint(name, self._buying_at_once(lines=lines), "shop", floor)
        yield Endpoint("own orders", self._signed_in("/api/orders/"))
        yield Endpoint("order detail", self._seeing_an_order)

    def listing(self, name: str, *, page: str = "") -> Callable[[int], Script]:
        """Return the row of one of ``LISTS``."""
        return self._reading(lambda: f"{PRODUCTS}?{self._filled(LISTS[name])}{page}")

    def page(self, cursor: str) -> Callable[[int], Script]:
        """Return the row of the page behind a cursor."""
        return self._reading(lambda: f"{PRODUCTS}?cursor={cursor}")

    def _filled(self, query: str) -> str:
        return query.format(
            category=self._category(),
            word=self.random.choice(SEARCHED),
            adjective="amber",
            digits=self.random.randint(10, 99),
        )

    def _list(self) -> str:
        return f"{PRODUCTS}?page_size=20"

    def _detail(self) -> str:
        return f"{PRODUCTS}{self.random.randint(1, self.facts.products)}/"

    def _warm_detail(self) -> str:
        return f"{PRODUCTS}{self.random.randint(1, min(WARM_PRODUCTS, self.facts.products))}/"

    def _search(self) -> str:
        return f"{PRODUCTS}?search={self.random.choice(SEARCHED)}"

    def _category(self) -> int:
        """Return one with 110 others below it: in the smallest shop, too, it fills a page."""
        return self.random.randint(3, 18)

    def _reading(self, path: Callable[[], str]) -> Callable[[int], Script]:
        def script() -> Generator[bytes, Answer, None]:
            yield request("GET", path())

        return lambda client: script

    def _unmodified(self, client: int) -> Script:
        etag = ""

        def script() -> Generator[bytes, Answer, None]:
            nonlocal etag
            if not etag:
                etag = (yield request("GET", self._list())).header("ETag")
            answer = yield request("GET", self._list(), If_None_Match=etag)
            assert answer.status == 304, answer.status

        return script

    def _signed_in(self, path: str, *, lines: int = 0) -> Callable[[int], Script]:
        def script_for(client: int) -> Script:
            is_filled = False

            def script() -> Generator[bytes, Answer, None]:
                nonlocal is_filled
                token = self.tokens[client]
                if lines and not is_filled:
                    is_filled = True
                    yield request("DELETE", "/api/cart/", token=token)
                    for variant in self.facts.variants[:lines]:
                        yield self._put_in(token, variant, 1)
                yield request("GET", path, token=token)

            return script

        return script_for

    def _walking(self, client: int) -> Script:
        following = f"{PRODUCTS}?cursor="

        def script() -> Generator[bytes, Answer, None]:
            nonlocal following
            answer = yield request("GET", following)
            url = answer.payload["next"]
            following = url[url.index("/api/") :] if url else f"{PRODUCTS}?cursor="

        return script

    def _adding(self, client: int) -> Script:
        quantities = itertools.cycle(range(1, 9))

        def script() -> Generator[bytes, Answer, None]:
            variant = self.random.choice(self.facts.variants[:10])
            yield self._put_in(self.tokens[client], variant, next(quantities))

        return script

    def buying(self, client: int) -> Script:
        """Return the script of whole purchases of one line, each of another of the goods."""
        return self._buying(client, lambda: self.random.choice(self.facts.variants))

    def buying_one(self, variant: int) -> Callable[[int], Script]:
        """Return the row of purchases of the same goods."""
        return lambda client: self._buying(client, lambda: variant)

    def _buying(self, client: int, choose: Callable[[], int]) -> Script:
        is_emptied = False

        def script() -> Generator[bytes, Answer, None]:
            nonlocal is_emptied
            token = self.tokens[client]
            if not is_emptied:
                is_emptied = True
                yield request("DELETE", "/api/cart/", token=token)
            yield self._put_in(token, choose(), 1)
            placed = yield self._keyed("/api/orders/", token, {})
            yield from self._paying(token, placed)

        return script

    def _buying_at_once(self, *, lines: int) -> Callable[[int], Script]:
        def script_for(client: int) -> Script:
            def script() -> Generator[bytes, Answer, None]:
                token, chosen = self.tokens[client], self._sample(lines)
                items = [{"variant_id": variant, "quantity": 1} for variant in chosen]
                placed = yield self._keyed("/api/orders/", token, {"items": items})
                yield from self._paying(token, placed)

            return script

        return script_for

    def _paying(self, token: str, placed: Answer) -> Generator[bytes, Answer, None]:
        number = placed.payload["number"]
        paying = {"order_id": number, "payment_method": "pm_card_visa"}
        paid = yield self._keyed("/api/payments/", token, paying)
        assert paid.payload["status"] == "succeeded", paid.payload

    def _sample(self, lines: int) -> list[int]:
        return sorted(self.random.sample(list(self.facts.variants), lines))

    def _seeing_an_order(self, client: int) -> Script:
        number = ""

        def script() -> Generator[bytes, Answer, None]:
            nonlocal number
            token = self.tokens[client]
            if not number:
                answer = yield request("GET", "/api/orders/?page_size=1", token=token)
                number = answer.payload["results"][0]["number"]
            yield request("GET", f"/api/orders/{number}/", token=token)

        return script

    def _put_in(self, token: str, variant: int, quantity: int) -> bytes:
        body = {"variant_id": variant, "quantity": quantity}
        return request("POST", "/api/cart/", token=token, body=body)

    def _keyed(self, path: str, token: str, body: Any) -> bytes:
        return request("POST", path, token=token, body=body, Idempotency_Key=uuid.uuid4().hex)


class Floor:
    """The rows of the floor: what the same rows and statements cost without the shop."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.random = random.Random(7)

    def endpoints(self) -> Iterator[Endpoint]:
        """Yield the floors that can be measured with these facts."""
        product = self._product
        yield self._row("hello", lambda: "/hello")
        yield self._row("one query, orjson", lambda: "/rows")
        yield self._row("the list's rows", lambda: "/list")
        yield self._row("the detail's rows", lambda: f"/detail/{product()}")
        if "search 0" in self.facts.flows:
            choose = self.random.randrange
            yield self._row("the search's statements", lambda: f"/search/{choose(len(SEARCHED))}")

    def writing(self) -> Iterator[Endpoint]:
        """Yield the floors that place orders, in a database of their own."""
        for name, lines, row in (
            ("purchase", 1, "the purchase's statements"),
            ("order of 1", 1, "the statements of 1 line"),
            ("order of 20", 20, "the statements of 20 lines"),
        ):
            if name in self.facts.flows:
                script_for = self.replaying(name, lines)
                yield Endpoint(f"floor: {row}", script_for, "writing floor")

    def replaying(
        self, flow: str, lines: int, *, variants: Sequence[int] = ()
    ) -> Callable[[int], Script]:
        """Return the row that sends the statements of a flow, a request a step."""
        chosen_from = list(variants or self.facts.variants)

        def script_for(client: int) -> Script:
            customer = self.facts.customers[client]

            def script() -> Generator[bytes, Answer, None]:
                inputs: dict[str, Any] = {
                    "user_id": customer.user_id,
                    "session_id": customer.session_id,
                }
                for index, variant in enumerate(sorted(self.random.sample(chosen_from, lines))):
                    inputs[f"variant_{index}"] = variant
                for number in range(len(self.facts.flows[flow])):
                    body = {"flow": flow, "step": number, "inputs": inputs}
                    answer = yield request("POST", "/replay", body=body)
                    if answer.status >= 400:
                        return
                    inputs |= answer.payload

            return script

        return script_for

    def _product(self) -> int:
        return self.random.randint(1, self.facts.products)

    def _row(self, name: str, path: Callable[[], str]) -> Endpoint:
        def script() -> Generator[bytes, Answer, None]:
            yield request("GET", path())

        return Endpoint(f"floor: {name}", lambda client: script, "floor")
