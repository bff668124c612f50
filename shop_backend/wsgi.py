"""The WSGI application of the shop."""

import os

import django

from shop_backend.kernel.requests import ShopHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_backend.settings")
django.setup(set_prefix=False)

from shop_backend.kernel.quick_answers import QuickAnswers  # noqa: E402  # needs the settings

application = QuickAnswers(ShopHandler())
