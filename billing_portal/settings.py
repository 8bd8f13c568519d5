"""Settings of every installation: differences come from the environment.

What the rooms register is the same everywhere and stands in ``billing_portal/registered.py``.
Every variable read here by ``env()`` is listed with its meaning in .env.example (a test compares).
"""

from __future__ import annotations

import os
from pathlib import Path

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from psycopg.conninfo import conninfo_to_dict

from billing_portal import logs
from billing_portal.registered import *  # noqa: F403 -- each name there is a setting

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"


def env(name: str, default: str = "") -> str:
    """Return an environment variable, or its default."""
    return os.environ.get(name, default)


# --- Installation -----------------------------------------------------------------------------

ENVIRONMENT = env("PORTAL_ENVIRONMENT", "development")  # development, test, production
IS_PRODUCTION = ENVIRONMENT == "production"
DEBUG = False
_DEVELOPMENT_KEY = "for development and tests only: no installation may run with this key"
SECRET_KEY = env("SECRET_KEY", "" if IS_PRODUCTION else _DEVELOPMENT_KEY)
if not SECRET_KEY:
    raise ImproperlyConfigured("SECRET_KEY must be set in production.")
ALLOWED_HOSTS = env("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1],testserver").split(",")
SITE_URL = env("SITE_URL", "http://127.0.0.1:8000")
TRUSTED_PROXIES = int(env("TRUSTED_PROXIES", "0"))
CSRF_TRUSTED_ORIGINS = [SITE_URL]

# --- Rooms and libraries ----------------------------------------------------------------------

INSTALLED_APPS = [
    "billing_portal.tenancy",
    "billing_portal.members",
    "billing_portal.directories",
    "billing_portal.audit",
    "billing_portal.jobs",
    "billing_portal.imports",
    "billing_portal.outbox",
    "billing_portal.operation",
    "billing_portal.api",
    "billing_portal.portal",
    "ledger",
    "customers",
    "invoices",
    "dunning",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "csp",
    "django_htmx",
    "django_q",
    "djmoney",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]
MIDDLEWARE = [
    "billing_portal.api.middleware.RequestIds",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "billing_portal.api.middleware.Bearable",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "billing_portal.members.middleware.FirmFromPath",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "billing_portal.portal.middleware.NothingKept",
    "billing_portal.members.middleware.SessionLimits",
    "billing_portal.members.middleware.ActorAndScope",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "billing_portal.urls"
WSGI_APPLICATION = "billing_portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SILENCED_SYSTEM_CHECKS = ["models.W042"]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "billing_portal.portal.context.frame",
            ],
        },
    },
]

# --- Database: two roles, see docs/decisions ----------------------------------------------------


def _database(url: str) -> dict[str, object]:
    named = conninfo_to_dict(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": named.get("dbname", "portal"),
        "USER": named.get("user", "portal_app"),
        "PASSWORD": named.get("password", ""),
        "HOST": named.get("host", ""),
        "PORT": named.get("port", ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "ATOMIC_REQUESTS": False,
        "OPTIONS": {"options": "-c lock_timeout=10s -c idle_in_transaction_session_timeout=120s"},
        "TEST": {"NAME": named.get("dbname", "portal")},
    }


DATABASE_URL = env("DATABASE_URL", "postgresql://portal_app@localhost/portal")
DATABASE_OWNER_URL = env("DATABASE_OWNER_URL", "postgresql://portal_owner@localhost/portal")
DATABASE_ROLE = env("DATABASE_ROLE", "app")  # "owner" for migrations only
APP_ROLE = str(conninfo_to_dict(DATABASE_URL).get("user", "portal_app"))
DATABASES = {"default": _database(DATABASE_OWNER_URL if DATABASE_ROLE == "owner" else DATABASE_URL)}

# --- People -------------------------------------------------------------------------------------

AUTH_USER_MODEL = "members.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_ADAPTER = "billing_portal.members.adapter.ClosedAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"  # people come by invitation, which proves the address
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Billing portal] "
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_SESSION_REMEMBER = False
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_ADAPTER = "billing_portal.members.adapter.LockedFactors"
MFA_FORMS = {
    "authenticate": "billing_portal.members.codes.Authenticate",
    "reauthenticate": "billing_portal.members.codes.Reauthenticate",
}
MFA_TOTP_ISSUER = "Billing portal"
AXES_FAILURE_LIMIT = 8
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]  # another's mistakes lock nobody out
AXES_USERNAME_CALLABLE = "billing_portal.members.keys.sign_in_name"
ACCOUNT_RATE_LIMITS = {"login_failed": None}  # axes counts, in the database all processes share
AXES_LOCKOUT_TEMPLATE = "429.html"
AXES_ENABLE_ADMIN = False
AXES_RESET_ON_SUCCESS = True
AXES_IPWARE_PROXY_COUNT = TRUSTED_PROXIES
SESSION_IDLE_SECONDS = 30 * 60
SESSION_ABSOLUTE_SECONDS = 12 * 60 * 60
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = SESSION_ABSOLUTE_SECONDS
CSRF_COOKIE_SAMESITE = "Lax"
HAS_TLS = SITE_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HAS_TLS
SESSION_COOKIE_NAME = "__Host-session" if HAS_TLS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HAS_TLS else "csrf"
SECURE_SSL_REDIRECT = HAS_TLS
SECURE_HSTS_SECONDS = 31_536_000 if HAS_TLS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
# Firms' directories are asked at public addresses only, unless they stand in the same network.
PRIVATE_DIRECTORIES = env("PRIVATE_DIRECTORIES", "no" if IS_PRODUCTION else "yes") == "yes"
# Data keys of firms are wrapped by the first; the others still open what they wrapped.
FIELD_KEYS = env(
    "FIELD_KEYS", "" if IS_PRODUCTION else "ZGV2ZWxvcG1lbnQta2V5LW5vdC1hLXNlY3JldC0zMmI="
)
if not FIELD_KEYS:
    raise ImproperlyConfigured("FIELD_KEYS must be set in production.")

