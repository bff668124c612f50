"""Where the providers report, below ``/api/payments/webhooks/``; there is no plain face."""

from django.urls import URLPattern, URLResolver, path

from payments.views import SandboxWebhookView, StripeWebhookView

urlpatterns: list[URLPattern | URLResolver] = [
    path("stripe/", StripeWebhookView.as_view()),
    path("sandbox/", SandboxWebhookView.as_view()),
]
