"""What stands beside a list: how many products each further choice leaves."""

from collections import Counter

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog import facets
from catalog.models import Attribute, Category, Product, ProductAttributeValue
from catalog.tests.answers import names, payload
from catalog.tests.factories import CategoryFactory, VariantFactory
from catalog.views.remembered import answers
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
PRODUCTS = "/api/catalog/products/"


def product(name, *, rating=None, facts=(), **kwargs):
    made = VariantFactory(product__name=name, **kwargs).product
    if rating:
        Product.objects.filter(pk=made.pk).update(rating_hundredths=rating, review_count=1)
    for code, value in facts:
        attribute, _ = Attribute.objects.get_or_create(code=code, defaults={"name": code.title()})
        ProductAttributeValue.objects.create(product=made, attribute=attribute, value=value)
    return made


def facets_of(client, path, **query):
    response = client.get(path, {"facets": "1", **query})
    assert response.status_code == 200, response.json()
    return payload(response)["facets"]


def counts(facet, key="value"):
    return {value[key]: value["count"] for value in facet["values"]}


def attribute_counts(found):
    return {facet["code"]: counts(facet) for facet in found["attributes"]}


def test_a_list_has_no_facets_unless_it_is_asked_for_them(anonymous, path_of):
    product("Lamp")

    assert set(payload(anonymous.get(path_of("products")))) == {
        "count",
        "next",
        "previous",
        "results",
    }
    assert "facets" not in payload(anonymous.get(path_of("products") + "?facets=0"))
    assert "facets" in payload(anonymous.get(path_of("products") + "?facets=true"))


@pytest.mark.parametrize("value", ["yes", "", "2", "categories"])
def test_another_value_of_facets_is_refused(anonymous, path_of, value):
    assert anonymous.get(path_of("products") + f"?facets={value}").status_code == 400


def test_categories_are_counted_with_what_is_below_them(anonymous, path_of):
    home = CategoryFactory(name="Home", slug="home")
    lamps = CategoryFactory(name="Lamps", slug="lamps", parent=home)
    desk = CategoryFactory(name="Desk lamps", slug="desk", parent=lamps)
    CategoryFactory(name="Empty")
    for name, category in [("A", home), ("B", lamps), ("C", desk), ("D", None)]:
        product(name, product__category=category)

    path = path_of("products")
    top = facets_of(anonymous, path)["category"]

    assert top == {
        "values": [{"id": home.pk, "name": "Home", "slug": "home", "count": 3}],
        "truncated": False,
    }
    assert counts(facets_of(anonymous, path, category="home")["category"], "name") == {"Lamps": 2}
    assert counts(facets_of(anonymous, path, category=desk.pk)["category"]) == {}
    assert counts(facets_of(anonymous, path, category="nowhere")["category"]) == {}


def test_a_facet_ignores_its_own_filter_and_obeys_the_others(anonymous, path_of):
    home, garden = CategoryFactory(name="Home", slug="home"), CategoryFactory(name="Garden")
    product("A", product__category=home, price_minor=100, rating=450, facts=[("material", "Glass")])
    product("B", product__category=home, price_minor=200, rating=300, facts=[("material", "Wood")])
    product("C", product__category=garden, price_minor=300, stock=0, facts=[("material", "Wood")])

    found = facets_of(anonymous, path_of("products"), attribute="material:wood")

    assert attribute_counts(found) == {"material": {"Wood": 2, "Glass": 1}}
    assert counts(found["category"], "name") == {"Garden": 1, "Home": 1}
    assert counts(found["in_stock"]) == {True: 1, False: 1}
    assert counts(found["rating"], "min_rating") == {3: 1, 2: 1, 1: 1}
    assert (found["price"]["min"], found["price"]["max"]) == ("2.00", "3.00")

    found = facets_of(anonymous, path_of("products"), in_stock="1", max_price="1.50")

    assert counts(found["in_stock"]) == {True: 1}
    assert (found["price"]["min"], found["price"]["max"]) == ("1.00", "2.00")
    assert attribute_counts(found) == {"material": {"Glass": 1}}


def test_two_values_of_one_attribute_are_alternatives_and_two_attributes_are_not(anonymous):
    product("A", facts=[("material", "Glass"), ("colour", "Red")])
    product("B", facts=[("material", "Wood"), ("colour", "Red")])
    product("C", facts=[("material", "Wood"), ("colour", "Blue")])

    def found(*attributes):
        query = {"attribute": list(attributes), "ordering": "name", "facets": "1"}
        response = anonymous.get(PRODUCTS, query)
        return names(response), attribute_counts(payload(response)["facets"])

    assert found("material:Glass", "material:Wood")[0] == ["A", "B", "C"]
    assert found("material:Glass", "material:Wood", "colour:red") == (
        ["A", "B"],
        {"material": {"Glass": 1, "Wood": 1}, "colour": {"Red": 2, "Blue": 1}},
    )


