"""The files of an import as FinOps staff read them: what they are, and how far each is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from costs.models import BillImport
from costs.models import ImportFile as FileRow
from costs.terms import FileState


@dataclass(frozen=True)
class ImportFile:
    """One file of an import and how far it is; `retry_at` where it waits for a fault to pass."""

    name: str
    size: int
    sha256: str
    state: FileState = FileState.WAITING
    percent: int = 0
    rows: int = 0
    error: str = ""
    attempts: int = 0
    retry_at: datetime | None = None


def import_files(item: BillImport) -> tuple[ImportFile, ...]:
    """The files of an import; its other months were read from the same ones. One query."""
    rows = {row.number: row for row in FileRow.objects.filter(bill_import=item.split_from_id or item.pk)}
    return tuple(_file(described, rows.get(number), item) for number, described in enumerate(item.files))


def _file(described: dict[str, Any], row: FileRow | None, item: BillImport) -> ImportFile:
    own = {"name": described["name"], "size": int(described.get("size", 0)), "sha256": described.get("sha256", "")}
    if row is not None:
        state = FileState(row.state)
        return ImportFile(
            **own,
            state=state,
            percent=row.percent,
            rows=row.rows,
            error=row.error,
            attempts=row.attempts,
            retry_at=row.retry_at,
        )
    # From before files were kept apart, or read whole with the import.
    has_landed = item.files_done >= max(item.files_total, 1)
    return ImportFile(**own, state=FileState.LANDED, percent=100) if has_landed else ImportFile(**own)
