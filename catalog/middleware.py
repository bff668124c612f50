"""What a change of the catalogue means to the process that made it."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from catalog import version

GetResponse = Callable[[HttpRequest], HttpResponse]
_READING = {"GET", "HEAD", "OPTIONS"}


class LookAgainMiddleware:
    """After a request that may have changed something, believe nothing that was seen before.

    So whoever gets the answer to a change finds it in this process at once.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.method not in _READING:
            version.look_again()
        return response
