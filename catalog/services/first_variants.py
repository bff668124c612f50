"""The variants that a new product comes with, in a few statements however many they are."""

from collections import Counter
from collections.abc import Mapping, Sequence

from django.db.models.functions import Upper

from catalog import errors
from catalog.models import Option, OptionValue, Product, Variant
from catalog.services.variants import STOCK_REASON, NewVariant, insert_rows, sku_base
from catalog.slugs import first_free
from inventory import services as inventory


def insert_first_variants(
    product: Product, news: Sequence[NewVariant], *, actor_id: int | None
) -> None:
    """Add the variants of a product that has none yet, and that the caller will settle.

    Only its stock costs a statement of its own for each: a counter moves under its own guard.

    :raises SkuTaken: a SKU is in use, in this shop or twice in this call.
    :raises OptionsMismatch: they do not all name the same options.
    :raises VariantExists: two of them choose the same.
    :raises CompareAtTooLow: a compare-at price is not above its price.
    """
    _check_choices(news)
    skus = _get_skus(product, news)
    by_sku = dict(zip(skus, news, strict=True))
    variants = insert_rows(product, by_sku, first_position=0, actor_id=actor_id)
    _choose(product, variants, news)
    pairs = zip(variants, news, strict=True)
    units = {row.stock_item_id: new.stock for row, new in pairs if new.stock is not None}
    inventory.set_available_of_many(quantities=units, reason=STOCK_REASON, actor_id=actor_id)


def _check_choices(news: Sequence[NewVariant]) -> None:
    wanted = {name.casefold() for name in news[0].options}
    seen = set()
    for new in news:
        chosen = _folded(new.options)
        if len(chosen) < len(new.options):
            raise errors.RepeatedOption(name=next(iter(new.options)))
        if set(chosen) != wanted:
            raise errors.OptionsMismatch(wanted=", ".join(news[0].options) or "none")
        if frozenset(chosen.items()) in seen:
            raise errors.VariantExists
        seen.add(frozenset(chosen.items()))


def _get_skus(product: Product, news: Sequence[NewVariant]) -> list[str]:
    """Return the SKUs asked for, in any case free, and free ones where none was."""
    asked = [new.sku for new in news if new.sku]
    folded = [sku.upper() for sku in asked]
    in_use = Variant.objects.annotate(folded=Upper("sku")).filter(folded__in=folded)
    taken = set(in_use.values_list("folded", flat=True))
    for place, sku in enumerate(folded):
        if sku in taken or sku in folded[:place]:
            raise errors.SkuTaken(sku=asked[place])
    if len(asked) < len(news):
        alike = Variant.objects.filter(sku__istartswith=sku_base(product, {}))
        taken |= {*folded, *(sku.upper() for sku in alike.values_list("sku", flat=True))}
    skus = []
    for new in news:
        sku = new.sku or first_free(sku_base(product, new.options), taken)
        taken.add(sku)
        skus.append(sku)
    return skus


def _choose(product: Product, variants: Sequence[Variant], news: Sequence[NewVariant]) -> None:
    """Give each its choices, making the options and values that the product does not list."""
    if not news[0].options:
        return
    names = {option.name.casefold() for option in product.options.all()}
    missing = [name for name in news[0].options if name.casefold() not in names]
    Option.objects.bulk_create(
        Option(product=product, name=name, position=position)
        for position, name in enumerate(missing, start=len(names))
    )
    options = {option.name.casefold(): option for option in product.options.all()}
    known = _get_values(product)
    new_values: dict[tuple[int, str], OptionValue] = {}
    sizes = Counter(option_id for option_id, _ in known)
    for new in news:
        for name, value in new.options.items():
            option = options[name.casefold()]
            key = (option.pk, value.casefold())
            if key not in known and key not in new_values:
                new_values[key] = OptionValue(option=option, value=value, position=sizes[option.pk])
                sizes[option.pk] += 1
    OptionValue.objects.bulk_create(new_values.values())
    known = _get_values(product)
    chosen = Variant.option_values.through
    chosen.objects.bulk_create(
        chosen(
            variant_id=variant.pk,
            optionvalue_id=known[(options[name.casefold()].pk, value.casefold())],
        )
        for variant, new in zip(variants, news, strict=True)
        for name, value in new.options.items()
    )


def _get_values(product: Product) -> dict[tuple[int, str], int]:
    """Return the id of each value by its option and its folded text."""
    rows = OptionValue.objects.filter(option__product=product)
    found = rows.values_list("option_id", "value", "pk")
    return {(option_id, value.casefold()): pk for option_id, value, pk in found}


def _folded(options: Mapping[str, str]) -> dict[str, str]:
    return {name.casefold(): value.casefold() for name, value in options.items()}
