"""The admin site for those whose role demands a second factor that they do not have yet."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

from shop_backend.kernel.errors import TwoFactorEnrolmentRequired

GetResponse = Callable[[HttpRequest], HttpResponse]
_OPEN_TO_THEM = {"/admin/two-factor/", "/admin/logout/", "/admin/login/"}


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
