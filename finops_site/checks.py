"""What a start-up should warn about. `manage.py check` shows it; notes come with `check --deploy`."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Tags, Warning, register

from costs.charge_store import StoreError, is_remote, open_store

FONT_ENDINGS = (".ttf", ".otf", ".ttc", ".otc")  # what typst reads
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
    address = str(settings.CHARGE_STORE)
    try:
        store = open_store(address)
    except StoreError as error:
        return [Error(str(error), id="finops_site.E002")]
    found = [] if store.is_remote else _check_folder(Path(store.root))
    if queue_is_shared() and not store.is_remote:
        hint = (
            "Set CHARGE_STORE to an object store or a mounted folder, UPLOAD_DIR to a folder mounted on every machine."
        )
        told = f"REDIS_URL points to another machine; its workers must see the charge store {address} too."
        found.append(Warning(told, hint=hint, id="finops_site.W002"))
    if queue_is_shared() and store.is_remote:
        hint = "Set UPLOAD_DIR to a folder that is mounted on every machine."
        told = f"REDIS_URL points to another machine; its workers must see the uploads in {settings.UPLOAD_DIR} too."
        found.append(Warning(told, hint=hint, id="finops_site.W003"))
    return found


@register(deploy=True)
def check_object_store(**_: Any) -> Sequence[CheckMessage]:
    """An object store of charges answers. Asked only with --deploy, since it needs the network."""
    if not is_remote(str(settings.CHARGE_STORE)):
        return []
    try:
        open_store(str(settings.CHARGE_STORE)).check()
    except StoreError as error:
        return [Error(str(error), id="finops_site.E003")]
    return []


def _check_folder(store: Path) -> list[CheckMessage]:
    existing = next((path for path in (store, *store.parents) if path.exists()), Path("/"))
    if existing.is_dir() and os.access(existing, os.W_OK):
        return []
    hint = f"Give this user the right to write to {existing}, or set CHARGE_STORE elsewhere."
    return [Error(f"The charge store {store} cannot be written.", hint=hint, id="finops_site.E001")]


@register(Tags.files)
def check_pdf_fonts(**_: Any) -> Sequence[CheckMessage]:
    """The folder of more fonts is there and holds some: else statements are made without them, in silence."""
    if not settings.PDF_FONTS:
        return []
    folder = Path(settings.PDF_FONTS)
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.X_OK):
        told = f"PDF_FONTS={folder} is no folder that this user can read: PDF statements are made without its fonts."
    elif not any(path.suffix.lower() in FONT_ENDINGS for path in folder.rglob("*")):
        endings = ", ".join(FONT_ENDINGS)
        told = f"PDF_FONTS={folder} holds no font ({endings}): PDF statements are made without more fonts."
    else:
        return []
    hint = "Name a folder with font files, on every machine that serves pages, or leave PDF_FONTS out."
    return [Warning(told, hint=hint, id="finops_site.W004")]


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
