"""What every test of the shop may rely on."""

import hypothesis
import pytest
from django.db import connection

# What fails is what is wrong; how long an example takes is the machine's business.
hypothesis.settings.register_profile("shop", deadline=None)
hypothesis.settings.load_profile("shop")

pytest_plugins = ["tests.contract.plugin"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the races to PostgreSQL; ``make test`` always has one."""
    if connection.vendor == "postgresql":
        return
    reason = "races need a real PostgreSQL; make test brings one up"
    for item in items:
        if item.get_closest_marker("concurrency"):
            item.add_marker(pytest.mark.skip(reason=reason))
