"""All settings, read top to bottom. Only this file reads the environment.

Unsafe is opt-in: DEBUG is off unless set, and with it off the shop refuses to start without a
secret key and a payment provider named explicitly. What is refused is refused here, nonsense by the
readers of ``environment.py``: gunicorn and Celery run none of Django's system checks.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from shop_backend import environment
from shop_backend.kernel import prepared

BASE_DIR = Path(__file__).resolve().parent.parent
env = environment.Environment()
env.read_env(env.str("SHOP_ENV_FILE", default=str(BASE_DIR / ".env")))

# --- The basics -----------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured(
            "SECRET_KEY is not set. `make run` writes a .env with one; in production set it in"
            " the environment."
        )
    SECRET_KEY = "development-only-key-that-no-production-shop-accepts-" + "0" * 12
# Old keys: what they signed stays good while they stand here. See docs/operating.md.
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.texts(
    "ALLOWED_HOSTS", environment.HOST_NAME, default=["localhost", "127.0.0.1", "[::1]"]
)
# Where `make run` and `make serve` listen; the demo's welcome shows it.
HOST = env.str("HOST", default="127.0.0.1")
PORT = env.number("PORT", default=8000, least=1, most=65_535)
_LOOPBACK = {"localhost", "127.0.0.1", "[::1]", "::1"}
# What the old ones signed is believed as what the new one signs.
for _place, _key in [
    ("SECRET_KEY is", SECRET_KEY),
    *(("SECRET_KEY_FALLBACKS holds one that is", _old) for _old in SECRET_KEY_FALLBACKS),
]:
    if not DEBUG and len(_key) < 32:
        raise ImproperlyConfigured(f"{_place} too short: 32 random characters or more.")
    if not DEBUG and _key.startswith(("development-only-", "django-insecure-")):
        raise ImproperlyConfigured(f"{_place} known to everybody.")
if "*" in ALLOWED_HOSTS:
    raise ImproperlyConfigured("ALLOWED_HOSTS names the hosts; * would believe any Host header.")
# Whether others than this machine's own people may come.
_IS_PUBLIC = not DEBUG and not set(ALLOWED_HOSTS) <= _LOOPBACK
if DEBUG and not set(ALLOWED_HOSTS) <= _LOOPBACK | {"testserver"}:
    raise ImproperlyConfigured("DEBUG shows the shop's inside: it is for loopback hosts alone.")
if DEBUG and HOST not in _LOOPBACK:
    raise ImproperlyConfigured(
        f"DEBUG shows the shop's inside: HOST={HOST} would show it to the network. Listen on"
        " 127.0.0.1, or set DEBUG=False as `make serve` does."
    )
ROOT_URLCONF = "shop_backend.urls"
WSGI_APPLICATION = "shop_backend.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False  # every path works both ways, without a redirect
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

INSTALLED_APPS = [
    "unfold",  # before the admin, whose templates and site it replaces
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "corsheaders",
    "rest_framework",
    "rest_framework_simplejwt",
    "django_filters",
    "djoser",
    "drf_yasg",
    "shop_backend.kernel",
    "accounts",
    "inventory",
    "catalog",
    "payments",
    "shipping",
    "cart",
    "orders",
    "shop_backend",
]
MIDDLEWARE = [
    "shop_backend.kernel.middleware.RequestIdMiddleware",
    "shop_backend.kernel.middleware.LoopbackMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "shop_backend.kernel.headers.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "shop_backend.kernel.middleware.PathMiddleware",
    "shop_backend.kernel.middleware.DebugPageMiddleware",
    "shop_backend.kernel.middleware.BodyLimitMiddleware",  # before whoever reads a form
    "catalog.middleware.LookAgainMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.AdminSessionMiddleware",
    "accounts.middleware.TwoFactorEnrolmentMiddleware",
    "shop_backend.kernel.audit_admin.AdminAuditMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    # The last two may ask the view twice.
    "shop_backend.kernel.trusting.TrustingMiddleware",
    "shop_backend.kernel.replicas.ReplicaMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- Database -------------------------------------------------------------------------------
DB_ENGINE = env.text("DB_ENGINE", environment.ENGINE, default="django.db.backends.sqlite3")
_is_sqlite = DB_ENGINE.endswith("sqlite3")
_is_postgresql = DB_ENGINE.endswith("postgresql")
# On: between us and PostgreSQL is a pooler that gives each transaction another connection.
DB_POOLED = env.bool("DB_POOLED", default=False)
if DB_POOLED and not _is_postgresql:
    raise ImproperlyConfigured("DB_POOLED is for PostgreSQL behind a pooler such as PgBouncer.")
_default_database: dict[str, Any] = {
    "ENGINE": DB_ENGINE,
    "NAME": (
        BASE_DIR / env.str("DB_NAME", default="db.sqlite3")
        if _is_sqlite
        else env.str("DB_NAME", default="shop")
    ),
    "USER": env.str("DB_USER", default=""),
    "PASSWORD": env.str("DB_PASSWORD", default=""),
    "HOST": env.str("DB_HOST", default=""),
    "PORT": env.str("DB_PORT", default=""),
    # Without persistent connections PostgreSQL spends more on forking than on the query.
    "CONN_MAX_AGE": 60,
    "CONN_HEALTH_CHECKS": True,
    "DISABLE_SERVER_SIDE_CURSORS": DB_POOLED,
}
# SQLite: deferred transactions fail under load when they turn into writers; IMMEDIATE ones wait.
SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
}
MYSQL_OPTIONS = {"charset": "utf8mb4", "sql_mode": "STRICT_TRANS_TABLES"}
if _is_sqlite:
    _default_database["OPTIONS"] = SQLITE_OPTIONS
elif DB_ENGINE.endswith("mysql"):
    import pymysql  # here, as it takes a megabyte of every worker

    pymysql.install_as_MySQLdb()
    _default_database["OPTIONS"] = MYSQL_OPTIONS
elif _is_postgresql:
    # A host that swallows packets must not hold a thread for minutes.
    _default_database["OPTIONS"] = {"connect_timeout": 5}
    if not DB_POOLED:
        _default_database["OPTIONS"] |= prepared.OPTIONS
DATABASES = {"default": _default_database}

# A streaming replica, for reads that may come a moment late (docs/scaling.md); empty: none.
DB_REPLICA_HOST = env.str("DB_REPLICA_HOST", default="")
# It is not read while it is further behind; 0: its lag cannot be asked for, and is not looked at.
DB_REPLICA_MAX_LAG_SECONDS = int(
    env.text("DB_REPLICA_MAX_LAG_SECONDS", environment.LAG, default="10")
)
# The apps whose tables may be read there: nothing in them says who may do what, or what is paid.
DB_REPLICA_APPS = {"catalog", "inventory"}
DATABASE_ROUTERS: list[str] = []
if DB_REPLICA_HOST:
    if not _is_postgresql:
        raise ImproperlyConfigured("DB_REPLICA_HOST is for PostgreSQL.")
    DATABASES["replica"] = {
        **_default_database,
        "NAME": env.str("DB_REPLICA_NAME", default="") or _default_database["NAME"],
        "USER": env.str("DB_REPLICA_USER", default="") or _default_database["USER"],
        "PASSWORD": env.str("DB_REPLICA_PASSWORD", default="") or _default_database["PASSWORD"],
        "HOST": DB_REPLICA_HOST,
        "PORT": env.str("DB_REPLICA_PORT", default="") or _default_database["PORT"],
        # It is soon given up on: the primary is there.
        "OPTIONS": {
            **_default_database["OPTIONS"],
            "connect_timeout": 2,
            "tcp_user_timeout": 3000,
        },
        "TEST": {"MIRROR": "default"},
    }
    DATABASE_ROUTERS = ["shop_backend.kernel.replicas.ReplicaRouter"]

# --- Redis ----------------------------------------------------------------------------------
# What processes share and can do without, and the throttles' counts; empty: the database counts
# them, but for the default one.
# The shop itself uses kernel/shared.py, which goes on when Redis is away; Django's cache does not.
REDIS_URL = env.text("REDIS_URL", environment.REDIS, default="")
CACHES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"},
}
if REDIS_URL:
    CACHES["default"] = {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "shop",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }

# --- Who may come in ------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.RoleBackend"]
LOGIN_REDIRECT_URL = "admin:index"  # only the admin has a login page
PASSWORD_HASHERS = [
    "accounts.hashers.Argon2idHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
# How many passwords one process works on at once; half of its threads leaves the shop the rest.
PASSWORDS_AT_ONCE = env.number("PASSWORDS_AT_ONCE", default=2, least=1)
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator", "OPTIONS": {"min_length": 8}},
    {
        "NAME": "accounts.password_length.MaximumLengthValidator",
        "OPTIONS": {"max_length": 128},
    },
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": "accounts.password_words.ShopWordsValidator"},
    {"NAME": "accounts.password_words.OwnNamesValidator"},
    {"NAME": "accounts.breached_passwords.BreachedPasswordValidator"},
]
# SHA-1 of passwords that were stolen elsewhere, in order, a line each.
BREACHED_PASSWORDS_FILE = env.str("BREACHED_PASSWORDS_FILE", default="")
if BREACHED_PASSWORDS_FILE and not Path(BREACHED_PASSWORDS_FILE).is_file():
    raise ImproperlyConfigured(f"BREACHED_PASSWORDS_FILE: there is no {BREACHED_PASSWORDS_FILE}.")
# Beside the shop's name and address: brands, streets, names that everybody would guess here.
PASSWORD_WORDS = env.list("PASSWORD_WORDS", default=[])
# Roles that count only with a second factor (accounts/roles.py; a superuser counts as admin).
TWO_FACTOR_ROLES = env.texts("TWO_FACTOR_ROLES", environment.ROLE, default=[])
# Half minutes before and after the present one whose codes are good too (ASVS 5.0, 6.5.5: none);
# with more than one a code lives too long.
TOTP_TOLERANCE_STEPS = env.number("TOTP_TOLERANCE_STEPS", default=0, least=0, most=1)
SIMPLE_JWT = {
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRET_KEY,
    "ISSUER": "shop",
    "AUDIENCE": "shop-api",
    "AUTH_TOKEN_CLASSES": ("accounts.token_keys.AccessToken",),
    "AUTH_HEADER_TYPES": ("Bearer", "JWT"),
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=14),
    "UPDATE_LAST_LOGIN": False,
}
# However often it is refreshed, a session ends so long after its login.
SESSION_ABSOLUTE_LIFETIME = timedelta(days=30)
# Refresh tokens from Djoser's door do not rotate, so they live shorter.
NON_ROTATING_REFRESH_LIFETIME = timedelta(hours=24)
DJOSER = {
    "LOGIN_FIELD": "username",
    "SEND_ACTIVATION_EMAIL": True,
    "ACTIVATION_URL": "activate/{uid}/{token}",
    "PASSWORD_RESET_CONFIRM_URL": "password-reset/{uid}/{token}",  # nosec  # an address
}
# Where the links in mails lead: the SPA. Never built from a Host header.
FRONTEND_URL = env.text("FRONTEND_URL", environment.HTTP, default="http://localhost:3000")
if _IS_PUBLIC and urlsplit(FRONTEND_URL).hostname in _LOOPBACK:
    raise ImproperlyConfigured(
        f"Mails link to FRONTEND_URL, and {FRONTEND_URL} is the reader's own machine: name the"
        " address of the shop's pages."
    )
ORDER_PAGE = "orders/{number}"
TRACKING_PAGE = "track/{tracking_number}"

# The audit log holds the texts of these; of all others that there was a change.
AUDIT_PLAIN_TEXT = {
    "auth.Group",
    "cart.Coupon",
    "cart.TaxRate",
    "catalog.Attribute",
    "catalog.Category",
    "catalog.Option",
    "catalog.Product",
    "catalog.ProductAttributeValue",
    "catalog.ProductImage",
    "catalog.TaxClass",
    "catalog.Variant",
    "inventory.Location",
    "inventory.StockItem",
    "shipping.ShippingMethod",
    "shipping.Zone",
    "shipping.ZoneArea",
}

CORS_ALLOWED_ORIGINS = env.texts(
    "CORS_ALLOWED_ORIGINS",
    environment.ORIGIN,
    default=["http://localhost:3000", "http://localhost:5173"] if DEBUG else [],
)
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "x-request-id",
    "x-csrftoken",
)
CORS_EXPOSE_HEADERS = (
    "ETag",
    "Idempotent-Replayed",
    "RateLimit-Limit",
    "RateLimit-Remaining",
    "RateLimit-Reset",
    "Retry-After",
    "X-Request-ID",
)
CSRF_TRUSTED_ORIGINS = env.texts(
    "CSRF_TRUSTED_ORIGINS",
    environment.TRUSTED_ORIGIN,
    default=["http://localhost:3000", "http://localhost:5173"] if DEBUG else [],
)
SESSION_ENGINE = "accounts.admin_sessions"
SESSION_COOKIE_SECURE = env.bool("SESSION_COOKIE_SECURE", default=not DEBUG)
CSRF_COOKIE_SECURE = env.bool("CSRF_COOKIE_SECURE", default=not DEBUG)
SESSION_COOKIE_AGE = 12 * 60 * 60  # of the admin site: a working day, used or not
ADMIN_IDLE_MINUTES = env.number("ADMIN_IDLE_MINUTES", default=60, least=1)
# Sent with answers over https alone; the redirect to https is the proxy's.
SECURE_HSTS_SECONDS = env.number("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000, least=0)
SILENCED_SYSTEM_CHECKS = [
    # HSTS for all subdomains: of them the shop knows nothing, and one without https would be cut
    # off for a year. Who has the domain lets the proxy say so.
    "security.W005",
    # The redirect to https: the proxy's; an API that redirects hides that a client sent its token
    # in the clear (ASVS 4.1.2).
    "security.W008",
    # HSTS preload: for the whole domain, and hardly ever taken back. As W005.
    "security.W021",
]
CSP_OF_ANSWERS = "default-src 'none'; frame-ancestors 'none'"
_CSP_OF_ALL_PAGES = [
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",  # the theme's colours, ReDoc's everything
    "font-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
]
CSP_OF_PAGES = "; ".join(
    [
        *_CSP_OF_ALL_PAGES,
        "script-src 'self'",
        "img-src 'self' data:",
        "worker-src 'self' blob:",  # ReDoc's search
    ]
)
CSP_OF_ADMIN = "; ".join(
    [
        *_CSP_OF_ALL_PAGES,
        "script-src 'self' 'unsafe-eval'",  # the theme's Alpine evaluates attributes
        "img-src 'self' data: https:",  # product images may lie elsewhere
    ]
)
# How large a body may be, and one with a picture: catalog/pictures.py takes 5 MB.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000
UPLOAD_MAX_BYTES = 5_100_000

# --- The API --------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.authentication.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["shop_backend.kernel.renderers.ShopJSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "shop_backend.kernel.parsers.StrictJSONParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_PAGINATION_CLASS": "shop_backend.kernel.pagination.ShopPagination",
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "shop_backend.kernel.filters.OrderingFilter",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["shop_backend.kernel.throttling.ScopeThrottle"],
    "EXCEPTION_HANDLER": "shop_backend.kernel.exceptions.handle",
    "URL_FORMAT_OVERRIDE": None,
    # How many proxies in front may be believed about the client's address; 0: none.
    "NUM_PROXIES": env.number("NUM_PROXIES", default=0, least=0),
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "TEST_REQUEST_RENDERER_CLASSES": [
        "rest_framework.renderers.JSONRenderer",
        "rest_framework.renderers.MultiPartRenderer",
    ],
}
# What each process keeps of answers about the catalogue for callers without a token; 0: nothing.
CATALOGUE_CACHE_MB = env.number("CATALOGUE_CACHE_MB", default=32, least=0)
# For so long a process believes what it has read: that nothing was changed elsewhere, and how many
# units there are. 0: it reads again for every answer. See docs/catalogue.md.
CATALOGUE_FRESHNESS_MS = env.number("CATALOGUE_FRESHNESS_MS", default=100, least=0)
CATALOGUE_STOCK_FRESHNESS_MS = env.number("CATALOGUE_STOCK_FRESHNESS_MS", default=1000, least=0)
# For so long a browser or a CDN may show an answer about the catalogue without asking again.
CATALOGUE_MAX_AGE_SECONDS = env.number("CATALOGUE_MAX_AGE_SECONDS", default=0, least=0)
RATE_LIMITS = env.one_of("RATE_LIMITS", "on", "off", default="on") == "on"
if not RATE_LIMITS and _IS_PUBLIC:
    raise ImproperlyConfigured(
        "RATE_LIMITS=off is for load tests: with DEBUG off it needs every allowed host to be"
        " loopback."
    )
# Per account, else per address. All are shared but the default where there is no Redis: then it is
# each process's own.
THROTTLE_RATES = {
    "default": "1200/min",
    "login": "30/min",
    "token": "300/min",  # refreshed and verified: many people may have one address
    "register": "20/min",
    "otp": "20/min",
    "reset": "20/min",
    # Mails with a link for a new password to one address, known or not, whoever asks. A link lives
    # 30 minutes: with two an hour or more nobody who is refused is without one.
    "reset_mail": "5/hour",
    "placing": "60/min",
    "coupon": "20/min",  # codes are not to be guessed
    "tracking": "120/min",  # nor numbers of parcels
    "payment": "60/min",
    # Declined cards: of one account, for one order, of one card at whosever hands.
    "declined_account": "20/hour",
    "declined_order": "10/hour",
    "declined_card": "30/hour",
    "export": "10/hour",
    "invariants": "6/min",  # each look reads the whole shop
    # Wrong passwords for one login name or account, from wherever they come.
    "password": "10/15min",  # nosec  # a rate
    # Wrong codes of an account's second factor; counted with RATE_LIMITS off too.
    "two_factor": "5/30min",
}
SWAGGER_USE_COMPAT_RENDERERS = False
SWAGGER_SETTINGS = {
    "DEFAULT_AUTO_SCHEMA_CLASS": "shop_backend.kernel.inspectors.EnvelopeAutoSchema",
    "DEFAULT_PAGINATOR_INSPECTORS": ["shop_backend.kernel.inspectors.PaginationInspector"],
    "SECURITY_DEFINITIONS": {
        "Bearer": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "description": "Bearer and the access token of /api/accounts/login/",
        }
    },
    "USE_SESSION_AUTH": False,
    "SPEC_URL": "swagger-document",
    "VALIDATOR_URL": None,
    "PERSIST_AUTH": True,
    "DEFAULT_MODEL_RENDERING": "example",
    "DOC_EXPANSION": "none",
}
REDOC_SETTINGS = {"SPEC_URL": "swagger-document"}

# --- Trade ----------------------------------------------------------------------------------
SHOP_NAME = env.str("SHOP_NAME", default="Demo Shop")
SHOP_CURRENCY = env.text("SHOP_CURRENCY", environment.CURRENCY, default="GBP")
# Where the shop is: the place of tax while nobody knows where the goods go.
SHOP_COUNTRY = env.text("SHOP_COUNTRY", environment.COUNTRY, default="GB")
# On: the catalogue's prices contain the tax; off: it comes on top of them.
PRICES_INCLUDE_TAX = env.bool("PRICES_INCLUDE_TAX", default=True)
# The code of the tax class that shipping is taxed as; empty: shipping is not taxed.
SHIPPING_TAX_CLASS = env.str("SHIPPING_TAX_CLASS", default="standard")
ORDER_HOLD_MINUTES = env.number("ORDER_HOLD_MINUTES", default=30, least=1, most=525_600)
# Customers may ask for a return until so many days after the last parcel was delivered.
RETURN_DAYS = env.number("RETURN_DAYS", default=30, least=0, most=36_500)
# Available units at which an item runs low, unless the item names its own number.
LOW_STOCK_THRESHOLD = env.number("LOW_STOCK_THRESHOLD", default=5, least=0)
# How much one line, and one cart or order, may hold; wholesale orders have hundreds of lines.
MAX_LINE_QUANTITY = env.number("MAX_LINE_QUANTITY", default=10_000, least=1, most=1_000_000_000)
MAX_CART_LINES = env.number("MAX_CART_LINES", default=100, least=1)
# Unpaid orders that one account may have at a time: each holds stock. Not with RATE_LIMITS=off.
MAX_UNPAID_ORDERS = env.number("MAX_UNPAID_ORDERS", default=50, least=1)

# What the support role may send back of one payment, in minor units of the shop's currency.
SUPPORT_REFUND_LIMIT_MINOR = env.number("SUPPORT_REFUND_LIMIT_MINOR", default=10_000, least=0)
# And what one person of that role may send back in 24 hours, all payments together.
SUPPORT_REFUND_DAY_LIMIT_MINOR = env.number(
    "SUPPORT_REFUND_DAY_LIMIT_MINOR", default=100_000, least=0
)
# automatic: captured when confirmed; manual: authorised first, captured by staff.
PAYMENT_CAPTURE_METHOD = env.one_of(
    "PAYMENT_CAPTURE_METHOD", "automatic", "manual", default="automatic"
)
# Each key in its place: the publishable one is told to everybody.
STRIPE_SECRET_KEY = env.text(
    "STRIPE_SECRET_KEY", environment.beginning_with("sk_", "rk_"), default=""
)
STRIPE_PUBLISHABLE_KEY = env.text(
    "STRIPE_PUBLISHABLE_KEY", environment.beginning_with("pk_"), default=""
)
STRIPE_WEBHOOK_SECRET = env.text(
    "STRIPE_WEBHOOK_SECRET", environment.beginning_with("whsec_"), default=""
)
STRIPE_API_BASE = env.text("STRIPE_API_BASE", environment.HTTP, default="")
if DEBUG and (
    STRIPE_SECRET_KEY.startswith(("sk_live_", "rk_live_"))
    or STRIPE_PUBLISHABLE_KEY.startswith("pk_live_")
):
    raise ImproperlyConfigured("A live Stripe key has no place in a shop with DEBUG on.")
PAYMENT_PROVIDER = env.one_of("PAYMENT_PROVIDER", "stripe", "sandbox", default="")
PAYMENT_SANDBOX_ALLOWED = env.bool("PAYMENT_SANDBOX_ALLOWED", default=False)
if not PAYMENT_PROVIDER:
    if not DEBUG:
        raise ImproperlyConfigured(
            "PAYMENT_PROVIDER is not set: name stripe, or sandbox for a shop that takes no money."
        )
    PAYMENT_PROVIDER = "stripe" if STRIPE_SECRET_KEY else "sandbox"
if PAYMENT_PROVIDER == "stripe" and not STRIPE_SECRET_KEY:
    raise ImproperlyConfigured("PAYMENT_PROVIDER=stripe needs STRIPE_SECRET_KEY to collect with.")
if PAYMENT_PROVIDER == "stripe" and not STRIPE_WEBHOOK_SECRET:
    raise ImproperlyConfigured(
        "Without STRIPE_WEBHOOK_SECRET the shop does not hear what was paid (docs/payments.md)."
    )
if PAYMENT_PROVIDER == "sandbox" and not DEBUG and not PAYMENT_SANDBOX_ALLOWED:
    raise ImproperlyConfigured(
        "The sandbox takes no real money: with DEBUG off it needs PAYMENT_SANDBOX_ALLOWED=True."
    )
# What is to go wrong at the sandbox, on purpose: seed=7,decline=0.1,drop=0.2 (docs/sandbox.md).
SANDBOX_FAULTS = dict(
    fault.split("=") for fault in env.texts("SANDBOX_FAULTS", environment.FAULT, default=[])
)
if SANDBOX_FAULTS and PAYMENT_PROVIDER != "sandbox":
    raise ImproperlyConfigured("SANDBOX_FAULTS is for PAYMENT_PROVIDER=sandbox alone.")

# --- Mail and background work ---------------------------------------------------------------
EMAIL_HOST = env.str("EMAIL_HOST", default="")
if _IS_PUBLIC and not EMAIL_HOST:
    raise ImproperlyConfigured(
        "Without EMAIL_HOST codes and links that open accounts are written to the log: with DEBUG"
        " off it needs every allowed host to be loopback."
    )
EMAIL_PORT = env.number("EMAIL_PORT", default=587, least=1, most=65_535)
EMAIL_HOST_USER = env.str("EMAIL_HOST_USER", default="")
EMAIL_HOST_PASSWORD = env.str("EMAIL_HOST_PASSWORD", default="")
EMAIL_USE_TLS = env.bool("EMAIL_USE_TLS", default=True)
EMAIL_TIMEOUT = 10
EMAIL_FILE_PATH = BASE_DIR / env.str("EMAIL_FILE_PATH", default="mails")
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", environment.SENDER, default="shop@example.com")
EMAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend"
    if EMAIL_HOST
    else "shop_backend.kernel.mail.ConsoleAndFileBackend"
)
# thread: a background thread of this process, at once; worker: run_worker alone; celery: a
# Celery worker, told through the broker.
OUTBOX_DELIVERY = env.one_of("OUTBOX_DELIVERY", "thread", "worker", "celery", default="thread")
CELERY_BROKER_URL = env.text("CELERY_BROKER_URL", environment.BROKER, default="")
if OUTBOX_DELIVERY == "celery" and not CELERY_BROKER_URL:
    raise ImproperlyConfigured("OUTBOX_DELIVERY=celery needs CELERY_BROKER_URL.")
CELERY_TASK_DEFAULT_QUEUE = env.str("CELERY_QUEUE", default="shop")
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # LOGGING below holds for its workers too
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A broker that does not answer is given up on after seconds: the row waits for the sweep.
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "connect_retries_timeout": 2,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
}

# News that has waited longer makes /health/ready/ say that the queue is late.
QUEUE_LATE_SECONDS = env.number("QUEUE_LATE_SECONDS", default=600, least=1)

# --- How long what is over is kept; `manage.py sweep` and the worker delete it -----------------
# Sessions after their end, carts since anything was done to them, messages after their delivery,
# and Django's own log of the admin, with names. A day at least: 0 reads like "for ever", too.
SESSIONS_KEPT_DAYS = env.number("SESSIONS_KEPT_DAYS", default=30, least=1, most=36_500)
CARTS_KEPT_DAYS = env.number("CARTS_KEPT_DAYS", default=365, least=1, most=36_500)
MESSAGES_KEPT_DAYS = env.number("MESSAGES_KEPT_DAYS", default=30, least=1, most=36_500)
ADMIN_LOG_KEPT_DAYS = env.number("ADMIN_LOG_KEPT_DAYS", default=365, least=1, most=36_500)

# Who among the staff is told by mail that goods run low; empty: nobody.
SHOP_NOTIFY_EMAIL = env.text("SHOP_NOTIFY_EMAIL", environment.MAILBOX, default="")

# --- The admin's look ------------------------------------------------------------------------
# The name comes as a function: the theme would try to import a text with a dot in it.
UNFOLD = {
    "SITE_TITLE": lambda request: SHOP_NAME,
    "SITE_HEADER": lambda request: SHOP_NAME,
    "SITE_URL": lambda request: FRONTEND_URL,
    "SITE_SYMBOL": "storefront",
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "LOGIN": {"form": "accounts.admin_login.StaffLoginForm"},
    "DASHBOARD_CALLBACK": "shop_backend.dashboard.first_page.fill",
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .013 236.62)",
            "100": "oklch(95.1% .026 236.824)",
            "200": "oklch(90.1% .058 230.902)",
            "300": "oklch(82.8% .111 230.318)",
            "400": "oklch(74.6% .16 232.661)",
            "500": "oklch(62% .16 237.323)",
            "600": "oklch(52% .145 241.966)",
            "700": "oklch(45% .125 242.749)",
            "800": "oklch(40% .11 240.79)",
            "900": "oklch(35% .09 240.876)",
            "950": "oklch(29.3% .066 243.157)",
        }
    },
    "ACCOUNT": {
        "navigation": [
            {"title": "Change password", "link": reverse_lazy("admin:password_change")},
            {"title": "Second factor", "link": reverse_lazy("admin_two_factor")},
        ]
    },
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": True,
        "navigation": "shop_backend.dashboard.navigation.get_navigation",
    },
}

# --- Static files and logs ------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
# Product images. In production a web server or an object storage serves them (docs/media.md).
MEDIA_URL = env.text("MEDIA_URL", environment.PLACE, default="/media/")
MEDIA_ROOT = BASE_DIR / env.str("MEDIA_ROOT", default="media")
SERVE_MEDIA = env.bool("SERVE_MEDIA", default=DEBUG)
STORAGES: dict[str, Any] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
}
# On S3 or an object storage that speaks its protocol; empty: in MEDIA_ROOT.
MEDIA_S3_BUCKET = env.str("MEDIA_S3_BUCKET", default="")
if MEDIA_S3_BUCKET:
    _media_scheme, _, _media_place = MEDIA_URL.rstrip("/").partition("://")
    if _media_scheme not in {"http", "https"}:
        raise ImproperlyConfigured(
            "MEDIA_S3_BUCKET needs MEDIA_URL, the address under which the bucket's files are read:"
            " https://images.example.com/"
        )
    STORAGES["default"] = {
        "BACKEND": "shop_backend.kernel.object_storage.ObjectStorage",
        "OPTIONS": {
            "bucket_name": MEDIA_S3_BUCKET,
            # Empty: Amazon's own.
            "endpoint_url": env.text("MEDIA_S3_ENDPOINT_URL", environment.HTTP, default="") or None,
            "region_name": env.str("MEDIA_S3_REGION", default="") or None,
            # Empty: as boto3 finds them, such as the role of the machine.
            "access_key": env.str("MEDIA_S3_ACCESS_KEY_ID", default="") or None,
            "secret_key": env.str("MEDIA_S3_SECRET_ACCESS_KEY", default="") or None,
            "url_protocol": f"{_media_scheme}:",
            "custom_domain": _media_place,
        },
    }
# line: for people; json: one object a line, for machines.
LOG_FORMAT = env.one_of("LOG_FORMAT", "line", "json", default="line")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "shop_backend.kernel.middleware.RequestIdFilter"},
        "refusals": {"()": "shop_backend.kernel.logs.RefusalFilter"},
        "queries": {"()": "shop_backend.kernel.logs.QueryFilter"},
        "secret_paths": {
            "()": "shop_backend.kernel.logs.SecretPathFilter",
            # What follows them opens an account; with and without /api.
            "prefixes": [
                "/accounts/password-reset-confirm/",
                "/reset_password/",
                "/password-reset/",  # the SPA's, in a Referer
                "/activate/",
            ],
        },
    },
    "formatters": {
        "line": {
            "()": "shop_backend.kernel.logs.LineFormatter",
            "fmt": "%(asctime)s %(levelname)s %(name)s [%(request_id)s] %(message)s",
        },
        "json": {"()": "shop_backend.kernel.logs.JsonFormatter"},
    },
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "filters": ["request_id", "secret_paths"],
            "formatter": LOG_FORMAT,
        }
    },
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {
        "django": {"level": "INFO", "handlers": ["console"], "propagate": False},
        "django.request": {"filters": ["refusals"]},
        "django.server": {
            "level": "INFO",
            "handlers": ["console"],
            "filters": ["queries"],
            "propagate": False,
        },
        # Silent until gunicorn is given an --access-logfile; then it is this console.
        "gunicorn.access": {
            "level": "INFO",
            "handlers": ["console"],
            "filters": ["queries"],
            "propagate": False,
        },
    },
}
