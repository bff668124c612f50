"""Every list of a shop of 100,000 products reads by an index, in whatever order and narrowed how.

PostgreSQL is asked how it would do it (``EXPLAIN``), not how long it takes.
"""

import json
from itertools import product as combinations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests.factories import StaffFactory
from catalog import search, version
from catalog.views.remembered import answers
from tests.client import ShopClient

PRODUCTS = 100_000
ORDERINGS = [
    "",
    "price",
    "-price",
    "name",
    "-name",
    "created_at",
    "-created_at",
    "rating",
    "-rating",
]
FILTERS = {
    "all": "",
    "shelf": "category=7",
    "shelf with others below": "category=1",
    "price": "min_price=5&max_price=6",
    "rating": "min_rating=4",
    "in stock": "in_stock=1",
    "sold out": "in_stock=0",
    "option": "option=Size:M",
    "attribute": "attribute=material:Glass",
    "search": "search=lamp",
    "words": "search=red+lamp",
    "SKU": "search=SKU-99123",
    "everything": "category=1&min_price=5&in_stock=1&attribute=material:Glass&min_rating=2",
}
# Lists whose rows come from a few others first; all else must be found in the list's own order.
_LARGE = {
    "catalog_product",
    "catalog_variant",
    "catalog_productattributevalue",
    "inventory_stockitem",
    "inventory_stocklevel",
}


@pytest.fixture(scope="module")
def _big_shop(django_db_setup, django_db_blocker):
    """Fill the database, and leave it as it was.

    The rows are right: to check each key, tell of each change and grow each index row by row
    would take a minute. All that is put off needs no more rights than an owner has, and comes
    back with the rollback; so do the tables' old files, which are emptied first.
    """
    if connection.vendor != "postgresql":
        pytest.skip("the plans are PostgreSQL's")
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        connection.set_autocommit(False)
        cursor.execute(f"TRUNCATE {', '.join(_FILLED)} CASCADE")
        indexes = [statement for _, statement in _read(cursor, _INDEXES)]
        for name, _ in _read(cursor, _INDEXES):
            cursor.execute(f"DROP INDEX {name}")
        for table, key in _read(cursor, _FOREIGN_KEYS):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {key}")
        for table in _FILLED:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement in [*_STATEMENTS, *indexes]:
            cursor.execute(statement)
        for table in _FILLED:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        cursor.execute(f"ANALYZE {', '.join(_FILLED)}, {', '.join(_SMALL)}")
        answers.forget()
        version.look_again()
        yield
        connection.rollback()
        connection.set_autocommit(True)
        cursor.execute("ANALYZE")


def _read(cursor, statement):
    cursor.execute(statement, [_FILLED])
    return cursor.fetchall()


_FILLED = [
    "catalog_product",
    "catalog_variant",
    "catalog_productattributevalue",
    "catalog_option",
    "catalog_optionvalue",
    "catalog_variant_option_values",
    "inventory_stockitem",
    "inventory_stocklevel",
]
_SMALL = ["catalog_category", "catalog_attribute", "inventory_location"]
# But those that a constraint rests on.
_INDEXES = """
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
WHERE t.relname = ANY(%s) AND NOT i.indisunique
"""
_FOREIGN_KEYS = """
SELECT t.relname, k.conname FROM pg_constraint k JOIN pg_class t ON t.oid = k.conrelid
WHERE k.contype = 'f' AND t.relname = ANY(%s)
"""
_N = f"generate_series(1000, {PRODUCTS + 999}) AS n"
_STATEMENTS = [
    # What every product needs; the rest are the columns' defaults, stated as Django has them.
    "INSERT INTO catalog_category (id, name, slug, parent_id, description, position, is_active)"
    " SELECT c, 'Shelf ' || c, 'shelf-' || c, CASE WHEN c > 1 AND c < 6 THEN 1 END, '', c, true"
    " FROM generate_series(1, 200) c",
    "INSERT INTO catalog_attribute (id, code, name, kind)"
    " VALUES (1, 'material', 'Material', 'text')",
    "INSERT INTO inventory_location (id, code, name, priority, is_active)"
    " VALUES (900, 'plans', 'Plans', 1, true)",
    "INSERT INTO catalog_product (id, name, slug, description, category_id, status,"
    " from_price_minor, currency, rating_hundredths, review_count, created_at, updated_at,"
    " is_in_stock)"
    " SELECT n, CASE n % 89 WHEN 0 THEN 'Red' ELSE 'Hue' || n % 89 END || ' '"
    " || CASE n % 97 WHEN 0 THEN 'lamp' ELSE 'thing' || n % 97 END || ' ' || n,"
    " 'p-' || n, '', 1 + n % 200, CASE WHEN n % 50 = 0 THEN 'draft' ELSE 'active' END,"
    " 100 + n * 7919 % 20000, 'GBP', CASE WHEN n % 3 = 0 THEN 100 + n % 400 ELSE 0 END,"
    f" CASE WHEN n % 3 = 0 THEN 2 ELSE 0 END, now() - n * interval '1 minute', now(),"
    f" n % 300 > 0 FROM {_N}",
    "INSERT INTO inventory_stockitem (id, sku, is_tracked, created_at)"
    f" SELECT n, 'SKU-' || n, true, now() FROM {_N}",
    "INSERT INTO inventory_stocklevel (id, item_id, location_id, on_hand, reserved)"
    f" SELECT n, n, 900, n % 300, 0 FROM {_N}",
    "INSERT INTO catalog_variant (id, product_id, stock_item_id, sku, price_minor, currency,"
    " weight_grams, is_active, position, created_at)"
    f" SELECT n, n, n, 'SKU-' || n, 100, 'GBP', 0, true, 0, now() FROM {_N}",
    "INSERT INTO catalog_productattributevalue (product_id, attribute_id, value)"
    f" SELECT n, 1, (ARRAY['Glass','Wood','Steel','Paper'])[1 + n % 4] FROM {_N}",
    "INSERT INTO catalog_option (id, product_id, name, position)"
    f" SELECT n, n, 'Size', 0 FROM {_N} WHERE n % 5 = 0",
    "INSERT INTO catalog_optionvalue (id, option_id, value, position)"
    f" SELECT n, n, (ARRAY['S','M','L'])[1 + n % 3], 0 FROM {_N} WHERE n % 5 = 0",
    "INSERT INTO catalog_variant_option_values (variant_id, optionvalue_id)"
    f" SELECT n, n FROM {_N} WHERE n % 5 = 0",
]


