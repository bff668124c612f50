"""Where one is signed in, and ending it there."""

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services
from accounts.models import Session
from accounts.selectors import signed_in
from accounts.serializers import SessionSerializer
from accounts.views.passwords import session_of
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopViewSet


class SessionViewSet(mixins.ListModelMixin, ShopViewSet):
    """The signed-in devices of the current user."""

    serializer_class = SessionSerializer
    queryset = Session.objects.none()
    access = {"list": SIGNED_IN, "destroy": SIGNED_IN}
    default_ordering = ("-last_used_at", "-pk")
    messages = {"destroy": "The session has ended."}

    def get_queryset(self) -> QuerySet[Session]:
        if not self.request.user.is_authenticated:
            return Session.objects.none()
        live = Session.objects.live(timezone.now())
        return live.filter(user=signed_in(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        session = session_of(self.request)
        return {**super().get_serializer_context(), "current": session and session.pk}

    @swagger_auto_schema(
        operation_id="accounts_sessions_list",
        operation_summary="Where you are signed in",
        tags=["accounts"],
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """The devices that can get new tokens now, the latest used first."""
        return super().list(request, *args, **kwargs)

    @swagger_auto_schema(
        operation_id="accounts_sessions_delete",
        operation_summary="End a session",
        tags=["accounts"],
        responses={200: "Ended.", 404: "No such session of yours."},
    )
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Its tokens are dead at once; it may be the one that this request came by."""
        services.revoke_session(session=self.get_object())
        return Response(status=204)
