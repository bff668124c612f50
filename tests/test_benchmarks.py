"""The benchmark measures what it says: the floors give the shop's rows and send its statements."""

import contextlib
import cProfile
import json
import os
import re

import pytest
from django.db import connection
from django.db.models import Q
from django.test import Client

from benchmarks import (
    catalogue,
    floor,
    judging,
    preparing,
    profiling,
    report,
    servers,
    startup,
    statements,
)
from benchmarks.endpoints import PRODUCTS
from benchmarks.environment import connect
from benchmarks.figures import Row, Sample
from benchmarks.growth import Growth
from benchmarks.load import Answer, percentile
from benchmarks.results import Results
from benchmarks.sale import until_sold_out
from orders.models import Order
from payments.models import Payment
from shop_backend import invariants
from shop_backend.kernel.money import Money

PRODUCTS_MADE = 100


def test_the_percentile_is_what_so_large_a_share_stayed_within():
    latencies = [value / 100 for value in range(100, 0, -1)]

    assert percentile(latencies, 0.5) == 0.51
    assert percentile(latencies, 0.99) == 1.0
    assert percentile([3.0], 0.99) == 3.0


def test_processor_time_is_read_from_a_process_whatever_its_name():
    stat = "123 (a) b) c) S 7 1 1 0 -1 4194560 1 2 3 4 50 25 10 15 20 0 1 0 99 1 2 3"

    fields = servers.fields_of(stat)

    assert fields[1] == "7"  # its parent
    assert servers.seconds_in(fields) == 100 / os.sysconf("SC_CLK_TCK")


def test_memory_is_read_in_megabytes():
    rollup = "5581-7ffc ---p 0 00:00 0 [rollup]\nRss:  100000 kB\nPss:  50000 kB\nPss_Anon: 7 kB\n"

    assert servers.memory_in(rollup) == servers.Memory(pss=51.2, rss=102.4)


def test_import_time_is_added_up_by_package():
    told = (
        "import time: self [us] | cumulative | imported package\n"
        "import time:       100 |        100 |     django.db\n"
        "import time:       250 |        350 |   django\n"
        "import time:       600 |        950 | stripe\n"
    )

    assert startup.by_package(told) == (0.00095, [("stripe", 0.0006), ("django", 0.00035)])


def test_a_profile_is_added_up_by_where_the_functions_stand():
    def busy():
        return [Money(number, "GBP") for number in range(50)], Q(pk=1)

    profile = cProfile.Profile()
    profile.runcall(busy)
    whole = cProfile.Profile()
    whole.runcall(json.dumps, list(range(100)))

    places = dict(profiling.by_place(profile, purchases=2))

    assert {"the shop: shop_backend", "the shop: tests", "Django's database layer"} <= places.keys()
    assert set(dict(profiling.by_place(whole, purchases=1))) == {"Python and other libraries"}


def test_a_client_of_a_sale_goes_home_when_it_is_told_that_nothing_is_left():
    done: list[float] = []

    def buying():
        yield b"add"
        yield b"pay"

    script = until_sold_out(buying, done)
    statuses = iter([200, 201, 409])
    for _ in range(3):
        run = script()
        with contextlib.suppress(StopIteration):
            next(run)
            while True:
                run.send(Answer(next(statuses), b"", b"{}"))

    assert len(done) == 1
    assert list(statuses) == []


def _row(name, *, processor, queries):
    sample = Sample(10, 0.1, 0.2, 0.01, 0.01, 0.001, 1000)
    return Row(
        name, queries, sample, processor_to_floor=processor, rate_to_floor=0.5, p50_to_floor=2
    )


def test_every_figure_is_judged_and_what_was_not_measured_is_called_so():
    rows = [
        _row("product list, cold", processor=1.7, queries=2),
        _row("cart of three lines", processor=3.4, queries=4),
    ]
    results = Results("abc", "today", "two cores", "make bench", is_shared=False, load_before=0.1)
    results.tables = {10_000: rows}
    results.growth = [Growth("by price", [1_000, 10_000], [0.010, 0.014], 60)]

    words = {verdict.what: verdict.word for verdict in judging.judge(results)}
    text = report.page(results, "## Notes\n")

    assert words["list of 20, cold"] == "reached"
    assert words["cart of 3 lines, signed in"] == "not reached"  # a query too many
    assert words["p50 of list by price, 10,000 against 1,000 products"] == "not reached"
    assert words["start to the first answer"] == "not measured"
    assert "| list of 20, cold | ≤ 1.8 ×, ≤ 2 queries | 1.70 ×, 2 queries | reached |" in text
    assert text.endswith("## Notes\n")


@pytest.fixture
def shop(monkeypatch):
    """A catalogue made by the benchmark, in reach of its floor."""
    made = connection.settings_dict
    for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT"):
        monkeypatch.setenv(f"DB_{name}", str(made[name]))
    catalogue.make(PRODUCTS_MADE)
    yield Client(SERVER_NAME="testserver")
    if hasattr(floor._local, "connection"):
        floor._local.connection.close()
        del floor._local.connection


def _from_floor(path):
    (body,) = floor.application({"PATH_INFO": path}, lambda status, headers: None)
    return json.loads(body)["data"]


def _without_paths(product):
    """Leave out the category's path, which no row holds."""
    category = {key: value for key, value in product["category"].items() if key != "path"}
    return {**product, "category": category}


@pytest.mark.concurrency  # its bare connections see only what is committed on PostgreSQL
@pytest.mark.django_db(transaction=True)
def test_the_floors_answer_what_the_list_and_the_details_answer(shop):
    listed = shop.get(f"{PRODUCTS}?page_size=20").json()["data"]["results"]
    details = [shop.get(f"{PRODUCTS}{pk}/").json()["data"] for pk in range(1, 31)]

    assert _from_floor("/list")["results"] == [_without_paths(row) for row in listed]
    for detail in details:
        assert _from_floor(f"/detail/{detail['id']}") == _without_paths(detail)


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_cursor_leads_to_the_page_that_walking_leads_to(shop):
    following = f"{PRODUCTS}?cursor="
    for _ in range(3):
        page = shop.get(following).json()["data"]
        following = page["next"]

    jumped = shop.get(f"{PRODUCTS}?cursor={preparing.cursor_to(3)}").json()["data"]

    assert jumped["results"] == page["results"]
    assert jumped["next"] == page["next"].replace(
        re.search("cursor=([^&]*)", page["next"])[1],
        re.search("cursor=([^&]*)", jumped["next"])[1],
    )


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_the_bare_statements_of_a_purchase_buy_as_the_shop_does(shop):
    facts = preparing.facts_of(PRODUCTS_MADE)
    facts.tokens = preparing.tokens_of(facts.customers)
    steps = preparing.purchase_by_cart(facts)
    customer, variant = facts.customers[20], facts.variants[20]
    placed, paid = Order.objects.count(), Payment.objects.filter(status="succeeded").count()

    inputs = {
        "user_id": customer.user_id,
        "session_id": customer.session_id,
        "variant_0": variant,
    }
    with contextlib.closing(connect(os.environ)) as bare:
        for step in steps:
            inputs |= statements.replay(bare, statements.prepared(step, bare), inputs)

    assert Order.objects.count() == placed + 1
    assert Payment.objects.filter(status="succeeded").count() == paid + 1
    bought = Order.objects.get(number=inputs["number"])
    assert (bought.customer_id, bought.status) == (customer.user_id, "paid")
    assert [line.variant_id for line in bought.lines.all()] == [variant]
    assert [one.code for one in invariants.choose("") if not one.check().is_kept] == []
