"""The admin site's door: who may stay, and who has to get a second factor first."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from shop_backend.kernel.errors import TwoFactorEnrolmentRequired

GetResponse = Callable[[HttpRequest], HttpResponse]
_OPEN_TO_THEM = {"/admin/two-factor/", "/admin/logout/", "/admin/login/"}


class AdminSessionMiddleware:
    """End a session of the admin site that nobody used for a while, or that is a day's work old.

    The login page answers then, as it does where nobody is signed in.
    """

    OPENED_AT = "opened_at"
    USED_AT = "used_at"
    _NOTED_EVERY = 60  # seconds; each note is a write

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_admin = request.path_info.startswith("/admin/")
        if is_admin and request.user.is_authenticated:
            self._hold_against_clock(request, int(time.time()))
        return self.get_response(request)

    def _hold_against_clock(self, request: HttpRequest, now: int) -> None:
        session = request.session
        user: Any = request.user
        # In its first minute nothing is noted yet: then the login is what is known.
        login = int(user.last_login.timestamp()) if user.last_login else now
        opened_at, used_at = session.get(self.OPENED_AT, login), session.get(self.USED_AT, login)
        is_old = now - opened_at >= settings.SESSION_COOKIE_AGE
        if is_old or now - used_at >= settings.ADMIN_IDLE_MINUTES * 60:
            logout(request)
        elif now - used_at >= self._NOTED_EVERY:
            session[self.OPENED_AT], session[self.USED_AT] = opened_at, now


class TwoFactorEnrolmentMiddleware:
    """Show them the page where they switch it on, and nothing else of the admin site."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path_info
        if not path.startswith("/admin/") or path in _OPEN_TO_THEM:
            return self.get_response(request)
        if not getattr(request.user, "must_enrol_two_factor", False):
            return self.get_response(request)
        page = TemplateResponse(
            request,
            "accounts/admin/enrolment_required.html",
            {"code": TwoFactorEnrolmentRequired.code, "message": str(TwoFactorEnrolmentRequired())},
            status=403,
        )
        return page.render()
