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


@pytest.fixture(scope="session", autouse=True)
def _flushing_deletes_histories_too(django_db_modify_db_settings: None) -> None:
    """Let MariaDB empty tables that only grow after a test that commits; PostgreSQL truncates."""
    if connection.vendor != "mysql":
        return
    sql_flush = connection.ops.sql_flush

    def flush_histories_too(*args: Any, **options: Any) -> list[str]:
        statements = sql_flush(*args, **options)
        return [f"SET {OFF_SWITCH} = 1", *statements, f"SET {OFF_SWITCH} = NULL"]

    connection.ops.sql_flush = flush_histories_too  # type: ignore[method-assign]  # see above


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the races to PostgreSQL; ``make test`` always has one."""
    if connection.vendor == "postgresql":
        return
    reason = "races need a real PostgreSQL; make test brings one up"
    for item in items:
        if item.get_closest_marker("concurrency"):
            item.add_marker(pytest.mark.skip(reason=reason))
