"""The people and the addresses that tests of the catalogue share."""

import pytest

from accounts.tests.factories import StaffFactory, UserFactory
from catalog.views.remembered import answers
from tests.client import ShopClient


@pytest.fixture(autouse=True)
def _no_answers_of_other_tests():
    """A test is rolled back; what was kept of it costs the next one a query more."""
    answers.forget()


SHAPES = [("/api", "/"), ("/api", ""), ("", "/"), ("", "")]


@pytest.fixture(params=SHAPES, ids=lambda shape: f"{shape[0] or 'plain'}{shape[1]}")
def path_of(request):
    """Return a path of the catalogue on one of the faces, with or without the slash."""
    prefix, slash = request.param
    return lambda path: f"{prefix}/catalog/{path}{slash}"


@pytest.fixture
def anonymous():
    return ShopClient()


@pytest.fixture
def customer():
    client = ShopClient()
    client.force_authenticate(UserFactory())
    return client


@pytest.fixture
def manager():
    client = ShopClient()
    client.force_authenticate(StaffFactory(role="manager"))
    return client
