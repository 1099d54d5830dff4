"""What a start-up should warn about. `manage.py check` shows it; notes come with `check --deploy`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register

LOCAL_HOSTS = {None, "", "localhost", "127.0.0.1", "::1"}


@register(Tags.database)
def check_database_is_shared(**_: Any) -> Sequence[CheckMessage]:
    """Several machines on one queue need one database."""
    on_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if not (on_sqlite and queue_is_shared()):
        return []
    return [
        Warning(
            "REDIS_URL points to another machine, but the database is a SQLite file that only this machine sees.",
            hint="Set DATABASE_URL to a PostgreSQL that all web and worker machines reach.",
            id="finops_site.W001",
        )
    ]


@register(Tags.files)
def check_charge_store(**_: Any) -> Sequence[CheckMessage]:
    """A store on this machine can be written, and is not hidden from other machines' workers."""
    store = settings.CHARGE_STORE
    if "://" in store:
        hint = "Set it to a folder; an object store can be mounted as one."
        return [Error(f"CHARGE_STORE={store} is a URL.", hint=hint, id="finops_site.E002")]
    found: list[CheckMessage] = []
    existing = next((path for path in (Path(store), *Path(store).parents) if path.exists()), Path("/"))
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        hint = f"Give this user the right to write to {existing}, or set CHARGE_STORE elsewhere."
        found.append(Error(f"The charge store {store} cannot be written.", hint=hint, id="finops_site.E001"))
    if queue_is_shared():
        found.append(
            Warning(
                f"REDIS_URL points to another machine; its workers must see the charge store {store} too.",
                hint="Set CHARGE_STORE and UPLOAD_DIR to folders that are mounted on every machine.",
                id="finops_site.W002",
            )
        )
    return found


@register(deploy=True)
def check_mail(**_: Any) -> Sequence[CheckMessage]:
    """Without mail, password resets are only printed in the log."""
    if settings.MAIL_IS_CONFIGURED:
        return []
    hint = "Set EMAIL_URL, for example smtp://user:password@mail.example.com:587/?tls=True, and MAIL_FROM."
    return [Info("Mail is not configured: password resets go to the log.", hint=hint, id="finops_site.I001")]


def queue_is_shared() -> bool:
    """Whether the broker is on another machine, so that workers may be too."""
    return urlsplit(settings.REDIS_URL).hostname not in LOCAL_HOSTS
