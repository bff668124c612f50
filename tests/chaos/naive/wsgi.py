"""The careless shop's WSGI application; CHAOS_NAIVE names the variant."""

import os

from shop_backend.wsgi import application  # sets Django up, so it comes first
from tests.chaos.naive.variants import VARIANTS

VARIANTS[os.environ["CHAOS_NAIVE"]]()

__all__ = ["application"]
