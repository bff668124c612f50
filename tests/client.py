"""A client that talks to the shop as an SPA does."""

from typing import Any

from django.test import TestCase
from rest_framework.test import APIClient

from accounts import services
from accounts.models import Session, User


class ShopClient(APIClient):
    """An API client whose requests also do what follows a commit (mails and the like).

    Tests run inside a transaction that is rolled back, so nothing would ever be committed.
    """

    def sign_in(self, user: User) -> Session:
        """Carry a session of this user, opened this moment; no password is hashed for it."""
        pair = services.open_session(user=user, device=services.Device(), rotates=True)
        self.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
        return Session.objects.filter(user=user).latest("created_at")

    def request(self, **kwargs: Any) -> Any:
        with TestCase.captureOnCommitCallbacks(execute=True):
            return super().request(**kwargs)
