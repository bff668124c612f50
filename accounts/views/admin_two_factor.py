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
    may_begin = _has_just_signed_in(request)
    is_confirming = "code" in request.POST if request.method == "POST" else may_begin
    kind = ConfirmForm if is_confirming else BeginForm
    form = kind(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": "Your second factor",
        "form": form,
        "is_on": state.is_on,
        "left": state.recovery_codes_left,
    }
    if form.is_valid() and not state.is_on:
        answers = form.cleaned_data
        try:
            services.require_presence(user=user, session=None, current_password=answers["password"])
            if is_confirming:
                context["recovery_codes"] = services.confirm_two_factor(
                    user=user, code=answers["code"].replace(" ", ""), session=None
                )
                user.refresh_from_db()
                update_session_auth_hash(request, user)  # this session stays, all others have ended
            else:
                context |= {"enrolment": services.begin_two_factor(user=user)}
                context |= {"form": ConfirmForm()}
        except ShopError as refusal:
            context["error"] = str(refusal)
            form.add_error(None, form_error(refusal))
    elif request.method != "POST" and may_begin and not state.is_on:
        context["enrolment"] = services.begin_two_factor(user=user)
    page = TemplateResponse(request, "accounts/admin/two_factor.html", context)
    return tell_when_to_come_back(page)


def _has_just_signed_in(request: HttpRequest) -> bool:
    opened_at = request.session.get(AdminSessionMiddleware.OPENED_AT)
    return opened_at is None or time.time() - opened_at < RECENT_LOGIN.total_seconds()
