"""What staff changed, for administrators."""

from typing import Any

import django_filters
from drf_yasg.utils import swagger_auto_schema
from rest_framework import mixins, serializers
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend.kernel.access import may
from shop_backend.kernel.filters import MomentFilter
from shop_backend.kernel.models import AuditEntry
from shop_backend.kernel.views import ShopViewSet


class AuditFilter(django_filters.FilterSet):
    """By who, what and when."""

    actor = django_filters.NumberFilter(
        field_name="actor_id", min_value=1, max_value=2**63 - 1, label="The id of an account."
    )
    object_kind = django_filters.CharFilter(max_length=100, label="Such as `catalog.product`.")
    object_id = django_filters.CharFilter(max_length=64, label="Its id.")
    action = django_filters.CharFilter(
        lookup_expr="istartswith", max_length=200, label="The beginning of an action."
    )
    phase = django_filters.ChoiceFilter(choices=AuditEntry.Phase.choices)
    since = MomentFilter(field_name="at", lookup_expr="gte", label="From this moment on.")
    until = MomentFilter(field_name="at", lookup_expr="lt", label="Before this moment.")

    class Meta:
        model = AuditEntry
        fields: list[str] = []


class AuditEntrySerializer(serializers.ModelSerializer[AuditEntry]):
    """An attempt or an outcome."""

    actor_name = serializers.CharField(source="actor.username", read_only=True, allow_null=True)
    changes = serializers.JSONField(read_only=True, help_text="Field: [before, after].")

    class Meta:
        model = AuditEntry
        fields = (
            "id",
            "write",
            "phase",
            "at",
            "actor",
            "actor_name",
            "roles",
            "request_id",
            "network",
            "action",
            "object_kind",
            "object_id",
            "status",
            "changes",
        )
        read_only_fields = fields


class AuditViewSet(mixins.ListModelMixin, ShopViewSet):
    """The audit log: every write by staff, as an attempt and its outcome."""

    queryset = AuditEntry.objects.select_related("actor")
    serializer_class = AuditEntrySerializer
    filterset_class = AuditFilter
    access = {"list": may("kernel.view_auditentry")}

    @swagger_auto_schema(
        operation_id="accounts_audit_list",
        operation_summary="What staff changed",
        tags=["accounts"],
        responses={200: AuditEntrySerializer(many=True)},
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """For administrators, the latest first. Texts about people are withheld."""
        return super().list(request, *args, **kwargs)
