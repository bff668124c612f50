"""What must never be false of the catalogue, and what the database refuses by itself."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Min, Q
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from catalog import services
from catalog.category_tree import CategoryTree
from catalog.models import Category, Option, OptionValue, Product, Variant
from catalog.services import NewVariant
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from inventory.models import StockItem
from shop_backend.kernel.errors import ShopError

pytestmark = pytest.mark.django_db


def run_sql(statement, *parameters):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement, parameters)


@pytest.mark.portable
@pytest.mark.parametrize("price", [-1, 10**15 + 1])
def test_the_database_refuses_impossible_prices(price):
    variant = VariantFactory(price_minor=500)

    with pytest.raises(IntegrityError):
        run_sql("UPDATE catalog_variant SET price_minor = %s", price)
    with pytest.raises(IntegrityError):
        run_sql("UPDATE catalog_product SET from_price_minor = -1")

    variant.refresh_from_db()
    assert variant.price_minor == 500


@pytest.mark.portable
def test_the_database_gives_every_name_once():
    variant, other = VariantFactory(), VariantFactory()
    option = Option.objects.create(product=variant.product, name="Size")
    OptionValue.objects.create(option=option, value="M")

    for statement, parameters in [
        ("UPDATE catalog_variant SET sku = %s WHERE id = %s", (variant.sku, other.pk)),
        (
            "UPDATE catalog_variant SET stock_item_id = %s WHERE id = %s",
            (variant.stock_item_id, other.pk),
        ),
        (
            "UPDATE catalog_product SET slug = %s WHERE id = %s",
            (variant.product.slug, other.product_id),
        ),
    ]:
        with pytest.raises(IntegrityError):
            run_sql(statement, *parameters)
    with pytest.raises(IntegrityError), transaction.atomic():
        Option.objects.create(product=variant.product, name="Size")
    with pytest.raises(IntegrityError), transaction.atomic():
        OptionValue.objects.create(option=option, value="M")
    with pytest.raises(IntegrityError), transaction.atomic():
        Category.objects.create(name="A", slug=CategoryFactory().slug)


def assert_product_rules():
    for product in Product.objects.exclude(status="deleted"):
        standing = product.variants.standing()
        is_active = Q(is_active=True)
        lowest = standing.aggregate(price=Min("price_minor", filter=is_active))["price"]
        if lowest is not None:
            assert product.from_price_minor == lowest
        assert lowest is not None or product.status != "active"
        choices = [
            {row.option.name: row.value for row in variant.option_values.all()}
            for variant in standing.with_options()
        ]
        assert len({frozenset(row) for row in choices}) <= 1
        assert len({tuple(sorted(row.items())) for row in choices}) == len(choices)
    for variant in Variant.objects.select_related("stock_item"):
        assert variant.stock_item.sku == variant.sku


steps = st.lists(
    st.tuples(
        st.sampled_from(["add", "price", "hide", "show", "choose", "rename", "remove", "status"]),
        st.integers(0, 3),
        st.integers(0, 3),
    ),
    max_size=20,
)


def take_step(product, step, which, number):
    standing = list(product.variants.standing().order_by("pk"))
    variant = standing[which % len(standing)] if standing else None
    if step == "add":
        new = NewVariant(price_minor=number * 100, options={"Size": f"{which}{number}"})
        services.add_variant(product=product, new=new, actor_id=None)
    elif step == "status":
        services.update_product(
            product=product,
            fields={"status": ["active", "draft"][number % 2]},
            variant_fields={},
            actor_id=None,
        )
    elif variant is not None and step == "remove":
        services.remove_variant(variant=variant)
    elif variant is not None:
        fields = {
            "price": {"price_minor": number * 100},
            "hide": {"is_active": False},
            "show": {"is_active": True},
            "choose": {"options": {"Size": f"x{number}"}},
            "rename": {"sku": f"NAME-{number}"},
        }[step]
        services.update_variant(variant=variant, fields=fields, actor_id=None)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
def test_prices_options_and_stock_items_agree_whatever_is_done_in_any_order(steps):
    with transaction.atomic():
        first = NewVariant(price_minor=500, options={"Size": "first"})
        product = services.create_product(name="Shirt", variants=[first], actor_id=None)

        for step, which, number in steps:
            try:
                with transaction.atomic():
                    take_step(product, step, which, number)
            except ShopError:
                pass
            assert_product_rules()

        transaction.set_rollback(True)


def test_a_ring_of_categories_made_behind_the_shops_back_ends_no_request(anonymous):
    first = CategoryFactory()
    second = CategoryFactory(parent=first)
    Category.objects.filter(pk=first.pk).update(parent=second)
    VariantFactory(product__category=first)

    assert len(CategoryTree.read().lineage(first.pk)) == 2
    assert CategoryTree.read().descendants(first.pk) == {first.pk, second.pk}
    for path in ("categories/", "categories/?tree=1", f"products/?category={first.pk}"):
        assert anonymous.get(f"/api/catalog/{path}").status_code == 200


def test_a_removed_variant_leaves_its_stock_item_to_those_who_hold_it():
    product = ProductFactory()
    variant, other = VariantFactory.create_batch(2, product=product)
    item_id = variant.stock_item_id

    services.remove_variant(variant=variant)

    variant.refresh_from_db()
    assert (variant.stock_item_id, variant.is_active) == (item_id, False)
    assert StockItem.objects.get(pk=item_id).sku == variant.sku
    assert other.sku != variant.sku
