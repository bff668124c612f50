"""The codes that were mailed, and what waits for one; looked at without being seen."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from accounts import selectors
from accounts.models import EmailChange, Otp, OtpRequestCount
from shop_backend.kernel.admin import ReadOnlyAdmin


@admin.register(Otp)
class OtpAdmin(ReadOnlyAdmin):
    """That a code is on its way, never which; it may be withdrawn."""

    list_display = ["user", "purpose", "email", "tries", "created_at", "expires_at"]
    list_filter = ["purpose"]
    list_select_related = ["user"]
    search_fields = ["email", "user__username"]
    fields = ["user", "purpose", "email", "tries", "created_at", "expires_at"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        actor: Any = request.user
        if obj is not None and not selectors.may_manage(actor, obj.user):
            return False
        return admin.ModelAdmin.has_delete_permission(self, request, obj)


@admin.register(OtpRequestCount)
class OtpRequestCountAdmin(ReadOnlyAdmin):
    """How often codes are asked for; the addresses themselves are not kept."""

    list_display = ["purpose", "address_digest", "asked_at_5", "tried_at"]
    list_filter = ["purpose"]


@admin.register(EmailChange)
class EmailChangeAdmin(ReadOnlyAdmin):
    """Addresses that wait for their code."""

    list_display = ["user", "old_email", "new_email", "requested_at", "confirmed_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "old_email", "new_email"]
