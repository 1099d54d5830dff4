"""How the columns of a source's files were read, what they lack, and what that switches off."""

from collections.abc import Iterable
from dataclasses import dataclass

from costs.billing_formats.features import switched_off
from costs.charges import CHARGE_COLUMNS
from costs.models import Bill, BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import BillingFormat

_ORDER = {name: place for place, name in enumerate(CHARGE_COLUMNS)}


@dataclass(frozen=True)
class SwitchedOff:
    """A feature the files have no columns for, and what stands in its place."""

    name: str
    instead: str


@dataclass(frozen=True)
class ColumnReport:
    """How an import's columns were read. `fields` pairs our field with the file's columns that it was made from.

    `absent` was looked for in vain; `not_read` is in the files and nothing was made from it. `reasons` say why the
    files were taken for what they are, `assumed` what empty cells of a column count as. Imports from
    before fields were kept have none.
    """

    reasons: tuple[str, ...]
    fields: tuple[tuple[str, tuple[str, ...]], ...]
    absent: tuple[str, ...]
    not_read: tuple[str, ...]
    switched_off: tuple[SwitchedOff, ...]
    assumed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class SourceColumns:
    """The newest month in force of a source, and how its columns were read."""

    source_name: str
    billing_format: BillingFormat
    period: BillingPeriod
    import_pk: int
    report: ColumnReport


def column_report(item: BillImport) -> ColumnReport:
    """How an import's columns were read; its source must be at hand."""
    kept = item.columns
    fields = {name: tuple(map(str, columns)) for name, columns in kept.get("fields", {}).items()}
    read = set(kept.get("read", {}))
    off = switched_off(BillingFormat(item.source.billing_format), read=read, fields=fields) if fields else []
    return ColumnReport(
        reasons=_distinct(str(file.get("reason", "")) for file in item.files),
        fields=tuple(sorted(fields.items(), key=lambda pair: (_ORDER.get(pair[0], len(_ORDER)), pair[0]))),
        absent=tuple(kept.get("absent", ())),
        not_read=tuple(kept.get("not_read", ())),
        switched_off=tuple(SwitchedOff(feature.name, feature.instead) for feature in off),
        assumed=tuple(sorted(kept.get("assumed", {}).items())),
    )


def source_columns(scope: Scope) -> tuple[SourceColumns, ...]:
    """Every source by name with its newest month in force. Staff only. One query."""
    scope.require_everything()
    newest: dict[str, Bill] = {}
    in_force = Bill.objects.filter(import_in_force__isnull=False)
    for bill in in_force.select_related("source", "import_in_force__source").order_by("billing_period"):
        newest[bill.source.name] = bill
    return tuple(_source(bill) for _, bill in sorted(newest.items()))


def _source(bill: Bill) -> SourceColumns:
    item = bill.import_in_force
    assert item is not None
    return SourceColumns(
        source_name=bill.source.name,
        billing_format=BillingFormat(bill.source.billing_format),
        period=BillingPeriod(bill.billing_period),
        import_pk=item.pk,
        report=column_report(item),
    )


def _distinct(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
