"""The second factors that people have."""

from django.contrib import admin

from accounts.models import TwoFactor
from shop_backend.kernel.admin import ReadOnlyAdmin


@admin.register(TwoFactor)
class TwoFactorAdmin(ReadOnlyAdmin):
    """Who has a second factor; the secret is shown to nobody."""

    list_display = ["user", "created_at", "confirmed_at"]
    list_select_related = ["user"]
    search_fields = ["user__username", "user__email"]
    fields = ["user", "created_at", "confirmed_at"]
