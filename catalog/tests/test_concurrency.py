"""Several people at work on the catalogue, on a real PostgreSQL."""

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from django.db import connection

from catalog import services
from catalog.category_tree import CategoryTree
from catalog.models import Category, Product, Variant
from catalog.services import NewVariant
from catalog.tests.factories import CategoryFactory, VariantFactory
from inventory.tests.factories import main_location
from shop_backend.kernel.errors import ShopError

pytestmark = [pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def at_once(jobs):
    """Run the jobs on a thread and a connection each, started together; return the outcomes."""
    start = threading.Barrier(len(jobs), timeout=30)

    def run(job):
        try:
            connection.ensure_connection()
            start.wait()
            job()
        except ShopError as refusal:
            return refusal.code
        else:
            return None
        finally:
            connection.close()

    with ThreadPoolExecutor(len(jobs)) as pool:
        return list(pool.map(run, jobs))


def test_one_sku_asked_for_by_ten_makes_one_product():
    main_location()
    new = NewVariant(price_minor=100, sku="ONE", stock=1)
    make = partial(services.create_product, variants=[new], actor_id=None)

    outcomes = at_once([partial(make, name=f"Lamp {n}") for n in range(10)])

    assert sorted(outcomes, key=str) == [None, *["sku_taken"] * 9]
    assert (Product.objects.count(), Variant.objects.count()) == (1, 1)


def test_two_moves_at_once_make_no_ring():
    for _ in range(10):
        first, second = CategoryFactory(), CategoryFactory()

        outcomes = at_once(
            [
                partial(services.update_category, category=first, fields={"parent": second}),
                partial(services.update_category, category=second, fields={"parent": first}),
            ]
        )

        assert sorted(outcomes, key=str) == [None, "category_cycle"]
        tree = CategoryTree.read()
        assert {len(tree.lineage(pk)) for pk in (first.pk, second.pk)} == {1, 2}
        Category.objects.update(parent=None)


def updating(variants, *fields):
    return [
        partial(services.update_variant, variant=variant, fields=change, actor_id=None)
        for variant, change in zip(variants, fields, strict=True)
    ]


def test_prices_changed_at_once_leave_the_lowest_on_the_product():
    product = VariantFactory(price_minor=900).product
    variants = [VariantFactory(product=product, price_minor=900) for _ in range(6)]

    for number in range(10):
        prices = [{"price_minor": 100 + number + position} for position in range(6)]
        at_once(updating(variants, *prices))

        product.refresh_from_db()
        assert product.from_price_minor == 100 + number


def test_the_last_two_active_variants_are_not_hidden_at_once():
    product = VariantFactory().product
    variants = [product.variants.get(), VariantFactory(product=product)]

    for _ in range(10):
        outcomes = at_once(updating(variants, {"is_active": False}, {"is_active": False}))

        assert sorted(outcomes, key=str) == [None, "last_variant"]
        assert product.variants.filter(is_active=True).count() == 1
        product.variants.update(is_active=True)
