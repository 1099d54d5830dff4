"""What closing a month would give now, and what stands in its way."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from costs import selectors as intake
from costs.figures import money, pct
from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import ImportVersion
from costs.terms import COST_COLUMNS, BillState, CostMetric
from tagging.closing import NOBODY, NOTHING, Carried, Costs, Lines, Owner, added, group, summed, taken
from tagging.selectors.closed import closed_months
from tagging.selectors.closes import (
    EVERYTHING,
    counting,
    import_pks_in_force,
    lines_now,
    months_in_force,
    to_carry,
)
from tagging.selectors.reach import reach

UNALLOCATED_LIMIT_PCT = 5  # of the bill; more is a warning, for somebody has to answer for it


@dataclass(frozen=True)
class Blocker:
    """Why a month cannot be closed. Some can be overruled with a reason (`force`)."""

    code: str
    text: str
    may_be_forced: bool = False


@dataclass(frozen=True)
class MonthDraft:
    """A month as it would close now: Σ owners (nobody among them) = bill + carried, on every basis."""

    period: BillingPeriod
    currency: str
    metric: CostMetric
    versions: tuple[ImportVersion, ...]
    bill: Costs
    lines: Lines
    carried: Mapping[Carried, Costs]
    blockers: tuple[Blocker, ...]
    warnings: tuple[str, ...]

    @property
    def by_owner(self) -> dict[Owner, Costs]:
        """Every owner's total, corrections included."""
        totals = group(self.lines.items(), lambda line: line.owner)
        for carried, costs in self.carried.items():
            owner = carried.line.owner
            totals[owner] = added(totals.get(owner, NOTHING), costs)
        return totals

    @property
    def carried_in(self) -> Costs:
        return summed(self.carried.values())

    @property
    def difference(self) -> Costs:
        """Bill + carried − owners − unallocated: zero, or the month cannot be closed."""
        return taken(added(self.bill, self.carried_in), summed(self.by_owner.values()))


def month_draft(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, today: date, currency: str = ""
) -> MonthDraft:
    """The month as it would close now. For FinOps staff. Without costs it has a blocker that says so."""
    scope.require_everything()
    chosen = reach(scope, (period,), currency).currency
    pks = import_pks_in_force(period, chosen)
    versions = intake.import_versions(EVERYTHING, pks)
    lines = lines_now(period, chosen, pks)
    draft = MonthDraft(
        period=period,
        currency=chosen,
        metric=metric,
        versions=versions,
        bill=summed(version.totals for version in versions),
        lines=lines,
        carried=to_carry(period, chosen),
        blockers=(),
        warnings=(),
    )
    blockers, warnings = _blockers(draft, today), _warnings(draft)
    return MonthDraft(**{**vars(draft), "blockers": tuple(blockers), "warnings": tuple(warnings)})


def month_blockers(period: BillingPeriod, currency: str, today: date) -> list[Blocker]:
    """What stands in the way of closing a month that has costs, as far as it can be told without its lines."""
    found = []
    if today < period.end:
        found.append(Blocker("not_over", f"{period.label} is not over before {period.end}.", may_be_forced=True))
    if on_their_way := intake.imports_on_their_way(EVERYTHING, period):
        text = f"{on_their_way} imports that may be of this month still run or wait. Wait for them."
        found.append(Blocker("imports_running", text, may_be_forced=True))
    if earlier := _open_before(period, currency):
        text = f"{earlier} is open and comes first. Close months in their order."
        found.append(Blocker("earlier_month_open", text, may_be_forced=True))
    return found


def _blockers(draft: MonthDraft, today: date) -> list[Blocker]:
    period = draft.period
    if not draft.versions:
        known = ", ".join(str(month) for month in months_in_force(draft.currency)[-6:])
        cure = f"Months with costs: {known}." if known else "Import a bill first."
        return [Blocker("no_costs", f"There are no costs in {draft.currency} for {period}. {cure}")]
    found = []
    if any(draft.difference):
        at = next(place for place, cost in enumerate(draft.difference) if cost)
        found.append(
            Blocker(
                "does_not_tie_out",
                f"The month does not tie out: {COST_COLUMNS[at].replace('_', ' ')} differs by"
                f" {draft.difference[at]}. Allocate it again (manage.py allocate).",
            )
        )
    return [*found, *month_blockers(period, draft.currency, today)]


def _open_before(period: BillingPeriod, currency: str) -> BillingPeriod | None:
    """The first month with costs, since the first that was closed, that is open and before this one."""
    closed = {month for month, name in closed_months() if name == currency}
    months = [month for month in months_in_force(currency) if month < period and month not in closed]
    return next((month for month in months if closed and month > min(closed)), None)


def _warnings(draft: MonthDraft) -> list[str]:
    found = []
    at = COST_COLUMNS.index(draft.metric.column)
    unallocated = draft.by_owner.get(NOBODY, NOTHING)[at]
    share = ratio(abs(unallocated), abs(draft.bill[at] + draft.carried_in[at])) or ZERO
    whole = "the bill and what is carried in" if draft.carried_in[at] else "the bill"
    if share * 100 > UNALLOCATED_LIMIT_PCT:
        found.append(
            f"{money(unallocated, draft.currency)} ({pct(share)} of {whole}) belongs to nobody,"
            f" more than {UNALLOCATED_LIMIT_PCT} %."
        )
    names = [version.source_name for version in draft.versions if version.bill_state is not BillState.FINAL]
    if names:
        found.append(f"The provider has not invoiced all of {', '.join(names)}; what changes becomes an adjustment.")
    return [*found, *basis_warnings(draft.period, draft.currency, draft.metric)]


def basis_before(period: BillingPeriod, currency: str) -> tuple[BillingPeriod, CostMetric] | None:
    """The newest closed month before this one, and the basis it was closed on."""
    found = counting().filter(currency=currency, period__lt=period.start).order_by("-period").first()
    return None if found is None else (BillingPeriod(found.period), CostMetric(found.basis))


def basis_warnings(period: BillingPeriod, currency: str, metric: CostMetric) -> list[str]:
    """What it means that the month is charged on another basis than the closed month before it."""
    before = basis_before(period, currency)
    if before is None or before[1] is metric:
        return []
    month, basis = before
    return [
        f"{month.label} was closed on {basis} cost, this month is on {metric} cost. The months of each basis add up to"
        " their bills; a mix of the two does not: fees paid at once and what they pay for may be charged twice or"
        f" never. To keep the sum, close it on {basis} cost."
    ]
