"""The WSGI application of the shop."""

import os
import sys
from typing import Any

import django

from shop_backend.kernel.requests import ShopHandler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop_backend.settings")

# DRF imports `requests` for a client of its tests, if it is there: 5 MB and 100 modules that a
# worker does not need. It finds none; who needs it later, as Stripe's library does, finds it.
_modules: dict[str, Any] = sys.modules
if "requests" not in _modules:
    _modules["requests"] = None
    import rest_framework.compat  # noqa: F401  # so that it has looked for it

    del _modules["requests"]

django.setup(set_prefix=False)

from shop_backend.kernel.quick_answers import QuickAnswers  # noqa: E402  # needs the settings
from shop_backend.kernel.quick_refusals import QuickRefusals  # noqa: E402  # likewise

application = QuickAnswers(QuickRefusals(ShopHandler()))
