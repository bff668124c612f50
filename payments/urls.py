"""The paths of payments, below ``/payments/``."""

from django.urls import URLPattern, URLResolver, path

from payments.views import PaymentConfigView, PaymentViewSet

urlpatterns: list[URLPattern | URLResolver] = [
    path("", PaymentViewSet.as_view({"get": "list", "post": "create"})),
    path("config/", PaymentConfigView.as_view()),
    path("offline/", PaymentViewSet.as_view({"post": "offline"})),
    path("<bigid:pk>/", PaymentViewSet.as_view({"get": "retrieve"})),
    path("<bigid:pk>/refunds/", PaymentViewSet.as_view({"post": "refunds"})),
    path("<bigid:pk>/capture/", PaymentViewSet.as_view({"post": "capture"})),
    path("<bigid:pk>/void/", PaymentViewSet.as_view({"post": "void"})),
]
