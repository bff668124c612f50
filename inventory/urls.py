"""The paths of inventory, below ``/inventory/``."""

from django.urls import URLPattern, URLResolver, path

from inventory import views

location_list = views.LocationViewSet.as_view({"get": "list", "post": "create"})
location_detail = views.LocationViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
)
stock_list = views.StockViewSet.as_view({"get": "list"})
stock_detail = views.StockViewSet.as_view({"get": "retrieve", "patch": "partial_update"})
movement_list = views.MovementViewSet.as_view({"get": "list"})

urlpatterns: list[URLPattern | URLResolver] = [
    path("locations/", location_list),
    path("locations/<bigid:pk>/", location_detail),
    path("stock/", stock_list),
    path("stock/<path:sku>/", stock_detail),  # a SKU may hold a slash
    path("movements/", movement_list),
    path("adjustments/", views.AdjustmentView.as_view()),
    path("transfers/", views.TransferView.as_view()),
]
