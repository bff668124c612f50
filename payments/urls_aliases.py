"""The other names of payments."""

from django.urls import URLPattern, URLResolver, path

from payments.views import PaymentViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("payment/", PaymentViewSet.as_view({"post": "create"})),
]
