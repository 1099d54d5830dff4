"""Typed readers of environment variables. A value that cannot be used stops start-up in one line."""

import os
import secrets
from decimal import Decimal, InvalidOperation
from pathlib import Path

import environ
from django.core.exceptions import ImproperlyConfigured

reader = environ.Env()
_WHOLE = Decimal(100)


def text(name: str, default: str) -> str:
    """The variable, or the default where it is unset or empty."""
    return os.environ.get(name, "").strip() or default


def flag(name: str, *, default: bool) -> bool:
    """`true/false`, `1/0`, `yes/no`, `on/off`; anything else is an error."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in {"1", "true", "yes", "on"}:
        return True
    if value in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is not a yes or no. Use true or false.")


def whole_number(name: str, default: int) -> int:
    """A whole number of at least 1."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdigit() or int(value) < 1:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number of at least 1.")
    return int(value)


def whole_numbers(name: str, default: str) -> tuple[int, ...]:
    """A comma-separated list of whole numbers of at least 1."""
    found = names(name, default)
    if not all(part.isdigit() and int(part) for part in found):
        raise ImproperlyConfigured(f"{name}: '{text(name, default)}' is not a list like 15,60,300.")
    return tuple(int(part) for part in found)


def names(name: str, default: str) -> list[str]:
    """A comma-separated list; blanks fall away."""
    return [part.strip() for part in text(name, default).split(",") if part.strip()]


def folder(name: str, default: Path) -> Path:
    """A folder, made absolute; it is created when first written to."""
    return Path(text(name, str(default))).expanduser().resolve()


def secret_key(data_dir: Path) -> str:
    """SECRET_KEY, or one generated on first start and kept beside the data (readable by the owner only)."""
    given = os.environ.get("SECRET_KEY", "").strip()
    if given:
        return given
    path = data_dir / "secret_key"
    try:
        if path.exists():
            return path.read_text().strip()
        data_dir.mkdir(parents=True, exist_ok=True)
        fresh = secrets.token_urlsafe(50)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as out:
            out.write(fresh)
    except FileExistsError:
        return path.read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"Cannot keep a secret key in {data_dir} ({error.strerror}). Set DATA_DIR to a folder that can be "
            "written, or set SECRET_KEY."
        ) from error
    return fresh


def count(name: str, default: int) -> int:
    """A whole number of at least 0."""
    value = os.environ.get(name, "").strip()
    if not value:
        return default
    if not value.isdigit():
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number of at least 0.")
    return int(value)


def share(name: str, default: str) -> Decimal:
    """A percentage from 0 to 100 as a ratio: `70` gives 0.7."""
    return _share(name, text(name, default))


def shares(name: str, default: str) -> tuple[Decimal, ...]:
    """A comma-separated list of percentages as ratios."""
    return tuple(_share(name, part) for part in names(name, default))


def moves(name: str, default: str) -> tuple[tuple[str, str, Decimal], ...]:
    """A comma-separated list of `from>to:percent`, with the percentages as ratios."""
    found = []
    for part in names(name, default):
        places, _, percent = part.rpartition(":")
        start, arrow, end = (piece.strip() for piece in places.partition(">"))
        if not (start and arrow and end):
            raise ImproperlyConfigured(f"{name}: {part!r} is not like gp2>gp3:20 (from, to, saving in per cent).")
        found.append((start, end, _share(name, percent)))
    return tuple(found)


def _share(name: str, value: str) -> Decimal:
    try:
        percent = Decimal(value)
    except InvalidOperation:
        percent = Decimal(-1)
    if not (percent.is_finite() and 0 <= percent <= _WHOLE):
        raise ImproperlyConfigured(f"{name}={value!r} is not a percentage from 0 to 100.")
    return percent / _WHOLE
