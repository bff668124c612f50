"""The other names of products: the same views, at the root of both faces."""

from django.urls import URLPattern, URLResolver, path

from catalog.urls import LIST, ONE
from catalog.views import ProductViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("products/", ProductViewSet.as_view(LIST)),
    path("products/add/", ProductViewSet.as_view({"post": "create"})),
    path(
        "products/edit/<str:id>/",
        ProductViewSet.as_view({"put": "partial_update", "patch": "partial_update"}),
    ),
    path("products/delete/<str:id>/", ProductViewSet.as_view({"delete": "destroy"})),
    path("products/<str:id>/", ProductViewSet.as_view(ONE)),
]
