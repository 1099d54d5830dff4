"""Settings of the test suite: the real ones, on throw-away folders, with what only costs time switched off.

`tests/plugin.py` sets DATA_DIR, DATABASE_URL and REDIS_URL before this is read.
"""

from finops_site.settings import *  # noqa: F403
from finops_site.settings import DATA_DIR, DATABASES, REST_FRAMEWORK, STORAGES

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file: a worker is another process and cannot see a database in this one's memory.
    DATABASES["default"]["TEST"] = {"NAME": str(DATA_DIR / "test.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 0

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
REST_FRAMEWORK = {**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": {"user": "100000/min"}}
WHITENOISE_AUTOREFRESH = True
