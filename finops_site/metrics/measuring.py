"""What each figure of a month is, read through the apps' selectors. One function for what one question answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from budgets import selectors as plans
from budgets.selectors import BudgetRow, BudgetState
from budgets.terms import Cadence, ScopeKind
from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site.metrics.results import Measure
from finops_site.metrics.terms import Metric
from finops_site.models import SignIn
from ri import selectors as commitments
from tagging import selectors as ownership
from tagging.terms import FindingState, OwnerKind

NOTHING = Measure(None)
Measures = Mapping[Metric, Measure]


@dataclass(frozen=True)
class Month:
    """What is measured: a month in a currency, as it stands on `today`. Everything is read, for FinOps staff."""

    period: BillingPeriod
    currency: str
    today: date
    scope: Scope

    @property
    def day(self) -> date:
        """The day the month is looked at from: today, or its last day once it is over."""
        return min(self.today, self.period.end - timedelta(days=1))


def commitment_rates(month: Month) -> Measures:
    """Coverage at any time. The others only of a full month: fees of commitments count whole from its first day."""
    found = commitments.coverage(month.scope, month.period, currency=month.currency)
    coverage = {Metric.COVERAGE: Measure(found.coverage_units)}
    if found.is_partial:
        return coverage | dict.fromkeys(
            (Metric.UTILIZATION, Metric.EFFECTIVE_SAVINGS_RATE, Metric.SAVING_COMMITMENTS), NOTHING
        )
    saved = sum((row.net_savings for row in found.commitments), ZERO)
    used, discount = found.total_cost - found.unused_cost, found.list_cost - found.effective_cost
    return coverage | {
        Metric.UTILIZATION: Measure(found.utilization, used, found.total_cost),
        Metric.EFFECTIVE_SAVINGS_RATE: Measure(found.effective_savings_rate, discount, found.list_cost),
        Metric.SAVING_COMMITMENTS: Measure(saved),
    }


def commitments_bought(month: Month) -> Measures:
    """Pieces; the numerator is how many reservations and plans they are."""
    found = commitments.bought(month.scope, month.period, currency=month.currency)
    pieces = NOTHING if found is None else Measure(Decimal(found.pieces), Decimal(found.commitments))
    return {Metric.RESERVATIONS_BOUGHT: pieces}


def tags(month: Month) -> Measures:
    """By resources and by money; nothing while the policy requires no tag that the month was read for."""
    found = ownership.compliance(
        month.scope, month.period, metric=CostMetric.EFFECTIVE, currency=month.currency, totals_only=True
    )
    if not found.by_key:
        return dict.fromkeys((Metric.COMPLIANCE, Metric.COMPLIANCE_BY_MONEY), NOTHING)
    by_count = Measure(found.compliance_ratio, Decimal(found.compliant_resources), Decimal(found.resources))
    return {
        Metric.COMPLIANCE: by_count,
        Metric.COMPLIANCE_BY_MONEY: Measure(found.cost_ratio, found.compliant_cost, found.taggable_cost),
    }


def variance(month: Month) -> Measures:
    """Of the monthly budget of all spend (the largest, of several), else of all monthly team budgets together."""
    mine = [row for row in _budgets(month) if row.cadence is Cadence.MONTHLY and row.currency == month.currency]
    judged = [row for row in mine if row.now is not None and row.state is not BudgetState.NO_DATA]
    whole = [row for row in judged if row.scope_kind is ScopeKind.TOTAL]
    return {Metric.VARIANCE: _variance(_largest(whole) or [row for row in judged if row.scope_kind is ScopeKind.TEAM])}


def active_budgets(month: Month) -> Measures:
    """All currencies and periods together."""
    return {Metric.ACTIVE_BUDGETS: Measure(Decimal(len(_budgets(month))))}


def statements(month: Month) -> Measures:
    """None is ready while owners and what nobody owns do not add up to the bill."""
    found = ownership.statements(month.scope, month.period, metric=CostMetric.BILLED, currency=month.currency)
    owners = Decimal(sum(1 for row in found.rows if row.total_cost and row.owner_kind is not OwnerKind.POOL))
    return {Metric.STATEMENTS: Measure(owners if found.difference == ZERO else ZERO, None, owners)}


def findings(month: Month) -> Measures:
    """Resources of findings done in the month, and what all that are done saved in it."""
    done = ownership.findings(month.scope, states=(FindingState.DONE,), currency=month.currency).rows
    fixed = {row.resource_id for row in done if row.done_on is not None and row.done_on in month.period.range}
    saved = ownership.saved_in(month.scope, month.period, currency=month.currency)
    return {Metric.RESOURCES_FIXED: Measure(Decimal(len(fixed))), Metric.SAVING_FINDINGS: Measure(saved)}


def adoption(month: Month) -> Measures:
    """Nothing for months before the first sign-in that was recorded."""
    first = SignIn.objects.order_by("month").values_list("month", flat=True).first()
    leads = ownership.active_leads(month.scope)
    if first is None or month.period.start < first:
        return {Metric.ADOPTION: NOTHING}
    seen = SignIn.objects.filter(month=month.period.start, user__in=leads).count()
    return {Metric.ADOPTION: Measure(ratio(seen, len(leads)), Decimal(seen), Decimal(len(leads)))}


# Asked in every currency of the month's costs.
WITH_CURRENCY: Sequence[Callable[[Month], Measures]] = (
    commitment_rates,
    commitments_bought,
    tags,
    variance,
    statements,
    findings,
)
# Without a currency, and also of a month without costs.
WITHOUT_CURRENCY: Mapping[Metric, Callable[[Month], Measures]] = {
    Metric.ACTIVE_BUDGETS: active_budgets,
    Metric.ADOPTION: adoption,
}
# Of people as they are today: once a month is over, what was measured of it stays.
OF_THE_DAY = frozenset({Metric.ADOPTION})


def _budgets(month: Month) -> list[BudgetRow]:
    rows = plans.budget_list(month.scope, today=month.day)
    return [row for row in rows if row.is_active and row.starts_on < month.period.end]


def _largest(rows: list[BudgetRow]) -> list[BudgetRow]:
    return sorted(rows, key=lambda row: (-row.now.plan if row.now else ZERO, row.key))[:1]


def _variance(rows: list[BudgetRow]) -> Measure:
    periods = [row.now for row in rows if row.now is not None]
    plan = sum((item.plan for item in periods), ZERO)
    missed = abs(sum((item.expected for item in periods), ZERO) - plan)
    return Measure(ratio(missed, plan), missed, plan) if periods else NOTHING
