"""The admin site's door: who may stay, and who has to get a second factor first."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib import admin
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
        if not request.path_info.startswith("/admin/"):
            return self.get_response(request)
        if request.user.is_authenticated:
            self._hold_against_clock(request, int(time.time()))
        response = self.get_response(request)
        if request.user.is_authenticated and self.OPENED_AT not in request.session:
            # They have just signed in. Nothing else tells when: the account's last login may be
            # another one's.
            now = int(time.time())
            request.session[self.OPENED_AT], request.session[self.USED_AT] = now, now
        return response

    def _hold_against_clock(self, request: HttpRequest, now: int) -> None:
        session = request.session
        opened_at, used_at = session.get(self.OPENED_AT, now), session.get(self.USED_AT, now)
        is_old = now - opened_at >= settings.SESSION_COOKIE_AGE
        if is_old or now - used_at >= settings.ADMIN_IDLE_MINUTES * 60:
            logout(request)
        elif now - used_at >= self._NOTED_EVERY:
            session[self.USED_AT] = now


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
            {
                **admin.site.each_context(request),
                "title": "Second factor needed",
                "code": TwoFactorEnrolmentRequired.code,
                "message": str(TwoFactorEnrolmentRequired()),
            },
            status=403,
        )
        return page.render()
