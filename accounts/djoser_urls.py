"""The paths of Djoser that the shop keeps, below ``/auth/``; its others are 404."""

from django.urls import URLPattern, URLResolver, path

from accounts.urls import PROFILE_ACTIONS
from accounts.views.djoser import (
    ActivationView,
    AuthMeViewSet,
    AuthUsersView,
    JwtCreateView,
    JwtRefreshView,
    JwtVerifyView,
    ResendActivationView,
    ResetPasswordConfirmView,
    ResetPasswordView,
    SetPasswordView,
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("users/", AuthUsersView.as_view()),
    path("users/me/", AuthMeViewSet.as_view(PROFILE_ACTIONS)),
    path("users/activation/", ActivationView.as_view()),
    path("users/resend_activation/", ResendActivationView.as_view()),
    path("users/set_password/", SetPasswordView.as_view()),
    path("users/reset_password/", ResetPasswordView.as_view()),
    path("users/reset_password_confirm/", ResetPasswordConfirmView.as_view()),
    path("jwt/create/", JwtCreateView.as_view()),
    path("jwt/refresh/", JwtRefreshView.as_view()),
    path("jwt/verify/", JwtVerifyView.as_view()),
]
