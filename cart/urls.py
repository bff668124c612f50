"""The paths of the cart, below ``/cart/``."""

from django.urls import path

from cart import views

urlpatterns = [
    path("", views.CartView.as_view()),
    path("items/<bigid:line_id>/", views.CartItemView.as_view()),
    path("shipping/", views.CartShippingView.as_view()),
]
