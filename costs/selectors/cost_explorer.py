"""A bill as Cost Explorer groups it, read from the lines, with what is known to differ. Staff only."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from costs.charge_store import ImportFolder, query_charges
from costs.cost_explorer import CeService, ChargeType, ce_service, charge_type, left_out_types, rounding_of
from costs.errors import InvalidRequestError
from costs.line_filters import COMBINATION_FIELDS, COMBINATION_SQL
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.imports import ActiveImport, active_imports
from costs.terms import BillingFormat, BillState, CostMetric

_OF_AWS = (BillingFormat.LEGACY_CUR, BillingFormat.CUR_2)
_UNUSED = (ChargeType.RESERVATION_FEE, ChargeType.PLAN_FEE)


@dataclass(frozen=True)
class CeQuestion:
    """Months, the basis (unblended, or effective for amortised), by day or by month, and what is left out."""

    periods: tuple[BillingPeriod, ...]
    metric: CostMetric
    by_day: bool = False
    left_out: tuple[str, ...] = ()
    currency: str = ""


@dataclass(frozen=True)
class CeRow:
    """A service of Cost Explorer with the services of the bill it is made of. Σ points = cost."""

    service: CeService
    bill_services: tuple[str, ...]
    cost: Decimal
    points: tuple[Decimal, ...]


@dataclass(frozen=True)
class CeDifference:
    """Why Cost Explorer may show another figure; the amount where it can be computed."""

    title: str
    text: str
    amount: Decimal | None = None


@dataclass(frozen=True)
class CeTable:
    """The table with its totals, the amount of each charge type, and the known differences."""

    question: CeQuestion
    currency: str
    currencies: tuple[str, ...]
    starts: tuple[date, ...]
    rows: tuple[CeRow, ...]
    totals: tuple[Decimal, ...]
    total: Decimal
    by_type: tuple[tuple[ChargeType, Decimal], ...]
    differences: tuple[CeDifference, ...]


@dataclass(frozen=True)
class _Cell:
    service: CeService
    bill_service: str
    kind: ChargeType
    start: date
    unblended: Decimal
    effective: Decimal
    billed: Decimal

    def cost(self, metric: CostMetric) -> Decimal:
        return self.unblended if metric is CostMetric.UNBLENDED else self.effective


def cost_explorer_table(scope: Scope, question: CeQuestion) -> CeTable:
    """AWS bills of the months by Cost Explorer's service, exact to the last digit of the lines."""
    scope.require_everything()
    found = active_imports(scope, question.periods)
    names = sorted({item.currency for item in found}, key=lambda name: (name != "USD", name))
    currency = question.currency or next(iter(names), "USD")
    items = [item for item in found if item.currency == currency]
    cells = _cells([item for item in items if item.billing_format in _OF_AWS], question)
    out = left_out_types(question.left_out)
    kept = [cell for cell in cells if cell.kind not in out]
    starts = tuple(sorted({cell.start for cell in kept}))
    rows = _rows(kept, question.metric, starts)
    return CeTable(
        question=question,
        currency=currency,
        currencies=tuple(names),
        starts=starts,
        rows=rows,
        totals=tuple(sum(column, ZERO) for column in zip(*(row.points for row in rows), strict=True)),
        total=sum((row.cost for row in rows), ZERO),
        by_type=_by_type(cells, question.metric),
        differences=_differences(items, cells, rows, question),
    )


def ce_combinations(
    scope: Scope, items: Sequence[ActiveImport], *, services: Collection[str] = (), types: Collection[str] = ()
) -> tuple[str, ...]:
    """What lines of these services (`CeService.key`) and charge types have in `COMBINATION_SQL`.

    Where none is named, all. Lines of Cost and Usage Reports alone: the table has no others. Raises
    InvalidRequestError for an unknown type.
    """
    scope.require_everything()
    known = {kind.value for kind in ChargeType}
    if unknown := sorted(set(types) - known):
        raise InvalidRequestError(f"'{unknown[0]}' is no charge type. Use {', '.join(sorted(known))}.")
    folders = [_folder(item) for item in items if item.billing_format in _OF_AWS]
    columns = f"{', '.join(COMBINATION_FIELDS)}, commitment_discount_id <> '', {COMBINATION_SQL}"
    rows = query_charges(folders, f"SELECT DISTINCT {columns} FROM charges WHERE NOT is_split_row") if folders else []
    return tuple(sorted({row[-1] for row in rows if _is_of(row, services, types)}))


