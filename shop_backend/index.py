"""Where things are, for whoever opens the bare address."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.views import ShopView


class IndexView(ShopView):
    """The first page of an API: its parts and its documents."""

    access = {"get": ANYONE}
    authentication_classes = ()

    def get(self, request: Request) -> Response:
        """Where things are."""
        here = request.path
        parts = ("accounts", "catalog", "cart", "orders", "payments", "shipping", "inventory")
        return Response(
            {
                "name": settings.SHOP_NAME,
                "documents": {"swagger": "/swagger/", "redoc": "/redoc/", "json": "/swagger.json"},
                "admin": "/admin/",
                "paths": {part: f"{here}{part}/" for part in parts},
            }
        )
