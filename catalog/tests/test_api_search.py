"""Finding products by words, the best first."""

import pytest
from django.db import connection

from catalog import search
from catalog.category_tree import CategoryTree
from catalog.tests.answers import names, payload
from catalog.tests.factories import CategoryFactory, VariantFactory
from shop_backend.kernel import pagination

pytestmark = pytest.mark.django_db


def product(name, description="", **kwargs):
    return VariantFactory(product__name=name, product__description=description, **kwargs).product


def found(client, words, path="/api/catalog/products/", **query):
    return names(client.get(path, {"search": words, **query}))


@pytest.mark.portable
def test_hits_in_the_name_come_before_those_in_sku_description_and_category(anonymous, path_of):
    shelf = CategoryFactory(name="Lantern corner")
    product("Shelf", product__category=shelf)
    product("Candle", "Fits every lantern")
    product("Tripod", sku="LANTERN-3")
    product("Lantern")
    product("Chair")

    ranked = found(anonymous, "lantern", path_of("products"))

    assert ranked == ["Lantern", "Tripod", "Candle", "Shelf"]
    assert found(anonymous, "lantern", ordering="relevance") == ranked
    assert found(anonymous, "lantern", ordering="-relevance") == ranked[::-1]
    assert found(anonymous, "lantern", ordering="name") == sorted(ranked)


@pytest.mark.portable
def test_the_last_word_may_be_half_typed(anonymous):
    product("Red Lantern")
    product("Red Chair")

    assert found(anonymous, "red lant") == ["Red Lantern"]


@pytest.mark.portable
def test_a_category_finds_what_lies_below_it(anonymous):
    garden = CategoryFactory(name="Garden")
    product("Spade", product__category=CategoryFactory(name="Tools", parent=garden))

    assert found(anonymous, "garden spade") == ["Spade"]


def test_words_are_found_in_their_other_forms_on_postgresql(anonymous):
    if connection.vendor != "postgresql":
        pytest.skip("stems are PostgreSQL's")
    product("Glass candle holders")

    assert found(anonymous, "holder candles") == ["Glass candle holders"]


def test_a_typo_is_forgiven_where_the_database_can(anonymous):
    if not search.knows_typos("default"):
        pytest.skip("pg_trgm is PostgreSQL's")
    product("Lantern")
    product("Chair")

    assert found(anonymous, "lantren") == ["Lantern"]
    assert found(anonymous, "lantren chair") == []


@pytest.mark.portable
@pytest.mark.parametrize("ordering", ["relevance", "-relevance"])
def test_a_search_is_walked_by_cursor_without_gaps(anonymous, ordering):
    for number in range(5):
        product(f"Lamp {number}")
        product(f"Chair {number}", "Goes with any lamp")
    seen, url = [], f"/api/catalog/products/?search=lamp&page_size=3&cursor=&ordering={ordering}"

    while url:
        page = payload(anonymous.get(url))
        seen += [row["name"] for row in page["results"]]
        url = page["next"]

    assert len(seen) == len(set(seen)) == 10
    best = seen[:5] if ordering == "relevance" else seen[5:]
    assert {name[:4] for name in best} == {"Lamp"}


@pytest.mark.portable
def test_without_a_search_everything_is_equally_relevant(anonymous):
    product("A")
    product("B")

    assert names(anonymous.get("/api/catalog/products/?ordering=relevance")) == ["A", "B"]
    assert len(found(anonymous, "   ")) == 2


@pytest.mark.portable
@pytest.mark.parametrize(
    "words",
    [
        "'", "''':*", "\\", "a & b | !c", "lamp:*", "<->", "()", "%", "_", "*", "--", "$$",
        "\u202e", "🪔", "ß" * 100, "a b c d e f g h i j k l m n o p", "to be or not to be",
    ],
)  # fmt: skip
def test_no_words_break_the_search(anonymous, words):
    product("Lamp")

    assert anonymous.get("/api/catalog/products/", {"search": words}).status_code == 200


@pytest.mark.parametrize("rows", [1, 10])
def test_a_search_costs_a_constant_number_of_queries(anonymous, rows, django_assert_num_queries):
    for number in range(rows):
        product(f"Lamp {number}")
    CategoryTree.read()  # once for each version of the catalogue

    # Version, SKUs and whether anything is found at all, the count, version; the ids of the page,
    # and what belongs to them.
    with django_assert_num_queries(7 if connection.vendor == "postgresql" else 8):
        assert len(found(anonymous, "lamp")) == rows


@pytest.mark.portable
def test_more_hits_than_are_ranked_are_narrowed_first_and_counted_up_to_the_cap(
    anonymous, monkeypatch
):
    monkeypatch.setattr(search, "MOST_RANKED", 3)
    monkeypatch.setattr(pagination, "COUNT_CAP", 3)
    shelf = CategoryFactory(name="Last shelf")
    for number in range(5):
        product(f"Red lamp {number}")
    product("Red lamp at the end", product__category=shelf)

    first_page = {"search": "red lamp", "page_size": 3}
    everywhere = payload(anonymous.get("/api/catalog/products/", first_page))
    there = {"search": "red lamp", "category": shelf.pk}
    on_the_shelf = payload(anonymous.get("/api/catalog/products/", there))

    assert (everywhere["count"], everywhere["count_capped"]) == (3, True)
    assert len(everywhere["results"]) == 3
    assert on_the_shelf["count"] == 1
    assert [row["name"] for row in on_the_shelf["results"]] == ["Red lamp at the end"]
