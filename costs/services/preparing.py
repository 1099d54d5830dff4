"""Files → queued imports: what each file is, which belong together, and which version they are."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, TypedDict, Unpack

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from costs import charge_store
from costs.billing_formats import Detected, cur, detect, focus
from costs.billing_formats.files import holds_nothing
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, BillSource
from costs.services.currencies import Assumed, Part, currency_code, in_currencies, of_report, remember_currency
from costs.services.given_manifests import without_manifests
from costs.services.sources import source_slug
from costs.services.uploads import require_inside_upload
from costs.terms import BillingFormat

_MEGABYTE = 1024 * 1024


class Sender(TypedDict, total=False):
    """Who handed files in, and with which upload."""

    requested_by: int | None
    upload: int | None


class NoLinesError(ImportRejectedError):
    """Files that are in order and hold no line."""


@dataclass
class Delivery:
    """Files that together are one version of one source's bills."""

    billing_format: BillingFormat
    part: Part
    files: list[dict[str, Any]] = field(default_factory=list)


def prepare_imports(
    files: Sequence[Path],
    *,
    source_name: str | None = None,
    snapshot_on: date | None = None,
    currency: str = "",
    today: date,
    **sender: Unpack[Sender],
) -> list[int]:
    """Look into the files, group them into deliveries and queue an import for each; returns their pks.

    All CUR files of one payer are one delivery. FOCUS files are read whole for whose lines they hold: those of one
    provider, account and currency are one delivery. Each kind of inventory is a source of its own and needs the day
    it was taken (`snapshot_on`, else today). `currency` is that of lines which do not tell theirs. Raises
    ImportRejectedError for a file that cannot be one.
    """
    if not files:
        raise InvalidRequestError("No files given.")
    if (upload := sender.get("upload")) is not None:
        require_inside_upload(files, upload)
    name, given = source_slug(source_name) if source_name else None, currency_code(currency)
    deliveries = _deliveries(without_manifests(files), name, given)
    with transaction.atomic():
        return [
            _queue(
                delivery,
                source=_source(delivery, name, alone=len(deliveries) == 1, currency=given),
                snapshot_on=_snapshot_day(delivery, snapshot_on, today),
                requested_by_id=sender.get("requested_by"),
                upload_id=upload,
            )
            for delivery in deliveries
        ]


def _snapshot_day(delivery: Delivery, given: date | None, today: date) -> date | None:
    if not delivery.billing_format.is_inventory:
        return None
    day = given or today
    if day > today and day != given:
        raise InvalidRequestError(f"{day} lies in the future.")
    return day


def _deliveries(files: Sequence[Path], source_name: str | None, currency: str) -> list[Delivery]:
    found: dict[tuple[BillingFormat, Part], Delivery] = {}
    waiting: list[tuple[Detected, dict[str, Any]]] = []
    given = list(dict.fromkeys(files))
    filled = [path for path in given if not (path.is_file() and holds_nothing(path))]
    for path in filled or given:  # surplus chunks may be empty
        detected, parts = _look_into(path, source_name, currency)
        described = _described(path, detected)
        for part, assumed in parts.items():
            own = {**described, "part": asdict(part)} if len(parts) > 1 else described
            own = {**own, "currency": assumed.as_dict()} if assumed else own
            _add(found, detected, part, own)
        if not parts:
            waiting.append((detected, described))
    for detected, described in waiting:
        _add(found, detected, _only_part(found, detected, str(described["name"])), described)
    return list(found.values())


def _add(
    found: dict[tuple[BillingFormat, Part], Delivery], detected: Detected, part: Part, described: dict[str, Any]
) -> None:
    billing_format = detected.module.FORMAT
    delivery = found.setdefault((billing_format, part), Delivery(billing_format, part))
    if billing_format.is_inventory and delivery.files:
        raise ImportRejectedError(
            "Two inventories of one kind were given together.", "Give one at a time.", str(described["name"])
        )
    delivery.files.append(described)