# --- Background work ----------------------------------------------------------------------------

JOB_ENGINE = env("JOB_ENGINE", "django-q2")  # or "celery"
JOB_WORKERS = int(env("JOB_WORKERS", "6"))  # one more than long jobs have slots
# The longest that any job function may ask for: RabbitMQ takes back what is not answered for after
# half an hour.
JOB_TIMEOUT_SECONDS = 1500
JOB_BEAT_SECONDS = float(env("JOB_BEAT_SECONDS", "5"))  # a lease lasts three beats
JOB_STOP_SECONDS = float(env("JOB_STOP_SECONDS", "10"))  # then running jobs go back
# How many run at a time; "checks" look at whole books, and nobody waits for them.
JOB_SLOTS = {"default": 2, "documents": 2, "mail": 2, "browser": 1, "checks": 1, "imports": 1}
# Imported by the supervisor, so that clock lines are declared.
JOB_MODULES: list[str] = ["ledger.jobs", "invoices.jobs", "dunning.jobs"]
TICKS = [  # what the elected supervisor does each second
    "billing_portal.jobs.reaper.reap",
    "billing_portal.jobs.gatekeeper.admit_all",
    "billing_portal.jobs.clock.strike",
    "billing_portal.audit.sealing.seal_all",
    "billing_portal.audit.anchoring.anchor_now_and_then",
    "billing_portal.api.limits.forget_full",
    "billing_portal.operation.statistics.take_now_and_then",
]
Q_CLUSTER = {
    "name": "portal",
    "workers": JOB_WORKERS,
    "queue_limit": JOB_WORKERS,
    "bulk": 1,
    "timeout": JOB_TIMEOUT_SECONDS + 30,
    "retry": 3 * JOB_TIMEOUT_SECONDS,
    "max_attempts": 1,
    "save_limit": -1,
    "ack_failures": True,
    "recycle": 200,
    "poll": 0.2,
    "orm": "default",
    "log_level": "INFO",
    "catch_up": False,
}
CELERY_QUEUE = env("CELERY_QUEUE", "portal")
CELERY_BROKER_URL = env("CELERY_BROKER_URL", "amqp://guest:guest@127.0.0.1:5672//")

# --- Monitoring: closed unless one of the two is named ------------------------------------------

METRICS_TOKEN = env("METRICS_TOKEN")
METRICS_NETWORKS = [each for each in env("METRICS_NETWORKS").replace(" ", "").split(",") if each]

# --- Files, mail, the outside -------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = WHITENOISE_AUTOREFRESH = not IS_PRODUCTION
# What is uploaded stays in memory: the temporary folder would hold in plain what is stored locked.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = 25_000_000  # the most that any body has; above is refused unread
FILES_DIR = Path(env("FILES_DIR", str(VAR_DIR / "files")))
ANCHORS_DIR = Path(env("ANCHORS_DIR", str(VAR_DIR / "anchors")))
EMAIL_HOST = env("EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = int(env("EMAIL_PORT", "1025"))
EMAIL_HOST_USER = env("EMAIL_HOST_USER")
EMAIL_HOST_PASSWORD = env("EMAIL_HOST_PASSWORD")
EMAIL_TIMEOUT = int(env("EMAIL_TIMEOUT", "30"))  # seconds for each answer of the server
EMAIL_USE_TLS = env("EMAIL_USE_TLS", "no") == "yes"
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", "billing@portal.test")

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["billing_portal.api.authentication.ActorOfRequest"],
    "DEFAULT_PERMISSION_CLASSES": ["billing_portal.api.permissions.HasPermission"],
    "DEFAULT_PAGINATION_CLASS": "billing_portal.api.pages.KeysetPages",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["billing_portal.api.parsing.StrictJson"],
    "DEFAULT_SCHEMA_CLASS": "billing_portal.api.schema.HouseSchema",
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "rest_framework.negotiation.DefaultContentNegotiation",
    "EXCEPTION_HANDLER": "billing_portal.api.problems.answer_for",
    "UNAUTHENTICATED_USER": None,
    "PAGE_SIZE": 50,
}
RATE_LIMITS = {  # units of cost a minute; 0 for no limit
    "key": int(env("RATE_LIMIT_KEY", "6000")),
    "firm": int(env("RATE_LIMIT_FIRM", "12000")),
    "address": int(env("RATE_LIMIT_ADDRESS", "12000")),
    "failures": int(env("RATE_LIMIT_FAILURES", "60")),  # keys that were not accepted
    "posts": int(env("RATE_LIMIT_POSTS", "600")),  # forms of a person
    "posts-address": int(env("RATE_LIMIT_POSTS_ADDRESS", "3000")),  # an office has one address
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Billing portal API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "COMPONENT_SPLIT_PATCH": False,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_NO_READ_ONLY_REQUIRED": False,
    "DESCRIPTION": (
        "Bill work and follow it until it is paid. "
        "Every id, key and row belongs to the firm of the API key."
    ),
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "billing_portal.api.schema.say_what_it_costs",
    ],
}

# --- Language, time, logs -----------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = "billing_portal.formats"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LOGGING = logs.configuration(
    form=env("LOG_FORM", "json" if IS_PRODUCTION else "lines"), level=env("LOG_LEVEL", "INFO")
)
