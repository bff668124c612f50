"""What other apps may ask of the catalogue."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Q

from catalog import errors
from catalog.models import Attribute, Category, ProductImage, TaxClass, Variant
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.selects import Columns, Select

_IMAGES = Select(
    "SELECT {columns} FROM catalog_productimage m WHERE m.product_id IN ({among})"
    " ORDER BY m.position, m.id",
    Columns("m", ProductImage, ("product", "file", "address")),
)


@dataclass(frozen=True, slots=True)
class VariantReference:
    """How a client names what it wants to buy: exactly one of the three is set.

    :param product_id: id or slug of a product that has exactly one active variant.
    """

    variant_id: int | None = None
    product_id: int | str | None = None
    sku: str | None = None

    def __post_init__(self) -> None:
        if [self.variant_id, self.product_id, self.sku].count(None) != 2:
            raise ValueError("A variant is named by its id, its product or its SKU: by one.")


def get_variants_for_sale(references: Sequence[VariantReference]) -> list[Variant]:
    """Return the variants in the order asked, with product, stock item and options fetched.

    The number of queries does not depend on how many are asked for.

    :raises VariantNotFound: one is not there, not active, or its product is not published.
    :raises VariantRequired: a product named as such has several active variants.
    """
    found = list(Variant.objects.for_sale().filter(_named_by(references)).with_options())
    return [_pick(reference, found) for reference in references]


def describe_options(variant: Variant) -> dict[str, str]:
    """Return the choice per option, as in ``{"Colour": "Red"}``."""
    return {choice.option.name: choice.value for choice in variant.option_values.all()}


def get_category(key: int | str) -> Category:
    """Return the category of that id or slug; a text of digits is an id.

    :raises CategoryNotFound: there is none.
    """
    number = id_of(key)
    lookup = {"slug": key} if number is None else {"pk": number}
    try:
        return Category.objects.get(**lookup)
    except Category.DoesNotExist as error:
        raise errors.CategoryNotFound(category=str(key)[:50]) from error


def get_tax_class(key: int | str) -> TaxClass:
    """Return the tax class of that id or code; a text of digits is an id.

    :raises TaxClassNotFound: there is none.
    """
    number = id_of(key)
    lookup = {"code": key} if number is None else {"pk": number}
    try:
        return TaxClass.objects.get(**lookup)
    except TaxClass.DoesNotExist as error:
        raise errors.TaxClassNotFound(tax_class=str(key)[:50]) from error


def get_attribute(key: int | str) -> Attribute:
    """Return the attribute of that id or code; a text of digits is an id.

    :raises AttributeNotFound: there is none.
    """
    number = id_of(key)
    lookup = {"code": key} if number is None else {"pk": number}
    try:
        return Attribute.objects.get(**lookup)
    except Attribute.DoesNotExist as error:
        raise errors.AttributeNotFound(attribute=str(key)[:50]) from error


def get_image_urls(product_ids: Iterable[int]) -> dict[int, str]:
    """Return the address of the first image of each product that has one, in one query."""
    wanted = sorted(set(product_ids))
    found: dict[int, str] = {}
    if not wanted:
        return found
    for product_id, file, address in _IMAGES.rows(wanted, among=wanted):
        if product_id not in found:
            found[product_id] = ProductImage(file=file, address=address).url
    return found


def id_of(key: int | str) -> int | None:
    """Return the id that a client means, 0 if it is none that a row could have.

    ``None`` says that the key is a slug: slugs have a letter, ids have none.
    """
    if isinstance(key, str):
        if not (key.isascii() and key.isdigit()):
            return None
        key = int(key) if len(key) < 20 else 0
    return key if 0 < key <= MAX_ID else 0


def _named_by(references: Iterable[VariantReference]) -> Q:
    variant_ids: set[int] = set()
    skus: set[str] = set()
    products: set[int | str] = set()
    for reference in references:
        if reference.variant_id is not None:
            variant_ids.add(_id(reference.variant_id))
        elif reference.sku is not None:
            skus.add(reference.sku)
        else:
            products.add(_product_key(reference))
    return (
        Q(pk__in=variant_ids)
        | Q(sku__in=skus)
        | Q(product_id__in=[key for key in products if isinstance(key, int)])
        | Q(product__slug__in=[key for key in products if isinstance(key, str)])
    )


def _pick(reference: VariantReference, found: Iterable[Variant]) -> Variant:
    matches = [variant for variant in found if _is_named(variant, reference)]
    if not matches:
        raise errors.VariantNotFound
    if len(matches) > 1:
        raise errors.VariantRequired
    return matches[0]


def _is_named(variant: Variant, reference: VariantReference) -> bool:
    if reference.variant_id is not None:
        return variant.pk == reference.variant_id
    if reference.sku is not None:
        return variant.sku == reference.sku
    return _product_key(reference) in {variant.product_id, variant.product.slug}


def _product_key(reference: VariantReference) -> int | str:
    key = reference.product_id or ""
    number = id_of(key)
    return key if number is None else _id(number)


def _id(number: int) -> int:
    if not 0 < number <= MAX_ID:
        raise errors.VariantNotFound
    return number