def plans_of(client, query):
    """Return the plans of the statements that the request sends, by their text.

    Counts are left out: they end at 10,001 rows and are made once a version, and where nearly
    every row counts, reading them as they lie is the shortest way to so many.
    """
    answers.forget()
    with CaptureQueriesContext(connection) as captured:
        response = client.get(f"/api/catalog/products/?{query}")
    assert response.status_code == 200, response.content
    plans = {}
    for row in captured.captured_queries:
        if row["sql"].startswith(("SELECT", "WITH")) and "SELECT COUNT(*)" not in row["sql"]:
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN (FORMAT JSON) " + row["sql"].replace("%", "%%"), [])
                [(plan,)] = cursor.fetchall()
            plans[row["sql"]] = (json.loads(plan) if isinstance(plan, str) else plan)[0]["Plan"]
    assert plans
    return plans


def scans_of_all(plan):
    """Yield the large tables that a plan reads from one end to the other."""
    if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in _LARGE:
        yield plan["Relation Name"]
    for below in plan.get("Plans", []):
        yield from scans_of_all(below)


CASES = [
    pytest.param("&".join(filter(None, [narrowed, ordering and f"ordering={ordering}"])), id=name)
    for (label, narrowed), ordering in combinations(FILTERS.items(), ORDERINGS)
    if (name := f"{label} by {ordering or 'default'}")
]


@pytest.mark.django_db
@pytest.mark.usefixtures("_big_shop")
class TestPlans:
    @pytest.mark.parametrize("query", CASES)
    def test_a_list_reads_by_an_index(self, query):
        if not search.knows_typos("default") and "search" in query:
            pytest.skip("without pg_trgm words in SKUs are looked for one by one")

        for sql, plan in plans_of(ShopClient(), query).items():
            assert list(scans_of_all(plan)) == [], sql

    @pytest.mark.parametrize("ordering", ORDERINGS)
    def test_what_is_sold_out_is_not_looked_for_among_all_there_is(self, ordering):
        plans = plans_of(ShopClient(), f"in_stock=0&ordering={ordering}")

        [plan] = [json.dumps(plan) for sql, plan in plans.items() if "ORDER BY" in sql]
        assert "product_in_stock_" in plan or "product_sold_out" in plan

    @pytest.mark.parametrize("ordering", ORDERINGS)
    def test_a_list_of_the_staff_reads_by_an_index(self, ordering):
        client = ShopClient()
        client.force_authenticate(StaffFactory(role="manager"))

        for sql, plan in plans_of(client, f"ordering={ordering}").items():
            assert list(scans_of_all(plan)) == [], sql
            if "ORDER BY" in sql and "LIMIT 20" in sql:
                assert "Sort" not in json.dumps(plan)

    @pytest.mark.parametrize("ordering", ORDERINGS)
    def test_a_page_deep_in_a_list_begins_where_an_index_finds_it(self, ordering):
        client = ShopClient()
        first = client.get(f"/api/catalog/products/?cursor=&ordering={ordering}").json()["data"]
        query = first["next"].partition("?")[2]

        plans = plans_of(client, query)

        [scan] = [plan["Plans"][0] for sql, plan in plans.items() if "LIMIT 21" in sql]
        assert scan["Node Type"].startswith("Index")
        assert "ROW(" in scan["Index Cond"]

    @pytest.mark.parametrize("ordering", ORDERINGS)
    def test_a_shelf_is_narrowed_and_ordered_by_what_its_index_holds(self, ordering):
        with connection.cursor() as cursor:
            cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            if cursor.fetchone() != (True,):
                pytest.skip("only a superuser can tell the planner that the table was vacuumed")
            # As it is after a VACUUM, which no transaction can do.
            cursor.execute(
                "UPDATE pg_class SET relallvisible = relpages WHERE relname = 'catalog_product'"
            )

        plans = plans_of(ShopClient(), f"category=7&ordering={ordering}")

        [plan] = [json.dumps(plan) for sql, plan in plans.items() if "LIMIT 20" in sql]
        assert "Index Only Scan" in plan
        assert "product_of_category" in plan

    def test_a_list_that_reads_everything_is_noticed(self):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_indexscan = off")
            cursor.execute("SET LOCAL enable_bitmapscan = off")

        plans = plans_of(ShopClient(), "ordering=price")

        assert "catalog_product" in {
            table for plan in plans.values() for table in scans_of_all(plan)
        }
