"""The paths of catalog, below ``/catalog/``."""

from typing import Any

from django.urls import URLPattern, URLResolver, path

from catalog import views

LIST: Any = {"get": "list", "post": "create"}
ONE: Any = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

urlpatterns: list[URLPattern | URLResolver] = [
    path("products/", views.ProductViewSet.as_view(LIST)),
    path("products/<str:id>/", views.ProductViewSet.as_view(ONE)),
    path("products/<str:product>/variants/", views.VariantViewSet.as_view(LIST)),
    path("products/<str:product>/variants/<str:pk>/", views.VariantViewSet.as_view(ONE)),
    path("categories/", views.CategoryViewSet.as_view(LIST)),
    path("categories/<str:id>/", views.CategoryViewSet.as_view(ONE)),
]
