"""What every test of the shop may rely on."""

from typing import Any

import hypothesis
import pytest
from django.db import connection

from shop_backend.kernel.triggers import OFF_SWITCH

# What fails is what is wrong; how long an example takes is the machine's business.
hypothesis.settings.register_profile("shop", deadline=None)
hypothesis.settings.load_profile("shop")

pytest_plugins = ["tests.contract.plugin"]
_STAYING = {"django_content_type", "auth_permission"}


@pytest.fixture(scope="session", autouse=True)
def _emptying_deletes_histories_too(django_db_modify_db_settings: None) -> None:
    """Empty tables that only grow, too, after a test that commits: their triggers are off then.

    On PostgreSQL only tables with rows are emptied, and sequences go on: TRUNCATE of seventy
    tables, of which five had rows, took longer than most of these tests. So did making the same
    permissions again after each: they stay, as do the names of the models that they are for.
    """
    if connection.vendor == "sqlite":
        return
    sql_flush = connection.ops.sql_flush

    def flush_histories_too(*args: Any, **options: Any) -> list[str]:
        statements = sql_flush(*args, **options)
        return [f"SET {OFF_SWITCH} = 1", *statements, f"SET {OFF_SWITCH} = NULL"]

    def flush_filled_tables(style: Any, tables: list[str], **options: Any) -> list[str]:
        names = [connection.ops.quote_name(table) for table in tables if table not in _STAYING]
        ask = " UNION ALL ".join(f"SELECT '{n}' WHERE EXISTS (SELECT 1 FROM {n})" for n in names)
        with connection.cursor() as cursor:
            cursor.execute(ask)
            filled = [name for (name,) in cursor.fetchall()]
        return [
            *(f"ALTER TABLE {name} DISABLE TRIGGER USER" for name in filled),
            *(f"DELETE FROM {name}" for name in filled),
            "SET CONSTRAINTS ALL IMMEDIATE",
            *(f"ALTER TABLE {name} ENABLE TRIGGER USER" for name in filled),
        ]

    is_mysql = connection.vendor == "mysql"
    flush: Any = flush_histories_too if is_mysql else flush_filled_tables
    connection.ops.sql_flush = flush  # type: ignore[method-assign]  # Django has no hook


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the races to PostgreSQL; ``make test`` always has one."""
    if connection.vendor == "postgresql":
        return
    reason = "races need a real PostgreSQL; make test brings one up"
    for item in items:
        if item.get_closest_marker("concurrency"):
            item.add_marker(pytest.mark.skip(reason=reason))
