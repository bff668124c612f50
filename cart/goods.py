"""What of a variant matters to a basket: plain values, because a cart is read at every step."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BooleanField, IntegerField

from catalog import selectors as catalog
from catalog.errors import VariantNotFound, VariantRequired
from catalog.models import Product, Variant
from catalog.selectors import VariantReference, id_of
from inventory.models import StockItem
from shop_backend.kernel import statements
from shop_backend.kernel.converters import MAX_ID
from shop_backend.kernel.money import Money
from shop_backend.kernel.selects import Columns, Computed, Select

# Units of a variant ``v`` at locations that sell.
SELLABLE = """COALESCE((
    SELECT SUM(s.on_hand - s.reserved) FROM inventory_stocklevel s
    JOIN inventory_location w ON w.id = s.location_id
    WHERE s.item_id = v.stock_item_id AND w.is_active
), 0)"""
# What a customer can buy of a variant ``v`` of a product ``p``, stock apart; see ``for_sale_now``.
FOR_SALE = """
    v.is_active AND v.removed_at IS NULL AND p.status = 'active'
    AND (p.published_from IS NULL OR p.published_from <= %s)
    AND (p.published_until IS NULL OR p.published_until > %s)
"""
# In the order of the fields of ``Goods``.
GOODS_COLUMNS = (
    Columns("v", Variant, ("id", "product")),
    Columns("p", Product, ("category", "tax_class")),
    Columns("v", Variant, ("stock_item", "sku")),
    Columns("p", Product, ("name", "slug")),
    Columns("v", Variant, ("price_minor", "currency", "weight_grams")),
    Columns("i", StockItem, ("is_tracked",)),
)
_GOODS_WIDTH = sum(len(columns.names) for columns in GOODS_COLUMNS)
_OFFERS = f"""
    SELECT {{columns}}
    FROM catalog_variant v
    JOIN catalog_product p ON p.id = v.product_id
    JOIN inventory_stockitem i ON i.id = v.stock_item_id
    WHERE {FOR_SALE}
"""  # nosec B608
_NAMED_BY = {"id": "v.id", "sku": "v.sku", "product": "v.product_id", "slug": "p.slug"}
_FOUND = {
    kind: Select(
        f"{_OFFERS} AND {column} IN ({{among}})",
        *GOODS_COLUMNS,
        Computed(SELLABLE, IntegerField()),
    )
    for kind, column in _NAMED_BY.items()
}
_FOUND_FOR_CART = {
    kind: Select(
        f"{_OFFERS} AND {column} IN ({{among}})",
        Computed("(SELECT COUNT(*) FROM cart_cartline n WHERE n.cart_id = %s)", IntegerField()),
        Computed(
            "EXISTS (SELECT 1 FROM cart_cartline l WHERE l.cart_id = %s AND l.variant_id = v.id)",
            BooleanField(),
        ),
        *GOODS_COLUMNS,
        Computed(SELLABLE, IntegerField()),
    )
    for kind, column in _NAMED_BY.items()
}
_PUBLISHED_FROM = Product._meta.get_field("published_from")


@dataclass(slots=True)
class Goods:
    """One variant as a basket prices it and an order remembers it."""

    variant_id: int
    product_id: int
    category_id: int | None
    tax_class_id: int | None
    stock_item_id: int
    sku: str
    name: str
    slug: str
    price_minor: int
    currency: str
    weight_grams: int
    is_tracked: bool
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, variant: Variant) -> "Goods":
        """Return a variant's; its product, stock item and options have been fetched."""
        product, item = variant.product, variant.stock_item
        return cls(
            variant_id=variant.pk,
            product_id=product.pk,
            category_id=product.category_id,
            tax_class_id=product.tax_class_id,
            stock_item_id=item.pk,
            sku=variant.sku,
            name=product.name,
            slug=product.slug,
            price_minor=variant.price_minor,
            currency=variant.currency,
            weight_grams=variant.weight_grams,
            is_tracked=item.is_tracked,
            options=catalog.describe_options(variant),
        )

    @property
    def price(self) -> Money:
        """What one unit costs."""
        return Money(self.price_minor, self.currency)


