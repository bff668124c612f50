"""What the shop offers."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import errors
from catalog.models import Category, Product, TaxClass
from catalog.services import attributes as attributes_of
from catalog.services import variants as variants_of
from catalog.services.first_variants import insert_first_variants
from catalog.services.variants import NewVariant
from catalog.slugs import free_slug
from shop_backend.kernel import transactions


@transactions.use_case
def create_product(
    *,
    name: str,
    variants: Sequence[NewVariant],
    slug: str = "",
    description: str = "",
    category: Category | None = None,
    tax_class: TaxClass | None = None,
    status: str = Product.Status.ACTIVE,
    published_from: datetime | None = None,
    published_until: datetime | None = None,
    attributes: Sequence[tuple[str, Any]] = (),
    options: Sequence[tuple[str, Sequence[str]]] = (),
    actor_id: int | None,
) -> Product:
    """Add a product with its variants and their stock.

    :param variants: at least one.
    :param slug: made from the name if left out.
    :param options: names and values in the order to show them; what the variants choose beyond
        them is refused. Left out, they are taken from the variants.
    :param attributes: codes of attributes with what the product states of them.
    :raises SlugTaken: another product has the slug.
    :raises PublishedBackwards: it would end before it begins.
    :raises SkuTaken: a SKU is in use, in this shop or twice in this call.
    :raises OptionsMismatch: the variants do not all name the same options.
    """
    if not variants:
        raise ValueError("A product is sold through its variants: it needs one.")
    product = Product(
        name=name,
        slug=slug or free_slug(Product, name=name),
        description=description,
        category=category,
        tax_class=tax_class,
        status=status,
        published_from=published_from,
        published_until=published_until,
    )
    _save(product)
    attributes_of.state(product, attributes)
    if options:
        variants_of.check_listed(options, variants)
        variants_of.list_options(product, options)
    insert_first_variants(product, variants, actor_id=actor_id)
    variants_of.settle(product)
    return product


@transactions.use_case
def update_product(
    *,
    product: Product,
    fields: Mapping[str, Any],
    variant_fields: Mapping[str, Any],
    actor_id: int | None,
) -> Product:
    """Change the named fields of a product.

    :param fields: name, slug, description, category, tax_class, status, published_from,
        published_until, attributes; an empty slug is made anew.
    :param variant_fields: sku, price_minor, compare_at_minor, stock, weight_grams of its only
        variant.
    :raises VariantRequired: the product has several variants, so those are not its own.
    :raises SlugTaken: another product has the slug.
    :raises LastVariant: it cannot go on sale without an active variant.
    """
    product = variants_of.lock_product(product.pk)
    if variant_fields:
        standing = list(product.variants.standing().select_related("stock_item"))
        if len(standing) != 1:
            raise errors.VariantRequired
        variants_of.change_variant(standing[0], variant_fields, actor_id=actor_id)
    columns = {name: value for name, value in fields.items() if name != "attributes"}
    for name, value in columns.items():
        setattr(product, name, value)
    if not product.slug:
        product.slug = free_slug(Product, name=product.name)
    _save(product, update_fields=list(columns))
    if "attributes" in fields:
        attributes_of.state(product, fields["attributes"])
    variants_of.settle(product)
    return product


@transactions.use_case
def delete_product(*, product: Product) -> None:
    """Hide a product for good and free its slug and SKUs; orders keep their lines."""
    product = variants_of.lock_product(product.pk)
    for variant in product.variants.standing().select_related("stock_item"):
        variants_of.retire(variant)
    product.slug = f"{product.slug[:190]}-deleted-{secrets.token_hex(4)}"
    product.status = Product.Status.DELETED
    product.category = None
    product.updated_at = timezone.now()
    product.save(update_fields=["slug", "status", "category", "updated_at"])


def _save(product: Product, update_fields: list[str] | None = None) -> None:
    begin, end = product.published_from, product.published_until
    if begin is not None and end is not None and begin >= end:
        raise errors.PublishedBackwards
    try:
        with transaction.atomic():
            product.save(update_fields=update_fields)
    except IntegrityError as error:
        raise errors.SlugTaken(slug=product.slug) from error
