"""Answers from memory: the same as the ordinary ones, and no older than the bounds say."""

import json
import subprocess
import sys
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from catalog import version
from catalog.models import Category, Product
from catalog.tests.answers import names, payload
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from catalog.views.remembered import answers
from inventory.models import StockLevel
from shop_backend.kernel import budgets
from shop_backend.kernel.remembered_answers import RememberedAnswers

pytestmark = pytest.mark.django_db
LIST = "/api/catalog/products/"
_CHANGES_WITH_EVERY_REQUEST = {"X-Request-ID", "RateLimit-Remaining", "RateLimit-Reset"}


@pytest.fixture(autouse=True)
def _no_answers():
    if not version.is_known():
        pytest.skip("MySQL and MariaDB keep no version")
    answers.forget()


def shape_of(response):
    headers = dict(response.headers)
    return (
        response.status_code,
        response.content,
        {name: headers[name] for name in headers if name not in _CHANGES_WITH_EVERY_REQUEST},
    )


PATHS = [
    LIST,
    "/catalog/products/?ordering=price&page_size=1",
    "/api/products/?page_size=1&search=lamp",
    "/catalog/products/?cursor=&page_size=1",
    "/api/catalog/products/a-lamp/",
    "/catalog/products/a-lamp",
    "/api/catalog/categories/",
    "/api/catalog/categories/?tree=1",
    "/catalog/categories/lamps/",
]


@pytest.mark.parametrize("method", ["get", "head"])
@pytest.mark.parametrize("path", PATHS)
def test_an_answer_from_memory_is_the_ordinary_one(
    path, method, anonymous, settings, django_assert_num_queries
):
    settings.RATE_LIMITS = True
    lamps = CategoryFactory(name="Lamps", slug="lamps")
    VariantFactory(product__name="A lamp", product__slug="a-lamp", product__category=lamps)
    VariantFactory(product__name="Another lamp", product__slug="another")
    settings.CATALOGUE_CACHE_MB = 0
    ask = getattr(anonymous, method)
    ordinary, not_modified = ask(path), None
    match = {"If-None-Match": ordinary.headers["ETag"]}
    not_modified = ask(path, headers=match)
    settings.CATALOGUE_CACHE_MB = 1
    first = ask(path)

    with django_assert_num_queries(1):
        again = ask(path)

    assert shape_of(again) == shape_of(first) == shape_of(ordinary)
    assert shape_of(ask(path, headers=match)) == shape_of(not_modified)
    assert not_modified.status_code == 304
    assert {"RateLimit-Limit", "Vary", "Allow", "ETag"} <= set(again.headers)


def test_stock_is_of_this_moment_and_makes_nothing_unusable(anonymous, django_assert_num_queries):
    variant = VariantFactory(stock=9)
    path = f"{LIST}{variant.product_id}/"
    before = [payload(anonymous.get(LIST))["results"][0], payload(anonymous.get(path))]
    StockLevel.objects.update(on_hand=0)

    with django_assert_num_queries(2):
        after = [payload(anonymous.get(LIST))["results"][0], payload(anonymous.get(path))]

    assert [(row["stock"], row["in_stock"]) for row in before] == [(9, True)] * 2
    assert [(row["stock"], row["in_stock"]) for row in after] == [(0, False)] * 2
    assert after[1]["variants"][0]["stock"] == 0


def test_lists_of_what_is_in_stock_follow_what_can_be_bought(anonymous):
    VariantFactory(stock=9)
    path = f"{LIST}?in_stock=1"
    assert payload(anonymous.get(path))["count"] == 1
    StockLevel.objects.update(on_hand=0)

    assert payload(anonymous.get(path))["count"] == 0
    assert payload(anonymous.get(f"{LIST}?facets=1"))["facets"]["in_stock"]["values"] == [
        {"value": False, "count": 1}
    ]


def test_who_has_a_token_is_not_answered_for_everyone(anonymous, customer, manager):
    VariantFactory(product__name="A draft", product__status="draft")
    VariantFactory(product__name="A lamp", stock=500)
    assert names(anonymous.get(LIST)) == ["A lamp"]

    assert names(manager.get(f"{LIST}?ordering=name")) == ["A draft", "A lamp"]
    assert names(manager.get(LIST)) == ["A lamp", "A draft"]
    assert names(customer.get(LIST)) == names(anonymous.get(LIST)) == ["A lamp"]
    assert anonymous.get(LIST, headers={"Authorization": "Bearer x"}).status_code == 401


def test_changes_are_seen_at_once(anonymous):
    lamp = VariantFactory(product__category=CategoryFactory(name="Lamps")).product
    paths = [LIST, f"{LIST}{lamp.pk}/", "/api/catalog/categories/?tree=1"]
    old = [anonymous.get(path).content for path in paths]

    Category.objects.update(name="Lights")

    new = [anonymous.get(path).content for path in paths]
    assert all(b"Lamps" in body for body in old)
    assert all(b"Lights" in body and b"Lamps" not in body for body in new)


def test_a_product_vanishes_at_its_time(anonymous, monkeypatch):
    VariantFactory(product__published_until=timezone.now() + timedelta(hours=1))
    assert payload(anonymous.get(LIST))["count"] == 1
    later = timezone.now() + timedelta(hours=2)

    monkeypatch.setattr(timezone, "now", lambda: later)

    assert payload(anonymous.get(LIST))["count"] == 0


