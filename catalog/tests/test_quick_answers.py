"""Answers before Django's handler: the same bytes and headers, no query, and never out of date."""

import json
import subprocess
import sys
import time

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction

from catalog import services, version
from catalog.models import Product
from catalog.tests.factories import CategoryFactory, VariantFactory
from catalog.views.remembered import answers
from inventory.models import StockLevel
from inventory.tests.factories import LocationFactory
from shop_backend.kernel import budgets
from shop_backend.kernel.quick_answers import QuickAnswers
from shop_backend.kernel.requests import ShopHandler
from tests.wsgi import Server, comparable

pytestmark = pytest.mark.django_db
LIST = "/api/catalog/products/"
PATHS = [
    LIST,
    f"{LIST}?ordering=-price&page_size=1&page=2",
    f"{LIST}?in_stock=1",
    f"{LIST}?facets=1&search=lamp",
    f"{LIST}?cursor=&page_size=1",
    "/catalog/products/a-lamp",
    "/api/products/?page_size=1",
    "/api/catalog/categories/?tree=1",
    "/catalog/categories/lamps/",
]


@pytest.fixture(autouse=True)
def _no_answers(settings):
    if not version.is_known():
        pytest.skip("MySQL and MariaDB keep no version")
    settings.CATALOGUE_FRESHNESS_MS = settings.CATALOGUE_STOCK_FRESHNESS_MS = 60_000
    answers.forget()
    version.look_again()
    yield
    version.look_again()


