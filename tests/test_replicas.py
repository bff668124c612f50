"""Which requests read from the replica, and that none of them notices when it goes.

The replica here is the test's own database under a second name: what is asked of which name tells
where a request read. A real one, that lags and dies, is in ``tests/scale``.
"""

import re
import socket
import threading
from contextlib import contextmanager

import psycopg2
import pytest
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import StaffFactory, UserFactory
from cart.tests.factories import TaxRateFactory
from catalog.tests.factories import VariantFactory
from catalog.views.remembered import answers
from orders.tests.trade import buyer, client_of, pay, place
from shop_backend.kernel import redis_store, replicas
from tests.throwaway_redis import throwaway_redis

pytestmark = [
    pytest.mark.concurrency,
    pytest.mark.django_db(transaction=True, databases=["default", "replica"]),
]
PRODUCTS = "/api/catalog/products/"
TABLE = re.compile(r'(?:FROM|JOIN|UPDATE|INTO) "?([a-z_]+)"?')


@pytest.fixture(autouse=True, scope="module")
def _second_name(django_db_setup):
    """Have the test's database once more, before any test asks for its databases."""
    known = connections.databases["default"]
    connections.databases["replica"] = {**known, "TEST": {**known["TEST"], "MIRROR": "default"}}
    yield
    del connections.databases["replica"]


@pytest.fixture(autouse=True)
def replica(settings):
    """Let the shop know the replica, whose lag nobody asks for."""
    settings.DB_REPLICA_HOST = "127.0.0.1"
    settings.DB_REPLICA_MAX_LAG_SECONDS = 0
    settings.DATABASE_ROUTERS = ["shop_backend.kernel.replicas.ReplicaRouter"]
    replicas.replica.forget()
    answers.forget()
    yield connections["replica"]
    connections["replica"].close()
    del connections["replica"]


@contextmanager
def watched():
    """Yield the tables that are asked of each of the two, filled at the end."""
    asked: dict[str, set[str]] = {}
    with (
        CaptureQueriesContext(connections["default"]) as primary,
        CaptureQueriesContext(connections["replica"]) as replica,
    ):
        yield asked
    for name, queries in (("primary", primary), ("replica", replica)):
        asked[name] = {table for query in queries for table in TABLE.findall(query["sql"])}


@pytest.fixture
def redis(settings):
    with throwaway_redis() as url:
        settings.REDIS_URL = url
        redis_store.breaker.reset()
        yield


@pytest.mark.parametrize(
    "path", [PRODUCTS, PRODUCTS + "{slug}/", "/catalog/categories/", "/api/catalog/attributes/"]
)
def test_what_strangers_see_of_the_catalogue_is_read_from_the_replica_alone(path):
    product = VariantFactory().product
    client, path = client_of(None), path.format(slug=product.slug)

    for _ in range(2):  # made, and given again from memory
        with watched() as asked:
            assert client.get(path).status_code == 200
        assert asked["primary"] == set()
        assert asked["replica"]


def test_what_decides_anything_is_read_from_the_primary_alone(redis):
    TaxRateFactory()
    customer, variant = buyer(), VariantFactory(stock=5)
    cart = {"variant_id": variant.pk, "quantity": 1}

    with watched() as asked:
        assert client_of(customer).get("/api/cart/").status_code == 200  # has written nothing yet
        assert (
            client_of(StaffFactory(role="manager")).get("/api/inventory/stock/").status_code == 200
        )
        assert client_of(customer).post("/api/cart/", cart, format="json").status_code == 200
        assert client_of(customer).get("/api/cart/").status_code == 200
        order = place(customer, (variant, 1))
        assert pay(order).status_code == 201
        for path in ("/api/orders/", f"/api/orders/{order.number}/"):
            assert client_of(customer).get(path).status_code == 200

    assert asked["replica"] == set()
    assert {"catalog_variant", "inventory_stocklevel"} <= asked["primary"]


def test_an_account_that_has_written_reads_from_the_primary_and_others_do_not(redis):
    product = VariantFactory().product
    reader, writer = client_of(UserFactory()), client_of(UserFactory())

    def tables_of(client):
        with watched() as asked:
            assert client.get(f"{PRODUCTS}{product.pk}/").status_code == 200
        return asked

    assert "catalog_product" in tables_of(writer)["replica"]
    writer.post("/api/cart/", {"variant_id": product.variants.get().pk, "quantity": 1})

    after = tables_of(writer)
    assert (after["replica"], "catalog_product" in after["primary"]) == (set(), True)
    assert "catalog_product" in tables_of(reader)["replica"]


def test_who_is_signed_in_is_asked_of_the_primary_wherever_the_rest_is_read(redis):
    VariantFactory()

    with watched() as asked:
        assert client_of(StaffFactory(role="support")).get(PRODUCTS).status_code == 200

    assert not {table for table in asked["replica"] if table.startswith(("accounts", "auth"))}