def test_every_host_and_every_face_has_its_own_links(anonymous, settings):
    settings.ALLOWED_HOSTS = ["testserver", "shop.example"]
    ProductFactory.create_batch(2)
    path = f"{LIST}?page_size=1"
    here = payload(anonymous.get(path))["next"]

    there = payload(anonymous.get(path, headers={"Host": "shop.example"}))["next"]
    safe = payload(anonymous.get(path, secure=True))["next"]

    assert here.startswith("http://testserver/api/")
    assert there.startswith("http://shop.example/api/")
    assert safe.startswith("https://testserver/api/")
    assert anonymous.get(path, headers={"Host": "evil.example"}).status_code == 400


def test_the_order_of_parameters_makes_no_second_answer(anonymous, django_assert_num_queries):
    ProductFactory.create_batch(3)
    first = anonymous.get(f"{LIST}?ordering=name&page_size=1&page=2")

    with django_assert_num_queries(1):
        second = anonymous.get(f"{LIST}?page=2&page_size=1&ordering=name")

    assert second.content == first.content


def test_what_is_refused_stays_refused(anonymous):
    for path in (f"{LIST}?colour=red", f"{LIST}?page=2", f"{LIST}none/"):
        assert anonymous.get(path).status_code == anonymous.get(path).status_code >= 400
    anonymous.get(LIST)

    assert anonymous.get(LIST, headers={"Accept": "text/html"}).status_code == 406


def test_answers_from_memory_count_against_the_budget(anonymous, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": "3/min"}
    budgets.IN_MEMORY.forget("default from 127.0.0.1")
    left = [anonymous.get(LIST).headers["RateLimit-Remaining"] for _ in range(3)]

    refused = anonymous.get(LIST)

    assert left == ["2", "1", "0"]
    assert refused.status_code == 429
    budgets.IN_MEMORY.forget("default from 127.0.0.1")


def test_no_text_of_a_product_is_taken_for_a_place_of_stock(anonymous):
    VariantFactory(product__name='"}0', stock=3)

    assert payload(anonymous.get(LIST))["results"][0]["stock"] == 3
    assert names(anonymous.get(LIST)) == ['"}0']


def test_memory_is_bounded_and_what_was_not_asked_for_longest_goes_first():
    kept = RememberedAnswers()
    for name in "abc":
        kept.keep(name, name, size=40, most=100)
        kept.get("a")

    assert [kept.get(name) for name in "abc"] == ["a", None, "c"]
    assert kept.bytes == 80
    kept.keep("huge", "huge", size=101, most=100)
    assert kept.get("huge") is None


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_what_another_process_has_committed_is_seen_at_once(anonymous):
    product = VariantFactory(product__name="Before", stock=5).product
    paths = [LIST, f"{LIST}{product.pk}/"]
    before = [anonymous.get(path).content for path in paths]

    for number in range(5):
        _in_another_process(
            f"UPDATE catalog_product SET name = 'After {number}';"
            f" UPDATE inventory_stocklevel SET on_hand = {number}"
        )
        after = [anonymous.get(path).json()["data"] for path in paths]
        rows = [after[0]["results"][0], after[1]]

        assert [(row["name"], row["stock"]) for row in rows] == [(f"After {number}", number)] * 2
    assert all(b"Before" in body for body in before)
    assert Product.objects.get().name == "After 4"


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_what_another_process_has_committed_is_seen_within_the_bounds(anonymous, settings):
    settings.CATALOGUE_FRESHNESS_MS, settings.CATALOGUE_STOCK_FRESHNESS_MS = 100, 1000
    product = VariantFactory(product__name="A lamp", stock=9, price_minor=1000).product
    path = f"{LIST}{product.pk}/"
    version.look_again()
    one = payload(anonymous.get(path))
    assert (one["price"], one["stock"], payload(anonymous.get(LIST))["count"]) == ("10.00", 9, 1)

    _in_another_process("UPDATE catalog_product SET from_price_minor = 900")
    time.sleep(0.11)
    assert payload(anonymous.get(path))["price"] == "9.00"

    _in_another_process("UPDATE inventory_stocklevel SET on_hand = 3")
    time.sleep(1.01)
    assert payload(anonymous.get(path))["stock"] == 3

    _in_another_process("UPDATE inventory_stocklevel SET reserved = on_hand")
    time.sleep(0.11)
    assert payload(anonymous.get(path))["in_stock"] is False
    assert payload(anonymous.get(LIST))["results"][0]["in_stock"] is False

    _in_another_process("UPDATE catalog_product SET status = 'draft'")
    time.sleep(0.11)
    assert anonymous.get(path).status_code == 404
    assert payload(anonymous.get(LIST))["count"] == 0
    version.look_again()


def _in_another_process(statement):
    """Run and commit it in a process of its own."""
    parameters = connection.get_connection_params()
    known = {name: parameters.get(name) for name in ("dbname", "user", "password", "host", "port")}
    code = (
        "import json, psycopg2, sys; c = psycopg2.connect(**json.load(sys.stdin));"
        " c.cursor().execute(sys.argv[1]); c.commit()"
    )
    command = [sys.executable, "-c", code, statement]
    subprocess.run(command, input=json.dumps(known), text=True, check=True, timeout=30)
