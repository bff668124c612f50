"""The SQL behind the hottest reads.

On PostgreSQL everything that a list or a product's page shows comes in one statement, what belongs
to a product as JSON beside it: planning one is cheaper than asking three times. Elsewhere the same
comes in several statements that every database understands.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson
from django.db import connection

from catalog.models import Product
from catalog.models.products import published_at as is_published_at
from catalog.reading.products import Details, Image, Parts, Variant
from catalog.reading.stock import Availability
from inventory.availability import read_availability
from shop_backend.kernel.replicas import reading_connection

_PRODUCT = """p.id, p.name, p.slug, p.category_id, p.from_price_minor, p.currency,
    p.rating_hundredths, p.review_count, p.status, p.created_at, p.updated_at"""
_PAGE = """, p.description, (SELECT c.code FROM catalog_taxclass c WHERE c.id = p.tax_class_id),
    p.published_from, p.published_until"""
_IS_PUBLISHED = """p.status = 'active' AND (p.published_from IS NULL OR p.published_from <= %s)
    AND (p.published_until IS NULL OR p.published_until > %s)"""

# --- What belongs to a product, on PostgreSQL -------------------------------------------------
# Not sorted: that costs less where they are few, in Python. And not joined: to plan a statement
# takes longer than to run it, and a join takes longer to plan than a look-up.
_VARIANT_AND_STOCK = """v.position, v.id, v.sku, v.stock_item_id, v.price_minor,
        v.compare_at_minor, v.currency, v.weight_grams, v.is_active,
        (SELECT s.is_tracked FROM inventory_stockitem s WHERE s.id = v.stock_item_id),
        (SELECT SUM(l.on_hand - l.reserved) FROM inventory_stocklevel l
         WHERE l.item_id = v.stock_item_id
         AND (SELECT o.is_active FROM inventory_location o WHERE o.id = l.location_id))"""
# What they mean stands among the options of the product.
_CHOSEN_BESIDE = """,
        (SELECT json_agg(x.optionvalue_id)
         FROM catalog_variant_option_values x WHERE x.variant_id = v.id)"""
_VARIANTS_BESIDE = """,
    (SELECT json_agg(json_build_array({columns}))
     FROM catalog_variant v WHERE v.product_id = p.id AND v.removed_at IS NULL)::text"""
_IMAGES_BESIDE = """,
    (SELECT json_agg(json_build_array(i.position, i.id, i.file, i.thumbnail, i.address, i.alt,
        i.width, i.height)) FROM catalog_productimage i WHERE i.product_id = p.id)::text"""
_DETAILS_BESIDE = """,
    (SELECT json_agg(json_build_array((SELECT json_build_array(a.code, a.name, a.kind)
        FROM catalog_attribute a WHERE a.id = s.attribute_id), s.value))
     FROM catalog_productattributevalue s WHERE s.product_id = p.id)::text,
    (SELECT json_agg(json_build_array(o.position, o.id, o.name,
        (SELECT json_agg(json_build_array(c.position, c.id, c.value))
         FROM catalog_optionvalue c WHERE c.option_id = o.id)))
     FROM catalog_option o WHERE o.product_id = p.id)::text"""
_PARTS_BESIDE = _VARIANTS_BESIDE.format(columns=_VARIANT_AND_STOCK) + _IMAGES_BESIDE
_ALL_BESIDE = (
    _VARIANTS_BESIDE.format(columns=_VARIANT_AND_STOCK + _CHOSEN_BESIDE)
    + _IMAGES_BESIDE
    + _DETAILS_BESIDE
)

# --- ... and everywhere else ------------------------------------------------------------------
_VARIANTS = """
SELECT product_id, position, id, sku, stock_item_id, price_minor, compare_at_minor, currency,
    weight_grams, is_active
