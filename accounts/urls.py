"""The paths of accounts, below ``/accounts/``."""

from typing import Any

from django.urls import URLPattern, URLResolver, path

from accounts.views.audit import AuditViewSet
from accounts.views.devices import SessionViewSet
from accounts.views.export import ExportView
from accounts.views.passwords import (
    ChangePasswordView,
    ConfirmResetLinkView,
    RequestResetCodeView,
    RequestResetLinkView,
    ResetByCodeView,
)
from accounts.views.profile import ProfileViewSet
from accounts.views.registration import RegisterView, ResendOtpView, VerifyOtpView
from accounts.views.sessions import (
    LoginView,
    LogoutView,
    TokenRefreshView,
    TokenVerifyView,
    TokenView,
)
from accounts.views.two_factor import (
    ConfirmTwoFactorView,
    RecoveryCodesView,
    SwitchTwoFactorOffView,
    TwoFactorView,
)
from accounts.views.users import UserViewSet

PROFILE_ACTIONS: dict[str, Any] = {
    "get": "retrieve",
    "put": "update",
    "patch": "partial_update",
    "delete": "destroy",
}

users_urlpatterns: list[URLPattern | URLResolver] = [
    path("users/", UserViewSet.as_view({"get": "list", "post": "create"})),
    path("users/<int:pk>/", UserViewSet.as_view(PROFILE_ACTIONS)),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("register/", RegisterView.as_view()),
    path("verify-otp/", VerifyOtpView.as_view()),
    path("resend-otp/", ResendOtpView.as_view()),
    path("login/", LoginView.as_view()),
    path("token/", TokenView.as_view()),
    path("token/refresh/", TokenRefreshView.as_view()),
    path("token/verify/", TokenVerifyView.as_view()),
    path("logout/", LogoutView.as_view()),
    path("change-password/", ChangePasswordView.as_view()),
    path("request-reset-email/", RequestResetLinkView.as_view()),
    path("password-reset-confirm/<str:uidb64>/<str:token>/", ConfirmResetLinkView.as_view()),
    path("forgot-password/", RequestResetCodeView.as_view()),
    path("reset-password/", ResetByCodeView.as_view()),
    path("user/", ProfileViewSet.as_view(PROFILE_ACTIONS)),
    path("audit/", AuditViewSet.as_view({"get": "list"})),
    path("two-factor/", TwoFactorView.as_view()),
    path("two-factor/confirm/", ConfirmTwoFactorView.as_view()),
    path("two-factor/recovery-codes/", RecoveryCodesView.as_view()),
    path("two-factor/switch-off/", SwitchTwoFactorOffView.as_view()),
    path("user/export/", ExportView.as_view()),
    path("sessions/", SessionViewSet.as_view({"get": "list"})),
    path("sessions/<uuid:pk>/", SessionViewSet.as_view({"delete": "destroy"})),
    *users_urlpatterns,
]
