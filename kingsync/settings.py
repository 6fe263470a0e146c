"""Deployment settings from the environment. What a tenant chooses is in the database."""

from __future__ import annotations

from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _

from integrations import proxies
from kingsync import garbage, key_strength
from kingsync.variables import Variables
from kingsync.web.operators.admin_theme import UNFOLD as UNFOLD  # noqa: PLC0414 - a setting

garbage.pause()  # until our application is ready (kingsync/apps.py)

BASE_DIR = Path(__file__).resolve().parent.parent
# An installed package has templates and static files inside `kingsync`, where Django finds them itself.
IS_CHECKOUT = (BASE_DIR / "manage.py").exists()
env = Variables()
VARIABLES: set[str] = env.asked_for  # of the environment, all that are read here


def _networks(name: str) -> list[IPv4Network | IPv6Network]:
    try:
        return [ip_network(each.strip()) for each in env.list(name, default=[])]
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must list networks such as 10.0.0.0/8: {error}.") from None


def _positive(name: str, usual: int) -> int:
    number: int = env.int(name, default=usual)
    if number < 1:
        raise ImproperlyConfigured(f"{name} must be 1 or more.")
    return number


# Without its own key this is a development machine: keys are generated once and kept in .local/.
IS_DEVELOPMENT = not env.str("SECRET_KEY", default="")
_local_folder, _local_keys = None, None
if IS_DEVELOPMENT:
    from devservers import keys, places

    _local_folder = places.local_folder()
    _local_keys = keys.load_or_create(_local_folder)

SECRET_KEY: str = _local_keys.secret_key if _local_keys else env.str("SECRET_KEY")
ENCRYPTION_KEYS: list[str] = env.list("ENCRYPTION_KEYS", default=[])
if not ENCRYPTION_KEYS:
    if not _local_keys:
        raise ImproperlyConfigured("ENCRYPTION_KEYS is empty. Set at least one key (see docs/operations.md).")
    ENCRYPTION_KEYS = [_local_keys.encryption_key]
# Former keys: what they signed stays valid, so a weak one would let anyone sign.
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
# Older encryption keys only open what they once encrypted, so that `rotate_keys` can replace them.
for _name, _key in (
    ("SECRET_KEY", SECRET_KEY),
    *(("A key of SECRET_KEY_FALLBACKS", _former) for _former in SECRET_KEY_FALLBACKS),
    ("The first of ENCRYPTION_KEYS", ENCRYPTION_KEYS[0]),
):
    if _problem := key_strength.problem_of(_key):
        raise ImproperlyConfigured(f"{_name} {_problem}. Make another one as .env.example says.")

DEBUG = False
ALLOWED_HOSTS: list[str] = env.list(
    "ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"] if IS_DEVELOPMENT else []
)
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])
OUTSMART_SOFTWARE_TOKEN: str = env.str("OUTSMART_SOFTWARE_TOKEN", default="")
# Where that token may be sent: it is the operator's, and tenants type addresses.
OUTSMART_HOSTS: list[str] = env.list("OUTSMART_HOSTS", default=["app.out-smart.com"])
PRIVATE_HOSTS: list[str] = env.list("PRIVATE_HOSTS", default=[])
# Calls to OutSmart and King leave through this proxy, except to PRIVATE_HOSTS: http://user:password@proxy.example:3128
OUTGOING_PROXY: str = env.str("OUTGOING_PROXY", default="")
if OUTGOING_PROXY and (_problem := proxies.problem_of(OUTGOING_PROXY)):
    raise ImproperlyConfigured(f"OUTGOING_PROXY {_problem}.")
KING_PLAIN_HTTP: bool = env.bool("KING_PLAIN_HTTP", default=False)
# Time limit in seconds for a write to King. After a lost answer we wait twice as long before sending anything again.
KING_WRITE_TIMEOUT: float = env.float("KING_WRITE_TIMEOUT", default=25.0)
# King's XML export files: one folder per tenant below this one; empty = no files. Web and worker share it.
KING_XML_FOLDER: str = env.str("KING_XML_FOLDER", default=str(_local_folder / "king-xml") if _local_folder else "")
# The largest file that may be uploaded, the most per upload, and per tenant until they are imported.
KING_XML_MAX_MB: int = env.int("KING_XML_MAX_MB", default=500)
KING_XML_REQUEST_MB: int = env.int("KING_XML_REQUEST_MB", default=1000)
KING_XML_TENANT_MB: int = env.int("KING_XML_TENANT_MB", default=5000)