def _is_of(row: tuple[Any, ...], services: Collection[str], types: Collection[str]) -> bool:
    code, name, usage_type, category, line_kind, has_commitment, _ = row
    if services and ce_service(code, name, usage_type, category).key not in services:
        return False
    kind = charge_type(line_kind, code, has_commitment=has_commitment, charge_category=category)
    return not types or kind.value in types


def _cells(items: Sequence[ActiveImport], question: CeQuestion) -> list[_Cell]:
    start = "charge_date" if question.by_day else "billing_period"
    keys = f"service_code, service_name, usage_type, charge_category, line_kind, commitment_discount_id <> '', {start}"
    sql = (
        f"SELECT {keys}, sum(unblended_cost), sum(effective_cost), sum(billed_cost) FROM charges"
        " WHERE NOT is_split_row GROUP BY ALL ORDER BY ALL"
    )
    return [_cell(row) for item in items for row in query_charges([_folder(item)], sql)]


def _cell(row: tuple[Any, ...]) -> _Cell:
    code, name, usage_type, category, line_kind, has_commitment, start, unblended, effective, billed = row
    return _Cell(
        service=ce_service(code, name, usage_type, category),
        bill_service=name or code,
        kind=charge_type(line_kind, code, has_commitment=has_commitment, charge_category=category),
        start=start,
        unblended=unblended,
        effective=effective,
        billed=billed,
    )


def _rows(cells: Sequence[_Cell], metric: CostMetric, starts: tuple[date, ...]) -> tuple[CeRow, ...]:
    points: dict[CeService, dict[date, Decimal]] = defaultdict(lambda: defaultdict(lambda: ZERO))
    names: dict[CeService, set[str]] = defaultdict(set)
    for cell in cells:
        points[cell.service][cell.start] += cell.cost(metric)
        names[cell.service].add(cell.bill_service)
    rows = [_row(service, names[service], points[service], starts) for service in points]
    return tuple(sorted(rows, key=lambda row: (-row.cost, row.service.name)))


def _row(service: CeService, names: set[str], points: Mapping[date, Decimal], starts: tuple[date, ...]) -> CeRow:
    amounts = tuple(points.get(start, ZERO) for start in starts)
    return CeRow(service, tuple(sorted(names)), sum(amounts, ZERO), amounts)


def _by_type(cells: Sequence[_Cell], metric: CostMetric) -> tuple[tuple[ChargeType, Decimal], ...]:
    sums: dict[ChargeType, Decimal] = defaultdict(lambda: ZERO)
    for cell in cells:
        sums[cell.kind] += cell.cost(metric)
    return tuple((kind, sums[kind]) for kind in ChargeType if kind in sums)


def _differences(
    items: Sequence[ActiveImport], cells: Sequence[_Cell], rows: Sequence[CeRow], question: CeQuestion
) -> tuple[CeDifference, ...]:
    of_aws = [item for item in items if item.billing_format in _OF_AWS]
    sums = dict(_by_type(cells, question.metric))
    return (
        *_of_time(of_aws, question),
        *_of_kinds(sums, cells, question),
        CeDifference(
            "Rounding",
            "Its console shows cents. Adding up what it shows in each cell comes to this much more or less than here.",
            rounding_of(point for row in rows for point in row.points),
        ),
        *_of_reach(items, rows, question),
    )


def _of_time(items: Sequence[ActiveImport], question: CeQuestion) -> list[CeDifference]:
    times = [item.finished_at for item in items if item.finished_at is not None]
    read = f" The newest bill here was read on {max(times):%Y-%m-%d %H:%M} UTC." if times else ""
    found = [
        CeDifference(
            "Time of refresh",
            "Cost Explorer refreshes at least once a day, the bill several times a day, and neither at the time of"
            f" the other. Compare days that are over for two days.{read}",
        )
    ]
    open_months = sorted({str(item.period) for item in items if item.bill_state is not BillState.FINAL})
    if open_months:
        listed = ", ".join(open_months)
        text = f"Not final yet: {listed}. Credits, refunds, taxes and tiers of price are still placed anew."
        if question.metric is CostMetric.EFFECTIVE:
            text += " Amortised costs of a running month grow with every delivery; unused hours are known at its end."
        found.append(CeDifference("Months that are not final", text))
    return found


