"""From a bearer token to the user it stands for."""

from typing import Any

from django.db.models import BooleanField
from django.utils import timezone
from rest_framework.request import Request
from rest_framework_simplejwt.authentication import JWTAuthentication
from rest_framework_simplejwt.exceptions import AuthenticationFailed
from rest_framework_simplejwt.exceptions import InvalidToken as Unauthenticated

from accounts import tokens
from accounts.backends import HAS_PERMISSIONS, note_that_there_are_none
from accounts.errors import InvalidToken
from accounts.models import Session, User
from shop_backend.kernel import statements
from shop_backend.kernel.selects import Columns, Computed, Select

# Written out: it is a part of every signed-in request, and as a queryset most of its cost.
_LIVE_SESSION = Select(
    """
    SELECT {columns}
    FROM accounts_session s JOIN accounts_user u ON u.id = s.user_id
    WHERE s.id = %s AND s.user_id = %s AND s.revoked_at IS NULL AND s.expires_at > %s
        AND u.is_active
    """,
    Columns("s", Session),
    Columns("u", User),
    Computed(HAS_PERMISSIONS.format(user_id="u.id"), BooleanField()),
)
_HEADER_FORM = "The Authorization header is the word Bearer, a space and the access token."
_SESSION_COLUMNS = len(Session._meta.concrete_fields)
_EXPIRES_AT = Session._meta.get_field("expires_at")


class TokenAuthentication(JWTAuthentication):
    """Accepts ``Bearer`` and ``JWT``; a bad token is 401 wherever a token is read.

    User and session are read together at every request, in one query, so that a logout, a
    revoked session and a deactivation count at once. Whether the user has any permission is
    asked along with them: most are customers, and nothing more is read of those.
    ``request.auth`` is the session.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        header = self.get_header(request)
        try:
            raw_token = self.get_raw_token(header) if header is not None else None
        except AuthenticationFailed as error:
            raise AuthenticationFailed(_HEADER_FORM) from error
        if raw_token is None:
            return None
        try:
            claims = tokens.read_access(self.get_validated_token(raw_token))
            session = _live_session(claims)
        except InvalidToken as error:
            raise Unauthenticated(str(error)) from error
        return session.user, session


def _live_session(claims: tokens.SessionClaims) -> Session:
    rows = _LIVE_SESSION.rows(
        [
            statements.adapted(Session._meta.pk, claims.session_id),
            claims.user_id,
            statements.adapted(_EXPIRES_AT, timezone.now()),
        ]
    )
    if not rows:
        raise InvalidToken
    *values, has_permissions = rows[0]
    session = statements.build(Session, values[:_SESSION_COLUMNS])
    session.user = user = statements.build(User, values[_SESSION_COLUMNS:])
    if not has_permissions and not user.is_superuser:
        note_that_there_are_none(user)
    return session
