"""What the tests of accounts share."""

import pytest

from tests.client import ShopClient


@pytest.fixture
def client() -> ShopClient:
    return ShopClient()