# Threads of one web process that answer pages; uploads have as many of their own.
WEB_THREADS: int = env.int("WEB_THREADS", default=4)
# Seconds to receive a request and to deliver its answer; large ones get more (kingsync/asgi.py).
WEB_REQUEST_SECONDS: int = env.int("WEB_REQUEST_SECONDS", default=20)
# The largest request that is not an upload of files.
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
# How many years entries of the audit trail are kept: 7, as Dutch law demands of bookkeeping.
AUDIT_YEARS: int = _positive("AUDIT_YEARS", 7)
# The journal of created orders, outside the database: from it a restored database learns what it lost. Shared by all
# that export; empty = none.
JOURNAL_FOLDER: str = env.str("JOURNAL_FOLDER", default=str(_local_folder / "journal") if _local_folder else "")

INSTALLED_APPS = [
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "django_otp",
    "django_otp.plugins.otp_static",
    "kingsync",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",  # before the static files: they get the policy too
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "kingsync.web.watch.requests.WatchMiddleware",
    "kingsync.web.shared.compression.CompressionMiddleware",
    "kingsync.web.operators.admin_policy.AdminPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "kingsync.web.accounts.session_activity.SessionActivityMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "kingsync.web.shared.refused_requests.RefusedMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "kingsync.web.shared.storable_text.StorableTextMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "kingsync.web.audit.visitor.VisitorMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "kingsync.web.shared.no_store.NoStoreMiddleware",
    "kingsync.web.shared.second_step.SecondStepMiddleware",
]

ROOT_URLCONF = "kingsync.urls"
WSGI_APPLICATION = "kingsync.wsgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"] if IS_CHECKOUT else [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "django.templatetags.static",
                "kingsync.web.shared.template_tags",
                "kingsync.web.help.links",
            ],
        },
    },
]

# manage.py puts the embedded servers' addresses here when the environment has none.
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default="postgres://kingsync@127.0.0.1:1/kingsync")
}
# Its sessions see the rows of one tenant: docs/decisions/0025-a-wall-in-the-database.md
DATABASES["default"]["ENGINE"] = "kingsync.database"
# The server ends sessions of machines that are gone: after a minute without any answer to its probes.
DATABASES["default"].setdefault("OPTIONS", {}).setdefault(
    "options", "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
)
# A thread that serves pages keeps its connection: a web process has WEB_THREADS of them for pages and as many for
# uploads. It is checked before each request, to notice a database that was away. So does a worker process, from run to
# run (kingsync/celery.py).
DATABASES["default"].setdefault("CONN_MAX_AGE", 600)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
REDIS_URL: str = env.str("REDIS_URL", default="redis://127.0.0.1:1/0")

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "kingsync.web.accounts.passwords.LengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "kingsync.web.accounts.passwords.ObviousNamesValidator"},
]
AUTH_USER_MODEL = "kingsync.User"
AUTHENTICATION_BACKENDS = ["kingsync.web.accounts.login_backend.AccountBackend"]
PASSWORD_RESET_TIMEOUT = 24 * 3600
OTP_TOTP_ISSUER = "kingsync"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

LANGUAGE_CODE = "nl"
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGES = [("nl", _("Dutch")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "kingsync" / "locale"]
TIME_ZONE = "Europe/Amsterdam"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = (BASE_DIR if IS_CHECKOUT else Path.cwd()) / "staticfiles"
STATICFILES_DIRS = [BASE_DIR / "static"] if IS_CHECKOUT else []
# A development machine serves static files from their folders; production collects and hashes them.
WHITENOISE_USE_FINDERS = IS_DEVELOPMENT
WHITENOISE_AUTOREFRESH = IS_DEVELOPMENT
WHITENOISE_ALLOW_ALL_ORIGINS = False
_static_backend = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
    if IS_DEVELOPMENT
    else "whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": _static_backend},
}

# A development machine writes e-mails to readable files.
EMAIL_CONFIG: dict[str, Any] = env.email_url("EMAIL_URL", default="consolemail://")
if _local_folder and not env.str("EMAIL_URL", default=""):
    # Not as a URL: one with a folder path in it would be read as relative to the working directory.
    EMAIL_CONFIG = {
        "EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
        "EMAIL_FILE_PATH": str(_local_folder / "mail"),
    }
vars().update(EMAIL_CONFIG)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL: str = env.str("MAIL_FROM", default="kingsync <kingsync@localhost>")
# Where servers send bounces that come later: the sender of the envelope (Return-Path). Empty: the address of MAIL_FROM.
MAIL_BOUNCES_TO: str = env.str("MAIL_BOUNCES_TO", default="")
if parseaddr(MAIL_BOUNCES_TO)[1] != MAIL_BOUNCES_TO:
    raise ImproperlyConfigured("MAIL_BOUNCES_TO must be one address, without a name.")
# Whom a tenant asks about its licence: an address, a telephone number, or both.
OPERATOR_CONTACT: str = env.str("OPERATOR_CONTACT", default=parseaddr(DEFAULT_FROM_EMAIL)[1])
# The base URL of the pages, for links in e-mails.
_usual_site = "http://127.0.0.1:8000" if IS_DEVELOPMENT else f"https://{(ALLOWED_HOSTS or ['localhost'])[0]}"
SITE_URL: str = env.str("SITE_URL", default=_usual_site).rstrip("/")