FROM catalog_variant WHERE removed_at IS NULL AND product_id IN ({places})
"""
_IMAGES = """
SELECT product_id, position, id, file, thumbnail, address, alt, width, height
FROM catalog_productimage WHERE product_id IN ({places})
"""
_ATTRIBUTES = """
SELECT attribute.code, attribute.name, attribute.kind, stated.value
FROM catalog_productattributevalue stated
JOIN catalog_attribute attribute ON attribute.id = stated.attribute_id
WHERE stated.product_id IN ({places})
"""
_OPTIONS = """
SELECT opt.position, opt.id, opt.name, choice.position, choice.id, choice.value
FROM catalog_option opt LEFT JOIN catalog_optionvalue choice ON choice.option_id = opt.id
WHERE opt.product_id IN ({places})
"""
_CHOSEN = """
SELECT chosen.variant_id, opt.position, opt.id, opt.name, choice.value
FROM catalog_variant_option_values chosen
JOIN catalog_optionvalue choice ON choice.id = chosen.optionvalue_id
JOIN catalog_option opt ON opt.id = choice.option_id
WHERE chosen.variant_id IN ({places})
"""


class Listed(NamedTuple):
    """The columns of a row of a list."""

    pk: int
    name: str
    slug: str
    category_id: int | None
    from_price_minor: int
    currency: str
    rating_hundredths: int
    review_count: int
    status: str
    created_at: datetime
    updated_at: datetime


class Read(NamedTuple):
    """The columns of a product's page."""

    pk: int
    name: str
    slug: str
    category_id: int | None
    from_price_minor: int
    currency: str
    rating_hundredths: int
    review_count: int
    status: str
    created_at: datetime
    updated_at: datetime
    description: str
    tax_class__code: str | None
    published_from: datetime | None
    published_until: datetime | None


_LISTED_COLUMNS, _READ_COLUMNS = len(Listed._fields), len(Read._fields)
READ = Read._fields


class Page(NamedTuple):
    """Rows of a list with what belongs to them."""

    rows: Sequence[Any]
    parts: Mapping[int, Parts]
    availability: Availability


class Whole(NamedTuple):
    """A product with all that belongs to it."""

    row: Any
    parts: Parts
    details: Details
    availability: Availability


def read_published(*, order: Sequence[str], limit: int, offset: int, now: datetime) -> Page:
    """Return a page of what customers see: in one query on PostgreSQL, else in four.

    :param order: columns of products, as for ``order_by``.
    """
    if connection.vendor != "postgresql":
        products = Product.objects.published().order_by(*order)
        listed = products.values_list(*Listed._fields, named=True)
        return read_parts(list(listed[offset : offset + limit]))
    return _read_page(
        f"{_IS_PUBLISHED} ORDER BY {', '.join(map(_ordered, order))} LIMIT %s OFFSET %s",
        [now, now, limit, offset],
    )


def read_listed(ids: Sequence[int], *, published_at: datetime | None) -> Page:
    """Return the products with these ids, in this order: in one query on PostgreSQL, else in four.

    :param published_at: those that customers see then; ``None``: those that staff see. What was
        hidden since the ids were read is left out.
    """
    if not ids:
        return Page([], {}, {})
    if connection.vendor == "postgresql":
        is_one = f"p.id IN ({', '.join(['%s'] * len(ids))})"
        if published_at is None:
            page = _read_page(f"{is_one} AND p.status <> 'deleted'", list(ids))
        else:
            page = _read_page(f"{is_one} AND {_IS_PUBLISHED}", [*ids, published_at, published_at])
    else:
        products = Product.objects.filter(pk__in=ids)
        if published_at is None:
            products = products.exclude(status=Product.Status.DELETED)
        else:
            products = products.filter(is_published_at(published_at))
        page = read_parts(list(products.values_list(*Listed._fields, named=True)))
    places = {pk: place for place, pk in enumerate(ids)}
    return page._replace(rows=sorted(page.rows, key=lambda row: places[row.pk]))


def read_parts(rows: Sequence[Any]) -> Page:
    """Return rows that were read before with what belongs to them, in three queries."""
    ids = [row.pk for row in rows]
    variants, images = _by_product(_VARIANTS, ids), _by_product(_IMAGES, ids)
    parts = {
        pk: Parts(
            sorted(Variant._make(row) for row in variants[pk]),
            sorted(Image._make(row) for row in images[pk]),
        )
        for pk in ids
    }
    item_ids = [row.stock_item_id for found in parts.values() for row in found.variants]
    return Page(rows, parts, read_availability(item_ids))


def read_published_product(*, pk: int | None, slug: str, now: datetime) -> Whole | None:
    """Return a product that customers see by its id or, without one, its slug."""
    key: Mapping[str, Any] = {"slug": slug} if pk is None else {"id": pk}
    if connection.vendor != "postgresql":
        products = Product.objects.published().filter(**key)
        row = products.values_list(*READ, named=True).first()
        return None if row is None else read_whole(row)
    [(column, value)] = key.items()
    found = _read(
        f"SELECT {_PRODUCT}{_PAGE}{_ALL_BESIDE} FROM catalog_product p"
        f" WHERE p.{column} = %s AND {_IS_PUBLISHED}",  # nosec B608
        [value, now, now],
    )
    if not found:
        return None
    return _whole(Read._make(found[0][:_READ_COLUMNS]), found[0][_READ_COLUMNS:])


