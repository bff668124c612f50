"""What the sandbox keeps."""

from django.contrib import admin

from payments.models import SandboxEvent, SandboxIntent, SandboxRefund, SandboxRequest
from shop_backend.kernel.admin import ReadOnlyAdmin


@admin.register(SandboxIntent)
class SandboxIntentAdmin(ReadOnlyAdmin):
    list_display = ["intent_id", "status", "card", "failure_code", "created_at"]
    list_filter = ["status"]
    search_fields = ["intent_id"]
    exclude = ["client_secret"]


@admin.register(SandboxRefund)
class SandboxRefundAdmin(ReadOnlyAdmin):
    list_display = ["refund_id", "intent", "status", "created_at"]
    list_filter = ["status"]
    list_select_related = ["intent"]
    search_fields = ["refund_id", "intent__intent_id"]


@admin.register(SandboxEvent)
class SandboxEventAdmin(ReadOnlyAdmin):
    list_display = ["event_id", "kind", "created_at"]
    list_filter = ["kind"]
    search_fields = ["event_id"]
    exclude = ["payload"]


@admin.register(SandboxRequest)
class SandboxRequestAdmin(ReadOnlyAdmin):
    list_display = ["key", "created_at"]
    search_fields = ["key"]
    exclude = ["answer"]