def _look_into(path: Path, source_name: str | None, currency: str) -> tuple[Detected, dict[Part, Assumed | None]]:
    """What the file is, whose, and the currency assumed; nobody's where it holds no lines."""
    if not path.is_file():
        raise ImportRejectedError("There is no such file.", "Check the path.", path.name)
    limit = settings.UPLOAD_LIMIT_MB * _MEGABYTE
    if path.stat().st_size > limit:
        raise ImportRejectedError(
            f"The file is larger than {settings.UPLOAD_LIMIT_MB:,} MB.", "Raise UPLOAD_LIMIT_MB.", path.name
        )
    with charge_store.tables_in(path) as tables:
        found = [_table(table, source_name, currency) for table in tables]
    parts: dict[Part, Assumed | None] = {}
    for _, owners in found:
        for part, assumed in owners.items():
            parts[part] = parts.get(part) or assumed
    _refuse_mixture(path, [detected for detected, _ in found], list(parts))
    return found[0][0], parts


def _refuse_mixture(path: Path, found: Sequence[Detected], parts: Sequence[Part]) -> None:
    """A zip archive is of one format and, but for FOCUS, of one payer; one table where it is an inventory."""
    formats = sorted({detected.module.NAME for detected in found})
    if len(formats) > 1:
        raise ImportRejectedError(f"The zip archive holds {' and '.join(formats)}.", "Give them apart.", path.name)
    if len(parts) > 1 and found[0].module.FORMAT is not BillingFormat.FOCUS:
        payers = ", ".join(sorted(part.billing_account_id for part in parts))
        raise ImportRejectedError(f"The zip archive holds bills of the payers {payers}.", "Give them apart.", path.name)
    if len(found) > 1 and found[0].module.FORMAT.is_inventory:
        raise ImportRejectedError("The zip archive holds several inventories.", "Give one at a time.", path.name)


def _table(path: Path, source_name: str | None, currency: str) -> tuple[Detected, dict[Part, Assumed | None]]:
    """The format of one table and whose lines it holds, with the currency assumed of any."""
    file = charge_store.open_bill_file(path)
    detected = detect(file.columns, file_name=path.name)
    if detected.module.FORMAT.is_inventory:
        return detected, {Part(""): None}
    if detected.module.FORMAT is not BillingFormat.FOCUS:
        account = charge_store.first_account(file, cur.PAYER, cur.ACCOUNT)
        if account is None:
            return detected, {}
        return detected, {Part(account): of_report(file, Part(account), given=currency, source_name=source_name)}
    told = focus.whose(file.columns)
    rows = charge_store.counted_rows(file, list(told.values()))
    counted = {Part(**dict(zip(told, row, strict=True))): lines for row, lines in rows}
    parts, assumed = in_currencies(file, counted, given=currency, source_name=source_name)
    if focus.tells_provider(file.columns):
        return detected, {part: assumed.get(part) for part in parts}
    by_bill = {(part.billing_account_id, part.billing_currency): found for part, found in assumed.items()}
    whole = _of_one_provider(parts)
    return detected, {part: by_bill.get((part.billing_account_id, part.billing_currency)) for part in whole}


def _of_one_provider(parts: Mapping[Part, int]) -> list[Part]:
    """Parts by account and currency alone, each called after whoever most of its lines are from.

    What was bought in a marketplace, or is invoiced by another company of the provider, is no bill of its own.
    """
    newest: dict[tuple[str, str], Part] = {}
    for part in sorted(parts, key=lambda part: (bool(part.provider), parts[part], part.provider)):
        newest[part.billing_account_id, part.billing_currency] = part
    return list(newest.values())


def _only_part(found: dict[tuple[BillingFormat, Part], Delivery], detected: Detected, file_name: str) -> Part:
    """The delivery an empty chunk belongs to: exports leave surplus chunks behind with nothing but a header.

    Beside a FOCUS export of several bills it may stand with any of them.
    """
    parts = [part for billing_format, part in found if billing_format is detected.module.FORMAT]
    if not parts or (len(parts) > 1 and detected.module.FORMAT is not BillingFormat.FOCUS):
        raise NoLinesError(
            "The file has a header and no lines.", "Give the bill's other files with it, or export it again.", file_name
        )
    return parts[0]


def _described(path: Path, detected: Detected) -> dict[str, Any]:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {
        "name": path.name,
        "path": str(path.resolve()),
        "size": path.stat().st_size,
        "sha256": digest,
        "reason": detected.reason,
    }


