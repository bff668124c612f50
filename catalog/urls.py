"""The paths of catalog, below ``/catalog/``."""

from typing import Any

from django.urls import URLPattern, URLResolver, path

from catalog import views

LIST: Any = {"get": "list", "post": "create"}
READ: Any = {"get": "list"}
ONE: Any = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}

urlpatterns: list[URLPattern | URLResolver] = [
    path("products/", views.ProductViewSet.as_view(LIST)),
    path("products/<str:id>/", views.ProductViewSet.as_view(ONE)),
    path("products/<str:product>/variants/", views.VariantViewSet.as_view(LIST)),
    path("products/<str:product>/variants/<str:pk>/", views.VariantViewSet.as_view(ONE)),
    path("products/<str:product>/images/", views.ImageViewSet.as_view(LIST)),
    path("products/<str:product>/images/<str:pk>/", views.ImageViewSet.as_view(ONE)),
    path("products/<str:product>/price-history/", views.PriceHistoryViewSet.as_view(READ)),
    path("products/<str:product>/reviews/", views.ReviewViewSet.as_view(LIST)),
    path("products/<str:product>/reviews/<str:pk>/", views.ReviewViewSet.as_view(ONE)),
    path(
        "products/<str:product>/reviews/<str:pk>/approve/",
        views.ReviewViewSet.as_view({"post": "approve"}),
    ),
    path(
        "products/<str:product>/reviews/<str:pk>/reject/",
        views.ReviewViewSet.as_view({"post": "reject"}),
    ),
    path("reviews/", views.ModerationViewSet.as_view(READ)),
    path("attributes/", views.AttributeViewSet.as_view(LIST)),
    path("attributes/<str:id>/", views.AttributeViewSet.as_view(ONE)),
    path("tax-classes/", views.TaxClassViewSet.as_view(LIST)),
    path("tax-classes/<str:id>/", views.TaxClassViewSet.as_view(ONE)),
    path("categories/", views.CategoryViewSet.as_view(LIST)),
    path("categories/<str:id>/", views.CategoryViewSet.as_view(ONE)),
]
