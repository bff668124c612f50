"""The floor: what a Python process and PostgreSQL cost without a framework or a shop.

``/hello`` answers a constant. ``/rows`` runs one indexed query for twenty products with their
categories and writes the answer with orjson; ``/list`` and ``/detail/ID`` do so with everything
that the shop's list and detail show. ``/search/NUMBER`` sends what the shop sends for a search,
``/replay`` what it sends for a step of a purchase. Served by the shop's own server and settings:
``gunicorn benchmarks.floor:application``.
"""

import os
import threading
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

import orjson

from benchmarks.environment import connect
from benchmarks.facts import Facts, load
from benchmarks.statements import PreparedStep, Unlike, prepared, replay, sent

_ROWS = """
    SELECT p.id, p.name, p.slug, p.from_price_minor, p.currency, p.status, p.created_at,
           p.updated_at, c.id, c.name, c.slug
    FROM catalog_product p LEFT JOIN catalog_category c ON c.id = p.category_id
    WHERE p.status = 'active'
    ORDER BY p.created_at DESC, p.id DESC
    LIMIT 20
"""
_COLUMNS = (
    "id", "name", "slug", "price_minor", "currency", "status", "created_at",
    "updated_at", "category_id", "category_name", "category_slug",
)  # fmt: skip

# A product as the list shows it; ``stock`` is what customers are told, at most 100.
_SUMMARY = """
    SELECT p.id, p.name, p.slug, c.id, c.name, c.slug, p.from_price_minor, own.compare_at_minor,
           p.currency, own.sku, own.free, own.is_left, i.address, own.number,
           p.rating_hundredths, p.review_count, p.status, p.created_at, p.updated_at
           {more}
    FROM {products} p
    LEFT JOIN catalog_category c ON c.id = p.category_id
    LEFT JOIN LATERAL (
        SELECT address FROM catalog_productimage WHERE product_id = p.id
        ORDER BY position, id LIMIT 1
    ) i ON TRUE
    CROSS JOIN LATERAL (
        SELECT count(*) AS number,
               CASE WHEN count(*) = 1 THEN min(sku) END AS sku,
               CASE WHEN count(*) = 1 THEN least(min(free), 100) END AS free,
               bool_or(free IS NULL OR free > 0) AS is_left,
               min(compare_at_minor) FILTER (WHERE price_minor = p.from_price_minor)
                   AS compare_at_minor
        FROM (
            SELECT v.id, v.sku, v.price_minor, v.compare_at_minor,
                   CASE WHEN item.is_tracked THEN (
                       SELECT coalesce(sum(level.on_hand - level.reserved), 0)
                       FROM inventory_stocklevel level
                       JOIN inventory_location place ON place.id = level.location_id
                       WHERE level.item_id = item.id AND place.is_active
                   ) END AS free
            FROM catalog_variant v JOIN inventory_stockitem item ON item.id = v.stock_item_id
            WHERE v.product_id = p.id AND v.removed_at IS NULL AND v.is_active
        ) each
    ) own
"""
_PUBLISHED = """
    status = 'active' AND (published_from IS NULL OR published_from <= now())
    AND (published_until IS NULL OR published_until > now())
"""
_LIST = (
    _SUMMARY.format(
        more="",
        products=f"""(
            SELECT * FROM catalog_product WHERE {_PUBLISHED}
            ORDER BY created_at DESC, id DESC LIMIT 20
        )""",
    )
    + "ORDER BY p.created_at DESC, p.id DESC"
)
_DETAIL = _SUMMARY.format(
    more="""
        , p.description, p.published_from, p.published_until,
        (SELECT code FROM catalog_taxclass WHERE id = p.tax_class_id),
        (SELECT json_agg(row) FROM (
            SELECT code, name, kind, value FROM catalog_productattributevalue stated
            JOIN catalog_attribute attribute ON attribute.id = stated.attribute_id
            WHERE stated.product_id = p.id ORDER BY code
        ) row),
        (SELECT json_agg(row ORDER BY position, id) FROM (
            SELECT id, address AS url, alt, width, height, position
            FROM catalog_productimage WHERE product_id = p.id
        ) row),
        (SELECT json_agg(row ORDER BY position, id) FROM (
            SELECT id, name, position, (
                SELECT json_agg(value ORDER BY position, id) FROM catalog_optionvalue
                WHERE option_id = option.id
            ) AS values FROM catalog_option option WHERE product_id = p.id
        ) row),
        (SELECT json_agg(row ORDER BY position, id) FROM (
            SELECT v.id, v.sku, v.price_minor, v.compare_at_minor, v.currency, v.weight_grams,
                   v.position, v.is_active,
                   CASE WHEN item.is_tracked THEN least(100, (
                       SELECT coalesce(sum(level.on_hand - level.reserved), 0)
                       FROM inventory_stocklevel level
                       JOIN inventory_location place ON place.id = level.location_id
                       WHERE level.item_id = item.id AND place.is_active
                   )) END AS stock,
                   (SELECT json_object_agg(option.name, choice.value)
                    FROM catalog_variant_option_values chosen
                    JOIN catalog_optionvalue choice ON choice.id = chosen.optionvalue_id
                    JOIN catalog_option option ON option.id = choice.option_id
                    WHERE chosen.variant_id = v.id) AS options
            FROM catalog_variant v JOIN inventory_stockitem item ON item.id = v.stock_item_id
            WHERE v.product_id = p.id AND v.removed_at IS NULL AND v.is_active
        ) row)
    """,
    products=f"(SELECT * FROM catalog_product WHERE {_PUBLISHED} AND id = %s)",
)
_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application."""
    _, name, *rest = environ["PATH_INFO"].split("/")
    status, payload = _ROUTES[name](environ, *rest)
    body = payload if isinstance(payload, bytes) else _written(payload)
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(status, headers)
    return [body]


def _written(payload: Any) -> bytes:
    return orjson.dumps({"success": True, "message": "OK.", "data": payload}, default=str)


def _hello(environ: dict[str, Any]) -> tuple[str, bytes]:
    return "200 OK", b'{"hello": "world"}'


def _rows(environ: dict[str, Any]) -> tuple[str, Any]:
    rows = [dict(zip(_COLUMNS, row, strict=True)) for row in _read(_ROWS)]
    return "200 OK", {"results": rows}


def _list(environ: dict[str, Any]) -> tuple[str, Any]:
    return "200 OK", {"results": [_summary(row) for row in _read(_LIST)]}


def _detail(environ: dict[str, Any], pk: str) -> tuple[str, Any]:
    (row,) = _read(_DETAIL, [int(pk)])
    description, since, until, tax_class, attributes, images, options, variants = row[19:]
    for variant in variants:
        variant["price"] = _amount(variant.pop("price_minor"))
        before = variant.pop("compare_at_minor")
        variant["compare_at_price"] = None if before is None else _amount(before)
        variant["in_stock"] = variant["stock"] != 0
        variant["options"] = variant["options"] or {}
    for image in images or ():
        image["thumbnail_url"] = image["url"]
    return "200 OK", {
        **_summary(row),
        "description": description,
        "tax_class": tax_class,
        "published_from": since and _moment(since),
        "published_until": until and _moment(until),
        "attributes": attributes or [],
        "images": images or [],
        "options": [{"name": one["name"], "values": one["values"]} for one in options or ()],
        "variants": variants,
    }


def _search(environ: dict[str, Any], number: str) -> tuple[str, Any]:
    (step,) = _flow(f"search {number}")
    found = sent(_connection(), step, {})
    return "200 OK", {"results": max(found, key=len)}


def _replay(environ: dict[str, Any]) -> tuple[str, Any]:
    asked = orjson.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
    try:
        step = _flow(asked["flow"])[asked["step"]]
        return "201 Created", replay(_connection(), step, asked["inputs"])
    except Unlike:  # sold out
        return "409 Conflict", {}


def _summary(row: Any) -> dict[str, Any]:
    rating = row[14]
    return {
        "id": row[0],
        "name": row[1],
        "slug": row[2],
        "category": row[3] and {"id": row[3], "name": row[4], "slug": row[5]},
        "price": _amount(row[6]),
        "compare_at_price": None if row[7] is None else _amount(row[7]),
        "currency": row[8],
        "sku": row[9],
        "stock": None if row[10] is None else int(row[10]),
        "in_stock": bool(row[11]),
        "image_url": row[12],
        "thumbnail_url": row[12],
        "variant_count": row[13],
        "rating": f"{rating // 100}.{rating % 100:02}" if rating else None,
        "review_count": row[15],
        "status": row[16],
        "created_at": _moment(row[17]),
        "updated_at": _moment(row[18]),
    }


def _amount(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _moment(moment: Any) -> str:
    return str(moment.isoformat().replace("+00:00", "Z"))


def _read(statement: str, values: Any = None) -> list[Any]:
    with _connection().cursor() as cursor:
        cursor.execute(statement, values)
        found: list[Any] = cursor.fetchall()
        return found


@cache
def _facts() -> Facts:
    return load(os.environ["BENCH_FACTS"])


@cache
def _flow(name: str) -> list[PreparedStep]:
    return [prepared(step, _connection()) for step in _facts().flows[name]]


def _connection() -> Any:
    if not hasattr(_local, "connection"):
        _local.connection = connect(os.environ)
    return _local.connection


_ROUTES: dict[str, Callable[..., tuple[str, Any]]] = {
    "hello": _hello,
    "rows": _rows,
    "list": _list,
    "detail": _detail,
    "search": _search,
    "replay": _replay,
}
