"""The shop's production settings, with mails that go nowhere: thousands of them would be sent."""

from shop_backend.settings import *  # noqa: F403  # all of them, and then some others

EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
