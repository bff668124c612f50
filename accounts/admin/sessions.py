"""The sessions of people who are logged in."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from accounts import services
from accounts.errors import ProtectedAccount
from accounts.models import Session
from shop_backend.kernel.admin import ReadOnlyAdmin


@admin.register(Session)
class SessionAdmin(ReadOnlyAdmin):
    """Who is logged in where."""

    list_display = ["user", "created_at", "last_used_at", "expires_at", "revoked_at", "ip"]
    list_filter = ["rotates", "revoked_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email", "ip"]
    fields = [
        "user",
        "rotates",
        "created_at",
        "last_used_at",
        "expires_at",
        "revoked_at",
        "ip",
        "user_agent",
    ]
    actions = ["revoke"]

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        actor: Any = request.user
        revoked = 0
        refusals = set()
        for session in queryset:
            try:
                services.revoke_session_as_staff(session=session, actor=actor)
            except ProtectedAccount as refusal:
                refusals.add(str(refusal))
            else:
                revoked += 1
        for message in refusals:
            self.message_user(request, message, level="WARNING")
        self.message_user(request, f"{revoked} sessions revoked.")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        """Return whether this role may end other people's sessions."""
        return request.user.has_perm("accounts.change_session")
