"""Settings, all from the environment; README.md lists the variables.

Nothing here has a default that would be wrong in production: without SECRET_KEY or DATABASE_URL the process ends with one
sentence, unless DEBUG is on.
"""

import os
import socket
from pathlib import Path

import dj_database_url
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent


def flag(name: str) -> bool:
    """Reads a variable that is on or off; anything else is an error rather than off."""
    value = os.environ.get(name, "").strip().lower()
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"", "0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; use true or false")


def words(name: str) -> list[str]:
    """Reads a list, separated by commas or spaces."""
    return os.environ.get(name, "").replace(",", " ").split()


DEBUG = flag("DEBUG")
# Set where a proxy in front ends TLS and says so in X-Forwarded-Proto. Off by default: a port-forward is plain HTTP,
# and a browser would never send secure cookies back over it.
BEHIND_TLS = flag("BEHIND_TLS")

SECRET_KEY = os.environ.get("SECRET_KEY", "")
if not SECRET_KEY:
    if not DEBUG:
        raise ImproperlyConfigured("SECRET_KEY is not set; any long random text will do, the same for all pods")
    SECRET_KEY = "only-for-development-never-in-a-cluster-0123456789"

ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", *words("ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [
    "http://localhost:8000",
    "http://127.0.0.1:8000",
    *words("CSRF_TRUSTED_ORIGINS"),
]

INSTALLED_APPS = [
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "notes",
]

MIDDLEWARE = [
    # First, because the kubelet asks with the pod's address as Host, which no ALLOWED_HOSTS can name in advance.
    "notes.middleware.ProbesMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "notes.middleware.ContentSecurityPolicyMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "notesapp.urls"
WSGI_APPLICATION = "notesapp.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "notes.running.context",
            ],
        },
    },
]

# There are no sessions: what happened to a note is said once, from a signed cookie.
MESSAGE_STORAGE = "django.contrib.messages.storage.cookie.CookieStorage"

DATABASE_URL = os.environ.get("DATABASE_URL", "")
if not DATABASE_URL:
    if not DEBUG:
        raise ImproperlyConfigured(
            "DATABASE_URL is not set; postgres://USER:PASSWORD@HOST:5432/NAME for a server, "
            "or sqlite:////path/to/notes.sqlite3 for one process"
        )
    DATABASE_URL = f"sqlite:///{BASE_DIR / 'notes.sqlite3'}"

DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=60, conn_health_checks=True)}
_OPTIONS = DATABASES["default"].setdefault("OPTIONS", {})
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Readers go on while one writes, and a second writer waits instead of failing half-way through its transaction.
    _OPTIONS.setdefault("transaction_mode", "IMMEDIATE")
    _OPTIONS.setdefault("init_command", "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;")
else:
    # A readiness probe waits two seconds; a database that does not answer must be said within them.
    _OPTIONS.setdefault("connect_timeout", 2)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage",
    },
}

SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "notes.views.csrf_failure"
if BEHIND_TLS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True  # the cookie of messages takes its flags from these two
    CSRF_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True

# What the footer, /version and the logs call this process.
POD_NAME = os.environ.get("POD_NAME") or socket.gethostname()
COMMIT = os.environ.get("NOTES_COMMIT") or "unknown"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(levelname)s %(name)s: %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "INFO"},
    "loggers": {"django.request": {"level": "ERROR"}},
}
