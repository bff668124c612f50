"""The tree of categories over HTTP."""

import pytest

from accounts.models import User
from catalog.category_tree import CategoryTree
from catalog.models import Category
from catalog.tests.answers import code_of, names, payload
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.mark.portable
def test_categories_are_added_listed_changed_and_removed(manager, anonymous, path_of):
    home = payload(manager.post(path_of("categories"), {"name": "Home"}))
    assert home["slug"] == "home"
    created = manager.post(path_of("categories"), {"name": "Lighting", "parent": "home"})
    assert created.status_code == 201
    lighting = payload(created)
    assert (lighting["parent"], lighting["path"]) == (home["id"], "Home > Lighting")

    assert names(anonymous.get(path_of("categories"))) == ["Home", "Lighting"]
    assert names(anonymous.get(path_of("categories") + "?parent=home")) == ["Lighting"]
    assert names(anonymous.get(path_of("categories") + "?search=light")) == ["Lighting"]
    assert payload(anonymous.get(path_of("categories/lighting"))) == lighting
    one = path_of(f"categories/{lighting['id']}")
    assert payload(anonymous.get(one)) == lighting

    put = payload(manager.put(one, lighting | {"name": "Lights"}))
    assert (put["name"], put["path"], put["slug"]) == ("Lights", "Home > Lights", "lighting")
    patched = payload(manager.patch(one, {"parent": None, "position": 5}))
    assert (patched["path"], patched["position"]) == ("Lights", 5)

    assert manager.delete(one).status_code in {200, 204}
    assert anonymous.get(one).status_code == 404


@pytest.mark.portable
def test_the_tree_is_nested(anonymous, path_of, django_assert_num_queries):
    home = CategoryFactory(name="Home")
    lamps = CategoryFactory(name="Lamps", parent=home, position=2)
    CategoryFactory(name="Rugs", parent=home, position=1)
    CategoryFactory(name="Desk", parent=lamps)
    CategoryFactory(name="Garden")
    CategoryTree.read()  # once for each version of the catalogue

    with django_assert_num_queries(1):
        tree = payload(anonymous.get(path_of("categories") + "?tree=1"))

    def nested(rows):
        return {row["name"]: nested(row["children"]) for row in rows}

    assert nested(tree["results"]) == {
        "Home": {"Rugs": {}, "Lamps": {"Desk": {}}},
        "Garden": {},
    }
    assert tree["count"] == 2
    assert anonymous.get(path_of("categories") + "?tree=yes").status_code == 400


def test_hidden_categories_and_what_is_below_are_for_staff(anonymous, manager):
    hidden = CategoryFactory(name="Hidden", is_active=False)
    below = CategoryFactory(name="Below", parent=hidden)

    assert names(anonymous.get("/api/catalog/categories/")) == []
    assert anonymous.get(f"/api/catalog/categories/{below.pk}/").status_code == 404
    assert names(manager.get("/api/catalog/categories/")) == ["Hidden", "Below"]


@pytest.mark.portable
def test_a_category_with_products_or_children_is_not_removed(manager, path_of):
    parent, shelf = CategoryFactory(), CategoryFactory()
    CategoryFactory(parent=parent)
    ProductFactory(category=shelf)

    for category in (parent, shelf):
        refused = manager.delete(path_of(f"categories/{category.pk}"))
        assert (refused.status_code, code_of(refused)) == (409, "category_in_use")

    assert Category.objects.count() == 3


def test_a_category_whose_products_were_deleted_can_be_removed(manager):
    product = ProductFactory(category=CategoryFactory())
    category_id = product.category_id

    manager.delete(f"/api/catalog/products/{product.pk}/")

    assert manager.delete(f"/api/catalog/categories/{category_id}/").status_code == 200


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_a_category_is_not_moved_below_itself(manager, depth):
    line = [CategoryFactory()]
    for _ in range(2):
        line.append(CategoryFactory(parent=line[-1]))

    body = {"parent": line[depth].pk}
    refused = manager.patch(f"/api/catalog/categories/{line[0].pk}/", body)

    assert (refused.status_code, code_of(refused)) == (409, "category_cycle")
    line[0].refresh_from_db()
    assert line[0].parent_id is None


