"""What an upload brought in: the answer to the program that sent it, the same however often it asks."""

from dataclasses import dataclass
from datetime import date, datetime

from costs.errors import NotFoundInScopeError
from costs.models import BillImport, BillUpload
from costs.scope import Scope
from costs.selectors.import_files import ImportFile
from costs.terms import ImportState


@dataclass(frozen=True)
class UploadedImport:
    """The first attempt an upload made of one source; retries and further months are left out."""

    pk: int
    source_name: str
    snapshot_on: date | None
    is_waiting: bool


@dataclass(frozen=True)
class Upload:
    """Files handed in together and the imports first made of them; none where they were refused."""

    pk: int
    created_at: datetime
    files: tuple[ImportFile, ...]
    imports: tuple[UploadedImport, ...]


def upload_held(scope: Scope, pk: int) -> Upload:
    """One upload, locked until the transaction ends, so that two requests cannot both import it. Staff only."""
    scope.require_everything()
    found = BillUpload.objects.select_for_update().filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no upload {pk}.")
    first: dict[str, UploadedImport] = {}
    made = BillImport.objects.filter(upload=found, split_from__isnull=True).order_by("pk")
    for import_pk, name, day, state in made.values_list("pk", "source__name", "snapshot_on", "state"):
        first.setdefault(name, UploadedImport(import_pk, name, day, is_waiting=state == ImportState.QUEUED))
    return Upload(
        pk=found.pk,
        created_at=found.created_at,
        files=tuple(ImportFile(file["name"], int(file.get("size", 0)), file.get("sha256", "")) for file in found.files),
        imports=tuple(first.values()),
    )
