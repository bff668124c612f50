"""Where things are, for whoever opens the bare address."""

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.views import ShopView

# A path of each part that answers; what is below them is told by the documents.
_PATHS = {
    "accounts": "accounts/user/",
    "products": "catalog/products/",
    "categories": "catalog/categories/",
    "cart": "cart/",
    "orders": "orders/",
    "payments": "payments/",
    "shipping": "shipping/quotes/",
    "addresses": "shipping/addresses/",
    "inventory": "inventory/stock/",
}


class IndexView(ShopView):
    """The first page of an API: its parts and its documents."""

    access = {"get": ANYONE}
    authentication_classes = ()

    def get(self, request: Request) -> Response:
        """Where things are."""
        here = request.path
        return Response(
            {
                "name": settings.SHOP_NAME,
                "documents": {"swagger": "/swagger/", "redoc": "/redoc/", "json": "/swagger.json"},
                "admin": "/admin/",
                "paths": {part: f"{here}{path}" for part, path in _PATHS.items()},
            }
        )
