"""What is really bought: SKUs, their prices, options and stock."""

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import errors
from catalog.models import Option, OptionValue, Product, Variant
from catalog.services.prices import check_compare_at, record_prices
from catalog.slugs import first_free, slug_of
from inventory import errors as inventory_errors
from inventory import services as inventory
from shop_backend.kernel import transactions

MAX_VARIANTS = 100
LAST_POSITION = 32_767
STOCK_REASON = "Set in the catalogue"


@dataclass(frozen=True, slots=True)
class NewVariant:
    """A variant as it is asked for.

    :param sku: made from the product's slug if left out.
    :param stock: units available; ``None`` leaves the item's stock as it is.
    :param options: the choice per option, as in ``{"Colour": "Red"}``.
    """

    price_minor: int
    compare_at_minor: int | None = None
    sku: str = ""
    stock: int | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    weight_grams: int = 0
    is_active: bool = True


@transactions.use_case
def add_variant(*, product: Product, new: NewVariant, actor_id: int | None) -> Variant:
    """Add a variant; values of its options that the product does not have yet are added too.

    :raises SkuTaken: the SKU is in use.
    :raises OptionsMismatch: it does not name the options that the other variants have.
    :raises VariantExists: another variant has the same options.
    :raises TooManyVariants: the product has as many as it can.
    """
    product = lock_product(product.pk)
    positions = list(product.variants.standing().values_list("position", flat=True))
    if len(positions) >= MAX_VARIANTS:
        raise errors.TooManyVariants(most=MAX_VARIANTS)
    position = min(max(positions, default=-1) + 1, LAST_POSITION)
    variant = insert_variant(product, new, position=position, actor_id=actor_id)
    settle(product)
    return variant


@transactions.use_case
def update_variant(*, variant: Variant, fields: Mapping[str, Any], actor_id: int | None) -> Variant:
    """Change the named fields of a variant.

    :param fields: sku, price_minor, compare_at_minor, stock, options, weight_grams, is_active,
        position.
    :raises SkuTaken: the SKU is in use.
    :raises OptionsMismatch: the options are not those of the other variants.
    :raises VariantExists: another variant has the same options.
    :raises LastVariant: a product on sale would have no active variant left.
    :raises CompareAtTooLow: the compare-at price is not above the price.
    """
    product, variant = _lock_variant(variant)
    change_variant(variant, fields, actor_id=actor_id)
    settle(product)
    return variant


@transactions.use_case
def remove_variant(*, variant: Variant) -> None:
    """Take a variant off the product for good and free its SKU; orders keep their lines.

    :raises LastVariant: a product on sale would have no active variant left.
    """
    product, variant = _lock_variant(variant)
    retire(variant)
    settle(product)


@transactions.use_case
def revise_variants(
    *,
    product: Product,
    added: Sequence[NewVariant],
    changed: Sequence[tuple[Variant, Mapping[str, Any]]],
    removed: Sequence[Variant],
    actor_id: int | None,
) -> None:
    """Add, change and remove variants of a product in one go: the rules hold at its end.

    :raises LastVariant: a product on sale would have no active variant left.
    """
    product = lock_product(product.pk)
    for variant in removed:
        retire(variant)
    for variant, fields in changed:
        change_variant(variant, fields, actor_id=actor_id)
    first = product.variants.standing().count()
    for position, new in enumerate(added, start=first):
        insert_variant(product, new, position=position, actor_id=actor_id)
    settle(product)


def lock_product(pk: int) -> Product:
    """Return the product under its lock: its variants change one at a time.

    :raises VariantNotFound: it was deleted meanwhile.
    """
    product = Product.objects.select_for_update().get(pk=pk)
    if product.status == Product.Status.DELETED:
        raise errors.VariantNotFound
    return product


def settle(product: Product) -> None:
    """Bring the product in line with its variants: the lowest price, and one at least on sale.

    :raises LastVariant: the product is on sale and has no active variant.
    """
    rows = list(product.variants.standing().values_list("price_minor", "is_active"))
    active = [price for price, is_active in rows if is_active]
    if product.status == Product.Status.ACTIVE and not active:
        raise errors.LastVariant
    product.from_price_minor = min(active or [price for price, _ in rows], default=0)
    product.updated_at = timezone.now()
    product.save(update_fields=["from_price_minor", "updated_at"])


