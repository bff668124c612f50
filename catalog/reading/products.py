"""Products, as ``ProductSummarySerializer`` and ``ProductSerializer`` show them."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.core.files.storage import default_storage

from catalog.category_tree import CategoryTree
from catalog.reading.stock import Stock, StockOf
from shop_backend.kernel.money import Money
from shop_backend.kernel.replicas import reading_connection

# The columns of the rows that ``show_products`` takes; lists are ordered by some of them.
LISTED = (
    "pk", "name", "slug", "category_id", "from_price_minor", "currency", "rating_hundredths",
    "review_count", "status", "created_at", "updated_at", "mismatch",
)  # fmt: skip
# ... and those of the row that ``show_product`` takes.
READ = (
    *LISTED[:-1], "description", "tax_class__code", "published_from", "published_until",
)  # fmt: skip

_VARIANTS = """
SELECT product_id, id, sku, stock_item_id, price_minor, compare_at_minor, currency, weight_grams,
    is_active, position
FROM catalog_variant WHERE removed_at IS NULL AND product_id IN ({places}) ORDER BY position, id
"""
_IMAGES = """
SELECT product_id, id, file, thumbnail, address, alt, width, height, position
FROM catalog_productimage WHERE product_id IN ({places}) ORDER BY position, id
"""
_ATTRIBUTES = """
SELECT attribute.code, attribute.name, attribute.kind, stated.value
FROM catalog_productattributevalue stated
JOIN catalog_attribute attribute ON attribute.id = stated.attribute_id
WHERE stated.product_id IN ({places})
"""
_OPTIONS = """
SELECT opt.id, opt.name, choice.value
FROM catalog_option opt LEFT JOIN catalog_optionvalue choice ON choice.option_id = opt.id
WHERE opt.product_id IN ({places}) ORDER BY opt.position, opt.id, choice.position, choice.id
"""
_CHOSEN = """
SELECT chosen.variant_id, opt.name, choice.value
FROM catalog_variant_option_values chosen
JOIN catalog_optionvalue choice ON choice.id = chosen.optionvalue_id
JOIN catalog_option opt ON opt.id = choice.option_id
WHERE chosen.variant_id IN ({places}) ORDER BY opt.position, opt.id
"""


class _Variant(NamedTuple):
    product_id: int
    pk: int
    sku: str
    stock_item_id: int
    price_minor: int
    compare_at_minor: int | None
    currency: str
    weight_grams: int
    is_active: bool  # on SQLite and MariaDB 0 or 1
    position: int


class _Image(NamedTuple):
    product_id: int
    pk: int
    file: str
    thumbnail: str
    address: str
    alt: str
    width: int | None
    height: int | None
    position: int


@dataclass(frozen=True)
class Viewer:
    """For whom products are shown.

    :param absolute: makes an address without a host one with a host.
    """

    tree: CategoryTree
    is_insider: bool
    absolute: Callable[[str], str]
    stock_of: StockOf


def show_products(rows: Sequence[Any], viewer: Viewer) -> list[dict[str, Any]]:
    """Return the rows of a list, in three queries (of ``LISTED``, the products')."""
    ids = [row.pk for row in rows]
    variants, images = _read_variants(ids), _read_images(ids)
    stock = viewer.stock_of([row.stock_item_id for found in variants.values() for row in found])
    return [_summary(row, variants[row.pk], images[row.pk], stock, viewer) for row in rows]


def show_product(row: Any, viewer: Viewer) -> dict[str, Any]:
    """Return a product with everything that its page shows, in five or six queries."""
    variants, images = _read_variants([row.pk])[row.pk], _read_images([row.pk])[row.pk]
    stock = viewer.stock_of([variant.stock_item_id for variant in variants])
    options: dict[int, dict[str, Any]] = {}
    for pk, name, value in _read(_OPTIONS, [row.pk]):
        option = options.setdefault(pk, {"name": name, "values": []})
        if value is not None:
            option["values"].append(value)
    chosen: dict[int, dict[str, str]] = defaultdict(dict)
    for variant_id, name, value in _read(_CHOSEN, [variant.pk for variant in variants]):
        chosen[variant_id][name] = value
    stated = sorted(_read(_ATTRIBUTES, [row.pk]), key=lambda fact: fact[0])
    shown = _shown(variants, viewer)
    return {
        **_summary(row, variants, images, stock, viewer),
        "description": row.description,
        "tax_class": row.tax_class__code,
        "published_from": _moment(row.published_from),
        "published_until": _moment(row.published_until),
        "attributes": [
            {"code": code, "name": name, "kind": kind, "value": value}
            for code, name, kind, value in stated
        ],
        "images": [_image(image, viewer) for image in images],
        "options": list(options.values()),
        "variants": [_variant(variant, chosen[variant.pk], stock) for variant in shown],
    }


def _summary(
    row: Any, variants: Sequence[_Variant], images: Sequence[_Image], stock: Stock, viewer: Viewer
) -> dict[str, Any]:
    category = viewer.tree.by_id.get(row.category_id)
    active = [variant for variant in variants if variant.is_active]
    shown = variants if viewer.is_insider else active
    only = shown[0] if len(shown) == 1 else None
    before = next(
        (
            variant.compare_at_minor
            for variant in active
            if variant.price_minor == row.from_price_minor
        ),
        None,
    )
    rating = row.rating_hundredths
    return {
        "id": row.pk,
        "name": row.name,
        "slug": row.slug,
        "category": category
        and {
            "id": category.pk,
            "name": category.name,
            "slug": category.slug,
            "path": viewer.tree.path(category.pk),
        },
        "price": _amount(row.from_price_minor, row.currency),
        "compare_at_price": None if before is None else _amount(before, row.currency),
        "currency": row.currency,
        "sku": only and only.sku,
        "stock": only and stock.units(only.stock_item_id),
        "in_stock": stock.is_any_left([variant.stock_item_id for variant in active]),
        "image_url": viewer.absolute(_url(images[0])) if images else None,
        "thumbnail_url": viewer.absolute(_thumbnail_url(images[0])) if images else None,
        "variant_count": len(shown),
        "rating": f"{rating // 100}.{rating % 100:02}" if rating else None,
        "review_count": row.review_count,
        "status": row.status,
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
    }


def _variant(variant: _Variant, options: dict[str, str], stock: Stock) -> dict[str, Any]:
    before, currency = variant.compare_at_minor, variant.currency
    return {
        "id": variant.pk,
        "sku": variant.sku,
        "price": _amount(variant.price_minor, currency),
        "compare_at_price": None if before is None else _amount(before, currency),
        "currency": currency,
        "stock": stock.units(variant.stock_item_id),
        "in_stock": stock.is_any_left([variant.stock_item_id]),
        "options": options,
        "weight_grams": variant.weight_grams,
        "is_active": bool(variant.is_active),
        "position": variant.position,
    }


def _image(image: _Image, viewer: Viewer) -> dict[str, Any]:
    return {
        "id": image.pk,
        "url": viewer.absolute(_url(image)),
        "thumbnail_url": viewer.absolute(_thumbnail_url(image)),
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "position": image.position,
    }


def _shown(variants: Sequence[_Variant], viewer: Viewer) -> list[_Variant]:
    return [variant for variant in variants if variant.is_active or viewer.is_insider]


def _read_variants(product_ids: Collection[int]) -> dict[int, list[_Variant]]:
    found: dict[int, list[_Variant]] = defaultdict(list)
    for row in _read(_VARIANTS, product_ids):
        found[row[0]].append(_Variant(*row))
    return found


def _read_images(product_ids: Collection[int]) -> dict[int, list[_Image]]:
    found: dict[int, list[_Image]] = defaultdict(list)
    for row in _read(_IMAGES, product_ids):
        found[row[0]].append(_Image(*row))
    return found


def _read(statement: str, ids: Collection[int]) -> Iterable[Any]:
    if not ids:
        return ()
    with reading_connection().cursor() as cursor:
        cursor.execute(statement.format(places=", ".join(["%s"] * len(ids))), list(ids))
        return cursor.fetchall()


def _url(image: _Image) -> str:
    return default_storage.url(image.file) if image.file else image.address


def _thumbnail_url(image: _Image) -> str:
    return default_storage.url(image.thumbnail) if image.thumbnail else image.address


def _amount(minor: int, currency: str) -> str:
    return Money(minor, currency).decimal_string


def _moment(moment: datetime | None) -> str | None:
    """Return it as DRF writes it; the shop's zone is UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
