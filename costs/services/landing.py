"""One file of an import into its landing folder, and what was read of it."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from costs import charge_store
from costs.billing_formats import ChargeMapping, Columns, Finding, columns_by_field, cur, detect, focus, module_of
from costs.billing_formats.inventory import days_of
from costs.charge_store import Beat, Connection
from costs.errors import ImportRejectedError
from costs.inventory import Inventory, read_inventory
from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.services import findings as remarks
from costs.terms import BillingFormat


@dataclass
class ColumnUse:
    """How the columns of a delivery's files were read, over all its files."""

    read: dict[str, str] = field(default_factory=dict)  # name in the format → as the file spells it
    absent: set[str] = field(default_factory=set)  # looked for in vain, in some file
    fields: dict[str, list[str]] = field(default_factory=dict)  # our field → the columns it was made from
    not_read: set[str] = field(default_factory=set)  # columns of the files that nothing was made from
    assumed: dict[str, str] = field(default_factory=dict)  # column → what its empty cells count as, and why

    def add(self, mapping: ChargeMapping, columns: Columns) -> None:
        """Note one file."""
        found = columns_by_field(mapping, columns)
        taken = {name for used in found.values() for name in used}
        not_read = set(columns.names) - taken - set(mapping.read.values())
        fields = {name: list(used) for name, used in found.items()}
        self.merge(ColumnUse(dict(mapping.read), set(mapping.absent), fields, not_read, dict(mapping.assumed)))

    def merge(self, other: "ColumnUse") -> None:
        """Note what was read of further files."""
        self.read |= other.read
        self.absent |= other.absent
        self.not_read |= other.not_read
        self.assumed |= other.assumed
        for name, used in other.fields.items():
            self.fields[name] = list(dict.fromkeys([*self.fields.get(name, ()), *used]))

    def as_dict(self) -> dict[str, Any]:
        """As an import keeps it."""
        absent, not_read = sorted(self.absent), sorted(self.not_read)
        told = {"read": self.read, "absent": absent, "fields": self.fields, "not_read": not_read}
        return told | ({"assumed": self.assumed} if self.assumed else {})

    @classmethod
    def kept(cls, stored: dict[str, Any]) -> "ColumnUse":
        """As an import kept it."""
        fields = stored.get("fields", {})
        not_read, assumed = set(stored.get("not_read", ())), dict(stored.get("assumed", {}))
        return cls(stored["read"], set(stored["absent"]), fields, not_read, assumed)


@dataclass
class Landing:
    """What became of files: their folder of charges, remarks, and the columns read."""

    folder: Path
    findings: list[Finding] = field(default_factory=list)
    columns: ColumnUse = field(default_factory=ColumnUse)
    inventory: Inventory | None = None
    rows: int = 0
    files: list[Path] = field(default_factory=list)

    def merge(self, other: "Landing") -> None:
        """Take in what was read of another file."""
        self.columns.merge(other.columns)
        self.findings += [finding for finding in other.findings if finding not in self.findings]
        self.inventory = other.inventory or self.inventory
        self.rows += other.rows

    def assume(self, currency: Finding | None) -> None:
        """Note in what currency lines of a Cost and Usage Report count that do not tell theirs."""
        if currency is not None:
            self.findings.append(currency)
            self.columns.assumed[cur.CURRENCY] = currency.text.partition(" count in ")[2].rstrip(".")

    def as_dict(self) -> dict[str, Any]:
        """What the finish needs to know, as a file of an import keeps it."""
        return {"columns": self.columns.as_dict(), "findings": [finding.as_dict() for finding in self.findings]}

    @classmethod
    def kept(cls, folder: Path, stored: Iterable[dict[str, Any]]) -> "Landing":
        """Of all files together, as they kept it."""
        whole = cls(folder)
        for one in stored:
            findings = [Finding(**finding) for finding in one["findings"]]
            whole.merge(cls(folder, findings, ColumnUse.kept(one["columns"])))
        return whole