def insert_variant(
    product: Product, new: NewVariant, *, position: int, actor_id: int | None
) -> Variant:
    """Add one variant to a product that the caller has locked and will settle."""
    sku = new.sku or _free_sku(product, new.options)
    if new.sku:
        _check_sku_is_free(sku)
    [variant] = insert_rows(product, {sku: new}, first_position=position, actor_id=actor_id)
    _choose(variant, new.options)
    _set_stock(variant, new.stock, actor_id)
    return variant


def insert_rows(
    product: Product, news: Mapping[str, NewVariant], *, first_position: int, actor_id: int | None
) -> list[Variant]:
    """Write variants by their SKUs, and what they cost; choices and stock are the caller's.

    :raises SkuTaken: somebody has just taken a SKU.
    :raises CompareAtTooLow: a compare-at price is not above its price.
    """
    variants = [
        Variant(
            product=product,
            sku=sku,
            price_minor=new.price_minor,
            compare_at_minor=new.compare_at_minor,
            currency=product.currency,
            weight_grams=new.weight_grams,
            is_active=new.is_active,
            position=position,
        )
        for position, (sku, new) in enumerate(news.items(), start=first_position)
    ]
    for variant in variants:
        check_compare_at(variant, ["compare_at_minor"])
    items = inventory.ensure_items(skus=news)
    for variant in variants:
        variant.stock_item = items[variant.sku]
    try:
        with transaction.atomic():
            Variant.objects.bulk_create(variants)
    except IntegrityError as error:
        raise errors.SkuTaken(sku=variants[0].sku) from error
    if any(variant.pk is None for variant in variants):  # not every database tells the ids
        variants = list(product.variants.filter(sku__in=news).order_by("position"))
    record_prices(variants, actor_id=actor_id)
    return variants


def change_variant(variant: Variant, fields: Mapping[str, Any], *, actor_id: int | None) -> None:
    """Change a variant of a product that the caller has locked and will settle."""
    columns = {
        name: value for name, value in fields.items() if name not in {"sku", "stock", "options"}
    }
    before = (variant.price_minor, variant.compare_at_minor)
    for name, value in columns.items():
        setattr(variant, name, value)
    further = check_compare_at(variant, columns)
    variant.save(update_fields=[*columns, *further])
    if before != (variant.price_minor, variant.compare_at_minor):
        record_prices([variant], actor_id=actor_id)
    if "sku" in fields and fields["sku"] != variant.sku:
        _check_sku_is_free(fields["sku"], except_for=variant)
        _rename(variant, fields["sku"])
    if "options" in fields:
        _choose(variant, fields["options"])
    _set_stock(variant, fields.get("stock"), actor_id)


def retire(variant: Variant) -> None:
    """Remove a variant of a locked product, keeping its row for the orders that hold it."""
    _rename(variant, f"{variant.sku[:50]}~{secrets.token_hex(4)}")
    former = list(variant.option_values.all())
    variant.option_values.clear()
    _drop_unused(former)
    variant.is_active = False
    variant.removed_at = timezone.now()
    variant.save(update_fields=["is_active", "removed_at"])


