"""All settings of FoodFleet, read from the environment in one place and validated.

docs/configuration.md describes each variable. An invalid value ends the process with an error of one line.
"""

import os
import re
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.utils.translation import gettext_lazy as _

from foodfleet import connections, local_files, schedule
from foodfleet.connections import Timeouts
from foodfleet.core.logging import logging_config
from foodfleet.environment import SHORTEST_KEY, ConfigurationError, Environment, default_sender
from foodfleet.modules import discovery
from foodfleet.openapi import document
from foodfleet.service_urls import BROKER_FORMS, EMAIL_FORMS, REDIS_FORMS, SMS_FORMS, WEB_FORMS, Form

BASE_DIR = local_files.INSTALLATION
VAR_DIR = BASE_DIR / "var"
REGION = r"[a-z]{2,}(-[a-z]+)+-\d+", "an AWS region, such as eu-central-1"

env = Environment(os.environ)
try:
    # -- The process
    DEBUG = env.flag("DEBUG", default=False)
    PORT = env.integer("PORT", 8000, minimum=1, maximum=65535)
    INSTALLED_MODULES = env.modules("INSTALLED_MODULES", discovery.beside(BASE_DIR))
    WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", 2, minimum=1, maximum=256)
    WEB_THREADS = env.integer("WEB_THREADS", 4, minimum=1, maximum=64)
    LOG_LEVEL = env.choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), "INFO")
    LOG_FORMAT = env.choice("LOG_FORMAT", ("json", "console"), "console" if DEBUG else "json")
    OTEL_EXPORTER_OTLP_ENDPOINT = env.url("OTEL_EXPORTER_OTLP_ENDPOINT", WEB_FORMS)
    SENTRY_DSN = env.pattern(
        "SENTRY_DSN", r"https?://\w+@[\w.:-]+/(\w+/)*\d+", "a DSN such as https://key@sentry.example.com/1"
    )
    env.need_packages(OTEL_EXPORTER_OTLP_ENDPOINT="opentelemetry.sdk", SENTRY_DSN="sentry_sdk")

    # -- Public address
    PUBLIC_URL = env.web_address("PUBLIC_URL", f"http://localhost:{PORT}")  # a name: passkeys need one
    ALLOWED_HOSTS = env.patterns(
        "ALLOWED_HOSTS",
        r"\*|\.?[\w-]+(\.[\w-]+)*|\[[0-9A-Fa-f:.]+\]",
        "host names without scheme and port, with commas between, such as accounts.example.com,.example.org",
        ("localhost", "127.0.0.1", "[::1]", urlsplit(PUBLIC_URL).hostname or "localhost"),
    )
    TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
    METRICS_ALLOWED_NETS = env.networks("METRICS_ALLOWED_NETS", ("127.0.0.0/8", "::1"))
    CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS")
    FRONTEND_URLS = env.frontends("FRONTEND_URLS")

    # -- Secrets
    SECRET_KEY = env.text("SECRET_KEY")
    if not SECRET_KEY and DEBUG:
        SECRET_KEY = local_files.local_secret(VAR_DIR / "secret_key")
    if len(SECRET_KEY) < SHORTEST_KEY:
        raise env.error("SECRET_KEY", "at least 32 random characters (DEBUG=true makes one by itself)")
    SECRET_KEY_FALLBACKS = env.keys("SECRET_KEY_FALLBACKS")
    ENCRYPTION_KEYS = env.keys("ENCRYPTION_KEYS", [SECRET_KEY, *SECRET_KEY_FALLBACKS])
    JWT_SIGNING_ALGORITHM = env.choice("JWT_SIGNING_ALGORITHM", ("HS256", "EdDSA", "ES256", "RS256"), "HS256")
    JWT_PRIVATE_KEY_FILES = env.files("JWT_PRIVATE_KEY_FILES")

    # -- Services
    database = env.database("DATABASE_URL", f"sqlite:///{VAR_DIR / 'foodfleet.sqlite3'}")
    REDIS_URL = env.url("REDIS_URL", REDIS_FORMS)
    CELERY_BROKER_URL = env.url("CELERY_BROKER_URL", BROKER_FORMS)

    # -- Messages
    EMAIL_URL = env.url("EMAIL_URL", EMAIL_FORMS, "consolemail://")
    has_mail_server = EMAIL_FORMS[EMAIL_URL.split("://")[0].lower()] != Form.BARE
    mail_server = env.mail_server(EMAIL_URL) if has_mail_server else {}
    SMS_URL = env.url("SMS_URL", SMS_FORMS, "console://")
    AWS_REGION = env.pattern("AWS_REGION", *REGION) or env.pattern("AWS_DEFAULT_REGION", *REGION) or "us-east-1"
    AWS_ENDPOINT_URL = env.url("AWS_ENDPOINT_URL", WEB_FORMS)
    EMAIL_MAX_PER_SECOND = env.number("EMAIL_MAX_PER_SECOND")
    SMS_MAX_PER_SECOND = env.number("SMS_MAX_PER_SECOND")
    SES_TOPIC_ARNS = env.patterns(
        "SES_TOPIC_ARNS",
        r"arn:aws[\w-]*:sns:[\w-]+:\d{12}:[\w-]+",
        "ARNs of SNS topics with commas between, such as arn:aws:sns:us-east-1:123456789012:reports",
    )
    SNS_DELIVERY_LOG_GROUPS = env.patterns(
        "SNS_DELIVERY_LOG_GROUPS", r"[\w./#-]{1,512}", "names of CloudWatch log groups with commas between"
    )
    MESSAGES_REDUCED_AFTER_DAYS = env.integer("MESSAGES_REDUCED_AFTER_DAYS", 30, minimum=1, maximum=3650)
    MESSAGES_REMOVED_AFTER_DAYS = env.integer("MESSAGES_REMOVED_AFTER_DAYS", 365, minimum=1, maximum=3650)
    SITE_NAME = env.site_name("SITE_NAME", "FoodFleet")
    SITE_LOGO = env.logo("SITE_LOGO")
    SITE_COLOR = env.pattern("SITE_COLOR", r"#[0-9A-Fa-f]{6}", "a colour such as #1e5c43").lower()
    SUPPORT_EMAIL = env.address("SUPPORT_EMAIL")
    DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default_sender(SITE_NAME, env.text("PUBLIC_URL")))
    DELIVERY_SENDERS = env.integer("DELIVERY_SENDERS", 5, minimum=1, maximum=50)
    DELIVERY_LEASE_SECONDS = env.integer("DELIVERY_LEASE_SECONDS", 60, minimum=2, maximum=3600)
    DELIVERY_DEAD_AFTER = env.integer("DELIVERY_DEAD_AFTER_SECONDS", 120, minimum=30, maximum=86400)
    ATTACHMENTS = env.attachments("ATTACHMENTS_URL", region=AWS_REGION, endpoint=AWS_ENDPOINT_URL)
    EMAIL_MAX_MEGABYTES = env.integer("EMAIL_MAX_MEGABYTES", 10, minimum=1, maximum=40)
    SES_API = env.choice("SES_API", ("v1", "v2"), "v1")
    SES_CONFIGURATION_SET = env.pattern(
        "SES_CONFIGURATION_SET", r"[\w-]{1,64}", "a name of at most 64 letters, digits, - and _"
    )
    SMS_SENDER_ID = env.pattern(
        "SMS_SENDER_ID", r"(?=.*[A-Za-z])[A-Za-z0-9]{1,11}", "at most 11 letters and digits, with a letter"
    )
    SMS_MAX_PRICE = env.number("SMS_MAX_PRICE")
    SMS_LIMITS = {
        "number": env.rate("SMS_LIMIT_NUMBER", "10/hour"),
        "country": env.rate("SMS_LIMIT_COUNTRY", "1000/hour"),
        "all": env.rate("SMS_LIMIT_ALL", "5000/hour"),
    }
    EMAIL_LIMIT_ADDRESS = env.rate("EMAIL_LIMIT_ADDRESS", "10/hour")
    WEBHOOK_ALLOWED_NETS = env.networks("WEBHOOK_ALLOWED_NETS")

    # -- Accounts
    ACCOUNTS_PREVENT_ENUMERATION = env.flag("ACCOUNTS_PREVENT_ENUMERATION", default=True)
    ACCOUNTS_EMAIL_VERIFICATION = env.choice("ACCOUNTS_EMAIL_VERIFICATION", ("mandatory", "optional"), "mandatory")
    REGISTRATION = env.choice("REGISTRATION", ("open", "invite", "closed"), "open")
    REGISTRATION_ALLOWED_DOMAINS = env.domains("REGISTRATION_ALLOWED_DOMAINS")
    REGISTRATION_BLOCKED_DOMAINS = env.domains("REGISTRATION_BLOCKED_DOMAINS")
    PERSONAL_API_KEYS = env.flag("PERSONAL_API_KEYS", default=False)
    PASSWORD_POLICY = env.choice("PASSWORD_POLICY", ("classic", "nist"), "classic")
    PWNED_PASSWORDS_URL = env.url("PWNED_PASSWORDS_URL", WEB_FORMS)
    BCRYPT_ROUNDS = env.integer("BCRYPT_ROUNDS", 12, minimum=4, maximum=18)
    USER_ATTRIBUTES = env.json_file("USER_ATTRIBUTES")
    TOKEN_CLAIMS = env.json_object("TOKEN_CLAIMS", 'a JSON object of claims, such as {"shift": "attributes.shift"}')
    TOTP_DRIFT_STEPS = env.integer("TOTP_DRIFT_STEPS", 1, minimum=0, maximum=10)
    SECOND_FACTOR_SMS = env.flag("SECOND_FACTOR_SMS", default=True)
    ADMIN_REQUIRE_2FA = env.flag("ADMIN_REQUIRE_2FA", default=True)
    REFRESH_GRACE_SECONDS = env.integer("REFRESH_GRACE_SECONDS", 0, minimum=0, maximum=300)
    SECURITY_EVENTS_REMOVED_AFTER_DAYS = env.integer("SECURITY_EVENTS_REMOVED_AFTER_DAYS", 0, minimum=0, maximum=36500)
    SESSION_MAX_DAYS = env.integer("SESSION_MAX_DAYS", 30, minimum=1, maximum=3650)
    THROTTLE_RATES = {
        "login": env.rate("THROTTLE_LOGIN", "20/min"),
        "register": env.rate("THROTTLE_REGISTER", "20/min"),
        "forgot": env.rate("THROTTLE_FORGOT", "20/min"),
        "2fa": env.rate("THROTTLE_2FA", "20/min"),
        "api_key": env.rate("THROTTLE_API_KEY", "20/min"),
        "user": env.rate("THROTTLE_USER", "1200/min"),
    }
    BODY_TIMEOUT_SECONDS = env.integer("BODY_TIMEOUT_SECONDS", 10, minimum=1, maximum=300)
    CONNECT_TIMEOUT = env.integer("CONNECT_TIMEOUT_SECONDS", 2, minimum=1, maximum=60)
    TIMEOUTS = Timeouts(
        connect=CONNECT_TIMEOUT,
        redis=env.integer("REDIS_TIMEOUT_SECONDS", 1, minimum=1, maximum=60),
        statement=env.integer("DATABASE_STATEMENT_TIMEOUT_SECONDS", 30, minimum=1, maximum=3600),
        lock=env.integer("DATABASE_LOCK_TIMEOUT_SECONDS", 10, minimum=1, maximum=3600),
    )
