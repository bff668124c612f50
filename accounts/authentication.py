"""From a bearer token to the user it stands for."""

from typing import Any

from django.db.models import OuterRef
from django.utils import timezone
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import InvalidToken as Unauthenticated

from accounts import tokens
from accounts.backends import has_permissions, note_that_there_are_none
from accounts.errors import InvalidToken
from accounts.models import Session


class TokenAuthentication(JWTAuthentication):
    """Accepts ``Bearer`` and ``JWT``; a bad token is 401 wherever a token is read.

    User and session are read together at every request, in one query, so that a logout, a
    revoked session and a deactivation count at once. Whether the user has any permission is
    asked along with them: most are customers, and nothing more is read of those.
    ``request.auth`` is the session.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        header = self.get_header(request)
        raw_token = self.get_raw_token(header) if header is not None else None
        if raw_token is None:
            return None
        try:
            claims = tokens.read_access(self.get_validated_token(raw_token))
            session = _live_session(claims)
        except InvalidToken as error:
            raise Unauthenticated(str(error)) from error
        return session.user, session


def _live_session(claims: tokens.SessionClaims) -> Session:
    sessions: Any = Session.objects.live(timezone.now()).select_related("user")
    sessions = sessions.annotate(has_permissions=has_permissions(OuterRef("user_id")))
    try:
        session = sessions.get(pk=claims.session_id, user_id=claims.user_id, user__is_active=True)
    except Session.DoesNotExist as error:
        raise InvalidToken from error
    if not session.has_permissions and not session.user.is_superuser:
        note_that_there_are_none(session.user)
    return session
