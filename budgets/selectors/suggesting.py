"""Templates for new budgets, filled from current spend; and what a budget can be for."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from budgets.evaluation import moving_average
from budgets.models import Budget
from budgets.results import Suggestion
from budgets.suggestions import round_up
from budgets.terms import Cadence, ScopeKind, left_out
from costs.money import ZERO
from costs.periods import BillingPeriod, DateRange
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors as ownership

MONTHS = 3
GROWTH_ROOM = Decimal("1.05")
NOT_COUNTED = left_out(credits_count=False, refunds_count=False, tax_counts=False)
CHOICE_KINDS = (ScopeKind.TEAM, ScopeKind.SERVICE, ScopeKind.REGION, ScopeKind.ACCOUNT, ScopeKind.ENVIRONMENT)


@dataclass(frozen=True)
class _Template:
    name: str
    title: str
    text: str
    kind: ScopeKind
    cadence: Cadence = Cadence.MONTHLY
    key: str = ""  # a fixed value; else the one that costs most and has no budget yet


TEMPLATES = (
    _Template("total", "All spend, monthly", "The whole bill. Start here.", ScopeKind.TOTAL),
    _Template("team", "A team, monthly", "The largest team without a budget.", ScopeKind.TEAM),
    _Template("service", "A service, monthly", "The largest service without a budget.", ScopeKind.SERVICE),
    _Template("account", "An account, monthly", "The largest account without a budget.", ScopeKind.ACCOUNT),
    _Template("year", "All spend, this year", "What finance plans for.", ScopeKind.TOTAL, Cadence.ANNUAL),
)


def suggestions(scope: Scope, *, today: date, currency: str = "USD") -> tuple[Suggestion, ...]:
    """The five templates with amounts from the last three full months, 5 % on top, rounded up. Staff only.

    Effective cost without credits, refunds and tax. Empty until a month is full. One template may offer no
    value (no team yet); it is left out.
    """
    scope.require_everything()
    months = BillingPeriod.of(today).previous().back(MONTHS)
    days = DateRange(months[0].start, months[-1].end)
    taken = set(Budget.objects.filter(is_active=True).values_list("scope_kind", "scope_key", "cadence"))
    sums = _sums(scope, days, currency)
    found = [_filled(scope, item, sums[item.kind], months, taken) for item in TEMPLATES]
    return tuple(item for item in found if item is not None)


def scope_choices(scope: Scope, *, today: date) -> tuple[tuple[ScopeKind, str, str], ...]:
    """(kind, key, label) of all a budget can be for: what had costs in the last months. Staff only."""
    scope.require_everything()
    this_month = BillingPeriod.of(today)
    days = DateRange(this_month.back(MONTHS + 1)[0].start, this_month.end)
    dimensions = tuple(kind.value for kind in CHOICE_KINDS)
    cells = ownership.cost_days(scope, days, dimensions, metric=CostMetric.EFFECTIVE, currency="").cells
    offered: list[tuple[ScopeKind, str, str]] = []
    for at, kind in enumerate(CHOICE_KINDS):
        values = {key[at] for key in cells if key[at]}
        if kind is ScopeKind.TEAM:
            teams = ownership.visible_teams(scope)
            values |= {team.key for team in teams}
            values -= {team.key for team in teams if not team.is_active}  # costs or not: no new budget for them
        names = ownership.value_labels(scope, kind.value, values)
        offered += sorted(((kind, key, names[key]) for key in values), key=lambda item: item[2].casefold())
    return tuple(offered)


Sums = dict[tuple[str, BillingPeriod], Decimal]  # by value and month


def _sums(scope: Scope, days: DateRange, currency: str) -> dict[ScopeKind, Sums]:
    kinds = (ScopeKind.TEAM, ScopeKind.SERVICE, ScopeKind.ACCOUNT)
    by = ("category", *(kind.value for kind in kinds))
    found = ownership.cost_days(scope, days, by, metric=CostMetric.EFFECTIVE, currency=currency)
    sums: dict[ScopeKind, Sums] = {kind: {} for kind in (ScopeKind.TOTAL, *kinds)}
    for (category, *values), costs in found.cells.items():
        if category in NOT_COUNTED:
            continue
        for day, cost in costs.items():
            month = BillingPeriod.of(day)
            for kind, value in zip((ScopeKind.TOTAL, *kinds), ("", *values), strict=True):
                sums[kind][value, month] = sums[kind].get((value, month), ZERO) + cost
    return sums


def _filled(
    scope: Scope,
    template: _Template,
    sums: Sums,
    months: tuple[BillingPeriod, ...],
    taken: set[tuple[str, str, str]],
) -> Suggestion | None:
    totals: dict[str, Decimal] = {}
    for (value, _), cost in sums.items():
        if value or template.kind is ScopeKind.TOTAL:
            totals[value] = totals.get(value, ZERO) + cost
    kind, cadence = template.kind.value, template.cadence.value
    ranked = sorted(totals, key=lambda value: (-totals[value], value))
    key = next((value for value in ranked if (kind, value, cadence) not in taken), next(iter(ranked), None))
    if key is None:
        return None
    used, mean = moving_average([sums.get((key, month)) for month in months])
    label = "All spend" if not key else ownership.value_labels(scope, kind, [key])[key]
    return Suggestion(
        template=template.name,
        title=template.title,
        text=template.text,
        name=f"{label}, {cadence}",
        scope_kind=template.kind,
        scope_key=key,
        scope_label=label,
        cadence=template.cadence,
        amount=round_up(mean * GROWTH_ROOM * template.cadence.months),
        periods_used=used,
        is_taken=(kind, key, cadence) in taken,
    )