def test_what_the_caller_may_not_see_is_not_counted(anonymous, manager):
    hidden = CategoryFactory(name="Secret", slug="secret", is_active=False)
    shown = CategoryFactory(name="Home")
    product("A", product__category=shown, facts=[("material", "Glass")])
    product("B", product__category=hidden)
    product("C", product__category=shown, product__status="draft", facts=[("material", "Gold")])
    product("D", product__category=shown, product__status="deleted")

    found, of_staff = facets_of(anonymous, PRODUCTS), facets_of(manager, PRODUCTS)

    assert counts(found["category"], "name") == {"Home": 1}
    assert attribute_counts(found) == {"material": {"Glass": 1}}
    assert counts(of_staff["category"], "name") == {"Home": 2, "Secret": 1}
    assert attribute_counts(of_staff) == {"material": {"Glass": 1, "Gold": 1}}
    assert names(anonymous.get(PRODUCTS, {"category": "secret"})) == []
    assert names(anonymous.get(PRODUCTS, {"search": "secret"})) == []


def test_facets_are_counted_over_what_a_search_finds(anonymous):
    product("Red lamp", price_minor=100, facts=[("material", "Glass")])
    product("Blue lamp", price_minor=200, facts=[("material", "Wood")])
    product("Chair", price_minor=300, facts=[("material", "Wood")])

    found = facets_of(anonymous, PRODUCTS, search="lamp")

    assert attribute_counts(found) == {"material": {"Glass": 1, "Wood": 1}}
    assert found["price"]["max"] == "2.00"
    assert attribute_counts(facets_of(anonymous, PRODUCTS, search="nothing")) == {}


def test_a_walk_by_cursor_counts_on_its_first_page_alone(anonymous):
    for name in "ABC":
        product(name)

    first = payload(anonymous.get(PRODUCTS, {"cursor": "", "facets": "1", "page_size": 2}))
    second = payload(anonymous.get(first["next"]))

    assert counts(first["facets"]["in_stock"]) == {True: 3}
    assert len(second["results"]) == 1
    assert "facets" not in second


def test_price_ranges_are_few_and_lead_to_lists_of_their_length(anonymous):
    for price in [100, 100, 100, 200, 300, 400, 500, 600, 700, 5_000_00]:
        product(f"P{price}", price_minor=price)

    facet = facets_of(anonymous, PRODUCTS)["price"]

    assert (facet["min"], facet["max"], facet["currency"]) == (
        "1.00",
        "5000.00",
        settings.SHOP_CURRENCY,
    )
    assert len(facet["values"]) <= facets.PRICE_RANGES
    assert sum(value["count"] for value in facet["values"]) == 10
    for value in facet["values"]:
        query = {"min_price": value["min"], "max_price": value["max"]}
        assert payload(anonymous.get(PRODUCTS, query))["count"] == value["count"]


def test_an_empty_shop_has_empty_facets(anonymous):
    assert facets_of(anonymous, PRODUCTS) == {
        "category": {"values": [], "truncated": False},
        "attributes": [],
        "attributes_truncated": False,
        "in_stock": {"values": []},
        "price": {"currency": settings.SHOP_CURRENCY, "min": None, "max": None, "values": []},
        "rating": {"values": []},
    }


def test_many_values_and_many_attributes_are_cut_off_and_say_so(anonymous):
    for number in range(facets.MAX_VALUES + 2):
        facts = [("size", f"S{number}"), (f"code-{number}", "x")]
        product(f"P{number}", product__category=CategoryFactory(), facts=facts)
    for number in range(2):
        product(f"More {number}", facts=[("size", "S21")])

    found = facets_of(anonymous, PRODUCTS)

    size = found["attributes"][0]
    assert (size["code"], size["truncated"], len(size["values"])) == ("size", True, 20)
    assert size["values"][0] == {"value": "S21", "count": 3}
    assert (found["attributes_truncated"], len(found["attributes"])) == (True, 20)
    assert (found["category"]["truncated"], len(found["category"]["values"])) == (True, 20)


def test_counting_ends_somewhere_and_says_so(anonymous, monkeypatch):
    for number in range(4):
        product(f"P{number}", price_minor=100 + number, facts=[("size", f"S{number}")])
    monkeypatch.setattr(facets, "MAX_PRODUCTS", 3)

    answer = payload(anonymous.get(PRODUCTS, {"facets": "1"}))

    assert answer["facets_capped"] is True
    assert answer["facets"]["price"]["min"] == "1.01"
    assert attribute_counts(answer["facets"]) == {"size": {"S1": 1, "S2": 1, "S3": 1}}

    monkeypatch.setattr(facets, "MAX_PRODUCTS", 4)
    answers.forget()

    assert "facets_capped" not in payload(anonymous.get(PRODUCTS, {"facets": "1"}))


