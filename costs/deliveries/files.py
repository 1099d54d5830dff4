"""Files of a place, and what their paths say: which month a folder holds, which files are chunks of one export."""

import re
from dataclasses import dataclass
from datetime import datetime
from posixpath import basename, dirname

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod

_PERIOD_FOLDERS = (
    re.compile(r"billing_period=(?P<year>\d{4})-(?P<month>\d{2})$", re.IGNORECASE),
    re.compile(r"(?P<year>\d{4})(?P<month>\d{2})01-\d{8}$"),
)
_YEAR, _MONTH = re.compile(r"year=(\d{4})$", re.IGNORECASE), re.compile(r"month=(\d{1,2})$", re.IGNORECASE)
_DATA = (".csv", ".csv.gz", ".gz", ".zip", ".parquet")
_CHUNK = re.compile(r"(?:-\d{1,5})?(?:\.snappy)?(?:\.csv)?(?:\.gz|\.zip|\.parquet)?$", re.IGNORECASE)
_AZURE_MANIFESTS = frozenset({"manifest.json", "_manifest.json"})
# Oracle delivers a part of its bills every six hours: FOCUS Reports/2026/05/17/
_DAY_FOLDER = re.compile(r"(?:^|(?P<above>.*)/)\d{4}/\d{2}/\d{2}$")
# Partitions of one table, as Spark, Athena and DuckDB write them: usage_account_id=0001. Those of a time may be its
# versions instead, each with all lines up to then.
_PARTITION = re.compile(r"(?P<key>[^/=]+)=(?P<value>[^/=]*)$")
_OF_TIME = re.compile(r"(?:19|20)\d{2}(?:\D|$|\d{2}(?:\D|$|\d{2}(?:\D|$)))")
_TIME_KEYS = frozenset({"year", "month"})
# What AWS lays beside its exports and is no bill.
_SIDE_FOLDERS = frozenset({"cost_and_usage_data_status", "execution_status"})


# What lies beside bills and is none, by its name.
_NO_DATA = (".json", ".sql", ".yml", ".yaml", ".xml", ".html", ".md", ".txt", ".pdf", ".log", ".crc", ".py", ".sh")


@dataclass(frozen=True)
class StoredFile:
    """A file of a place. `key` is its path with slashes; `etag` changes whenever its content may have changed."""

    key: str
    size: int
    etag: str
    changed_at: datetime

    @property
    def name(self) -> str:
        return basename(self.key)

    @property
    def folder(self) -> str:
        return dirname(self.key)

    @property
    def is_manifest(self) -> bool:
        name = self.name.lower()
        return name.endswith("-manifest.json") or (name in _AZURE_MANIFESTS and bool(period_folder(self.folder)))

    @property
    def is_data(self) -> bool:
        """Whether it can be a part of a bill, by its name."""
        return self.name.lower().endswith(_DATA) and not self._is_beside

    @property
    def is_unknown(self) -> bool:
        """Whether its name tells neither that it is a part of a bill nor that it is none."""
        return not self.name.lower().endswith((*_DATA, *_NO_DATA)) and not self._is_beside

    @property
    def _is_beside(self) -> bool:
        parts = self.key.split("/")
        return any(part.startswith((".", "_")) for part in parts) or bool(_SIDE_FOLDERS.intersection(parts))


def period_folder(folder: str) -> str:
    """The folder down to the one that names a month, as AWS lays bills out; empty where none does."""
    parts = folder.split("/")
    for depth in range(len(parts), 0, -1):
        if _month_named(parts[:depth]) is not None:
            return "/".join(parts[:depth])
    return ""


def period_named(folder: str) -> BillingPeriod | None:
    """The month a folder's name says, as in BILLING_PERIOD=2026-05, 20260501-20260601 or year=2026/month=5."""
    found = _month_named(period_folder(folder).split("/"))
    if found is None:
        return None
    try:
        return BillingPeriod.parse(f"{found[0]}-{int(found[1]):02d}")
    except InvalidRequestError:
        return None


def above_days(folder: str) -> str | None:
    """The folder above one for each day (2026/05/17), whose days together are the bills; None where it is no day's."""
    match = _DAY_FOLDER.match(folder)
    return None if match is None else match["above"] or ""


def above_partitions(folder: str) -> str:
    """The folder above partitions, which together are one table; the folder itself where it is none."""
    parts = folder.split("/")
    while parts and (found := _PARTITION.match(parts[-1])) and _month_named(parts) is None:
        if found["key"].casefold() in _TIME_KEYS or _OF_TIME.match(found["value"]):
            break
        parts.pop()
    return "/".join(parts)


def waits_for_manifest(folder: str) -> bool:
    """Whether AWS or Azure writes a manifest for such a folder, after all its files."""
    last = period_folder(folder).rsplit("/", 1)[-1]
    return any(pattern.match(last) for pattern in _PERIOD_FOLDERS)


def chunk_stem(name: str) -> str:
    """The name without chunk number and ending: the same for all chunks of one export."""
    return _CHUNK.sub("", name)


def _month_named(parts: list[str]) -> tuple[str, str] | None:
    for pattern in _PERIOD_FOLDERS:
        if parts and (match := pattern.match(parts[-1])):
            return match["year"], match["month"]
    if len(parts) > 1 and (month := _MONTH.match(parts[-1])) and (year := _YEAR.match(parts[-2])):
        return year[1], month[1]
    return None
