"""The paths of shipping, below ``/shipping/``."""

from django.urls import URLPattern, URLResolver, path
from rest_framework.routers import SimpleRouter

from shipping import views

router = SimpleRouter(use_regex_path=False)
router.register("addresses", views.AddressViewSet, basename="shipping-address")
router.register("zones", views.ZoneViewSet, basename="shipping-zone")
router.register("methods", views.ShippingMethodViewSet, basename="shipping-method")
router.register("shipments", views.ShipmentViewSet, basename="shipping-shipment")

urlpatterns: list[URLPattern | URLResolver] = [
    path("quotes/", views.QuotesView.as_view(), name="shipping-quotes"),
    path("track/<str:tracking_number>/", views.TrackView.as_view(), name="shipping-track"),
    *router.urls,
]