def test_more_products_and_attributes_cost_no_more_queries(anonymous):
    query = {"facets": "1", "attribute": "size:S0", "min_price": "0", "in_stock": "1"}

    def cost():
        with CaptureQueriesContext(connection) as queries:
            facets_of(anonymous, PRODUCTS, **query)
        return len(queries)

    product("P", product__category=CategoryFactory(), facts=[("size", "S0"), ("a", "b")])
    few = cost()
    for number in range(10):
        facts = [("size", f"S{number}"), (f"code-{number}", "x")]
        product(f"P{number}", product__category=CategoryFactory(), facts=facts)

    assert cost() == few


SHELVES = st.sampled_from([None, "top", "left", "right", "hidden"])
CATALOGUES = st.lists(
    st.fixed_dictionaries(
        {
            "shelf": SHELVES,
            "price": st.integers(1, 6),
            "stock": st.integers(0, 1),
            "rating": st.sampled_from([0, 100, 250, 400, 500]),
            "material": st.sampled_from([None, "Glass", "Wood"]),
            "colour": st.sampled_from([None, "Red", "Blue"]),
            "status": st.sampled_from(["active", "active", "active", "draft"]),
        }
    ),
    max_size=8,
)
CHOICES = st.fixed_dictionaries(
    {},
    optional={
        "category": st.sampled_from(["top", "left", "hidden"]),
        "min_price": st.integers(1, 6).map(str),
        "max_price": st.integers(1, 6).map(str),
        "in_stock": st.sampled_from(["1", "0"]),
        "min_rating": st.sampled_from(["2", "4"]),
        "attribute": st.lists(
            st.sampled_from(["material:Glass", "material:wood", "colour:Red", "colour:Blue"]),
            min_size=1,
            max_size=3,
        ),
    },
)
BELOW = {"top": {"top", "left", "right"}, "left": {"left"}, "right": {"right"}}


class FacetsAreNaiveCounts(TestCase):
    """Whatever the catalogue and the filters, the counts are those of a loop in Python."""

    @hypothesis_settings(
        max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(rows=CATALOGUES, asked=CHOICES)
    def test_facets_are_what_a_loop_counts(self, rows, asked):
        top = Category.objects.create(name="top", slug="top")
        shelves = {"top": top, None: None}
        for slug in ("left", "right"):
            shelves[slug] = Category.objects.create(name=slug, slug=slug, parent=top)
        shelves["hidden"] = Category.objects.create(name="hidden", slug="hidden", is_active=False)
        for row in rows:
            facts = [(code, row[code]) for code in ("material", "colour") if row[code]]
            product(
                "P",
                rating=row["rating"],
                facts=facts,
                product__category=shelves[row["shelf"]],
                product__status=row["status"],
                price_minor=row["price"] * 100,
                stock=row["stock"],
            )

        answer = payload(ShopClient().get(PRODUCTS, {"facets": "1", **asked}))

        assert answer["count"] == len(self.matching(rows, asked))
        self.compare(answer["facets"], rows, asked)

    def compare(self, found, rows, asked):
        below = {None: ["top"], "top": ["left", "right"]}.get(asked.get("category"), [])
        free = self.matching(rows, asked, "category")
        expected = {slug: sum(row["shelf"] in BELOW[slug] for row in free) for slug in below}
        assert counts(found["category"], "slug") == {s: n for s, n in expected.items() if n}
        free = self.matching(rows, asked, "in_stock")
        assert counts(found["in_stock"]) == dict(Counter(bool(row["stock"]) for row in free))
        free = self.matching(rows, asked, "min_rating")
        stars = {n: sum(row["rating"] >= n * 100 for row in free) for n in range(1, 6)}
        expected = {number: many for number, many in stars.items() if many}
        assert counts(found["rating"], "min_rating") == expected
        free = self.matching(rows, asked, "min_price", "max_price")
        assert sum(value["count"] for value in found["price"]["values"]) == len(free)
        for value in found["price"]["values"]:
            lowest, highest = float(value["min"]), float(value["max"])
            assert value["count"] == sum(lowest <= row["price"] <= highest for row in free)
        expected = {}
        for code in ("material", "colour"):
            stated = Counter(row[code] for row in self.matching(rows, asked, code) if row[code])
            if stated:
                expected[code] = dict(stated)
        assert attribute_counts(found) == expected

    def matching(self, rows, asked, *without):
        return [row for row in rows if row["status"] == "active" and self.fits(row, asked, without)]

    def fits(self, row, asked, without):
        wanted = {name: value for name, value in asked.items() if name not in without}
        stated = {}
        for text in wanted.get("attribute", []):
            code, _, value = text.partition(":")
            if code not in without:
                stated.setdefault(code, set()).add(value.casefold())
        return (
            ("category" not in wanted or row["shelf"] in BELOW.get(wanted["category"], set()))
            and row["price"] >= int(wanted.get("min_price", 0))
            and row["price"] <= int(wanted.get("max_price", 9))
            and ("in_stock" not in wanted or bool(row["stock"]) == (wanted["in_stock"] == "1"))
            and row["rating"] >= 100 * int(wanted.get("min_rating", 0))
            and all((row[code] or "").casefold() in values for code, values in stated.items())
        )
