"""Which months are closed, on what, and what later changes of their bills are still to be carried."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.db.models import QuerySet, Sum

from costs import selectors as intake
from costs.errors import NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS
from tagging.allocation import Rule
from tagging.closing import Carried, Costs, LineKey, Lines, Owner, collected, pending
from tagging.models import Close, StatementLine
from tagging.selectors.reach import allocated
from tagging.selectors.shared import shared_lines
from tagging.selectors.teams import rules_from_store
from tagging.terms import CloseState, LineKind

EVERYTHING = Scope.all()
_DIRECT = ("owner_kind", "owner_key", "service_name", "sub_account_id", "charge_category")
_STORED = ("kind", "service_name", "sub_account_id", "charge_category", "pool_key")


def counting() -> "QuerySet[Close]":
    """Closes that count: one for each closed month and currency."""
    return Close.objects.exclude(state=CloseState.REOPENED.value)


def pinned_imports() -> frozenset[int]:
    """Imports that closed months rest on: their rows and folders stay."""
    return frozenset(counting().order_by().values_list("imports", flat=True)) - {None}


def close_of(period: BillingPeriod, currency: str) -> Close | None:
    """The close of a month that counts, or None while it is open."""
    return counting().filter(period=period.start, currency=currency).first()


def latest_closed(scope: Scope) -> BillingPeriod:
    """The newest closed month of the reader's statements. Raises NotFoundInScopeError where there is none."""
    rows = counting() if scope.everything else counting().filter(statements__owner_key__in=scope.team_keys)
    start = rows.order_by("-period").values_list("period", flat=True).first()
    if start is None:
        raise NotFoundInScopeError("No month is closed yet.")
    return BillingPeriod(start)


def rules_of_closed(period: BillingPeriod, currency: str) -> tuple[Rule, ...] | None:
    """The rules frozen for a closed month; None while it is open."""
    found = close_of(period, currency)
    return None if found is None else rules_from_store(found.frozen_rules)


def close_by_version(period: BillingPeriod, currency: str, version: int) -> Close | None:
    """One version of a month's close, whether it counts or not; None for an unknown one."""
    return Close.objects.filter(period=period.start, currency=currency, version=version).first()


def closed_at(period: BillingPeriod, currency: str, moment: datetime) -> Close | None:
    """The newest version of a month that had been closed by then; None where none had."""
    rows = Close.objects.filter(period=period.start, currency=currency, closed_at__lte=moment)
    return rows.order_by("-version").first()


def reopening_of(close: Close, owner_keys: Collection[str] | None) -> dict[str, Any]:
    """When and why a version was reopened and which came next; of these owners' statements, None for all.

    Why is a text by FinOps staff, which may name anybody: it is for their eyes alone.
    """
    event = close.events.filter(what=CloseState.REOPENED.value).last()
    later = Close.objects.filter(period=close.period, currency=close.currency, version__gt=close.version)
    if owner_keys is not None:
        later = later.filter(statements__owner_key__in=owner_keys)
    following = later.order_by("version").values_list("version", flat=True).first()
    return {
        "reopened_at": None if event is None else event.at,
        "reopened_why": "" if event is None or owner_keys is not None else event.reason,
        "replaced_by": following or 0,
    }


def months_in_force(currency: str) -> tuple[BillingPeriod, ...]:
    """Months with costs in that currency, oldest first."""
    return tuple(sorted({item.period for item in intake.active_imports(EVERYTHING) if item.currency == currency}))


def import_pks_in_force(period: BillingPeriod, currency: str) -> tuple[int, ...]:
    """Imports in force of a month in one currency."""
    found = intake.active_imports(EVERYTHING, (period,))
    return tuple(item.pk for item in found if item.currency == currency)


def lines_now(period: BillingPeriod, currency: str, import_pks: Collection[int] | None = None) -> Lines:
    """The month's lines as its bills in force (or these imports) and the rules that hold for it give them."""
    pks = import_pks_in_force(period, currency) if import_pks is None else import_pks
    sums = {column: Sum(column) for column in COST_COLUMNS}
    rows = allocated(EVERYTHING, pks).order_by().values_list(*_DIRECT).annotate(**sums)
    direct = ((_direct_key(row), tuple(row[len(_DIRECT) :])) for row in rows)
    shares = _shares(period, currency) if pks else ()
    return {key: costs for key, costs in collected((*direct, *shares)).items() if any(costs)}


