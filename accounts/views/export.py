"""What the shop knows about a person, for that person."""

from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import exporting
from accounts.selectors import signed_in
from accounts.serializers import ExportSerializer
from shop_backend.kernel.access import SIGNED_IN
from shop_backend.kernel.views import ShopView


class ExportView(ShopView):
    """Everything stored about the current user (GDPR, articles 15 and 20)."""

    access = {"get": SIGNED_IN}
    throttle_scope = "export"

    @swagger_auto_schema(
        operation_id="accounts_user_export",
        operation_summary="Everything stored about you",
        tags=["accounts"],
        responses={200: ExportSerializer},
    )
    def get(self, request: Request) -> Response:
        """The account, its sessions, and what each part of the shop keeps about the person."""
        return Response(
            exporting.export_account(user=signed_in(request)),
            headers={"Cache-Control": "no-store"},
        )
