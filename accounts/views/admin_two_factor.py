"""Where staff switch their second factor on without an API client."""

import time
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin.views.decorators import staff_member_required
from django.contrib.auth import update_session_auth_hash
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.cache import never_cache

from accounts import selectors, services
from accounts.middleware import AdminSessionMiddleware
from accounts.services.presence import RECENT_LOGIN
from shop_backend.kernel.errors import ShopError
from shop_backend.kernel.forms import ThemedForm, form_error, tell_when_to_come_back


class BeginForm(ThemedForm, forms.Form):
    """That it is the person themselves."""

    password = forms.CharField(
        label="Your password",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ConfirmForm(BeginForm):
    """That the app has the secret, too."""

    field_order = ("code", "password")

    code = forms.CharField(
        label="Code that the app shows now",
        max_length=32,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code"}),
        help_text="Where right ones are refused, the telephone's clock is off: have it set itself.",
    )


@never_cache
@staff_member_required(login_url="admin:login")
def admin_two_factor(request: HttpRequest) -> HttpResponse:
    """Show a new secret; take a code of it, and show the recovery codes once.

    A session that is older than ten minutes is asked for the password before it sees a secret:
    the API switches on what was begun here by a code alone.
    """
    user: Any = request.user
    state = selectors.get_two_factor_state(user)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Your second factor",
        "is_on": state.is_on,
        "left": state.recovery_codes_left,
    }
    if not state.is_on:
        context |= _enrol(request)
    page = TemplateResponse(request, "accounts/admin/two_factor.html", context)
    return tell_when_to_come_back(page)


def _enrol(request: HttpRequest) -> dict[str, Any]:
    """Return what the page says to somebody who has no second factor yet."""
    if request.method != "POST":
        return _show(request)
    return _confirm(request) if "code" in request.POST else _begin(request)


def _show(request: HttpRequest) -> dict[str, Any]:
    """Show a secret at once to who has just signed in, and ask the others for the password."""
    if not _has_just_signed_in(request):
        return {"form": BeginForm()}
    return _begun(request.user)


def _begin(request: HttpRequest) -> dict[str, Any]:
    """Show a secret for the password."""
    form = BeginForm(request.POST)
    if not form.is_valid():
        return {"form": form}
    try:
        _require_password(request.user, form)
        return _begun(request.user)
    except ShopError as refusal:
        return _refused(form, refusal)


def _confirm(request: HttpRequest) -> dict[str, Any]:
    """Switch on by the password and a code, and show the recovery codes."""
    user: Any = request.user
    form = ConfirmForm(request.POST)
    if not form.is_valid():
        return {"form": form}
    try:
        _require_password(user, form)
        codes = services.confirm_two_factor(
            user=user, code=form.cleaned_data["code"].replace(" ", ""), session=None
        )
    except ShopError as refusal:
        return _refused(form, refusal)
    user.refresh_from_db()
    update_session_auth_hash(request, user)  # this session stays, all others have ended
    return {"form": form, "recovery_codes": codes}


def _begun(user: Any) -> dict[str, Any]:
    return {"form": ConfirmForm(), "enrolment": services.begin_two_factor(user=user)}


def _refused(form: BeginForm, refusal: ShopError) -> dict[str, Any]:
    form.add_error(None, form_error(refusal))
    return {"form": form, "error": str(refusal)}


def _require_password(user: Any, form: BeginForm) -> None:
    services.require_presence(
        user=user, session=None, current_password=form.cleaned_data["password"]
    )


def _has_just_signed_in(request: HttpRequest) -> bool:
    opened_at = request.session.get(AdminSessionMiddleware.OPENED_AT)
    return opened_at is None or time.time() - opened_at < RECENT_LOGIN.total_seconds()