def own_lines(close: Close) -> Lines:
    """Lines of a close that are of its own month."""
    rows = StatementLine.objects.filter(statement__close=close).exclude(kind=LineKind.ADJUSTMENT.value)
    return collected((_stored_key(row), _costs(row)) for row in rows.select_related("statement"))


def carried_by_month(currency: str) -> dict[BillingPeriod, Lines]:
    """Corrections that closed months hold already, by the month they put right."""
    rows = StatementLine.objects.filter(kind=LineKind.ADJUSTMENT.value, statement__close__currency=currency)
    rows = rows.exclude(statement__close__state=CloseState.REOPENED.value)
    found: dict[BillingPeriod, list[tuple[LineKey, Costs]]] = defaultdict(list)
    for row in rows.select_related("statement"):
        assert row.origin_period is not None
        found[BillingPeriod(row.origin_period)].append((_stored_key(row), _costs(row)))
    return {period: collected(pairs) for period, pairs in found.items()}


def pending_by_month(
    currency: str, *, before: BillingPeriod | None = None, only: BillingPeriod | None = None
) -> dict[BillingPeriod, Lines]:
    """What is still to be carried of each month (of those `before` one, or of one), line by line.

    Months without are left out.

    Of a closed month: its lines today − those closed − corrections carried. Of a month that was reopened only the
    last part is left: its own statement tells its costs again, so what others carry of it has to go back.
    """
    closes = {BillingPeriod(item.period): item for item in counting().filter(currency=currency)}
    carried = carried_by_month(currency)
    found: dict[BillingPeriod, Lines] = {}
    for period in sorted({*closes, *carried}):
        if (before is not None and period >= before) or (only is not None and period != only):
            continue
        close = closes.get(period)
        now, own = ({}, {}) if close is None else (lines_now(period, currency), own_lines(close))
        if lines := pending(now, own, carried.get(period, {})):
            found[period] = lines
    return found


def to_carry(period: BillingPeriod, currency: str) -> dict[Carried, Costs]:
    """The corrections that the month takes in when it closes: all that is pending of months before it."""
    versions = dict(
        Close.objects.filter(currency=currency).order_by("version").values_list("period", "version")
    )  # the newest version of each month
    return {
        Carried(str(origin), versions[origin.start], line): costs
        for origin, lines in pending_by_month(currency, before=period).items()
        for line, costs in lines.items()
    }


def pool_names_of(periods: Iterable[BillingPeriod], currency: str, keys: Collection[str]) -> dict[str, str]:
    """Names of pools: as they are split in these months (the newest counts), else as a close has kept them."""
    kept = StatementLine.objects.filter(pool_key__in=keys, statement__close__currency=currency).order_by("pk")
    names = dict(kept.values_list("pool_key", "pool_name"))
    for period in sorted(periods):
        names |= {line.pool_key: line.pool_name for line in shared_lines(EVERYTHING, period, currency)}
    return names


def _shares(period: BillingPeriod, currency: str) -> list[tuple[LineKey, Costs]]:
    """What pools move between owners; sums to zero on every basis."""
    return [
        (
            LineKey(Owner(line.owner_kind.value, line.owner_key), LineKind.SHARED.value, pool_key=line.pool_key),
            tuple(line.costs[column] for column in COST_COLUMNS),
        )
        for line in shared_lines(EVERYTHING, period, currency)
    ]


def _direct_key(row: tuple[str, ...]) -> LineKey:
    owner_kind, owner_key, service, account, category = row[: len(_DIRECT)]
    return LineKey(Owner(owner_kind, owner_key), LineKind.DIRECT.value, service, account, category)


def _stored_key(row: StatementLine) -> LineKey:
    """What the line is of; of a correction, what was put right."""
    owner = Owner(row.statement.owner_kind, row.statement.owner_key)
    kind, *fields = (getattr(row, name) for name in _STORED)
    return LineKey(owner, row.origin_kind if kind == LineKind.ADJUSTMENT.value else kind, *fields)


def _costs(row: StatementLine) -> Costs:
    return tuple(getattr(row, column) for column in COST_COLUMNS)


def owners_of(lines: Iterable[LineKey]) -> set[Owner]:
    """The owners that have one of these lines."""
    return {line.owner for line in lines}
