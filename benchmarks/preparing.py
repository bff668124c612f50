"""``python -m benchmarks.preparing SIZE FILE [--writing]``, in the environment of one shop.

Makes the catalogue, the people and the goods, and writes down what the load needs to know of
them. With ``--writing`` it also records what a purchase sends, to be sent without the shop.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import django

django.setup()

from django.contrib.auth.hashers import make_password
from django.core import signing
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.utils import timezone

from accounts import services as accounts
from accounts.models import User
from benchmarks import catalogue, queries
from benchmarks.endpoints import PRODUCTS, SEARCHED, Shop
from benchmarks.environment import LOOPBACK
from benchmarks.facts import Customer, Facts
from benchmarks.recording import recorded, step_of
from benchmarks.statements import Step
from catalog import version
from catalog.models import Product, Variant
from inventory import services as inventory
from shipping.models import Address

HOT_SKUS = 200
CUSTOMERS = 64
PAGE = 20
DEEP_PAGE = 10_000
PASSWORD = "a-password-of-the-benchmark"
_MANY = 1_000_000
_RECORDED = (5, 2, 9)  # customers whose ids grow by no even step, so that they look like no others


def facts_of(size: int) -> Facts:
    """Make the people and goods that the scripts need, once for a database."""
    variants = list(
        Variant.objects.filter(option_values=None)
        .select_related("stock_item")
        .order_by("pk")[:HOT_SKUS]
    )
    for variant in variants:
        inventory.set_available(
            item_id=variant.stock_item_id, available=_MANY, reason="benchmark", actor_id=None
        )
    hashed = make_password(PASSWORD)
    customers = [_customer(number, hashed) for number in range(CUSTOMERS)]
    facts = Facts(size, [variant.pk for variant in variants], customers)
    facts.deep_page = min(DEEP_PAGE, size // PAGE - 1)
    facts.cursors = {"first": "", "deep": cursor_to(facts.deep_page)}
    facts.environment = dict(os.environ)
    return facts


def _sweep() -> None:
    """Do what the worker would have done by now: a change of each product is one of them all."""
    if version.sum_up(limit=_MANY):
        while version.sum_up(limit=_MANY):
            pass
        with connection.cursor() as cursor:
            cursor.execute("VACUUM FULL catalog_cataloguechange")  # a million rows that are gone


def _customer(number: int, hashed: str) -> Customer:
    user, _ = User.objects.get_or_create(
        username=f"bench-{number}",
        defaults={"email_verified_at": timezone.now(), "password": hashed},
    )
    if user.password != hashed:
        User.objects.filter(pk=user.pk).update(password=hashed)
        user.password = hashed
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
    pair = accounts.open_session(user=user, device=accounts.Device(), rotates=False)
    session = user.sessions.order_by("-created_at")[0]
    return Customer(user.pk, str(session.pk), pair.refresh, PASSWORD)


def cursor_to(page: int) -> str:
    """Return the API's own cursor to a page of the newest products, without walking there."""
    answer = Client(SERVER_NAME=LOOPBACK).get(f"{PRODUCTS}?cursor=").json()
    signed = signing.Signer(salt="kernel.cursor")
    following = dict(part.split("=", 1) for part in answer["data"]["next"].split("?")[1].split("&"))
    columns, _, towards = signed.unsign_object(following["cursor"].replace("%3A", ":"))
    names = [column.lstrip("-") for column in columns]
    newest = Product.objects.filter(status=Product.Status.ACTIVE).order_by(*columns)
    last = newest.values_list(*names)[(page - 1) * PAGE - 1]
    cursor: str = signed.sign_object([columns, [str(value) for value in last], towards])
    return cursor


def tokens_of(customers: Sequence[Customer]) -> list[str]:
    """Return an access token for each customer, without a server."""
    client = Client(SERVER_NAME=LOOPBACK)
    return [
        client.post(
            "/api/auth/jwt/refresh/", {"refresh": one.refresh}, content_type="application/json"
        ).json()["access"]
        for one in customers
    ]


def counted(facts: Facts) -> dict[str, int]:
    """Return how many statements each endpoint sends."""
    found = {}
    for row in Shop(facts).endpoints():
        cache = {"CATALOGUE_CACHE_MB": 0} if row.server == "cold" else {}
        with override_settings(**cache):
            found[row.name] = queries.count(row.script_for(0))
    return found


