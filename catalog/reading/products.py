"""Products, as ``ProductSummarySerializer`` and ``ProductSerializer`` show them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.core.files.storage import default_storage

from catalog.category_tree import CategoryTree
from catalog.reading.stock import Availability, Stock, StockOf
from shop_backend.kernel.money import Money


class Variant(NamedTuple):
    """A variant as it is read; the order of its fields is that in which variants stand."""

    position: int
    pk: int
    sku: str
    stock_item_id: int
    price_minor: int
    compare_at_minor: int | None
    currency: str
    weight_grams: int
    is_active: bool  # on SQLite and MariaDB 0 or 1


class Image(NamedTuple):
    """An image as it is read, its fields in the order in which images stand, too."""

    position: int
    pk: int
    file: str
    thumbnail: str
    address: str
    alt: str
    width: int | None
    height: int | None


class Parts(NamedTuple):
    """What belongs to a product and is shown with it in a list."""

    variants: list[Variant]
    images: list[Image]


class Details(NamedTuple):
    """What a product's own page shows beyond that."""

    options: list[dict[str, Any]]
    chosen: Mapping[int, dict[str, str]]  # the choice per option, by variant
    attributes: list[dict[str, Any]]


@dataclass(frozen=True)
class Viewer:
    """For whom products are shown.

    :param absolute: makes an address without a host one with a host.
    """

    tree: CategoryTree
    is_insider: bool
    absolute: Callable[[str], str]
    stock_of: StockOf


def show_products(
    rows: Sequence[Any], parts: Mapping[int, Parts], availability: Availability, viewer: Viewer
) -> list[dict[str, Any]]:
    """Return what a list shows of these rows (``Listed``)."""
    stock = viewer.stock_of(availability)
    return [_summary(row, parts[row.pk], stock, viewer) for row in rows]


def show_product(
    row: Any, parts: Parts, details: Details, availability: Availability, viewer: Viewer
) -> dict[str, Any]:
    """Return a product with everything that its page shows."""
    stock = viewer.stock_of(availability)
    shown = _shown(parts.variants, viewer)
    return {
        **_summary(row, parts, stock, viewer),
        "description": row.description,
        "tax_class": row.tax_class__code,
        "published_from": _moment(row.published_from),
        "published_until": _moment(row.published_until),
        "attributes": details.attributes,
        "images": [_image(image, viewer) for image in parts.images],
        "options": details.options,
        "variants": [
            _variant(variant, details.chosen.get(variant.pk, {}), stock) for variant in shown
        ],
    }


def _summary(row: Any, parts: Parts, stock: Stock, viewer: Viewer) -> dict[str, Any]:
    variants, images = parts
    active = [variant for variant in variants if variant.is_active]
    shown = variants if viewer.is_insider else active
    only = shown[0] if len(shown) == 1 else None
    price, currency, rating = row.from_price_minor, row.currency, row.rating_hundredths
    before = None
    for variant in active:
        if variant.price_minor == price:
            before = variant.compare_at_minor
            break
    image = images[0] if images else None
    return {
        "id": row.pk,
        "name": row.name,
        "slug": row.slug,
        "category": _category(row.category_id, viewer),
        "price": _amount(price, currency),
        "compare_at_price": None if before is None else _amount(before, currency),
        "currency": currency,
        "sku": only and only.sku,
        "stock": only and stock.units(only.stock_item_id),
        "in_stock": stock.is_any_left([variant.stock_item_id for variant in active]),
        "image_url": image and viewer.absolute(_url(image)),
        "thumbnail_url": image and viewer.absolute(_thumbnail_url(image)),
        "variant_count": len(shown),
        "rating": f"{rating // 100}.{rating % 100:02}" if rating else None,
        "review_count": row.review_count,
        "status": row.status,
        "created_at": _moment(row.created_at),
        "updated_at": _moment(row.updated_at),
    }


def _category(category_id: int | None, viewer: Viewer) -> dict[str, Any] | None:
    category = viewer.tree.by_id.get(category_id) if category_id else None
    if category is None:
        return None
    return {
        "id": category.pk,
        "name": category.name,
        "slug": category.slug,
        "path": viewer.tree.path(category.pk),
    }


def _variant(variant: Variant, options: dict[str, str], stock: Stock) -> dict[str, Any]:
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


def _image(image: Image, viewer: Viewer) -> dict[str, Any]:
    return {
        "id": image.pk,
        "url": viewer.absolute(_url(image)),
        "thumbnail_url": viewer.absolute(_thumbnail_url(image)),
        "alt": image.alt,
        "width": image.width,
        "height": image.height,
        "position": image.position,
    }


def _shown(variants: Sequence[Variant], viewer: Viewer) -> list[Variant]:
    return [variant for variant in variants if variant.is_active or viewer.is_insider]


def _url(image: Image) -> str:
    return default_storage.url(image.file) if image.file else image.address


def _thumbnail_url(image: Image) -> str:
    return default_storage.url(image.thumbnail) if image.thumbnail else image.address


@lru_cache(20_000)
def _amount(minor: int, currency: str) -> str:
    return Money(minor, currency).decimal_string


def _moment(moment: datetime | None) -> str | None:
    """Return it as DRF writes it; the shop's zone is UTC."""
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
