"""What is read as rows and dicts is what the serializers, the published shape, would answer."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts.tests.factories import StaffFactory, UserFactory
from catalog import reading, selectors, serializers
from catalog.category_tree import CategoryTree
from catalog.models import (
    Attribute,
    Category,
    Option,
    OptionValue,
    Product,
    ProductAttributeValue,
    ProductImage,
    TaxClass,
    Variant,
)
from catalog.tests.answers import payload
from catalog.tests.factories import CategoryFactory, ProductFactory, VariantFactory
from inventory import selectors as inventory
from inventory.models import StockItem, StockLevel
from inventory.tests.factories import LocationFactory
from shop_backend.kernel import jsontext
from tests.client import ShopClient

pytestmark = [pytest.mark.django_db, pytest.mark.portable]
STATES = ["active", "active", "active", "draft", "archived", "deleted"]


def fill(seed: int) -> None:
    """Make a small catalogue in which everything that the shape depends on occurs."""
    dice = random.Random(seed)
    places = [LocationFactory(), LocationFactory(is_active=False)]
    attributes = [Attribute.objects.create(code=f"code-{n}", name=f"Fact {n}") for n in range(3)]
    classes = [None, *TaxClass.objects.all()]
    categories: list[Any] = [None]
    for _ in range(5):
        parent = dice.choice(categories)
        categories.append(CategoryFactory(parent=parent, is_active=dice.random() > 0.2))
    for number in range(12):
        reviews = dice.choice([0, 0, 3])
        product: Any = ProductFactory(
            name=f'"{number}" é <lamp>',
            description="Light.\n" * dice.randrange(3),
            category=dice.choice(categories),
            tax_class=dice.choice(classes),
            status=dice.choice(STATES),
            published_from=dice.choice([None, None, timezone.now() - timedelta(hours=1)]),
            published_until=dice.choice([None, None, timezone.now() + timedelta(hours=1)]),
            created_at=timezone.now() - timedelta(days=dice.randrange(9)),
            review_count=reviews,
            rating_hundredths=dice.randrange(100, 501) if reviews else 0,
        )
        _fill_product(product, dice, places)
        for attribute in dice.sample(attributes, dice.randrange(3)):
            ProductAttributeValue.objects.create(product=product, attribute=attribute, value="yes")


def _fill_product(product: Any, dice: random.Random, places: list[Any]) -> None:
    option = Option.objects.create(product=product, name="Size", position=dice.randrange(3))
    Option.objects.create(product=product, name="Of no choice")
    values = [OptionValue.objects.create(option=option, value=f"{n}") for n in range(3)]
    for value in dice.sample(values, dice.randrange(4)):
        price = dice.choice([5, 1000, 1999])
        variant: Any = VariantFactory(
            product=product,
            price_minor=price,
            compare_at_minor=dice.choice([None, price + 1]),
            is_active=dice.random() > 0.3,
            position=dice.randrange(3),
            stock=dice.choice([None, 0, 7, 500]),
        )
        variant.option_values.add(value)
        for place in places:
            if dice.random() > 0.5:
                StockLevel.objects.create(item=variant.stock_item, location=place, on_hand=8)
        if dice.random() > 0.8:
            StockItem.objects.filter(pk=variant.stock_item_id).update(is_tracked=False)
        if dice.random() > 0.9:
            Variant.objects.filter(pk=variant.pk).update(removed_at=timezone.now())
    StockLevel.objects.filter(on_hand=7, item__sku__contains="1").update(reserved=7)
    for number in range(dice.randrange(3)):
        file: dict[str, Any] = {
            "file": f"{number}.webp",
            "thumbnail": f"s{number}.webp",
            "width": 9,
            "height": 8,
        }
        elsewhere: dict[str, Any] = {"address": "https://example.com/ä.webp"}
        ProductImage.objects.create(
            product=product, position=dice.randrange(2), alt="A", **dice.choice([file, elsewhere])
        )


def context_for(user: Any) -> dict[str, Any]:
    is_insider = user is not None and user.has_perm("catalog.view_product")
    tree = CategoryTree.read()
    items = Variant.objects.values_list("stock_item_id", flat=True)
    return {
        "request": RequestFactory().get("/"),
        "tree": tree if is_insider else tree.visible(),
        "availability": inventory.get_availability(items),
        "is_insider": is_insider,
    }


def visible_to(user: Any) -> Any:
    products = Product.objects.all() if user is None else Product.objects.visible_to(user)
    return (products.published() if user is None else products).with_options().order_by("name")


def client_of(user: Any) -> ShopClient:
    client = ShopClient()
    if user is not None:
        client.force_authenticate(user)
    return client


def users() -> list[Any]:
    return [None, UserFactory(), StaffFactory(role="manager")]


@pytest.mark.parametrize("seed", range(6))
def test_lists_and_products_are_what_the_serializers_say(seed):
    fill(seed)
    for user in users():
        products, context = list(visible_to(user)), context_for(user)
        client = client_of(user)
        for _ in range(2):  # the second answer comes from memory where there is one
            listed = payload(client.get("/api/catalog/products/?ordering=name&page_size=100"))
            said = serializers.ProductSummarySerializer(products, many=True, context=context).data
            assert jsontext.dumps(listed["results"]) == jsontext.dumps(said)
            for product in products:
                read = payload(client.get(f"/api/catalog/products/{product.pk}/"))
                said = serializers.ProductSerializer(product, context=context).data
                assert jsontext.dumps(read) == jsontext.dumps(said)


@pytest.mark.parametrize("seed", range(3))
def test_categories_are_what_the_serializers_say(seed):
    fill(seed)
    for user in users():
        context = context_for(user)
        tree, client = context["tree"], client_of(user)
        for _ in range(2):
            listed = payload(client.get("/api/catalog/categories/?page_size=100"))
            said = serializers.CategorySerializer(
                [
                    row
                    for row in Category.objects.order_by("position", "pk")
                    if row.pk in tree.by_id
                ],
                many=True,
                context=context,
            ).data
            assert jsontext.dumps(listed["results"]) == jsontext.dumps(said)
            nested = payload(client.get("/api/catalog/categories/?tree=1"))
            top = tree.children.get(None, [])
            said = serializers.CategoryBranchSerializer(top, many=True, context=context).data
            assert jsontext.dumps(nested["results"]) == jsontext.dumps(said)


def test_the_fast_options_are_those_that_orders_keep():
    fill(1)
    for variant in Variant.objects.for_sale().with_options():
        read = payload(ShopClient().get(f"/api/catalog/products/{variant.product_id}/"))
        shown = {row["id"]: row["options"] for row in read["variants"]}

        assert shown[variant.pk] == selectors.describe_options(variant)


@pytest.mark.portable
@pytest.mark.parametrize("status", ["draft", "deleted"])
def test_what_is_hidden_between_the_ids_and_the_rows_is_not_shown(status):
    kept, hidden = VariantFactory().product, VariantFactory().product
    Product.objects.filter(pk=hidden.pk).update(status=status)
    ids = [hidden.pk, kept.pk]

    customers = reading.read_listed(ids, published_at=timezone.now())
    staff = reading.read_listed(ids, published_at=None)

    assert [row.pk for row in customers.rows] == [kept.pk]
    assert [row.pk for row in staff.rows] == ([kept.pk] if status == "deleted" else ids)
