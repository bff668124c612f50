"""The shop's production settings, as far as an attack by the hundred thousand allows.

The password hash is not what is attacked here and would take most of the time. Mails are written
out and thrown away, so that a name which breaks one is seen.
"""

from shop_backend.settings import *  # noqa: F403  # all of them, and then some others
from shop_backend.settings import ALLOWED_HOSTS, STORAGES

ALLOWED_HOSTS += ["testserver"]  # the goods are put on the shelves by the tests' own client
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
EMAIL_BACKEND = "tests.security.mails.WrittenAndForgotten"
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
WHITENOISE_AUTOREFRESH = True
