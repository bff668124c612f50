"""What browsers are told about the pages that they get."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class ContentSecurityPolicyMiddleware:
    """Say what an answer may load: nothing, or as a page what the shop itself serves.

    The pages are the admin's, Swagger's and ReDoc's. No script stands in them, so none that got
    into one runs. On the admin site Alpine evaluates attributes, so ``unsafe-eval`` stays there.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _policy_of(request, response))
        return response


def _policy_of(request: HttpRequest, response: HttpResponse) -> str:
    policy: str = settings.CSP_OF_ANSWERS
    if response.headers.get("Content-Type", "").startswith("text/html"):
        is_admins = request.path_info.startswith("/admin/")
        policy = settings.CSP_OF_ADMIN if is_admins else settings.CSP_OF_PAGES
    return policy