SESSION_ENGINE = "kingsync.accounts.session_store"
# A session ends this long after the last request of its user, and in any case this long after the login.
SESSION_IDLE_HOURS: int = _positive("SESSION_IDLE_HOURS", 12)
SESSION_DAYS: int = _positive("SESSION_DAYS", 14)
OPERATOR_SESSION_HOURS: int = _positive("OPERATOR_SESSION_HOURS", 24)
# An operator's account opens every company.
OPERATORS_NEED_SECOND_STEP: bool = env.bool("OPERATORS_NEED_SECOND_STEP", default=not IS_DEVELOPMENT)
SESSION_COOKIE_AGE = SESSION_DAYS * 24 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = not IS_DEVELOPMENT
CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True  # scripts take the token from the form
if not IS_DEVELOPMENT:
    # Browsers accept these names from this very host over https only.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    LANGUAGE_COOKIE_NAME = "__Host-language"
# Not in a cookie: they may name people and work orders.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SECURE_SSL_REDIRECT = not IS_DEVELOPMENT
SECURE_HSTS_SECONDS = 0 if IS_DEVELOPMENT else 31_536_000
# The operator's choices, since they bind other names of the domain too.
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env.bool("HSTS_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD: bool = env.bool("HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^health$", r"^metrics$"]  # asked from inside, without the proxy
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SAMESITE = "Lax"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "frame-ancestors": ["'none'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
    },
}

# --- Celery -------------------------------------------------------------------------------------------------------
# The message only says "look at run N": the database is the truth, so a lost or duplicated message costs a minute,
# never an order. Hence early acknowledgement and no results.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_EXPIRES = None
CELERY_TASK_DEFAULT_QUEUE = "exports"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# No message leaves the broker before a worker has a place for it: in a worker's memory what a person waits for would
# stand behind all that came before.
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# For Celery's own tools (`celery events`, flower): what each task does, as messages of the broker.
TASK_EVENTS: bool = env.bool("TASK_EVENTS", default=False)
CELERY_WORKER_SEND_TASK_EVENTS = CELERY_TASK_SEND_SENT_EVENT = TASK_EVENTS
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For ever, every half a minute at most: Celery's own limit would end the workers of a broker that is away for long.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
CELERY_BEAT_SCHEDULER = "kingsync.clock:LockedScheduler"
# slice < soft limit < hard limit < visibility time-out: see docs/decisions/0003-celery.md
RUN_SLICE_SECONDS = 30
CELERY_TASK_SOFT_TIME_LIMIT = 900
CELERY_TASK_TIME_LIMIT = 930
# The database sessions that all threads of a worker have together: a run has none while it waits for another system.
RUN_SESSIONS = 12
# A worker renews its lease by itself; one that no longer does is replaced: docs/decisions/0024-frozen-workers.md
RUN_LEASE_SECONDS = 60
BROKER_VISIBILITY_SECONDS = 3600
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": BROKER_VISIBILITY_SECONDS,
    "socket_keepalive": True,
    "health_check_interval": 30,
}
# A sender of messages (a page, for example) gives up within two seconds: the run waits in the database, not the user.
BROKER_PUBLISH_OPTIONS = {
    "socket_connect_timeout": 1.5,
    "socket_timeout": 1.5,
    "connect_retries_timeout": 1,
    "max_retries": 1,
    "interval_start": 0,
}

# --- Watching: docs/watch.md --------------------------------------------------------------------------------------
# Lines for people, or one JSON object each.
LOG_FORMAT: str = env.str("LOG_FORMAT", default="text")
if LOG_FORMAT not in ("text", "json"):
    raise ImproperlyConfigured("LOG_FORMAT must be text or json.")
# Who may read /metrics: anyone who sends this token, or calls directly from one of these networks. Neither: nobody.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
METRICS_NETWORKS: list[IPv4Network | IPv6Network] = _networks("METRICS_NETWORKS")
if METRICS_TOKEN and (_problem := key_strength.problem_of(METRICS_TOKEN)):
    raise ImproperlyConfigured(f"METRICS_TOKEN {_problem}.")
# A series for each company; thousands of companies make thousands of them.
METRICS_COMPANIES: bool = env.bool("METRICS_COMPANIES", default=False)
# The address of an OpenTelemetry collector (OTLP over HTTP); without it nothing is traced.
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "kingsync.log_lines.LineFormatter",
            "as_json": LOG_FORMAT == "json",
        }
    },
    "handlers": {"console": {"class": "kingsync.log_lines.Console", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"urllib3": {"level": "WARNING"}},
}

SENTRY_DSN: str = env.str("SENTRY_DSN", default="")
if SENTRY_DSN:
    from kingsync import error_tracking

    error_tracking.start(SENTRY_DSN)
