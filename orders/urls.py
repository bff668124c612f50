"""The paths of orders, below ``/orders/``."""

from django.urls import path

from orders import views

order_list = views.OrderViewSet.as_view({"get": "list", "post": "create"})
order_detail = views.OrderViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
)
order_cancel = views.OrderViewSet.as_view({"post": "cancel"})
order_events = views.OrderEventViewSet.as_view({"get": "list"})
return_list = views.ReturnViewSet.as_view({"get": "list", "post": "create"})
return_detail = views.ReturnViewSet.as_view({"get": "retrieve", "patch": "partial_update"})
order_notes = views.NoteViewSet.as_view({"post": "create"})
user_orders = views.UserOrderViewSet.as_view({"get": "list"})

urlpatterns = [
    path("", order_list),
    path("user/<bigid:user_id>/", user_orders),
    path("<str:name>/", order_detail),
    path("<str:name>/cancel/", order_cancel),
    path("<str:name>/events/", order_events),
    path("<str:name>/returns/", return_list),
    path("<str:name>/returns/<bigid:return_id>/", return_detail),
    path("<str:name>/notes/", order_notes),
]