def _source(delivery: Delivery, name: str | None, *, alone: bool, currency: str) -> BillSource:
    source = _known_source(delivery, name, alone=alone)
    if any("currency" in file for file in delivery.files):
        remember_currency(source, currency)
    return source


def _known_source(delivery: Delivery, name: str | None, *, alone: bool) -> BillSource:
    mine: dict[str, str] = {"billing_format": delivery.billing_format.value, **asdict(delivery.part)}
    names = _names_for(delivery, name, alone=alone)
    known = {source.name: source for source in BillSource.objects.filter(name__in=names)}
    for other in names:
        if other in known and all(getattr(known[other], key) == value for key, value in mine.items()):
            return known[other]
    source = known.get(names[0])
    if source is None:
        return BillSource.objects.create(name=names[0], **mine)
    was_renamed = alone and all(getattr(source, key) == mine[key] for key in mine if key != "provider")
    if source.billing_format and not was_renamed:
        raise InvalidRequestError(_belongs_to_others(source, mine))
    for key, value in mine.items():  # its provider's name changed, or it was made on a page before its first bill
        setattr(source, key, value)
    source.save(update_fields=list(mine))
    return source


def _names_for(delivery: Delivery, name: str | None, *, alone: bool) -> list[str]:
    """Names the delivery's source may have, the one for a new source first.

    Files of several parts may hold only one of them in some months: a part stays with the source it has.
    """
    own = _own_name(delivery)
    if not name:
        return [own]
    names = [name, f"{name}-{own}"[:80]]
    return names if alone else names[::-1]


def _belongs_to_others(source: BillSource, mine: dict[str, str]) -> str:
    if source.billing_format != mine["billing_format"]:
        holds = source.get_billing_format_display()
        return f"The source {source.name} holds {holds}. Name another one."
    if source.billing_account_id != mine["billing_account_id"]:
        held, given = source.billing_account_id, mine["billing_account_id"]
        return f"The source {source.name} holds the bills of payer {held}, not of {given}. Name another one."
    held, given = f"{source.provider} in {source.billing_currency}", f"{mine['provider']} in {mine['billing_currency']}"
    return f"The source {source.name} holds the bills of {held}, not of {given}. Name another one."


def _own_name(delivery: Delivery) -> str:
    if delivery.billing_format is BillingFormat.INVENTORY_COMPUTE:
        return "inventory-compute"
    if delivery.billing_format is BillingFormat.INVENTORY_STORAGE:
        return "inventory-storage"
    if delivery.billing_format is BillingFormat.FOCUS:
        # Currencies of one account are sources of their own, so the currency must not be cut off.
        account = delivery.part.billing_account_id.rstrip("/").rsplit("/", 1)[-1]
        begins = ((delivery.part.provider or "focus", 20), (account, 50), (delivery.part.billing_currency, 8))
        return "-".join(_slug(text)[:length].strip("-") for text, length in begins)
    return _slug(f"aws-{delivery.part.billing_account_id}")


def _slug(name: str) -> str:
    slug = slugify(name)[:80]
    if not slug:
        raise InvalidRequestError(f"'{name}' is no name for a source. Use letters, digits and dashes.")
    return slug


def _queue(delivery: Delivery, *, source: BillSource, snapshot_on: date | None, **who: int | None) -> int:
    digests = sorted(file["sha256"] for file in delivery.files)
    told = [str(snapshot_on or ""), *_currency_told(delivery)]
    version = hashlib.sha256("\n".join([*digests, *told]).encode()).hexdigest()
    queued = BillImport.objects.create(
        source=source,
        snapshot_on=snapshot_on,
        files=delivery.files,
        files_total=len(delivery.files),
        version_id=version,
        **who,
    )
    return queued.pk


def _currency_told(delivery: Delivery) -> list[str]:
    """In what currency lines of a Cost and Usage Report count that do not tell theirs: another one is another bill.

    FOCUS lines of another currency are another source's anyway.
    """
    if delivery.billing_format is BillingFormat.FOCUS:
        return []
    return sorted({file["currency"]["currency"] for file in delivery.files if "currency" in file})