except ConfigurationError as error:
    sys.exit(f"FoodFleet cannot start. {error}")

HTTPS = PUBLIC_URL.startswith("https://")

# ---------------------------------------------------------------- Django
ROOT_URLCONF = "foodfleet.urls"
WSGI_APPLICATION = "foodfleet.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("de", _("German")), ("es", _("Spanish")), ("fr", _("French")), ("ar", _("Arabic"))]
LOCALE_PATHS = [local_files.RESOURCES / "locale"]
FORMAT_MODULE_PATH = "foodfleet.formats"

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin whose templates it replaces
    "foodfleet.apps.GatedAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "foodfleet.demo",
    "foodfleet.modules",
    "foodfleet.core",  # before those whose `runserver` it extends
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.forms",  # the templates of widgets, for FORM_RENDERER
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_structlog",
    "django_otp",
    "rbac",
    "accounts",
    "notifications",
    *INSTALLED_MODULES,
]
MIDDLEWARE = [
    "foodfleet.core.http.middleware.RequestIdMiddleware",
    "corsheaders.middleware.CorsMiddleware",  # outermost: browser apps can read only responses with its headers
    "foodfleet.core.http.middleware.TrustedProxyMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "foodfleet.core.http.middleware.NoStoreMiddleware",
    "foodfleet.core.http.middleware.ApiEnvelopeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "foodfleet.core.http.api_calls.ApiCallMiddleware",
    "foodfleet.core.http.api_calls.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "foodfleet.core.http.api_calls.SessionMiddleware",
    "foodfleet.core.http.api_calls.LocaleMiddleware",
    "foodfleet.core.http.bodies.malformed_requests.MalformedRequestMiddleware",
    "foodfleet.core.http.middleware.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "foodfleet.core.http.api_calls.AuthenticationMiddleware",
    "foodfleet.core.http.api_calls.OTPMiddleware",
    "accounts.pages.middleware.BrowserSessionMiddleware",
    "foodfleet.core.http.api_calls.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "accounts.cookies.BrowserClientMiddleware",
]
if DEBUG and urlsplit(PUBLIC_URL).hostname == "localhost":
    MIDDLEWARE.insert(1, "foodfleet.core.http.middleware.LocalhostMiddleware")
