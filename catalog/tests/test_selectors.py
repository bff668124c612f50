"""What cart and orders ask of the catalogue."""

import pytest

from catalog import errors, selectors
from catalog.models import Option, OptionValue, Product
from catalog.selectors import VariantReference
from catalog.tests.factories import ProductFactory, VariantFactory

pytestmark = pytest.mark.django_db


@pytest.mark.portable
def test_variants_come_in_the_order_asked_however_they_are_named(django_assert_num_queries):
    first, second, third, fourth = VariantFactory.create_batch(4)
    references = [
        VariantReference(sku=third.sku),
        VariantReference(variant_id=first.pk),
        VariantReference(product_id=fourth.product_id),
        VariantReference(product_id=second.product.slug),
        VariantReference(product_id=str(second.product_id)),
    ]

    with django_assert_num_queries(2):
        variants = selectors.get_variants_for_sale(references)
        assert [variant.product.name for variant in variants[:1]] == [third.product.name]
        assert variants[0].stock_item.sku == third.sku

    assert variants == [third, first, fourth, second, second]


def test_a_choice_is_described_by_the_names_of_its_options(django_assert_num_queries):
    variant = VariantFactory()
    for position, (name, value) in enumerate([("Size", "M"), ("Colour", "Red")]):
        option = Option.objects.create(product=variant.product, name=name, position=position)
        variant.option_values.add(OptionValue.objects.create(option=option, value=value))

    with django_assert_num_queries(2):
        [found] = selectors.get_variants_for_sale([VariantReference(variant_id=variant.pk)])
        options = selectors.describe_options(found)

    assert list(options.items()) == [("Size", "M"), ("Colour", "Red")]


def test_a_product_with_several_variants_must_be_named_by_one():
    product = ProductFactory()
    VariantFactory.create_batch(2, product=product)

    with pytest.raises(errors.VariantRequired):
        selectors.get_variants_for_sale([VariantReference(product_id=product.pk)])


def test_a_product_with_one_active_variant_needs_no_variant():
    product = ProductFactory()
    variant = VariantFactory(product=product)
    VariantFactory(product=product, is_active=False)

    assert selectors.get_variants_for_sale([VariantReference(product_id=product.pk)]) == [variant]


@pytest.mark.parametrize("status", [Product.Status.DRAFT, Product.Status.DELETED])
def test_what_is_not_published_cannot_be_bought(status):
    variant = VariantFactory(product__status=status)

    for reference in (
        VariantReference(variant_id=variant.pk),
        VariantReference(sku=variant.sku),
        VariantReference(product_id=variant.product_id),
    ):
        with pytest.raises(errors.VariantNotFound):
            selectors.get_variants_for_sale([reference])


@pytest.mark.parametrize("number", [0, -1, 2**63, 10**30])
def test_impossible_ids_are_not_found(number):
    for reference in (VariantReference(variant_id=number), VariantReference(product_id=number)):
        with pytest.raises(errors.VariantNotFound):
            selectors.get_variants_for_sale([reference])


def test_a_reference_names_a_variant_in_one_way():
    with pytest.raises(ValueError, match="by one"):
        VariantReference(variant_id=1, sku="A")
