"""The other names of the API: the same views, kept out of Swagger, listed in the README."""

from django.urls import URLPattern, URLResolver, include, path

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("accounts.urls_aliases")),
    path("", include("catalog.urls_aliases")),
    path("", include("orders.urls_aliases")),
    path("", include("payments.urls_aliases")),
]
