"""What can be bought is kept beside the product on PostgreSQL, and never told wrong meanwhile."""

import threading
from functools import partial

import pytest
from django.db import connection, transaction
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from catalog import sellable, services, version
from catalog.models import Product, StockDoubt, Variant
from catalog.tests.factories import ProductFactory, VariantFactory
from inventory.models import Location, StockItem, StockLevel
from inventory.tests.factories import LocationFactory, StockItemFactory, StockLevelFactory
from shop_backend.invariants import catalogue
from tests.client import ShopClient
from tests.threads import closing

LIST = "/api/catalog/products/"


@pytest.fixture(autouse=True)
def _only_where_it_is_kept():
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL keeps it beside the product")


def flagged():
    return set(Product.objects.filter(sellable.is_flagged()).values_list("pk", flat=True))


def sold_by_stock():
    products = Product.objects.filter(sellable.is_sellable_by_stock())
    return set(products.values_list("pk", flat=True))


def settle():
    while services.settle_stock_doubts():
        pass


def listed(value):
    found = ShopClient().get(f"{LIST}?in_stock={value}&page_size=100").json()
    return {row["id"] for row in found["data"]["results"]}


@pytest.mark.django_db
def test_a_product_whose_last_unit_goes_is_in_doubt_and_one_that_has_some_left_is_not():
    variant = VariantFactory(stock=2)
    settle()

    StockLevel.objects.update(reserved=1)
    assert StockDoubt.objects.count() == 0
    StockLevel.objects.update(reserved=2)

    assert [str(doubt) for doubt in StockDoubt.objects.all()] == [f"item {variant.stock_item_id}"]
    assert (flagged(), sold_by_stock()) == ({variant.product_id}, set())
    settle()
    assert flagged() == set()


@pytest.mark.django_db
def test_a_list_settles_what_is_in_doubt():
    variant = VariantFactory(stock=2)

    assert (listed(1), listed(0)) == ({variant.product_id}, set())

    assert (flagged(), StockDoubt.objects.count()) == ({variant.product_id}, 0)


@pytest.mark.django_db
def test_setting_it_is_no_change_of_the_catalogue():
    VariantFactory(stock=2)
    before = version.look()

    settle()

    assert version.look() == before


@pytest.mark.django_db
def test_saving_a_product_read_long_ago_puts_nothing_old_back():
    variant = VariantFactory(stock=2)
    product = Product.objects.get()
    settle()

    product.save()

    assert flagged() == {variant.product_id}


@pytest.mark.django_db
def test_a_flag_set_by_hand_is_found_and_mended():
    variant = VariantFactory(stock=2)
    settle()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE catalog_product SET is_in_stock = false")

    assert [row.pk for row in catalogue.products_beside_their_stock()] == [variant.product_id]
    StockDoubt.objects.create(subject="product", subject_id=variant.product_id)
    assert list(catalogue.products_beside_their_stock()) == []  # in doubt is not wrong

    changed = services.recheck_stock(product_id=variant.product_id)

    assert (changed, flagged()) == ({"is_in_stock": (False, True)}, {variant.product_id})


CHANGES = {
    "units": lambda world, number: StockLevel.objects.filter(pk=world.levels[number]).update(
        on_hand=number % 2, reserved=0
    ),
    "sold": lambda world, number: StockLevel.objects.filter(
        pk=world.levels[number], on_hand=1
    ).update(reserved=1),
    "lost level": lambda world, number: world.lose(number),
    "moved level": lambda world, number: StockLevel.objects.filter(pk=world.levels[number]).update(
        location=world.spare
    ),
    "place": lambda world, number: Location.objects.filter(pk=world.places[number % 2]).update(
        is_active=number % 3 == 0
    ),
    "tracked": lambda world, number: StockItem.objects.filter(pk=world.items[number]).update(
        is_tracked=number % 2
    ),
    "active": lambda world, number: world.of_variant(number).update(is_active=number % 3 == 0),
    "removed": lambda world, number: world.of_variant(number).update(removed_at=timezone.now()),
    "back": lambda world, number: world.of_variant(number).update(removed_at=None, is_active=True),
    "other product": lambda world, number: world.of_variant(number).update(
        product_id=world.products[number % 2]
    ),
    "other item": lambda world, number: world.swap_item(number),
    "deleted": lambda world, number: world.of_variant(number).delete(),
}