def searches() -> dict[str, Sequence[Step]]:
    """Return what each search sends."""
    found: dict[str, Sequence[Step]] = {}
    client = Client(SERVER_NAME=LOOPBACK)
    with override_settings(CATALOGUE_CACHE_MB=0):
        client.get(f"{PRODUCTS}?search={SEARCHED[0]}")
        for number, word in enumerate(SEARCHED):
            with recorded({}) as run:
                assert client.get(f"{PRODUCTS}?search={word}").status_code == 200
            found[f"search {number}"] = [step_of([run])]
    return found


def purchases(facts: Facts) -> dict[str, Sequence[Step]]:
    """Return what the ways to buy send."""
    by_cart = purchase_by_cart(facts)
    return {
        "purchase": by_cart,
        "order of 1": _flow(facts, _at_once, lines=1),
        "order of 20": _flow(facts, _at_once, lines=20),
    }


def purchase_by_cart(facts: Facts) -> Sequence[Step]:
    """Return what adding to the cart, placing and paying send; everything then costs the same."""
    _set_sequences_apart()
    Variant.objects.filter(pk__in=facts.variants).update(price_minor=1999)
    Product.objects.filter(variants__in=facts.variants).update(from_price_minor=1999)
    return _flow(facts, _by_cart, lines=1)


def _flow(facts: Facts, requests: Any, *, lines: int) -> Sequence[Step]:
    runs = []
    for number in _RECORDED:
        customer, token = facts.customers[number], facts.tokens[number]
        chosen = sorted(facts.variants[number * 7 :: 3][:lines])
        inputs: dict[str, Any] = {
            "user_id": customer.user_id,
            "session_id": customer.session_id,
            **{f"variant_{index}": pk for index, pk in enumerate(chosen)},
        }
        list(_run(requests, chosen, token, inputs))  # once to warm up
        runs.append(list(_run(requests, chosen, token, inputs)))
    return [step_of(same) for same in zip(*runs, strict=True)]


def _run(
    requests: Any, chosen: Sequence[int], token: str, inputs: Mapping[str, Any]
) -> Iterator[Any]:
    client, number = Client(SERVER_NAME=LOOPBACK), ""
    for path, body, outputs in requests(chosen):
        body = {key: number if value is ... else value for key, value in body.items()}
        known = {**inputs, "number": number} if number else inputs
        with recorded(known) as run:
            answer = client.post(
                path,
                body,
                content_type="application/json",
                headers={
                    "Authorization": f"Bearer {token}",
                    "Idempotency-Key": os.urandom(16).hex(),
                },
            )
        assert answer.status_code < 300, answer.content
        run.outputs = {name: answer.json()["data"][name] for name in outputs}
        number = run.outputs.get("number", number)
        yield run


def _by_cart(chosen: Sequence[int]) -> Iterator[tuple[str, dict[str, Any], Sequence[str]]]:
    for variant in chosen:
        yield "/api/cart/", {"variant_id": variant, "quantity": 1}, ()
    yield "/api/orders/", {}, ("number",)
    yield "/api/payments/", {"order_id": ..., "payment_method": "pm_card_visa"}, ()


def _at_once(chosen: Sequence[int]) -> Iterator[tuple[str, dict[str, Any], Sequence[str]]]:
    items = [{"variant_id": variant, "quantity": 1} for variant in chosen]
    yield "/api/orders/", {"items": items}, ("number",)
    yield "/api/payments/", {"order_id": ..., "payment_method": "pm_card_visa"}, ()


def _set_sequences_apart() -> None:
    """Let ids of different tables differ, so that a recording can tell whose they are."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sequencename, COALESCE(last_value, 1) FROM pg_sequences ORDER BY 1")
        for number, (name, last) in enumerate(cursor.fetchall(), start=1):
            cursor.execute("SELECT setval(%s, %s)", [name, last + 100_000 * number])


def main(size: str, path: str, *more: str) -> None:
    """Make the shop and write its facts."""
    call_command("migrate", interactive=False, verbosity=0)
    catalogue.make(int(size))
    facts = facts_of(int(size))
    _sweep()
    facts.tokens = tokens_of(facts.customers)
    if "--writing" in more:
        facts.flows = purchases(facts)
    else:
        facts.queries = counted(facts)
        facts.flows = searches()
    facts.save(path)


if __name__ == "__main__":
    main(*sys.argv[1:])
