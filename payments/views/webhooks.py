"""Where the providers tell their news."""

from typing import ClassVar

from drf_yasg.utils import no_body, swagger_auto_schema
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response

from payments import services
from payments.providers import STRIPE, get_provider
from payments.providers.sandbox import SandboxProvider
from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.views import ShopView


class WebhookView(ShopView):
    """Where a provider tells its news. Who it is, the signature says."""

    access: ClassVar[dict[str, BasePermission]] = {"post": ANYONE}
    authentication_classes = ()
    throttle_classes = ()
    messages: ClassVar = {"post": "Received."}
    provider = ""

    def post(self, request: Request) -> Response:
        """Take in an event, signed over the raw body; a repeat changes nothing."""
        header = get_provider(self.provider).signature_header
        services.receive_webhook(
            provider=self.provider,
            body=request.body,
            signature=request.headers.get(header, ""),
        )
        return Response(None)


class SandboxWebhookView(WebhookView):
    """The sandbox's; nobody but the shop itself calls it, so it is not documented."""

    provider = SandboxProvider.name
    swagger_schema = None


class StripeWebhookView(WebhookView):
    """Stripe's; to be entered in its dashboard."""

    provider = STRIPE

    @swagger_auto_schema(
        operation_id="payments_webhook_stripe",
        tags=["payments"],
        request_body=no_body,
        responses={
            200: "Received, or received before.",
            400: "invalid_signature or malformed_webhook; nothing is kept.",
            404: "payment_provider_not_configured: the shop does not use Stripe.",
        },
    )
    def post(self, request: Request) -> Response:
        """Take in an event of Stripe.

        The `Stripe-Signature` header is checked over the raw body. Each event is applied once,
        in whatever order events come; what is of no interest is kept and done with.
        """
        return super().post(request)
