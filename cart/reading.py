"""An open cart in one query, without model instances: it is read at every step to an order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import BigIntegerField, BooleanField, IntegerField

from cart.goods import FOR_SALE, GOODS_COLUMNS, SELLABLE, Goods, for_sale_now
from cart.models import Cart, CartLine
from catalog import version
from catalog.models import Product, Variant
from shipping.models import Address, AddressFields
from shop_backend.kernel import statements
from shop_backend.kernel.selects import Columns, Computed, Select, one_line

ADDRESS_FIELDS = tuple(field.name for field in AddressFields._meta.get_fields())
_OPEN_CART = Select(
    """
    SELECT {columns}
    FROM cart_cart c
    LEFT JOIN shipping_address a ON a.id = COALESCE(
        c.address_id, (SELECT d.id FROM shipping_address d WHERE d.default_for = c.open_for)
    )
    LEFT JOIN cart_cartline l ON l.cart_id = c.id
    LEFT JOIN catalog_variant v ON v.id = l.variant_id
    LEFT JOIN catalog_product p ON p.id = v.product_id
    WHERE c.open_for = %s
    ORDER BY l.id
    """,
    Columns("c", Cart, ("id", "shipping_address", "shipping_method", "coupon")),
    Columns("l", CartLine, ("id", "quantity", "seen_price_minor")),
    *GOODS_COLUMNS[:-1],
    # Not joined: each join of an outer join doubles what PostgreSQL has to plan.
    Computed(
        "(SELECT i.is_tracked FROM inventory_stockitem i WHERE i.id = v.stock_item_id)",
        BooleanField(),
    ),
    Columns("v", Variant, ("is_active", "removed_at")),
    Columns("p", Product, ("status", "published_from", "published_until")),
    Computed(SELLABLE, IntegerField()),
    Columns("a", Address, ("id", *ADDRESS_FIELDS)),
    Computed(version.SUMS[0], BigIntegerField()),
)
_TRACKED_IN_CART = one_line(f"""
    SELECT v.stock_item_id, v.sku, l.quantity, {SELLABLE}
    FROM cart_cart c
    JOIN cart_cartline l ON l.cart_id = c.id
    JOIN catalog_variant v ON v.id = l.variant_id
    JOIN catalog_product p ON p.id = v.product_id
    JOIN inventory_stockitem i ON i.id = v.stock_item_id
    WHERE {FOR_SALE} AND i.is_tracked AND c.open_for = %s
""")  # nosec B608


@dataclass(slots=True)
class Line:
    """So many units of something in a cart; ``sellable`` is ``None`` where there is no limit."""

    pk: int
    quantity: int
    seen_price_minor: int
    goods: Goods
    is_for_sale: bool
    sellable: int | None


@dataclass(slots=True)
class OpenCart:
    """A cart with its lines; ``destination`` is where it would go by itself.

    ``mark`` is that of the catalogue's version at the same moment, ``None`` where it is not known.
    """

    pk: int
    destination: Mapping[str, Any] | None
    shipping_method_id: int | None
    coupon_id: int | None
    mark: int | None
    lines: list[Line] = field(default_factory=list)


def read_open_cart(*, user_id: int, now: datetime) -> OpenCart | None:
    """Return the user's open cart; the options of its goods are not read."""
    rows = _OPEN_CART.rows([user_id])
    if not rows:
        return None
    pk, typed, method_id, coupon_id = rows[0][:4]
    *address, mark = rows[0][25:]
    entered = dict(zip(ADDRESS_FIELDS, address[1:], strict=True)) if address[0] else None
    # Without a line there is one row all the same.
    lines = [_line(row, now) for row in rows if row[4] is not None]
    known_mark = int(mark) % version.TOKENS if version.is_known() else None
    return OpenCart(pk, typed or entered, method_id, coupon_id, known_mark, lines)


def read_tracked_in_cart(*, user_id: int, now: datetime) -> list[tuple[int, str, int, int]]:
    """Return stock item, SKU, units wanted and units to be had of each tracked line for sale."""
    rows = statements.read(_TRACKED_IN_CART, [*for_sale_now(now), user_id])
    return [(item_id, sku, wanted, int(sellable)) for item_id, sku, wanted, sellable in rows]


def _line(row: Any, now: datetime) -> Line:
    goods = Goods(*row[7:19])
    is_active, removed_at, status, published_from, published_until, sellable = row[19:25]
    is_for_sale = (
        is_active
        and removed_at is None
        and status == Product.Status.ACTIVE
        and (published_from is None or published_from <= now)
        and (published_until is None or now < published_until)
    )
    return Line(
        pk=row[4],
        quantity=row[5],
        seen_price_minor=row[6],
        goods=goods,
        is_for_sale=is_for_sale,
        sellable=int(sellable) if goods.is_tracked else None,
    )
