"""The doors: views for those who have no token, whatever header they send."""

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle

from accounts.services import Device
from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.views import ShopView

CHALLENGE = 'Bearer realm="api"'


class ChallengingView(ShopView):
    """A view whose body holds tokens or passwords, and may be refused for them."""

    def finalize_response(
        self, request: Request, response: Any, *args: Any, **kwargs: Any
    ) -> Response:
        response = super().finalize_response(request, response, *args, **kwargs)
        if response.status_code == 401:  # RFC 9110 wants the challenge beside it
            response.headers.setdefault("WWW-Authenticate", CHALLENGE)
        return response


class DoorView(ChallengingView):
    """POST by anyone; an Authorization header is not even read."""

    authentication_classes = ()
    access = {"post": ANYONE}


def valid(serializer_class: Any, request: Request) -> dict[str, Any]:
    """Return what the serializer makes of the request's body.

    :raises serializers.ValidationError: it is not of that shape.
    """
    serializer = serializer_class(data=request.data)
    serializer.is_valid(raise_exception=True)
    data: dict[str, Any] = serializer.validated_data
    return data


def device_of(request: Request) -> Device:
    """Return where a request comes from."""
    address = BaseThrottle().get_ident(request) or ""  # believes as many proxies as rate limits do
    return Device(user_agent=request.headers.get("User-Agent", ""), ip=address.strip())