def land(duck: Connection, bill_import: BillImport, number: int, folder: Path, *, beat: Beat) -> Landing:
    """Land one of the import's files, instead of what an earlier attempt left of it.

    Its charges get their final names last, so that nothing half-written is ever taken for a file's charges.
    """
    described = bill_import.files[number]
    landing = Landing(folder)
    names = _Names(folder, number)
    names.remove_leftovers()
    if bill_import.source.billing_format.startswith("inventory"):
        _land_inventory(duck, bill_import, landing, names)
    else:
        with charge_store.tables_in(_path_of(described)) as tables:
            for place, table in enumerate(tables):
                told = partial(_beat_of, beat, place, len(tables))
                _land_table(duck, table, landing, names.of_table(place), described, beat=told)
    landing.rows = names.put_in_place(duck, beat)
    landing.files = list(names.tables.values())
    return landing


class _Names:
    """Where the charges of one file go: tables beside one another, under names of this attempt alone at first."""

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.number, self.attempt = folder, number + 1, uuid.uuid4().hex[:8]
        self.tables: dict[Path, Path] = {}

    def remove_leftovers(self) -> None:
        for kind in ("charges", "partial"):
            for path in self.folder.glob(f"{kind}-{self.number:05d}*.parquet"):
                path.unlink()

    def of_table(self, place: int) -> Path:
        more = f"-{place + 1:03d}" if place else ""
        fresh = self.folder / f"landing-{self.number:05d}{more}-{self.attempt}.parquet"
        self.tables[fresh] = self.folder / f"charges-{self.number:05d}{more}.parquet"
        return fresh

    def put_in_place(self, duck: Connection, beat: Beat) -> int:
        beat(1.0)  # not without the right to
        rows = sum(charge_store.count_rows(duck, fresh) for fresh in self.tables)
        for fresh, final in self.tables.items():
            fresh.replace(final)
        return rows


def _beat_of(beat: Beat, number: int, count: int, done: float) -> None:
    beat((number + done) / count)


def _land_table(
    duck: Connection, path: Path, landing: Landing, target: Path, described: dict[str, Any], *, beat: Beat
) -> None:
    file = charge_store.open_bill_file(path)
    module = detect(file.columns, file_name=path.name).module
    mapping, is_focus = module.mapping(file.columns), module.FORMAT is BillingFormat.FOCUS
    assumed = described.get("currency") if is_focus else None  # a report's lines are told together, once landed
    if part := described.get("part"):
        currency = assumed["currency"] if assumed else ""
        mapping = replace(mapping, lines=focus.lines_of(file.columns, part, currency=currency))
    if assumed:
        mapping = focus.in_currency(mapping, file.columns, assumed["currency"], assumed["reason"])
    charge_store.land_file(duck, file, mapping, target, beat=beat)
    landing.columns.add(mapping, file.columns)
    landing.findings += [finding for finding in mapping.findings if finding not in landing.findings]


def _land_inventory(duck: Connection, bill_import: BillImport, landing: Landing, names: _Names) -> None:
    assert bill_import.snapshot_on is not None
    period = BillingPeriod.of(bill_import.snapshot_on)
    with charge_store.tables_in(_path_of(bill_import.files[0])) as tables:
        inventory = read_inventory(tables[0])
        columns = charge_store.open_bill_file(tables[0]).columns
    mapping = module_of(bill_import.source.billing_format).mapping(columns, period)
    charge_store.land_inventory(duck, inventory, mapping, days_of(period), names.of_table(0))
    landing.inventory = inventory
    landing.findings += remarks.repeated_rows(inventory.repeated)
    fields = {name: [column] for name, column in inventory.read.items()}
    landing.columns = ColumnUse(inventory.read, set(inventory.absent), fields)


def _path_of(described: dict[str, Any]) -> Path:
    path = Path(described["path"])
    if not path.is_file():
        raise ImportRejectedError("The file is gone.", "Give it again.", described["name"])
    return path
