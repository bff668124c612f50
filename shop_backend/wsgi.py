"""The WSGI application of the shop."""

import os

import django

from shop_backend.kernel.requests import ShopHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_backend.settings")
django.setup(set_prefix=False)
application = ShopHandler()