def test_without_something_shared_accounts_read_from_the_primary():
    VariantFactory()

    with watched() as asked:
        assert client_of(UserFactory()).get(PRODUCTS).status_code == 200

    assert asked["replica"] == set()


def test_a_change_reads_what_it_changes_from_the_primary(redis):
    product, client = VariantFactory().product, client_of(StaffFactory(role="manager"))

    with watched() as asked:
        path = f"{PRODUCTS}{product.pk}/"
        assert client.patch(path, {"name": "A lamp"}, format="json").status_code == 200

    assert asked["replica"] == set()


def test_within_a_request_reads_do_not_come_back_from_the_primary(rf):
    request = rf.get(PRODUCTS)
    with replicas._choosing() as choice:
        choice.offer_replica(request)
        assert replicas.reading_alias() == "replica"
        with transaction.atomic():
            assert replicas.reading_alias() == "default"

        assert replicas.reading_alias() == "default"
    assert replicas.reading_connection() is connections["default"]


@pytest.mark.parametrize("what", ["refuses", "is no replica"])
def test_a_replica_that_is_not_to_be_had_is_no_trouble_for_anybody(what, replica, settings, caplog):
    VariantFactory()
    if what == "refuses":
        replica.settings_dict = {**replica.settings_dict, "PORT": closed_port()}
        replica.close()
    else:  # its lag would be a number
        settings.DB_REPLICA_MAX_LAG_SECONDS = 10

    for _ in range(3):
        with watched_primary() as tables:
            assert client_of(None).get(PRODUCTS).status_code == 200
        assert "catalog_cataloguechange" in tables

    said = caplog.text.count("The replica does not answer")
    assert said == (1 if what == "refuses" else 0)


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as closed_at_once:
        return str(closed_at_once.getsockname()[1])


@contextmanager
def watched_primary():
    tables: set[str] = set()
    with CaptureQueriesContext(connections["default"]) as queries:
        yield tables
    tables |= {table for query in queries for table in TABLE.findall(query["sql"])}


def test_a_replica_that_dies_under_a_request_is_no_trouble_for_it(replica):
    VariantFactory()
    client = client_of(None)
    killed = []

    def die_once(execute, sql, params, many, context):
        if not killed and "catalog_product" in sql:
            killed.append(end_session_of(replica))
        return execute(sql, params, many, context)

    with replica.execute_wrapper(die_once), watched() as asked:
        response = client.get(PRODUCTS)

    assert killed
    assert response.status_code == 200
    assert response.json()["data"]["results"]
    assert "catalog_product" in asked["primary"]
    with watched_primary() as tables:  # and the next does not ask it
        assert client.get(PRODUCTS).status_code == 200
    assert tables


def end_session_of(database):
    pid = database.connection.info.backend_pid
    other = psycopg2.connect(**database.get_connection_params() | {"cursor_factory": None})
    other.autocommit = True
    other.cursor().execute("SELECT pg_terminate_backend(%s)", [pid])
    other.close()
    return pid


@pytest.fixture
def primary_is_away(monkeypatch):
    def leave():
        default = connections["default"]
        monkeypatch.setattr(
            default, "settings_dict", {**default.settings_dict, "PORT": closed_port()}
        )
        default.close()

    yield leave
    connections["default"].close()


@pytest.mark.parametrize("state", ["left alone", "too far behind"])
def test_a_primary_that_is_away_is_no_trouble_where_the_replica_was_not_to_be_asked(
    state, primary_is_away, settings, monkeypatch
):
    product, customer = VariantFactory().product, client_of(buyer())
    if state == "left alone":
        replicas.replica.breaker.note_failure(RuntimeError("it was away a moment ago"))
    else:
        settings.DB_REPLICA_MAX_LAG_SECONDS = 10
        monkeypatch.setattr(replicas, "_LAG", "SELECT 11")
        with watched_primary() as tables:
            assert client_of(None).get(PRODUCTS).status_code == 200
        assert "catalog_cataloguechange" in tables
    primary_is_away()

    for path in (PRODUCTS, f"{PRODUCTS}{product.slug}/"):
        assert client_of(None).get(path).status_code == 200
    assert customer.get("/api/cart/").status_code == 503


def test_nobody_waits_while_another_asks_the_primary_for_something_to_replay(settings, monkeypatch):
    VariantFactory()
    settings.DB_REPLICA_MAX_LAG_SECONDS = 10
    monkeypatch.setattr(replicas, "_LAG", "SELECT 1")
    seen = []

    def another():
        seen.append(replicas.replica.is_usable())
        connections.close_all()

    def meanwhile(execute, sql, params, many, context):
        if sql == replicas._HEARTBEAT:
            thread = threading.Thread(target=another)
            thread.start()
            thread.join()
        return execute(sql, params, many, context)

    with connections["default"].execute_wrapper(meanwhile):
        assert client_of(None).get(PRODUCTS).status_code == 200

    assert seen == [True]
