"""Lines of stored statements, and their amounts in the cents of the documents."""

from collections.abc import Mapping
from decimal import Decimal

from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.reading import read_by_version
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.closing import digest
from tagging.documents.content import content_of
from tagging.models import Close
from tagging.models import Statement as StoredStatement
from tagging.models import StatementLine as StoredLine
from tagging.results import StatementLine
from tagging.selectors.closes import close_of
from tagging.terms import LineKind

PLACE = ("service_name", "sub_account_id", "charge_category")  # what names a line of direct costs in its statement
REF_LENGTH = 16
Suggested = Mapping[tuple[str, ...], Decimal]


def line_ref(line: StoredLine) -> str:
    """A name for a line, made of what stands on it and of nothing else."""
    close = line.statement.close
    names = ("kind", "service_name", "sub_account_id", "charge_category", "pool_key", "origin_period", "origin_kind")
    head = [str(close.period), close.currency, str(close.version), line.statement.owner_key]
    return digest([*head, *(str(getattr(line, name) or "") for name in names)], ())[:REF_LENGTH]


def lines_of(statement: StoredStatement, metric: CostMetric) -> tuple[StatementLine, ...]:
    """A stored statement's lines, largest first."""
    rows = statement.lines.select_related("statement__close")
    ours = suggested_of(statement, metric)
    return tuple(sorted((_line(row, metric, ours) for row in rows), key=lambda line: (-line.cost, line.ref)))


def lines_of_close(close: Close, metric: CostMetric) -> dict[str, tuple[StatementLine, ...]]:
    """The same of every statement of a close, by owner and in one question; what suggestions put there is left out."""
    found: dict[str, list[StatementLine]] = {key: [] for key in close.statements.values_list("owner_key", flat=True)}
    for row in StoredLine.objects.filter(statement__close=close).select_related("statement__close"):
        found[row.statement.owner_key].append(_line(row, metric, None))
    return {key: tuple(sorted(lines, key=lambda line: (-line.cost, line.ref))) for key, lines in sorted(found.items())}


def booked_parts(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str
) -> dict[str, tuple[Decimal, ...]]:
    """Of every statement of a closed month that the reader may see: direct, shared and adjustments as its document
    books them, in cents that sum to its total. Empty while the month is open.
    """
    close = close_of(period, currency)
    if close is None:
        return {}
    every = read_by_version(("booked parts", close.pk, close.data_hash, metric), lambda: _booked_parts(close, metric))
    return {key: parts for key, parts in every.items() if scope.everything or key in scope.team_keys}


def _booked_parts(close: Close, metric: CostMetric) -> dict[str, tuple[Decimal, ...]]:
    lines, found = lines_of_close(close, metric), {}
    for key, cents in close.statements.values_list("owner_key", "cents"):
        amounts = {group.kind: group.amount for group in content_of(lines[key], Decimal(cents[metric.column]))}
        found[key] = tuple(amounts.get(kind, ZERO) for kind in LineKind)
    return found


def suggested_of(statement: StoredStatement, metric: CostMetric) -> Suggested | None:
    """By service, account and charge category what virtual tags put there; None of a close that did not keep it."""
    if statement.suggested is None:
        return None
    at = len(PLACE) + COST_COLUMNS.index(metric.column)
    return {tuple(row[: len(PLACE)]): Decimal(row[at]) for row in statement.suggested}


def _line(row: StoredLine, metric: CostMetric, ours: Suggested | None) -> StatementLine:
    is_known = ours is not None and row.kind == LineKind.DIRECT.value
    return StatementLine(
        service_name=row.service_name,
        sub_account_id=row.sub_account_id,
        sub_account_name=row.sub_account_name,
        charge_category=row.charge_category,
        cost=getattr(row, metric.column),
        kind=row.kind,
        pool_name=row.pool_name,
        origin=f"{row.origin_period:%Y-%m} version {row.origin_version}" if row.origin_period else "",
        ref=line_ref(row),
        list_cost=row.list_cost,
        suggested_cost=(ours or {}).get(_place(row), ZERO) if is_known else None,
    )


def _place(row: StoredLine) -> tuple[str, ...]:
    return tuple(getattr(row, name) for name in PLACE)