if OTEL_EXPORTER_OTLP_ENDPOINT:
    MIDDLEWARE.insert(1, "foodfleet.core.telemetry.traces.TraceMiddleware")
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # with our templates of widgets
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [local_files.RESOURCES / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "foodfleet.core.branding.context",
            ]
        },
    }
]

# ---------------------------------------------------------------- Database
DATABASES = {"default": connections.database_settings(database, TIMEOUTS)}

# ---------------------------------------------------------------- Cache
if REDIS_URL:
    CACHES = {"default": connections.redis_cache(REDIS_URL, TIMEOUTS)}

# ---------------------------------------------------------------- Celery
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = CONNECT_TIMEOUT
CELERY_BROKER_TRANSPORT_OPTIONS = connections.broker_options(CELERY_BROKER_URL, TIMEOUTS, region=AWS_REGION)
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1, "interval_max": 0.5}
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_BEAT_SCHEDULE = schedule.BEAT
DJANGO_STRUCTLOG_CELERY_ENABLED = bool(CELERY_BROKER_URL)

# ---------------------------------------------------------------- Permissions
AUTHENTICATION_BACKENDS = ["rbac.services.backend.RoleBackend"]

# ---------------------------------------------------------------- Passwords
_HASHERS = (  # all but the first only verify imported hashes, which the next sign-in replaces
    "bcrypt_sha256.BCrypt", "imported.PBKDF2SHA256", "imported.PBKDF2SHA1", "imported.Argon2", "imported.Scrypt",
    "imported.PlainBCrypt", "imported.KeycloakSHA256", "imported.KeycloakSHA512", "imported.KeycloakSHA1",
    "firebase.FirebaseScrypt",
)  # fmt: skip
PASSWORD_HASHERS = [f"accounts.services.passwords.hashers.{name}Hasher" for name in _HASHERS]
_LENGTH = {"classic": 8, "nist": 15}[PASSWORD_POLICY]  # NIST SP 800-63B-4 3.1.1.2: 15 if it is the only factor
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.services.passwords.validators.LengthValidator", "OPTIONS": {"minimum": _LENGTH, "maximum": 128}},
    *(
        [{"NAME": "accounts.services.passwords.validators.CompositionValidator"}]
        if PASSWORD_POLICY == "classic"
        else []
    ),
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "first_name", "last_name", "phone")},
    },
]
LOGIN_URL = "login"
OTP_LOGIN_URL = "reauthenticate"  # the page on which a session passes MFA
LOGIN_REDIRECT_URL = "account"