def read_whole(row: Any) -> Whole:
    """Return a product that was read before with all that belongs to it."""
    if connection.vendor == "postgresql":
        columns = _ALL_BESIDE.lstrip(",\n ")
        found = _read(f"SELECT {columns} FROM catalog_product p WHERE p.id = %s", [row.pk])  # nosec B608
        return _whole(row, found[0] if found else (None, None, None, None))
    page = read_parts([row])
    parts = page.parts[row.pk]
    chosen: dict[int, list[Any]] = defaultdict(list)
    for variant_id, *choice in _read_in(_CHOSEN, [variant.pk for variant in parts.variants]):
        chosen[variant_id].append(choice)
    options: dict[int, list[Any]] = {}
    for position, pk, name, *choice in _read_in(_OPTIONS, [row.pk]):
        option = options.setdefault(pk, [position, pk, name, []])
        if choice[-1] is not None:
            option[-1].append(choice)
    details = _details(chosen, options.values(), _read_in(_ATTRIBUTES, [row.pk]))
    return Whole(row, parts, details, page.availability)


def _read_page(condition: str, parameters: Sequence[Any]) -> Page:
    """Return what PostgreSQL finds, in one query."""
    found = _read(
        f"SELECT {_PRODUCT}{_PARTS_BESIDE} FROM catalog_product p WHERE {condition}",  # nosec B608
        parameters,
    )
    rows = [Listed._make(row[:_LISTED_COLUMNS]) for row in found]
    parts: dict[int, Parts] = {}
    availability: dict[int, int | None] = {}
    for row in found:
        variants, images = row[_LISTED_COLUMNS:]
        parts[row[0]] = _parts_of(_loaded(variants), images, availability)
    return Page(rows, parts, availability)


def _whole(row: Any, beside: Sequence[str | None]) -> Whole:
    """Return the product with what PostgreSQL gave beside it."""
    variants, images, attributes, options = beside
    rows, found = _loaded(variants), _loaded(options)
    choices = {
        pk: (place, option_id, name, value)
        for place, option_id, name, values in found
        for _, pk, value in values or ()
    }
    chosen = {
        variant[1]: [choices[pk] for pk in variant.pop() or () if pk in choices] for variant in rows
    }
    stated = [(*attribute, value) for attribute, value in _loaded(attributes)]
    availability: dict[int, int | None] = {}
    parts = _parts_of(rows, images, availability)
    return Whole(row, parts, _details(chosen, found, stated), availability)


def _parts_of(
    variants: list[Any], images: str | None, availability: dict[int, int | None]
) -> Parts:
    """Return the parts of one product, its stock put into ``availability``."""
    found = []
    for *row, is_tracked, free in variants:
        variant = Variant._make(row)
        availability[variant.stock_item_id] = int(free or 0) if is_tracked else None
        found.append(variant)
    if len(found) > 1:
        found.sort()
    shown = [Image._make(row) for row in _loaded(images)]
    if len(shown) > 1:
        shown.sort()
    return Parts(found, shown)


def _details(
    chosen: Mapping[int, Iterable[Any]], options: Iterable[Any], attributes: Iterable[Any]
) -> Details:
    return Details(
        options=[
            {"name": name, "values": [value for *_, value in sorted(values or ())]}
            for _, _, name, values in sorted(options, key=lambda option: option[:2])
        ],
        chosen={
            pk: {name: value for _, _, name, value in sorted(choices)}
            for pk, choices in chosen.items()
        },
        attributes=[
            {"code": code, "name": name, "kind": kind, "value": value}
            for code, name, kind, value in sorted(attributes)
        ],
    )


def _ordered(column: str) -> str:
    """Return SQL for a column of ``order_by``."""
    name = column.lstrip("-")
    return f"p.{'id' if name == 'pk' else name} {'DESC' if column.startswith('-') else 'ASC'}"


def _loaded(text: str | None) -> list[Any]:
    found: list[Any] = orjson.loads(text) if text else []
    return found


def _by_product(statement: str, product_ids: Collection[int]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    for product_id, *row in _read_in(statement, product_ids):
        found[product_id].append(row)
    return found


def _read_in(statement: str, ids: Collection[int]) -> Sequence[Any]:
    if not ids:
        return ()
    return _read(statement.format(places=", ".join(["%s"] * len(ids))), list(ids))


def _read(statement: str, parameters: Sequence[Any]) -> Sequence[Any]:
    with reading_connection().cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: Sequence[Any] = cursor.fetchall()
        return rows