@pytest.fixture(autouse=True)
def _one_connection():
    """A request's end must not close the connection whose transaction the test rolls back."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def shop():
    return CatalogueServer(QuickAnswers(ShopHandler()))


class CatalogueServer(Server):
    def names(self, address=LIST):
        return [row["name"] for row in json.loads(self.ask(address)[2])["data"]["results"]]


@pytest.mark.parametrize("origin", [None, "http://localhost:3000", "https://evil.example"])
@pytest.mark.parametrize("path", PATHS)
def test_a_quick_answer_is_the_ordinary_one(
    shop, path, origin, settings, django_assert_num_queries
):
    settings.RATE_LIMITS = True
    settings.CORS_ALLOWED_ORIGINS = ["http://localhost:3000"]
    lamps = CategoryFactory(name="Lamps", slug="lamps")
    for number, slug in enumerate(["a-lamp", "b-lamp", "c-lamp"]):
        VariantFactory(
            product__name=slug, product__slug=slug, product__category=lamps, stock=number
        )
    asked = {"HTTP_ORIGIN": origin} if origin else {}
    settings.CATALOGUE_CACHE_MB = 0
    plain = CatalogueServer(ShopHandler())
    expected = plain.ask(path, **asked)
    match = {**asked, "HTTP_IF_NONE_MATCH": expected[1]["ETag"]}
    expected_304 = plain.ask(path, **match)
    settings.CATALOGUE_CACHE_MB = 1
    shop.ask(path, **asked), shop.ask(path, **match)
    reached = shop.ordinary

    with django_assert_num_queries(0):
        quick, quick_304 = shop.ask(path, **asked), shop.ask(path, **match)

    assert comparable(quick) == comparable(expected)
    assert comparable(quick_304) == comparable(expected_304)
    assert expected_304[0] == "304 Not Modified"
    assert {"X-Request-ID", "RateLimit-Limit", "RateLimit-Remaining"} <= set(quick[1])
    # A strange origin is left to Django, whose memory needs no query either.
    assert shop.ordinary == reached + (2 if origin == "https://evil.example" else 0)


def test_what_a_quick_answer_may_not_know_takes_the_ordinary_way(shop):
    VariantFactory()
    shop.ask(LIST)

    for headers in (
        {"HTTP_AUTHORIZATION": "Bearer nonsense"},
        {"HTTP_ACCEPT": "text/html"},
        {"HTTP_HOST": "evil.example"},
        {"CONTENT_LENGTH": "3"},
    ):
        before = shop.ordinary
        assert shop.ask(LIST, **headers)[0] != "200 OK" or "CONTENT_LENGTH" in headers
        assert shop.ordinary == before + 1
    assert shop.ask(f"{LIST}?colour=red")[0].startswith("400")
    before = shop.ordinary
    assert shop.ask(LIST, method="HEAD")[0] == "200 OK"
    assert shop.ordinary == before + 1


def test_a_cookie_for_one_browser_goes_to_no_other(shop):
    shop.ask(LIST)
    version.look_again()  # so that the next answer is kept anew

    first = shop.ask(LIST, HTTP_COOKIE="csrftoken=somebody-elses")

    assert "Set-Cookie" in first[1]
    assert "Set-Cookie" not in shop.ask(LIST)[1]


def test_bytes_beyond_ascii_are_not_taken_for_what_they_look_like(shop):
    VariantFactory(product__name="café")

    mistaken = f"{LIST}?search=caf%C3%83%C2%A9"
    expected = shop.names(mistaken)  # nothing, but where typos are forgiven
    answers.forget()

    assert shop.names(f"{LIST}?search=" + "café".encode().decode("latin-1")) == ["café"]
    assert shop.names(mistaken) == expected


def test_what_a_transaction_has_not_committed_is_not_believed():
    version.look()
    version.look_again()

    with transaction.atomic():
        VariantFactory()
        version.look()
        assert version.known() is None

    version.look()
    assert version.known() is not None


def test_a_connection_that_may_be_dead_is_asked_where_the_quick_way_ends(shop):
    connection.health_check_done = False
    try:
        shop.ask(f"{LIST}?search=lamp")  # no quick way leads there

        assert connection.health_check_done is False
    finally:
        connection.health_check_done = True


def test_the_callers_request_id_comes_back(shop):
    shop.ask(LIST)

    assert shop.ask(LIST, HTTP_X_REQUEST_ID="mine-7")[1]["X-Request-ID"] == "mine-7"
    assert len(shop.ask(LIST, HTTP_X_REQUEST_ID="not one!")[1]["X-Request-ID"]) == 32


def test_quick_answers_count_against_the_budget_and_are_refused_with_it(shop, settings):
    settings.RATE_LIMITS = True
    settings.THROTTLE_RATES = {**settings.THROTTLE_RATES, "default": "3/min"}
    budgets.IN_MEMORY.forget("default from 127.0.0.1")

    left = [shop.ask(LIST)[1]["RateLimit-Remaining"] for _ in range(3)]

    assert left == ["2", "1", "0"]
    assert shop.ask(LIST)[0].startswith("429")
    budgets.IN_MEMORY.forget("default from 127.0.0.1")


def test_who_changes_something_through_this_process_sees_it_at_once(shop):
    VariantFactory(product__name="Before")
    assert shop.names() == ["Before"]
    Product.objects.update(name="After")
    assert shop.names() == ["Before"]  # changed behind the process's back: believed for a while

    shop.ask(f"{LIST}none/", method="PATCH")  # any request that may write, refused or not

    assert shop.names() == ["After"]


def test_a_change_made_elsewhere_is_seen_within_the_bound(shop, settings):
    settings.CATALOGUE_FRESHNESS_MS = 50
    VariantFactory(product__name="Before")
    assert shop.names() == ["Before"]
    Product.objects.update(name="After")

    time.sleep(0.06)  # longer than the bound

    assert shop.names() == ["After"]


def test_stock_that_counts_down_keeps_the_answer_and_is_shown_within_its_bound(
    shop, settings, django_assert_num_queries
):
    settings.CATALOGUE_STOCK_FRESHNESS_MS = 50
    variant = VariantFactory(stock=9)
    path = f"{LIST}{variant.product_id}/"
    shop.ask(path)
    StockLevel.objects.update(on_hand=3)

    time.sleep(0.06)  # longer than the bound

    with django_assert_num_queries(1):  # of the units alone: the rest stands
        after = json.loads(shop.ask(path)[2])["data"]
    assert (after["stock"], after["in_stock"]) == (3, True)


def test_sold_out_is_seen_as_fast_as_any_change(shop, settings):
    settings.CATALOGUE_FRESHNESS_MS = 50
    variant = VariantFactory(stock=9)
    paths = [f"{LIST}{variant.product_id}/", LIST]
    lists = [f"{LIST}?in_stock=1", f"{LIST}?in_stock=0"]
    before = [shop.ask(path)[2] for path in [*paths, *lists]]
    StockLevel.objects.update(reserved=9)

    time.sleep(0.06)  # longer than the bound

    assert b'"in_stock":true' in before[0]
    assert all(b'"in_stock":false' in shop.ask(path)[2] for path in paths)
    assert [len(shop.names(path)) for path in lists] == [0, 1]


def test_an_answer_that_was_read_before_a_change_is_not_believed_after_it():
    VariantFactory(product__name="Before")
    looking = version.begin_to_look()
    sums = version.read_sums()
    Product.objects.update(name="After")
    version.look_again()

    version.saw(sums, looking=looking)  # read before the change, and late

    assert version.known() is None


def test_what_a_process_believes_ends_with_its_version(shop):
    VariantFactory(product__name="Here")
    assert shop.names() == ["Here"]

    services.update_product(
        product=Product.objects.get(), fields={"status": "draft"}, variant_fields={}, actor_id=None
    )
    version.look_again()

    assert shop.names() == []


@pytest.mark.parametrize(
    ("before", "after", "is_told"),
    [
        ({"on_hand": 5}, {"on_hand": 4}, False),
        ({"on_hand": 5}, {"reserved": 4}, False),
        ({"on_hand": 5}, {"reserved": 5}, True),
        ({"on_hand": 5}, {"on_hand": 0}, True),
        ({"on_hand": 0}, {"on_hand": 1}, True),
        ({"on_hand": 5, "reserved": 5}, {"on_hand": 9}, True),
        ({"on_hand": 5, "reserved": 5}, {"on_hand": 0, "reserved": 0}, False),
    ],
)
def test_the_database_tells_of_goods_that_run_out_or_come_back(before, after, is_told):
    VariantFactory(stock=7)
    StockLevel.objects.update(**before)
    seen = version.look()

    StockLevel.objects.update(**after)

    assert version.look().version == seen.version
    assert (version.look().availability != seen.availability) == is_told


def test_levels_that_come_and_go_are_told_of():
    item, places = VariantFactory(stock=None).stock_item, [LocationFactory(), LocationFactory()]
    seen = version.look()
    StockLevel.objects.create(item=item, location=places[0], on_hand=0)
    empty = version.look()
    StockLevel.objects.create(item=item, location=places[1], on_hand=1)
    full = version.look()
    StockLevel.objects.filter(on_hand=1).delete()

    marks = [state.availability for state in (seen, empty, full, version.look())]
    assert marks[0] == marks[1]
    assert len(set(marks)) == 3


def test_the_application_that_is_served_answers_quickly():
    code = "from shop_backend.wsgi import application as a; print(type(a).__name__)"
    command = [sys.executable, "-W", "ignore", "-c", code]  # it sets Django up, so not in here

    told = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert told.stdout.strip() == QuickAnswers.__name__