# ---------------------------------------------------------------- Tokens
SIMPLE_JWT: dict[str, Any] = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=30),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
    "USER_ID_CLAIM": "sub",
    "TOKEN_TYPE_CLAIM": "type",
    "ISSUER": PUBLIC_URL,
    "AUDIENCE": "foodfleet",
    "LEEWAY": timedelta(seconds=10),  # clocks of several machines differ
}

# ---------------------------------------------------------------- API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerAuthentication",
        "accounts.api.authentication.PageSessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["foodfleet.core.http.permissions.AccessPermission"],
    "DEFAULT_PARSER_CLASSES": ["foodfleet.core.http.bodies.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "foodfleet.core.http.bodies.parsers.ContentNegotiation",
    "DEFAULT_THROTTLE_CLASSES": ["foodfleet.core.http.throttling.UserThrottle"],
    "DEFAULT_PAGINATION_CLASS": "foodfleet.core.http.lists.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["foodfleet.core.http.lists.filters.FilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "foodfleet.openapi.errors.AutoSchema",
    "EXCEPTION_HANDLER": "foodfleet.core.http.errors.api_exception_handler",
    "UNAUTHENTICATED_USER": "foodfleet.core.http.api_calls.Nobody",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {**document.SPECTACULAR_SETTINGS, "TITLE": SITE_NAME}
MAX_BODY_BYTES = 2 * 1024 * 1024  # of a request to the API; a view may allow more by `max_body_bytes`
MOST_BODY_BYTES = 42 * 1024 * 1024  # allowed by any view: JSON with the largest e-mail of Amazon SES v2 and a margin
DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES

# ---------------------------------------------------------------- Mail
EMAIL_BACKEND = {
    "consolemail": "notifications.gateways.console.ReadableEmailBackend",
    "amazonses": "notifications.gateways.ses.SESBackend",
    "filemail": "django.core.mail.backends.filebased.EmailBackend",
    "memorymail": "django.core.mail.backends.locmem.EmailBackend",
}.get(EMAIL_URL.split("://")[0].lower(), "django.core.mail.backends.smtp.EmailBackend")
EMAIL_TIMEOUT = 10
EMAIL_HOST = mail_server.get("EMAIL_HOST", "localhost")
EMAIL_PORT = mail_server.get("EMAIL_PORT", 25)
EMAIL_HOST_USER = mail_server.get("EMAIL_HOST_USER", "")
EMAIL_HOST_PASSWORD = mail_server.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS = mail_server.get("EMAIL_USE_TLS", False)
EMAIL_USE_SSL = mail_server.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = mail_server.get("EMAIL_FILE_PATH")
AWS_SES_REGION_NAME = AWS_REGION
AWS_SES_REGION_ENDPOINT_URL = AWS_ENDPOINT_URL or f"https://email.{AWS_REGION}.amazonaws.com"
AWS_SES_AUTO_THROTTLE = None  # django-ses would throttle each process separately, and sleep

# ---------------------------------------------------------------- Static files
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [local_files.PACKAGE / "static"]
STORAGES: dict[str, Any] = {
    "attachments": ATTACHMENTS,
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}
MEDIA_ROOT = VAR_DIR / "media"

# ---------------------------------------------------------------- Browser security
SECURE_SSL_REDIRECT = HTTPS
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # only from TRUSTED_PROXIES: the middleware drops others
SECURE_HSTS_SECONDS = 31536000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
DEVICE_COOKIE_NAME = "foodfleet_device"  # identifies a browser that signed in before
DEVICE_COOKIE_AGE = 365 * 24 * 3600
TRUSTED_BROWSER_COOKIE_NAME = "foodfleet_browser"  # skips MFA
TRUSTED_BROWSER_COOKIE_AGE = 30 * 24 * 3600
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
LANGUAGE_COOKIE_SECURE, LANGUAGE_COOKIE_HTTPONLY = HTTPS, True
LANGUAGE_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "foodfleet.core.http.errors.csrf_failure"
CORS_URLS_REGEX = r"^/(api/|\.well-known/jwks\.json$)"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "idempotency-key", "x-request-id")
CORS_EXPOSE_HEADERS = ("Content-Disposition", "Retry-After", "WWW-Authenticate", "X-Request-ID")
CORS_PREFLIGHT_MAX_AGE = 2 * 3600  # seconds; the maximum of Chromium
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", *re.findall(r"^https://[^/]+", SITE_LOGO)],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# ---------------------------------------------------------------- Logs
DJANGO_STRUCTLOG_TRUST_UPSTREAM_REQUEST_ID = True  # RequestIdMiddleware has checked or replaced it before
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # DEBUG: so that a request logs one line, at its end
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # ClientMiddleware logs the address, which respects TRUSTED_PROXIES

LOGGING = logging_config(level=LOG_LEVEL, output_format=LOG_FORMAT)