def list_options(product: Product, options: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Give a new product its options, in the order to show them."""
    for position, (name, values) in enumerate(options):
        option = Option.objects.create(product=product, name=name, position=position)
        OptionValue.objects.bulk_create(
            OptionValue(option=option, value=value, position=index)
            for index, value in enumerate(values)
        )


def check_listed(
    options: Sequence[tuple[str, Sequence[str]]], variants: Iterable[NewVariant]
) -> None:
    """Refuse lists that name something twice, and variants that choose beyond them."""
    for names in ([name for name, _ in options], *(values for _, values in options)):
        folded = [name.casefold() for name in names]
        for name in names:
            if folded.count(name.casefold()) > 1:
                raise errors.RepeatedOption(name=name)
    listed = {name.casefold(): {value.casefold() for value in values} for name, values in options}
    for new in variants:
        if {name.casefold() for name in new.options} != set(listed):
            raise errors.OptionsMismatch(wanted=", ".join(name for name, _ in options))
        for name, value in new.options.items():
            if value.casefold() not in listed[name.casefold()]:
                raise errors.UnknownOptionValue(value=value, option=name)


def _lock_variant(variant: Variant) -> tuple[Product, Variant]:
    """Return product and variant as they are under the product's lock."""
    product = lock_product(variant.product_id)
    try:
        variant = product.variants.standing().get(pk=variant.pk)
    except Variant.DoesNotExist as error:
        raise errors.VariantNotFound from error
    variant.product = product
    return product, variant


def _choose(variant: Variant, options: Mapping[str, str]) -> None:
    """Give a variant its choices; the other variants must have chosen from the same options."""
    chosen = {name.casefold(): value.casefold() for name, value in options.items()}
    if len(chosen) < len(options):
        raise errors.RepeatedOption(name=next(iter(options)))
    others = variant.product.variants.standing().exclude(pk=variant.pk).with_options()
    for other in others:
        theirs = {choice.option.name: choice.value for choice in other.option_values.all()}
        if {name.casefold() for name in theirs} != set(chosen):
            raise errors.OptionsMismatch(wanted=", ".join(theirs) or "none")
        if all(chosen[name.casefold()] == value.casefold() for name, value in theirs.items()):
            raise errors.VariantExists
    former = list(variant.option_values.all())
    variant.option_values.set(_values(variant.product, options))
    _drop_unused(former)


def _values(product: Product, options: Mapping[str, str]) -> list[OptionValue]:
    """Return the values of those names, new ones where the product has none yet."""
    known = {option.name.casefold(): option for option in product.options.all()}
    found = []
    for name, value in options.items():
        option = known.get(name.casefold()) or Option.objects.create(
            product=product, name=name, position=len(known)
        )
        known[name.casefold()] = option
        values = {row.value.casefold(): row for row in option.values.all()}
        found.append(
            values.get(value.casefold())
            or OptionValue.objects.create(option=option, value=value, position=len(values))
        )
    return found


def _drop_unused(values: Iterable[OptionValue]) -> None:
    pks = [value.pk for value in values]
    option_ids = {value.option_id for value in values}
    OptionValue.objects.filter(pk__in=pks, variants=None).delete()
    Option.objects.filter(pk__in=option_ids, values=None).delete()


def sku_base(product: Product, options: Mapping[str, str]) -> str:
    """Return a SKU made of the product's slug and the choices; it may need a number."""
    words = [product.slug[:40].strip("-"), *options.values()]
    return "-".join(slug_of(word, fallback="v") for word in words if word).upper()[:52].strip("-")


def _free_sku(product: Product, options: Mapping[str, str]) -> str:
    base = sku_base(product, options)
    taken = Variant.objects.filter(sku__istartswith=base).values_list("sku", flat=True)
    return first_free(base, {sku.upper() for sku in taken})


def _check_sku_is_free(sku: str, *, except_for: Variant | None = None) -> None:
    """Refuse a SKU that is in use in any case: people read them aloud."""
    others = Variant.objects.filter(sku__iexact=sku)
    if except_for is not None:
        others = others.exclude(pk=except_for.pk)
    if others.exists():
        raise errors.SkuTaken(sku=sku)


def _rename(variant: Variant, sku: str) -> None:
    try:
        inventory.rename_item(item_id=variant.stock_item_id, sku=sku)
        with transaction.atomic():
            variant.sku = sku
            variant.save(update_fields=["sku"])
    except (IntegrityError, inventory_errors.SkuInUse) as error:
        raise errors.SkuTaken(sku=sku) from error


def _set_stock(variant: Variant, stock: int | None, actor_id: int | None) -> None:
    if stock is not None:
        inventory.set_available(
            item_id=variant.stock_item_id,
            available=stock,
            reason=STOCK_REASON,
            actor_id=actor_id,
        )
