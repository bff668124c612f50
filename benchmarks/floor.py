"""The floor: what a Python process and PostgreSQL cost without a framework or a shop.

``/hello`` answers a constant. ``/rows`` runs one indexed query for twenty products with their
categories and writes the answer with orjson. Served by the shop's own server and settings:
``gunicorn benchmarks.floor:application``.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

import orjson
import psycopg2

_QUERY = """
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
_local = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The WSGI application."""
    body = b'{"hello": "world"}' if environ["PATH_INFO"] == "/hello" else _rows()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response("200 OK", headers)
    return [body]


def _rows() -> bytes:
    with _connection().cursor() as cursor:
        cursor.execute(_QUERY)
        rows = [dict(zip(_COLUMNS, row, strict=True)) for row in cursor.fetchall()]
    return orjson.dumps({"success": True, "message": "OK.", "data": {"results": rows}})


def _connection() -> Any:
    if not hasattr(_local, "connection"):
        _local.connection = psycopg2.connect(
            dbname=os.environ["DB_NAME"],
            user=os.environ["DB_USER"],
            password=os.environ["DB_PASSWORD"],
            host=os.environ["DB_HOST"],
            port=os.environ["DB_PORT"],
        )
        _local.connection.autocommit = True
    return _local.connection
