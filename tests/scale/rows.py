"""``python -m tests.scale.rows 500``: how many rows and bytes each purchase leaves in each table.

A purchase is three lines put into a cart, placed with a key, paid, shipped and delivered, with its
mails sent. The goods and the customers are not counted.
"""

import os
import signal
import sys
import uuid
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from tests.chaos.databases import free_ports, killable_postgres, migrate, shop_environment

_DATABASE, _BUYERS = "scale_rows", 20


def main(arguments: Sequence[str]) -> None:
    """Make that many purchases on a database of their own, and print what they left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server is ended
    count = int(arguments[0]) if arguments else 500
    with killable_postgres(int(os.environ.get("SCALE_PORT") or free_ports(1))) as postgres:
        postgres.execute(f"CREATE DATABASE {_DATABASE}")
        environment = shop_environment(postgres.environment(_DATABASE))
        migrate(environment)
        os.environ.clear()
        os.environ.update(environment)
        # The models need Django set up, and that needs the database's address.
        import_module("django").setup()
        _print_rows(count)


def _print_rows(count: int) -> None:
    connection = import_module("django.db").connection
    shop = import_module("tests.chaos.shop").Shop()
    buyers = [buyer.user for buyer in shop.buyers(_BUYERS)]
    goods = [shop.variant(stock=1_000_000) for _ in range(30)]
    before = _measure(connection)
    for number in range(count):
        _purchase(
            buyers[number % _BUYERS], [goods[(number + line) % 30] for line in range(3)], shop
        )
    shop.sweep()
    after = _measure(connection)
    print(f"{'table':<34}{'rows':>8}{'bytes':>8}{'of indexes':>12}   for each of {count} purchases")
    sums = [0.0, 0.0, 0.0]
    for table, measured in sorted(after.items(), key=lambda each: -each[1][1]):
        grown = [(now - then) / count for now, then in zip(measured, before[table], strict=True)]
        if grown[0] > 0.001:
            print(f"{table:<34}{grown[0]:>8.2f}{grown[1]:>8.0f}{grown[2]:>12.0f}")
            sums = [total + each for total, each in zip(sums, grown, strict=True)]
    print(f"{'all':<34}{sums[0]:>8.2f}{sums[1]:>8.0f}{sums[2]:>12.0f}")


def _purchase(buyer: Any, variants: Sequence[Any], shop: Any) -> None:
    client, manager = _client(buyer), _client(shop.manager.user)
    for variant in variants:
        _send(client.post, "/api/cart/", {"variant_id": variant.pk, "quantity": 1})
    key = {"HTTP_IDEMPOTENCY_KEY": uuid.uuid4().hex}
    order = _send(client.post, "/api/orders/", {}, **key)["number"]
    body = {"order_id": order, "payment_method": "pm_card_visa"}
    _send(client.post, "/api/payments/", body, HTTP_IDEMPOTENCY_KEY=uuid.uuid4().hex)
    for status in ("processing", "shipped", "delivered"):
        _send(manager.patch, f"/api/orders/{order}/", {"status": status})


def _client(user: Any) -> Any:
    client = import_module("rest_framework.test").APIClient(SERVER_NAME="127.0.0.1")
    client.force_authenticate(user)
    return client


def _send(method: Any, path: str, body: Any, **headers: str) -> Any:
    response = method(path, body, format="json", **headers)
    assert response.status_code in {200, 201}, (path, response.content)
    return response.json()["data"]


def _measure(connection: Any) -> dict[str, tuple[int, int, int]]:
    """Return each table's rows, its bytes and those of its indexes, without what is dead."""
    measured = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'VACUUM FULL "{table}"')
            cursor.execute(
                f"SELECT count(*), pg_table_size('{table}'), pg_indexes_size('{table}')"
                f' FROM "{table}"'
            )
            measured[table] = cursor.fetchone()
    return measured


if __name__ == "__main__":
    main(sys.argv[1:])
