"""Other names of orders' paths, below the root of both faces."""

from django.urls import path

from orders import views

order_place = views.OrderViewSet.as_view({"post": "create"})
order_status = views.OrderViewSet.as_view({"put": "update"})
order_delete = views.OrderViewSet.as_view({"delete": "destroy"})

urlpatterns = [
    path("orders/new/", order_place),
    path("orders/edit/<str:name>/", order_status),
    path("orders/delete/<str:name>/", order_delete),
]