def test_the_tree_has_ten_levels_at_most(manager):
    line = [CategoryFactory()]
    for _ in range(9):
        line.append(CategoryFactory(parent=line[-1]))
    other = CategoryFactory()
    CategoryFactory(parent=other)

    eleventh = manager.post("/api/catalog/categories/", {"name": "X", "parent": line[-1].pk})
    moved = manager.patch(f"/api/catalog/categories/{other.pk}/", {"parent": line[8].pk})

    assert (eleventh.status_code, code_of(eleventh)) == (400, "category_too_deep")
    assert (moved.status_code, code_of(moved)) == (400, "category_too_deep")
    assert Category.objects.count() == 12


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"name": ""}, 400, "validation_error"),
        ({"name": "x" * 101}, 400, "validation_error"),
        ({"name": "X", "slug": "edit"}, 400, "validation_error"),
        ({"name": "X", "slug": "taken"}, 400, "slug_taken"),
        ({"name": "X", "parent": "nowhere"}, 404, "category_not_found"),
        ({"name": "X", "position": 2**40}, 400, "validation_error"),
    ],
)
def test_a_category_that_cannot_be_is_refused(manager, body, status, code):
    CategoryFactory(slug="taken")

    refused = manager.post("/api/catalog/categories/", body)

    assert (refused.status_code, code_of(refused)) == (status, code)
    assert Category.objects.count() == 1


def test_a_stale_change_is_refused(manager):
    category = CategoryFactory(name="Old")
    path = f"/api/catalog/categories/{category.pk}/"
    etag = manager.get(path).headers["ETag"]
    Category.objects.update(name="Newer")

    refused = manager.patch(path, {"name": "Mine"}, headers={"If-Match": etag})

    assert refused.status_code == 412
    assert Category.objects.get().name == "Newer"


@pytest.mark.parametrize("rows", [1, 10])
def test_a_list_costs_a_constant_number_of_queries(
    anonymous, manager, rows, django_assert_num_queries
):
    CategoryFactory.create_batch(rows)
    manager.force_authenticate(User.objects.get())
    CategoryTree.read()  # once for each version of the catalogue

    with django_assert_num_queries(3):
        assert payload(anonymous.get("/api/catalog/categories/"))["count"] == rows
    with django_assert_num_queries(4):
        assert payload(manager.get("/api/catalog/categories/"))["count"] == rows


@pytest.mark.portable
@pytest.mark.parametrize("extra", ["page=1", "search=x", "ordering=name", "parent=1", "cursor="])
def test_the_whole_tree_has_no_pages_and_parts(anonymous, extra):
    assert anonymous.get(f"/api/catalog/categories/?tree=1&{extra}").status_code == 400
    assert anonymous.get(f"/catalog/categories/?tree=1&{extra}").status_code == 200
    assert anonymous.get("/api/catalog/categories/?tree=1").status_code == 200
    assert anonymous.get("/api/catalog/categories/?tree=0&page=1").status_code == 200


@pytest.mark.portable
def test_a_product_does_not_tell_customers_of_a_hidden_category(anonymous, manager):
    above = CategoryFactory(name="Secret", is_active=False)
    product = VariantFactory(product__category=CategoryFactory(name="Below", parent=above)).product

    def shown(client):
        one = client.get(f"/api/catalog/products/{product.pk}/")
        rows = payload(client.get("/api/catalog/products/"))["results"]
        assert rows[0]["category"] == payload(one)["category"]
        return one

    assert payload(shown(anonymous))["category"] is None
    assert "Secret" not in shown(anonymous).content.decode()
    assert payload(shown(manager))["category"]["path"] == "Secret > Below"