def _of_kinds(sums: Mapping[ChargeType, Decimal], cells: Sequence[_Cell], question: CeQuestion) -> list[CeDifference]:
    credit, refund = sums.get(ChargeType.CREDIT, ZERO), sums.get(ChargeType.REFUND, ZERO)
    upfront = sum((cell.unblended for cell in cells if cell.kind in left_out_types(("upfront",))), ZERO)
    unused = sum((cell.effective for cell in cells if cell.kind in _UNUSED), ZERO)
    discounts = sum((cell.billed - cell.unblended for cell in cells), ZERO)
    found = [
        CeDifference(
            "Taxes",
            "Cost Explorer shows them monthly only, under Tax, and leaves them out once any filter but the account is"
            " set." + (" By day it has none of what stands here." if question.by_day else ""),
            sums.get(ChargeType.TAX, ZERO),
        ),
        CeDifference(
            "Credits", "In its total unless the charge type Credit is excluded; on the days they applied.", credit
        ),
        CeDifference(
            "Refunds", "In its total unless the charge type Refund is excluded; in the month they came.", refund
        ),
    ]
    if question.metric is CostMetric.UNBLENDED:
        text = "Upfront fees stand on the day of purchase in unblended costs; amortised costs spread them."
        found.append(CeDifference("Upfront fees", text, upfront))
    else:
        text = (
            "What reservations and plans left unused stands on the first day of the month in its daily view,"
            " here on the days of the fee's own lines."
        )
        found.append(CeDifference("Unused commitments", text, unused))
    if discounts:
        text = (
            "The bill has costs after negotiated discounts. Cost Explorer shows those as net unblended and net"
            " amortised; amortised costs here are net."
        )
        found.append(CeDifference("Negotiated discounts", text, discounts))
    return found


def _of_reach(items: Sequence[ActiveImport], rows: Sequence[CeRow], question: CeQuestion) -> list[CeDifference]:
    found = []
    lines, cost = _split_rows([item for item in items if item.billing_format in _OF_AWS], question.metric)
    if lines:
        text = f"{lines:,} lines break down the cost of instances by container. Neither total counts them."
        found.append(CeDifference("Split cost of containers", text, cost))
    others = [item for item in items if item.billing_format not in _OF_AWS]
    if others:
        names = ", ".join(sorted({item.source_name for item in others}))
        amount = sum((_total_of(item, question.metric) for item in others), ZERO)
        text = f"Not from Cost and Usage Reports, so not in this table: {names}."
        found.append(CeDifference("Other sources", text, amount))
    coded = [row for row in rows if row.service.from_code]
    if coded:
        names = ", ".join(sorted(row.service.name for row in coded))
        text = (
            "The bill has no product name for these, only the service's code; the name is from the list of this"
            f" product, or the code itself: {names}. Export the column product_product_name to have them."
        )
        found.append(CeDifference("Names", text, sum((row.cost for row in coded), ZERO)))
    return found


def _split_rows(items: Sequence[ActiveImport], metric: CostMetric) -> tuple[int, Decimal]:
    sql = f"SELECT count(*), coalesce(sum({metric.column}), 0) FROM charges WHERE is_split_row"
    found = [row for item in items for row in query_charges([_folder(item)], sql)]
    return sum(row[0] for row in found), sum((row[1] for row in found), ZERO)


def _total_of(item: ActiveImport, metric: CostMetric) -> Decimal:
    sql = f"SELECT coalesce(sum({metric.column}), 0) FROM charges WHERE NOT is_split_row"
    return sum((row[0] for row in query_charges([_folder(item)], sql)), ZERO)


def _folder(item: ActiveImport) -> ImportFolder:
    return ImportFolder(item.source_name, item.period, item.pk)
