"""The paths of carts, coupons and tax rates, below ``/cart/``."""

from django.urls import path

from cart import views

coupon_list = views.CouponViewSet.as_view({"get": "list", "post": "create"})
coupon_detail = views.CouponViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
)
rate_list = views.TaxRateViewSet.as_view({"get": "list", "post": "create"})
rate_detail = views.TaxRateViewSet.as_view(
    {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}
)

urlpatterns = [
    path("", views.CartView.as_view()),
    path("items/<bigid:line_id>/", views.CartItemView.as_view()),
    path("shipping/", views.CartShippingView.as_view()),
    path("coupon/", views.CartCouponView.as_view()),
    path("coupons/", coupon_list),
    path("coupons/<bigid:pk>/", coupon_detail),
    path("tax-rates/", rate_list),
    path("tax-rates/<bigid:pk>/", rate_detail),
]
