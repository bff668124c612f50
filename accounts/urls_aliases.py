"""The other names of accounts, at the root of both faces."""

from django.urls import URLPattern, URLResolver, path

from accounts.urls import users_urlpatterns
from accounts.views.passwords import ConfirmOnePartTokenView, RequestResetLinkAndTokenView
from accounts.views.profile import UserInfoViewSet
from accounts.views.registration import RegisterView

urlpatterns: list[URLPattern | URLResolver] = [
    path("register/", RegisterView.as_view()),
    path("userinfo/", UserInfoViewSet.as_view({"get": "retrieve"})),
    path("userinfo/edit/", UserInfoViewSet.as_view({"put": "update"})),
    path("forgot_password/", RequestResetLinkAndTokenView.as_view()),
    path("reset_password/<str:token>/", ConfirmOnePartTokenView.as_view()),
    *users_urlpatterns,
]
