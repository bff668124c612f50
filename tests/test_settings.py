"""Unsafe settings are refused at the start, each with a sentence that says what to do."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from django.core.exceptions import ImproperlyConfigured

ROOT = Path(__file__).resolve().parent.parent
STARTS = ["settings", "wsgi", "celery"]  # the last two name the settings' module
SAFE = {
    "SHOP_ENV_FILE": os.devnull,
    "SECRET_KEY": "a-key-of-more-than-thirty-two-characters",
    "PAYMENT_PROVIDER": "sandbox",
    "PAYMENT_SANDBOX_ALLOWED": "True",
    "EMAIL_HOST": "mail.shop.example",
    "FRONTEND_URL": "https://www.shop.example",
}
STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}
PUBLIC = {"ALLOWED_HOSTS": "shop.example"}
DEVELOPMENT_KEY = "development-only-key-that-no-production-shop-accepts-000000000000"
DEPLOYED_KEY = "a-Key-of-more-than-fifty-characters-with-many-different-ones-0123456789"
LONG = "a-second-key-of-more-than-thirty-two-characters"


def start(code="import shop_backend.settings", **environment):
    """Import the settings in a process of their own, with nothing but this environment."""
    environment = {key: value for key, value in environment.items() if value is not None}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def read(**environment):
    """Return the settings as they are with this environment, read anew."""
    with mock.patch.dict(os.environ, {**SAFE, **environment}, clear=True):
        return runpy.run_path(str(ROOT / "shop_backend/settings.py"))


def test_safe_settings_start():
    assert start(**SAFE).returncode == 0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"SECRET_KEY": "short"}, "SECRET_KEY is too short"),
        (
            {"SECRET_KEY": "development-only-key-that-no-production-shop-accepts-000"},
            "known to everybody",
        ),
        ({"SECRET_KEY": "django-insecure-" + "x" * 40}, "known to everybody"),
        ({"ALLOWED_HOSTS": "*"}, "would believe any Host header"),
        ({"DEBUG": "True", "ALLOWED_HOSTS": "*"}, "would believe any Host header"),
        ({"DEBUG": "True", "ALLOWED_HOSTS": "shop.example"}, "is for loopback hosts alone"),
        ({"SECRET_KEY_FALLBACKS": DEVELOPMENT_KEY}, "SECRET_KEY_FALLBACKS holds one that is known"),
        ({"SECRET_KEY_FALLBACKS": f"{LONG},django-insecure-{LONG}"}, "known to everybody"),
        ({"SECRET_KEY_FALLBACKS": f"{LONG},short"}, "SECRET_KEY_FALLBACKS holds one that is too"),
        ({"DEBUG": "True", "HOST": "0.0.0.0"}, "HOST=0.0.0.0 would show it to the network"),
        ({"DEBUG": "True", "HOST": "::"}, "HOST=:: would show it to the network"),
        ({"DEBUG": "True", "HOST": "shop.example"}, "would show it to the network"),
        ({"DEBUG": "True", "HOST": ""}, "HOST= would show it to the network"),
        ({"DEBUG": "True", "STRIPE_SECRET_KEY": "sk_live_x"}, "no place in a shop with DEBUG on"),
        ({"DEBUG": "True", "STRIPE_SECRET_KEY": "rk_live_x"}, "no place in a shop with DEBUG on"),
        ({"DEBUG": "True", "STRIPE_PUBLISHABLE_KEY": "pk_live_x"}, "no place in a shop with DEBUG"),
        ({**STRIPE, "STRIPE_SECRET_KEY": None}, "needs STRIPE_SECRET_KEY"),
        ({**STRIPE, "STRIPE_SECRET_KEY": "sk_live_x", "STRIPE_WEBHOOK_SECRET": None}, "not hear"),
        ({**STRIPE, "STRIPE_WEBHOOK_SECRET": ""}, "Without STRIPE_WEBHOOK_SECRET"),
        ({"PAYMENT_PROVIDER": None}, "PAYMENT_PROVIDER is not set"),
        ({"PAYMENT_SANDBOX_ALLOWED": None}, "needs PAYMENT_SANDBOX_ALLOWED=True"),
        (
            {"SANDBOX_FAULTS": "drop=0.1", **STRIPE},
            "SANDBOX_FAULTS is for PAYMENT_PROVIDER=sandbox alone",
        ),
        ({**PUBLIC, "RATE_LIMITS": "off"}, "RATE_LIMITS=off is for load tests"),
        ({**PUBLIC, "EMAIL_HOST": None}, "Without EMAIL_HOST codes and links"),
        ({**PUBLIC, "FRONTEND_URL": None}, "http://localhost:3000 is the reader's own machine"),
        ({**PUBLIC, "FRONTEND_URL": "https://127.0.0.1/"}, "is the reader's own machine"),
        ({"OUTBOX_DELIVERY": "celery"}, "needs CELERY_BROKER_URL"),
        ({"DB_POOLED": "True"}, "is for PostgreSQL behind a pooler"),
        ({"DB_REPLICA_HOST": "replica"}, "DB_REPLICA_HOST is for PostgreSQL"),
        ({"MEDIA_S3_BUCKET": "pictures"}, "needs MEDIA_URL"),
        (
            {
                "MEDIA_S3_BUCKET": "pictures",
                "MEDIA_URL": "https://images.example.com/",
                "MEDIA_S3_ENDPOINT_URL": "minio:9000",
            },
            "MEDIA_S3_ENDPOINT_URL is an address that begins with http",
        ),
        ({"BREACHED_PASSWORDS_FILE": "/nowhere.txt"}, "there is no /nowhere.txt"),
    ],
)
def test_an_unsafe_or_senseless_setting_does_not_start(change, sentence):
    result = start(**{**SAFE, **change})

    assert result.returncode != 0
    assert sentence in result.stderr


@pytest.mark.parametrize(
    ("name", "values", "meaning"),
    [
        # One of a few words.
        ("PAYMENT_CAPTURE_METHOD", ["manul", "Manual", ""], "automatic or manual"),
        ("PAYMENT_PROVIDER", ["cash"], "stripe or sandbox"),
        ("RATE_LIMITS", ["maybe", "True", ""], "on or off"),
        ("OUTBOX_DELIVERY", ["soon", ""], "thread or worker or celery"),
        ("LOG_FORMAT", ["xml", ""], "line or json"),
        (
            "TWO_FACTOR_ROLES",
            ["managr", "admin,manager,managr", "Admin"],
            "roles of these: customer",
        ),
        # On or off.
        ("DEBUG", ["maybe"], "True or False"),
        ("DB_POOLED", ["2"], "True or False"),
        ("SESSION_COOKIE_SECURE", ["ture", ""], "True or False"),
        ("CSRF_COOKIE_SECURE", ["ture"], "True or False"),
        ("PRICES_INCLUDE_TAX", ["ture", "included"], "True or False"),
        ("PAYMENT_SANDBOX_ALLOWED", ["ture"], "True or False"),
        ("EMAIL_USE_TLS", ["tls"], "True or False"),
        ("SERVE_MEDIA", ["ture"], "True or False"),
        # Numbers.
        ("PORT", ["0", "65536", "http"], "a whole number, 1 to 65535"),
        ("PASSWORDS_AT_ONCE", ["0", "-1"], "a whole number, 1 or more"),
        ("TOTP_TOLERANCE_STEPS", ["-1", "2"], "a whole number, 0 to 1"),
        ("ADMIN_IDLE_MINUTES", ["0", "-1"], "a whole number, 1 or more"),
        ("SECURE_HSTS_SECONDS", ["-1", "1 year"], "a whole number, 0 or more"),
        ("NUM_PROXIES", ["-1"], "a whole number, 0 or more"),
        ("CATALOGUE_CACHE_MB", ["-1"], "a whole number, 0 or more"),
        ("CATALOGUE_FRESHNESS_MS", ["-1"], "a whole number, 0 or more"),
        ("CATALOGUE_STOCK_FRESHNESS_MS", ["-1"], "a whole number, 0 or more"),
        ("CATALOGUE_MAX_AGE_SECONDS", ["-1"], "a whole number, 0 or more"),
        ("ORDER_HOLD_MINUTES", ["-5", "0", "525601", "soon", ""], "a whole number, 1 to 525600"),
        ("RETURN_DAYS", ["-3", "36501", "14.5"], "a whole number, 0 to 36500"),
        ("LOW_STOCK_THRESHOLD", ["-1"], "a whole number, 0 or more"),
        ("MAX_LINE_QUANTITY", ["0", "-1", "1000000001"], "a whole number, 1 to 1000000000"),
        ("MAX_CART_LINES", ["0", "-1"], "a whole number, 1 or more"),
        ("MAX_UNPAID_ORDERS", ["0", "-1"], "a whole number, 1 or more"),
        ("SUPPORT_REFUND_LIMIT_MINOR", ["-1", "100.00"], "a whole number, 0 or more"),
        ("SUPPORT_REFUND_DAY_LIMIT_MINOR", ["-1"], "a whole number, 0 or more"),
        ("EMAIL_PORT", ["0", "65536"], "a whole number, 1 to 65535"),
        ("QUEUE_LATE_SECONDS", ["0", "-1"], "a whole number, 1 or more"),
        ("SESSIONS_KEPT_DAYS", ["0", "-1", "36501"], "a whole number, 1 to 36500"),
        ("CARTS_KEPT_DAYS", ["0", "-1", "36501"], "a whole number, 1 to 36500"),
        ("MESSAGES_KEPT_DAYS", ["0", "-1", "36501"], "a whole number, 1 to 36500"),
        ("ADMIN_LOG_KEPT_DAYS", ["0", "-1", "36501"], "a whole number, 1 to 36500"),
        ("DB_REPLICA_MAX_LAG_SECONDS", ["-1", "3", "soon"], "5 or more, or 0"),
        # Texts of a shape.
        ("SHOP_CURRENCY", ["pounds", "gbp", "A1B", ""], "three capital letters"),
        ("SHOP_COUNTRY", ["England", "gb", "UK", ""], "the two capital letters of a country"),
        (
            "DB_ENGINE",
            ["postgresql", "django.db.backends.oracle", ""],
            "django.db.backends.sqlite3",
        ),
        (
            "ALLOWED_HOSTS",
            ["https://shop.example", "shop.example:443"],
            "names and addresses without",
        ),
        ("FRONTEND_URL", ["www.shop.example", "https://", ""], "an address that begins with http"),
        (
            "CORS_ALLOWED_ORIGINS",
            ["shop.example", "https://a.example/", "https://*.a.example"],
            "ori",
        ),
        ("CSRF_TRUSTED_ORIGINS", ["shop.example", "https://shop.example/admin"], "origins, scheme"),
        ("REDIS_URL", ["localhost:6379", "http://localhost"], "an address such as redis://"),
        ("CELERY_BROKER_URL", ["localhost"], "an address such as redis://"),
        ("STRIPE_SECRET_KEY", ["pk_test_x"], "the one that begins with sk_ or rk_"),
        ("STRIPE_PUBLISHABLE_KEY", ["sk_test_x", "rk_test_x"], "the one that begins with pk_"),
        ("STRIPE_WEBHOOK_SECRET", ["sk_test_x"], "the one that begins with whsec_"),
        ("STRIPE_API_BASE", ["127.0.0.1:12111"], "an address that begins with http"),
        ("DEFAULT_FROM_EMAIL", ["shop", "Shop shop@example.com", ""], "shop@example.com or Shop"),
        ("SHOP_NOTIFY_EMAIL", ["stock", "a@shop.example,b@shop.example"], "one address"),
        ("MEDIA_URL", ["images.example.com/", ""], "a path or an address"),
        (
            "SANDBOX_FAULTS",
            [
                "declin=0.1",
                "decline",
                "drop=2",
                "drop=often",
                "drop=nan",
                "wrong_amount=0.1",
                "seed=x",
            ],
            "a seed, and shares between 0 and 1 of these: decline, action",
        ),
    ],
)
def test_what_a_setting_cannot_be_is_refused_by_its_name(name, values, meaning):
    for value in values:
        with pytest.raises(ImproperlyConfigured, match=f"^{name} is {re.escape(meaning)}"):
            read(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("TWO_FACTOR_ROLES", "admin, manager", ["admin", "manager"]),
        (
            "ALLOWED_HOSTS",
            "shop.example, .shop.example,[::1]",
            ["shop.example", ".shop.example", "[::1]"],
        ),
        ("CORS_ALLOWED_ORIGINS", "capacitor://localhost", ["capacitor://localhost"]),
        ("CSRF_TRUSTED_ORIGINS", "https://*.shop.example", ["https://*.shop.example"]),
        ("PRICES_INCLUDE_TAX", "off", False),
        ("SESSION_COOKIE_SECURE", "NO", False),
        ("EMAIL_USE_TLS", "1", True),
        ("RETURN_DAYS", "0", 0),
        ("DB_REPLICA_MAX_LAG_SECONDS", "0", 0),
        ("PAYMENT_CAPTURE_METHOD", "manual", "manual"),
        ("REDIS_URL", "unix:///run/redis.sock?db=1", "unix:///run/redis.sock?db=1"),
        ("CELERY_BROKER_URL", "amqp://shop:secret@mq:5672//", "amqp://shop:secret@mq:5672//"),
        ("DEFAULT_FROM_EMAIL", "The Shop <shop@example.com>", "The Shop <shop@example.com>"),
        ("STRIPE_API_BASE", "", ""),
        ("SANDBOX_FAULTS", "seed=7,drop=0.1,delay=1", {"seed": "7", "drop": "0.1", "delay": "1"}),
    ],
)
def test_what_a_setting_can_be_is_read(name, value, wanted):
    assert read(**{name: value})[name] == wanted


@pytest.mark.parametrize("door", ["wsgi", "celery"])
def test_neither_gunicorn_nor_celery_starts_with_nonsense(door):
    code = f"import shop_backend.{door} as door; door.app.conf.task_default_queue"

    result = start(code, **SAFE, PAYMENT_CAPTURE_METHOD="manul")

    assert result.returncode != 0
    assert "ImproperlyConfigured: PAYMENT_CAPTURE_METHOD is automatic or manual." in result.stderr


@pytest.mark.parametrize(
    ("roles", "warning"),
    [
        ("admin,manager", ""),
        ("admin", "A stolen password is enough for: manager."),
        ("", "A stolen password is enough for: admin, manager."),
    ],
)
def test_django_finds_nothing_to_warn_of_in_a_production_shop(roles, warning):
    code = (
        "import django; django.setup()\n"
        "from django.core.management import call_command\n"
        "call_command('check', deploy=True, fail_level='WARNING')"
    )
    environment = {**SAFE, "DJANGO_SETTINGS_MODULE": "shop_backend.settings"}

    production = {**PUBLIC, "SECRET_KEY": DEPLOYED_KEY, "TWO_FACTOR_ROLES": roles}

    result = start(code, **{**environment, **production})

    assert (result.returncode == 0) == (not warning), result.stderr
    assert warning in result.stderr


def test_what_is_silenced_would_be_warned_of():
    code = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        "from django.core import checks\n"
        "silenced, settings.SILENCED_SYSTEM_CHECKS = settings.SILENCED_SYSTEM_CHECKS, []\n"
        "found = checks.run_checks(include_deployment_checks=True)\n"
        "print(*sorted(silenced)); print(*sorted({one.id for one in found}))"
    )
    environment = {**SAFE, "DJANGO_SETTINGS_MODULE": "shop_backend.settings"}
    production = {"SECRET_KEY": DEPLOYED_KEY, "TWO_FACTOR_ROLES": "admin,manager"}

    silenced, found = start(code, **{**environment, **production}).stdout.splitlines()

    assert silenced == found


@pytest.mark.parametrize("missing", ["STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"])
@pytest.mark.parametrize("debug", ["True", "False"])
def test_stripe_that_cannot_collect_or_be_heard_is_not_served(missing, debug):
    wanted = {**SAFE, **STRIPE, "DEBUG": debug}

    assert start("import shop_backend.wsgi", **wanted).returncode == 0
    result = start("import shop_backend.wsgi", **{**wanted, missing: None})

    assert result.returncode != 0
    assert missing in result.stderr.splitlines()[-1]


def test_old_keys_that_were_good_ones_start():
    assert start(**SAFE, SECRET_KEY_FALLBACKS=f"{LONG},{LONG[::-1]}").returncode == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]"])
def test_a_development_shop_listens_on_loopback(host):
    assert start(SHOP_ENV_FILE=os.devnull, DEBUG="True", HOST=host).returncode == 0


def test_a_production_shop_listens_where_it_is_told():
    assert start(**SAFE, HOST="0.0.0.0").returncode == 0


@pytest.mark.parametrize(
    ("debug", "origins"),
    [("True", ["http://localhost:3000", "http://localhost:5173"]), ("False", [])],
)
def test_only_a_development_shop_lets_the_origins_of_development_in(debug, origins):
    code = (
        "from shop_backend import settings as s\n"
        "print(s.CORS_ALLOWED_ORIGINS, s.CSRF_TRUSTED_ORIGINS)"
    )

    result = start(code, **SAFE, DEBUG=debug)

    assert result.stdout.strip() == f"{origins} {origins}"


def test_rate_limits_may_be_off_on_loopback():
    assert start(**SAFE, RATE_LIMITS="off").returncode == 0


def test_a_development_shop_needs_nothing():
    code = "from shop_backend import settings as s; print(s.PAYMENT_PROVIDER, s.DEBUG)"

    result = start(code, SHOP_ENV_FILE=os.devnull, DEBUG="True")

    assert result.stdout.split() == ["sandbox", "True"]


def test_a_stripe_key_chooses_stripe_while_developing():
    code = "from shop_backend import settings as s; print(s.PAYMENT_PROVIDER)"

    result = start(code, DEBUG="True", **{**STRIPE, **SAFE, "PAYMENT_PROVIDER": ""})

    assert result.stdout.strip() == "stripe"


@pytest.mark.parametrize(
    ("engine", "driver"),
    [
        ("django.db.backends.postgresql", "psycopg2"),
        ("django.db.backends.mysql", "pymysql"),
        ("django.db.backends.sqlite3", "sqlite3"),
    ],
)
def test_the_environment_chooses_the_database(engine, driver):
    code = (
        "import django; django.setup()\n"
        "from django.db import connection as c; print(c.Database.__name__, c.vendor)"
    )
    environment = {**SAFE, "DB_ENGINE": engine, "DJANGO_SETTINGS_MODULE": "shop_backend.settings"}

    result = start(code, **environment)

    assert driver in result.stdout.lower(), result.stderr


def test_every_variable_that_the_settings_read_is_in_the_example():
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "shop_backend/settings.py").read_text()))
    named = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read - {"SHOP_ENV_FILE"} == named


def test_only_the_settings_read_the_environment():
    offenders = []
    for path in ROOT.glob("[a-z]*/**/*.py"):
        name = path.relative_to(ROOT).as_posix()
        is_exempt = name.startswith(("tests/", "benchmarks/")) or "/tests/" in name
        reads = [*STARTS, "environment"]  # the last one has the settings' readers
        if is_exempt or name in {f"shop_backend/{start}.py" for start in reads}:
            continue
        if re.search(r"os\.environ|os\.getenv|environ\.Env", path.read_text()):
            offenders.append(name)

    assert offenders == []