@dataclass(slots=True)
class Offer:
    """Goods that are for sale; ``sellable`` is ``None`` where there is no limit."""

    goods: Goods
    sellable: int | None


@dataclass(slots=True)
class OfferForCart(Offer):
    """An offer, whether it lies in a cart already, and how many lines that has."""

    is_in_cart: bool
    lines_in_cart: int


def for_sale_now(now: datetime) -> list[Any]:
    """Return the parameters of ``FOR_SALE``."""
    moment = statements.adapted(_PUBLISHED_FROM, now)
    return [moment, moment]


def find_offers(references: Iterable[VariantReference], *, now: datetime) -> list[Offer]:
    """Return what of it is for sale, in no order and without options."""
    found: dict[int, Offer] = {}
    for kind, keys in _by_kind(references).items():
        for row in _FOUND[kind].rows([*for_sale_now(now), *keys], among=keys):
            offer = _offer(row)
            found[offer.goods.variant_id] = offer
    return list(found.values())


def get_offers(references: Sequence[VariantReference], *, now: datetime) -> list[Offer]:
    """Return the offers in the order asked; the options of their goods are not read.

    :raises VariantNotFound: one is not there, not active, or its product is not published.
    :raises VariantRequired: a product named as such has several active variants.
    """
    found = find_offers(references, now=now)
    return [pick(reference, found) for reference in references]


def get_offer_for_cart(reference: VariantReference, *, cart_id: int, now: datetime) -> OfferForCart:
    """Return one offer, and what it is to a cart.

    :raises VariantNotFound, VariantRequired: see ``get_offers``.
    """
    ((kind, keys),) = _by_kind([reference]).items()
    parameters = [cart_id, cart_id, *for_sale_now(now), *keys]
    rows = _FOUND_FOR_CART[kind].rows(parameters, among=keys)
    offer = pick(reference, [_offer(row[2:]) for row in rows])
    row = next(row for row in rows if row[2] == offer.goods.variant_id)
    return OfferForCart(offer.goods, offer.sellable, bool(row[1]), row[0])


def pick(reference: VariantReference, offers: Iterable[Offer]) -> Offer:
    """Return the one of the offers that is meant.

    :raises VariantNotFound, VariantRequired: see ``get_offers``.
    """
    matches = [offer for offer in offers if is_named(offer.goods, reference)]
    if not matches:
        raise VariantNotFound
    if len(matches) > 1:
        raise VariantRequired
    return matches[0]


def is_named(goods: Goods, reference: VariantReference) -> bool:
    """Return whether the reference means these goods; a database may look less closely."""
    if reference.variant_id is not None:
        return goods.variant_id == reference.variant_id
    if reference.sku is not None:
        return goods.sku == reference.sku
    number = id_of(reference.product_id or "")
    return goods.slug == reference.product_id if number is None else goods.product_id == number


def _by_kind(references: Iterable[VariantReference]) -> dict[str, list[Any]]:
    wanted: dict[str, list[Any]] = {}
    for reference in references:
        if reference.variant_id is not None:
            known = 0 < reference.variant_id <= MAX_ID
            wanted.setdefault("id", []).append(reference.variant_id if known else 0)
        elif reference.sku is not None:
            wanted.setdefault("sku", []).append(reference.sku)
        else:
            key = reference.product_id or ""
            number = id_of(key)
            wanted.setdefault("slug" if number is None else "product", []).append(
                key if number is None else number
            )
    return wanted


def _offer(row: Sequence[Any]) -> Offer:
    goods = Goods(*row[:_GOODS_WIDTH])
    return Offer(goods, int(row[_GOODS_WIDTH]) if goods.is_tracked else None)
