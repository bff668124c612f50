"""A client that talks to the shop as an SPA does."""

from typing import Any

from django.test import TestCase
from rest_framework.test import APIClient


class ShopClient(APIClient):
    """An API client whose requests also do what follows a commit (mails and the like).

    Tests run inside a transaction that is rolled back, so nothing would ever be committed.
    """

    def request(self, **kwargs: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**kwargs)
