"""The shop's settings, with what only tests change."""

import os

import environ

os.environ["SHOP_ENV_FILE"] = os.devnull
os.environ["SECRET_KEY"] = "tests-only-secret-key-of-more-than-32-bytes"
os.environ["DEBUG"] = "False"
os.environ["PAYMENT_PROVIDER"] = "sandbox"
os.environ["PAYMENT_SANDBOX_ALLOWED"] = "True"
# Nothing but the tests marked stripe_live may reach Stripe, and they take the key themselves.
STRIPE_LIVE_KEY = os.environ.pop("STRIPE_SECRET_KEY", "")
for _name in ("STRIPE_PUBLISHABLE_KEY", "STRIPE_WEBHOOK_SECRET", "STRIPE_API_BASE"):
    os.environ.pop(_name, None)
for _name in ("DB_ENGINE", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_HOST", "DB_PORT"):
    os.environ.pop(_name, None)
for _name in ("DB_POOLED", "DB_REPLICA_HOST", "REDIS_URL", "MEDIA_S3_BUCKET"):
    os.environ.pop(_name, None)

from shop_backend.kernel import prepared
from shop_backend.settings import *  # noqa: F403  # all of them, and then some others
from shop_backend.settings import MYSQL_OPTIONS, SQLITE_OPTIONS, STORAGES

DATABASES = {"default": environ.Env().db_url("TEST_DATABASE_URL", default="sqlite:///:memory:")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    DATABASES["default"]["OPTIONS"] = SQLITE_OPTIONS
elif DATABASES["default"]["ENGINE"].endswith("mysql"):
    import pymysql  # the shop's own settings were read without this database

    pymysql.install_as_MySQLdb()
    DATABASES["default"]["OPTIONS"] = MYSQL_OPTIONS
else:
    DATABASES["default"]["OPTIONS"] = {**prepared.OPTIONS}
    prepared.SIGHTINGS = 1  # whatever can be prepared is
# A test knows when its mails are sent; most tests do not wait for Argon2 or for a throttle.
OUTBOX_DELIVERY = "inline"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PASSWORDS_AT_ONCE = 100
EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
RATE_LIMITS = False
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
WHITENOISE_AUTOREFRESH = True  # no collected files, and none missed
# A test changes the shop behind its back and is rolled back: nothing that was read is believed.
CATALOGUE_FRESHNESS_MS = 0
CATALOGUE_STOCK_FRESHNESS_MS = 0
# A code that a test made may be of the half minute before when it is looked at.
TOTP_TOLERANCE_STEPS = 1
