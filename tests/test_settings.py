"""Unsafe settings are refused at the start, each with a sentence that says what to do."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
STARTS = ["settings", "wsgi", "celery"]  # the last two name the settings' module
SAFE = {
    "SHOP_ENV_FILE": os.devnull,
    "SECRET_KEY": "a-key-of-more-than-thirty-two-characters",
    "PAYMENT_PROVIDER": "sandbox",
    "PAYMENT_SANDBOX_ALLOWED": "True",
}
STRIPE = {
    "PAYMENT_PROVIDER": "stripe",
    "STRIPE_SECRET_KEY": "sk_test_x",
    "STRIPE_WEBHOOK_SECRET": "whsec_x",
}
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
        ({"TOTP_TOLERANCE_STEPS": "2"}, "TOTP_TOLERANCE_STEPS is 0 or 1"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT is line or json"),
        ({"PAYMENT_PROVIDER": None}, "PAYMENT_PROVIDER is not set"),
        ({"PAYMENT_PROVIDER": "cash"}, "PAYMENT_PROVIDER is stripe or sandbox"),
        ({"PAYMENT_SANDBOX_ALLOWED": None}, "needs PAYMENT_SANDBOX_ALLOWED=True"),
        (
            {"SANDBOX_FAULTS": "drop=0.1", **STRIPE},
            "SANDBOX_FAULTS is for PAYMENT_PROVIDER=sandbox alone",
        ),
        ({"RATE_LIMITS": "off", "ALLOWED_HOSTS": "shop.example"}, "to be loopback"),
        ({"RATE_LIMITS": "maybe"}, "RATE_LIMITS is on or off"),
        ({"ORDER_HOLD_MINUTES": "soon"}, "invalid literal"),
        ({"OUTBOX_DELIVERY": "soon"}, "OUTBOX_DELIVERY is thread or worker"),
        ({"OUTBOX_DELIVERY": "celery"}, "needs CELERY_BROKER_URL"),
        ({"DB_POOLED": "True"}, "is for PostgreSQL behind a pooler"),
        ({"DB_REPLICA_HOST": "replica"}, "DB_REPLICA_HOST is for PostgreSQL"),
        ({"DB_REPLICA_MAX_LAG_SECONDS": "3"}, "is 5 or more, or 0"),
        ({"MEDIA_S3_BUCKET": "pictures"}, "needs MEDIA_URL"),
        ({"SHOP_CURRENCY": "pounds"}, "SHOP_CURRENCY is three capital letters"),
        ({"BREACHED_PASSWORDS_FILE": "/nowhere.txt"}, "there is no /nowhere.txt"),
    ],
)
def test_an_unsafe_or_senseless_setting_does_not_start(change, sentence):
    result = start(**{**SAFE, **change})

    assert result.returncode != 0
    assert sentence in result.stderr


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

    production = {"SECRET_KEY": DEPLOYED_KEY, "ALLOWED_HOSTS": "shop.example"}
    production["TWO_FACTOR_ROLES"] = roles

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
        if is_exempt or name in {f"shop_backend/{start}.py" for start in STARTS}:
            continue
        if re.search(r"os\.environ|os\.getenv|environ\.Env", path.read_text()):
            offenders.append(name)

    assert offenders == []
