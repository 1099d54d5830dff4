"""Whether a month's figures can be relied on, and which months and currencies a reader has."""

from collections.abc import Collection
from decimal import Decimal

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import BillState, CostMetric
from tagging.models import Close
from tagging.results import Trust
from tagging.selectors.arrangements import arrangements
from tagging.selectors.closed_figures import bill_version_of
from tagging.selectors.closes import close_of
from tagging.selectors.reach import Reach, ordered_currencies, reach, visible_imports
from tagging.selectors.shared import held_by_kind
from tagging.terms import OwnerKind


def trust(scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "") -> Trust:
    """The trust strip of a month: figures and sources for staff, only that it ties out for teams.

    `is_open` until the provider has invoiced all of it; `state` is whether the month is closed here, so that its
    statements do not change whatever becomes of the bill. It ties out when what the files added up to
    is exactly what all owners and nobody hold. A month without costs has nothing to tie out and says so
    (`has_costs`).
    """
    found = reach(scope, (period,), currency)
    bill_total = intake.bill_total(Scope.all(), found.import_pks, metric=metric)
    owners_total, unallocated = _held(found, period, metric)
    difference = bill_total - owners_total - unallocated
    staff = scope.everything
    is_closed = (period, found.currency) in arrangements().closed_months
    close = close_of(period, found.currency) if is_closed else None
    finished = [item.finished_at for item in found.imports if item.finished_at is not None]
    return Trust(
        period=period,
        metric=metric,
        currency=found.currency,
        has_costs=bool(found.imports),
        ties_out=difference == ZERO,
        imported_at=max(finished, default=None),
        is_open=any(item.bill_state is not BillState.FINAL for item in found.imports),
        sources=tuple(item.source_name for item in found.imports) if staff else (),
        bill_total=bill_total if staff else None,
        owners_total=owners_total if staff else None,
        unallocated_cost=unallocated if staff else None,
        difference=difference if staff else None,
        state="open" if close is None else close.state,
        is_closed=close is not None,
        closed_on=bill_version_of(close) if close is not None and staff else "",
        closed_on_in_force=close is not None and staff and _bases(close) == set(found.import_pks),
    )


def currencies_of(scope: Scope, periods: Collection[BillingPeriod]) -> tuple[str, ...]:
    """Currencies the reader has costs in, the main one (USD where present) first."""
    return ordered_currencies(visible_imports(scope, periods))


def latest_period(scope: Scope) -> BillingPeriod | None:
    """The newest month in which the reader has costs, or None."""
    return next(iter(periods_of(scope)), None)


def periods_of(scope: Scope) -> tuple[BillingPeriod, ...]:
    """Months in which the reader has costs, newest first."""
    return tuple(sorted({item.period for item in visible_imports(scope, None)}, reverse=True))


def _bases(close: Close) -> set[int]:
    return {bill["import"] for bill in close.bills}


def _held(found: Reach, period: BillingPeriod, metric: CostMetric) -> tuple[Decimal, Decimal]:
    """What all owners (teams, cost centres, pools) hold and what nobody holds of these imports, whoever asks."""
    held = held_by_kind(period, found.currency, found.import_pks, metric)
    nobody = held.pop(OwnerKind.NOBODY.value, ZERO)
    return sum(held.values(), ZERO), nobody
