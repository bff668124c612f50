"""Requests that carry a code, a link or a token: each is made for it, a moment before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils import timezone

from accounts import services, tokens
from accounts.models import OtpPurpose, User
from accounts.tests import second_factor
from accounts.tests.factories import PASSWORD
from accounts.tokens import TokenPair

NEW_PASSWORD = "another-long-phrase"


@dataclass(frozen=True)
class Made:
    """What a request needs beside itself."""

    body: dict[str, str]
    path: Mapping[str, str] = field(default_factory=dict)
    token: str | None = None  # where the making has ended the caller's own session


def _session(user: User) -> TokenPair:
    return services.open_session(user=user, device=services.Device(), rotates=True)


def _code(user: User, purpose: OtpPurpose) -> dict[str, str]:
    email = str(user.email)
    code = services.make_code(user=user, purpose=purpose, email=email, now=timezone.now())
    return {"email": email, "otp": code}


def _reset_link(user: User) -> dict[str, str]:
    return {"uid": tokens.encode_uid(user), "token": tokens.reset_tokens.make_token(user)}


def _unverified(user: User) -> User:
    User.objects.filter(pk=user.pk).update(email_verified_at=None)
    user.refresh_from_db()
    return user


def _refresh(user: User) -> Made:
    return Made({"refresh": _session(user).refresh})


def _verify(user: User) -> Made:
    return Made({"token": _session(user).access})


def _verify_otp(user: User) -> Made:
    return Made(_code(_unverified(user), OtpPurpose.ACTIVATION))


def _activate(user: User) -> Made:
    _unverified(user)
    token = tokens.activation_tokens.make_token(user)
    return Made({"uid": tokens.encode_uid(user), "token": token})


def _reset_by_code(user: User) -> Made:
    return Made({**_code(user, OtpPurpose.PASSWORD_RESET), "new_password": NEW_PASSWORD})


def _reset_by_link(user: User) -> Made:
    return Made({**_reset_link(user), "new_password": NEW_PASSWORD})


def _reset_by_path(user: User) -> Made:
    link = _reset_link(user)
    path = {"uidb64": link["uid"], "token": link["token"]}
    return Made({"new_password": NEW_PASSWORD}, path=path)


def _confirm_second_factor(user: User) -> Made:
    services.begin_two_factor(user=user)
    return Made({"code": second_factor.code_of(user)})


def _use_second_factor(user: User) -> Made:
    second_factor.switch_on(user)
    body = {"code": second_factor.code_of(user), "password": PASSWORD}
    return Made(body, token=_session(User.objects.get(pk=user.pk)).access)


MADE: dict[str, Callable[[User], Made]] = {
    "accounts_password_reset_confirm": _reset_by_path,
    "accounts_reset_password": _reset_by_code,
    "accounts_token_refresh": _refresh,
    "accounts_token_verify": _verify,
    "accounts_two_factor_confirm": _confirm_second_factor,
    "accounts_two_factor_recovery_codes": _use_second_factor,
    "accounts_two_factor_switch_off": _use_second_factor,
    "accounts_verify_otp": _verify_otp,
    "auth_jwt_refresh": _refresh,
    "auth_jwt_verify": _verify,
    "auth_users_activation": _activate,
    "auth_users_reset_password_confirm": _reset_by_link,
}


def made_for(name: str, user: User) -> Made | None:
    """Make what the operation of this name needs, and return it; ``None``: it needs nothing."""
    make = MADE.get(name)
    return make(User.objects.get(pk=user.pk)) if make else None
