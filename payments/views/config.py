"""What a client needs to know before it can pay."""

from typing import ClassVar

from django.conf import settings
from drf_yasg.utils import swagger_auto_schema
from rest_framework.request import Request
from rest_framework.response import Response

from payments import conf
from payments.providers.sandbox import SandboxProvider
from payments.providers.sandbox_cards import CARDS, FAULTS
from payments.serializers import PaymentConfigSerializer
from shop_backend.kernel.access import ANYONE
from shop_backend.kernel.views import ShopView

_SANDBOX = SandboxProvider.name
SANDBOX_NOTE = "This is the sandbox: no real money moves, and only the test cards pay."


class PaymentConfigView(ShopView):
    """What a client needs to know before it can pay."""

    access: ClassVar = {"get": ANYONE}

    @swagger_auto_schema(
        operation_id="payments_config", tags=["payments"], responses={200: PaymentConfigSerializer}
    )
    def get(self, request: Request) -> Response:
        """Show the provider and its publishable key; in the sandbox the test cards, too."""
        is_sandbox = settings.PAYMENT_PROVIDER == _SANDBOX
        config = {
            "provider": settings.PAYMENT_PROVIDER,
            "publishable_key": "" if is_sandbox else settings.STRIPE_PUBLISHABLE_KEY,
            "currency": settings.SHOP_CURRENCY,
            "capture_method": conf.get_capture_method(),
            "sandbox": is_sandbox,
            "note": SANDBOX_NOTE if is_sandbox else "",
            "test_cards": (*CARDS, *FAULTS) if is_sandbox else (),
        }
        return Response(PaymentConfigSerializer(config).data)
