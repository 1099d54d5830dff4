"""All settings. Everything comes from the environment (see .env.example) with harmless defaults."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONCE, NONE, SELF

from finops_site import env

BASE_DIR = Path(__file__).resolve().parent.parent
env.reader.read_env(str(BASE_DIR / ".env")) if (BASE_DIR / ".env").exists() else None

DATA_DIR = env.folder("DATA_DIR", BASE_DIR / "var")
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.secret_key(DATA_DIR)
ALLOWED_HOSTS = env.names("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.names("CSRF_TRUSTED_ORIGINS", "")
BEHIND_HTTPS = env.flag("BEHIND_HTTPS", default=False)

INSTALLED_APPS = [
    "finops_site.apps.FinopsSiteConfig",
    "finops_site.apps.FinopsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "django.forms",  # its widget templates, which TemplatesSetting looks for
    "allauth",
    "allauth.account",
    "django_celery_beat",
    "django_filters",
    "django_htmx",
    "django_tables2",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "rest_framework",
    "simple_history",
    "costs.apps.CostsConfig",
    "tagging.apps.TaggingConfig",
    "budgets.apps.BudgetsConfig",
    "ri.apps.RiConfig",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "finops_site.api_errors.ApiErrorMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "simple_history.middleware.HistoryRequestMiddleware",
    "tagging.middleware.AccessMiddleware",
]

ROOT_URLCONF = "finops_site.urls"
WSGI_APPLICATION = "finops_site.wsgi.application"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "tagging.context_processors.access",
            ],
        },
    }
]

# --- database -----------------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.reader.db_url_config(env.text("DATABASE_URL", f"sqlite:///{DATA_DIR / 'finops.sqlite3'}"))
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Writers queue instead of failing: WAL, one writer at a time from the first statement, wait for it.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 30,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-64000;",
    }
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.whole_number("DATABASE_CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- intake -------------------------------------------------------------------------------------

CHARGE_STORE = env.text("CHARGE_STORE", str(DATA_DIR / "charges"))
# Replaced versions of a month whose charges are kept: so many of each bill, and those of so many days.
CHARGE_RETENTION_VERSIONS = env.count("CHARGE_RETENTION_VERSIONS", 0)
CHARGE_RETENTION_DAYS = env.count("CHARGE_RETENTION_DAYS", 0)
UPLOAD_DIR = env.folder("UPLOAD_DIR", DATA_DIR / "uploads")
IMPORT_TEMP_DIR = env.folder("IMPORT_TEMP_DIR", DATA_DIR / "tmp")
IMPORT_MEMORY_LIMIT_MB = env.whole_number("IMPORT_MEMORY_LIMIT_MB", 1000)
IMPORT_THREADS = env.whole_number("IMPORT_THREADS", 2)
IMPORT_HEARTBEAT_SECONDS = env.whole_number("IMPORT_HEARTBEAT_SECONDS", 10)
IMPORT_STALE_SECONDS = env.whole_number("IMPORT_STALE_SECONDS", 120)
# How long an import waits after each fault that may pass (database gone, disk full); then it is given up.
IMPORT_RETRY_SECONDS = env.whole_numbers("IMPORT_RETRY_SECONDS", "15,60,300,900,3600")
UPLOAD_LIMIT_MB = env.whole_number("UPLOAD_LIMIT_MB", 10_240)
# Of large files that come in piece by piece: what one user may have under way, and how long nothing may come.
UPLOAD_QUOTA_MB = env.whole_number("UPLOAD_QUOTA_MB", 20_480)
UPLOAD_KEEP_HOURS = env.whole_number("UPLOAD_KEEP_HOURS", 24)
DELIVERY_LIMIT_MB = env.whole_number("DELIVERY_LIMIT_MB", 51_200)
# Folders of this machine that sources made on a page may read.
SOURCE_FOLDERS = env.names("SOURCE_FOLDERS", str(DATA_DIR / "bills"))
# For stores that speak S3. boto3's own names work too, and credentials are its business.
S3_ENDPOINT_URL = env.text("S3_ENDPOINT_URL", env.text("AWS_ENDPOINT_URL_S3", env.text("AWS_ENDPOINT_URL", "")))
UNPACKED_LIMIT_MB = env.whole_number("UNPACKED_LIMIT_MB", 102_400)
UNPACKED_RATIO_LIMIT = env.whole_number("UNPACKED_RATIO_LIMIT", 200)
TRACKED_TAG_VALUES_LIMIT = env.whole_number("TRACKED_TAG_VALUES_LIMIT", 2_000)
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
FILE_UPLOAD_TEMP_DIR = None

# --- commitments (percentages are read as ratios) ------------------------------------------------

RI_MIN_UPTIME = env.share("RI_MIN_UPTIME", "80")
RI_COVERAGE_TARGET = env.share("RI_COVERAGE_TARGET", "70")
RI_UTILIZATION_TARGET = env.share("RI_UTILIZATION_TARGET", "95")
RI_MAX_PAYBACK_MONTHS = env.count("RI_MAX_PAYBACK_MONTHS", 18)  # 0: no limit
RI_UPTIME_RUNNING = env.share("RI_UPTIME_RUNNING", "95")
RI_UPTIME_BUSY = env.share("RI_UPTIME_BUSY", "98")  # running, with its CPU above RI_BUSY_CPU
RI_BUSY_CPU = env.share("RI_BUSY_CPU", "60")
RI_UPTIME_STOPPED = env.share("RI_UPTIME_STOPPED", "45")
RI_UPTIME_TERMINATED = env.share("RI_UPTIME_TERMINATED", "10")
RI_MIN_SNAPSHOTS = env.whole_number("RI_MIN_SNAPSHOTS", 14)  # days of inventories from which uptime is measured
RI_LOOKBACK_DAYS = env.whole_number("RI_LOOKBACK_DAYS", 30)
RI_MIN_USAGE_DAYS = env.whole_number("RI_MIN_USAGE_DAYS", 7)
RI_CONFIDENT_DAYS = env.whole_number("RI_CONFIDENT_DAYS", 30)
RI_CONFIDENT_FALL = env.share("RI_CONFIDENT_FALL", "20")
RI_FALLS = env.shares("RI_FALLS", "10,20,30")
RI_RATE_TOLERANCE = env.share("RI_RATE_TOLERANCE", "5")
RI_PRICE_FILE_MB = env.whole_number("RI_PRICE_FILE_MB", 20)
RI_EXPIRY_DAYS = env.whole_number("RI_EXPIRY_DAYS", 90)
# Families whose reservations cover one size only.
RI_SIZE_BOUND_FAMILIES = env.names(
    "RI_SIZE_BOUND_FAMILIES", "g4ad,g4dn,g5,g5g,g6,g6e,g6f,gr6,gr6f,hpc7a,p5,inf1,inf2,u7i-6tb,u7i-8tb"
)

# --- targets (RI_COVERAGE_TARGET and RI_UTILIZATION_TARGET stand above) --------------------------

COMPLIANCE_TARGET = env.share("COMPLIANCE_TARGET", "95")
VARIANCE_TARGET = env.share("VARIANCE_TARGET", "5")
ACTIVE_BUDGETS_TARGET = env.whole_number("ACTIVE_BUDGETS_TARGET", 5)

# --- findings (percentages are read as ratios) ---------------------------------------------------

FINDINGS_IDLE_CPU = env.share("FINDINGS_IDLE_CPU", "5")  # an instance at or below it is idle
FINDINGS_IDLE_DAYS = env.whole_number("FINDINGS_IDLE_DAYS", 14)  # days of inventories its load is averaged over
FINDINGS_MIN_SAVING = env.count("FINDINGS_MIN_SAVING", 1)  # a month, in the currency of the bill
FINDINGS_MIN_DAYS = env.whole_number("FINDINGS_MIN_DAYS", 3)  # fewer days of a month say nothing of it yet
FINDINGS_RATE_TOLERANCE = env.share("FINDINGS_RATE_TOLERANCE", "25")
FINDINGS_SELDOM_READ = env.share("FINDINGS_SELDOM_READ", "5")  # reading costs at most this share of the storage
# class>cheaper class:saving
FINDINGS_VOLUME_SAVINGS = env.moves("FINDINGS_VOLUME_SAVINGS", "gp2>gp3:20")
FINDINGS_BUCKET_SAVINGS = env.moves("FINDINGS_BUCKET_SAVINGS", "STANDARD>STANDARD_IA:45")  # where seldom read

TEAM_NOTES = env.flag("TEAM_NOTES", default=True)  # a note about their tags to every team's people on Mondays
TAG_SUGGESTION_PRECISION = env.share("TAG_SUGGESTION_PRECISION", "95")  # suggestions right less often are not shown
PDF_FONTS = env.text("PDF_FONTS", "")  # a folder with more fonts for PDF statements, beside those of the system
TAG_FIX_DAYS = env.whole_number("TAG_FIX_DAYS", 14)  # a fix told to a team and open for so long is told to its leads

# --- queue --------------------------------------------------------------------------------------

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A killed worker's task comes back after this; tasks are safe to repeat.
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": env.whole_number("TASK_VISIBILITY_SECONDS", 3600)}
CELERY_TIMEZONE = "UTC"
CELERY_BEAT_SCHEDULER = "django_celery_beat.schedulers:DatabaseScheduler"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- cache: counts log-ins and requests ----------------------------------------------------------

# `manage.py serve` tells its programs where the embedded Redis is by REDIS_URL, too. Commands need none.
CACHES: dict[str, dict[str, Any]] = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
if env.text("REDIS_URL", ""):
    CACHES["default"] = {
        "BACKEND": "finops_site.cache.SharedCache",
        "LOCATION": REDIS_URL.replace("redis+socket://", "unix://", 1),  # Celery's word for a Unix socket
        "KEY_PREFIX": "finops",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }

# --- people -------------------------------------------------------------------------------------

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_ADAPTER = "tagging.adapters.ClosedSignupAdapter"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_PREVENT_ENUMERATION = True
# Wrong passwords: per address, and per address and name together (tagging.adapters), so that nobody can lock
# another's account from elsewhere. All others as django-allauth has them.
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/300s/key"}
# The one proxy whose X-Forwarded-Proto is trusted names the visitor's address as well; else it is the peer's.
TRUSTED_PROXIES = 1 if BEHIND_HTTPS else 0
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # nobody signs up here, so there is nothing to tell a stranger
SESSION_COOKIE_AGE = int(timedelta(days=14).total_seconds())
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = BEHIND_HTTPS
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_HTTPS else 0
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- mail ---------------------------------------------------------------------------------------

MAIL_IS_CONFIGURED = bool(env.text("EMAIL_URL", ""))
vars().update(env.reader.email_url_config(env.text("EMAIL_URL", "consolemail://")))
DEFAULT_FROM_EMAIL = env.text("MAIL_FROM", "finops@localhost")
EMAIL_TIMEOUT = env.whole_number("EMAIL_TIMEOUT_SECONDS", 20)
# Where links in mails lead; pages know their own address.
# Stands on statements; empty leaves it out.
COMPANY_NAME = env.text("COMPANY_NAME", "")
SITE_URL = env.text("SITE_URL", "http://localhost:8000").rstrip("/")

# --- pages --------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
STATIC_ROOT = env.folder("STATIC_ROOT", BASE_DIR / "staticfiles")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
DJANGO_TABLES2_TEMPLATE = "_table.html"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "object-src": [NONE],
        "base-uri": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    }
}

# --- API ----------------------------------------------------------------------------------------

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "tagging.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "finops_site.api_errors.handle",
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.UserRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"user": env.text("API_RATE", "600/min")},
    "COERCE_DECIMAL_TO_STRING": True,
    "NUM_PROXIES": TRUSTED_PROXIES,
}
REST_KNOX = {"TOKEN_TTL": timedelta(days=env.whole_number("API_TOKEN_DAYS", 90)), "AUTO_REFRESH": False}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "FinOps API",
    "VERSION": "1",
    "DESCRIPTION": "Costs, owners, statements and tag compliance. Money is exact text; every figure names its basis.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "finops_site.api_schema.describe_answers",
    ],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- logs ---------------------------------------------------------------------------------------

LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env.text("LOG_LEVEL", "INFO")},
}