class World:
    """Three products, a variant each and another of the first, at two places and a spare one."""

    def __init__(self):
        self.places = [LocationFactory().pk, LocationFactory().pk]
        self.spare = LocationFactory()
        products = [ProductFactory() for _ in range(3)]
        self.products = [product.pk for product in products]
        made = [
            Variant.objects.create(
                product=product, stock_item=item, sku=item.sku, price_minor=100
            )  # without its price's history, which would keep it from being deleted
            for product in [*products, products[0]]
            for item in [StockItemFactory()]
        ]
        self.variants = [variant.pk for variant in made]
        self.items = [variant.stock_item_id for variant in made]
        places = list(Location.objects.filter(pk__in=self.places))
        self.levels = [
            StockLevelFactory(item=variant.stock_item, location=places[number % 2]).pk
            for number, variant in enumerate(made)
        ]

    def of_variant(self, number):
        return Variant.objects.filter(pk=self.variants[number])

    def lose(self, number):
        StockLevel.objects.filter(pk=self.levels[number]).delete()

    def swap_item(self, number):
        item = StockItemFactory(is_tracked=False)
        self.of_variant(number).update(stock_item=item)


class TestWhateverChanges(TestCase):
    @settings(max_examples=25, deadline=None)
    @given(
        steps=st.lists(
            st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 3), st.booleans()),
            min_size=1,
            max_size=8,
        )
    )
    def test_lists_are_right_at_once_and_the_flag_is_soon(self, steps):
        world = World()
        for name, number, is_settled in steps:
            CHANGES[name](world, number)
            with transaction.atomic():  # in which nothing is settled
                found = set(
                    Product.objects.filter(sellable.is_sellable()).values_list("pk", flat=True)
                )
            assert found == sold_by_stock(), name
            assert list(catalogue.products_beside_their_stock()) == []
            if is_settled:
                settle()
                assert flagged() == sold_by_stock(), name
        settle()
        assert (flagged(), StockDoubt.objects.count()) == (sold_by_stock(), 0)


@pytest.mark.django_db
def test_where_too_much_is_in_doubt_the_stock_is_asked_for(monkeypatch):
    variant = VariantFactory(stock=2)
    monkeypatch.setattr(sellable, "MOST_DOUBTS", 0)

    with transaction.atomic():
        found = Product.objects.filter(sellable.is_sellable())
        assert list(found.values_list("pk", flat=True)) == [variant.product_id]


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_a_product_that_somebody_holds_is_not_waited_for_and_not_told_wrong():
    held, free = VariantFactory(stock=1), VariantFactory(stock=1)
    settle()
    with transaction.atomic():
        Product.objects.select_for_update().get(pk=held.product_id)
        other = threading.Thread(target=closing(partial(StockLevel.objects.update, reserved=1)))
        other.start()
        other.join(timeout=30)
        seen = []
        reader = threading.Thread(target=closing(lambda: seen.append((listed(1), listed(0)))))
        reader.start()
        reader.join(timeout=30)

        assert seen == [(set(), {held.product_id, free.product_id})]
        assert flagged() == {held.product_id}
    settle()
    assert flagged() == set()


@pytest.mark.concurrency
@pytest.mark.django_db(transaction=True)
def test_units_that_come_and_go_from_all_sides_end_in_a_true_flag():
    product = VariantFactory(stock=0).product
    variants = [product.variants.get(), *(VariantFactory(product=product, stock=0) for _ in "ab")]
    levels = [StockLevel.objects.get(item=variant.stock_item).pk for variant in variants]

    def flip(level):
        for number in range(40):
            StockLevel.objects.filter(pk=level).update(on_hand=(number + level) % 2)
            services.settle_stock_doubts()

    threads = [threading.Thread(target=closing(partial(flip, level))) for level in levels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    settle()

    assert flagged() == sold_by_stock()
    assert StockDoubt.objects.count() == 0
