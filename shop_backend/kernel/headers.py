"""What browsers are told about the pages that they get."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


class ContentSecurityPolicyMiddleware:
    """Say what an answer may load: nothing, or as a page what the shop itself serves.

    The pages are the admin's, Swagger's and ReDoc's. Their scripts come with inline starts, and
    Alpine evaluates its attributes, so ``unsafe-inline`` and ``unsafe-eval`` stay: what is kept
    out is every other host, frames, plug-ins, and forms that post elsewhere.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.headers.get("Content-Type", "").startswith("text/html")
        policy = settings.CSP_OF_PAGES if is_page else settings.CSP_OF_ANSWERS
        response.headers.setdefault("Content-Security-Policy", policy)
        return response
