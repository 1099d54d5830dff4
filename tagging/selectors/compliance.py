"""What the tag policy says of a month's resources."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal
from heapq import nlargest, nsmallest
from typing import Any

from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.policy import TaggableLines, Tally, tally
from tagging.results import (
    Compliance,
    CostliestResources,
    GroupCompliance,
    InvalidValue,
    KeyCompliance,
    ResourceRow,
)
from tagging.selectors.judged import JudgedMonth, judged_month
from tagging.selectors.labels import labels
from tagging.selectors.month_sums import PLACES, by_deciding_slice, decided, group_tallies, month_tally
from tagging.selectors.resource_rows import resource_rows
from tagging.selectors.sums import Ask, total
from tagging.selectors.taggable import TaggableMonth, taggable_month
from tagging.terms import TagState

GROUPS = tuple(PLACES)
FIXES = 10


def compliance(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric = CostMetric.EFFECTIVE,
    currency: str = "",
    totals_only: bool = False,
    groups: Collection[str] = GROUPS,
) -> Compliance:
    """The policy's required keys over the month's taggable charges that the reader may see.

    A team's is that of its own slices alone. A key the month was not read for takes part in nothing and stands
    in `unread_keys`. Ratios are None where there is nothing to divide by. Groups that are not asked for stay empty;
    with `totals_only` all of them and fixes do, which spares dashboards their cost.
    """
    if totals_only and not scope.everything:
        # A team's page reads its lines for other parts of it anyway.
        own = taggable_month(scope, period, metric, currency)
        return _totals(own, period, metric, own.said.once(("tally", metric), lambda: _tally(own)))
    month = judged_month(scope, period, currency)
    counted = month_tally(month, metric)
    if totals_only:
        return _totals(month, period, metric, counted)
    by_group: dict[str, Any] = {f"by_{name}": _groups(month, metric, name) for name in groups}
    return replace(
        _totals(month, period, metric, counted),
        fixes=_fixes(month, metric),
        untaggable_cost=_untaggable(month, metric, counted),
        **by_group,
    )


def _tally(month: TaggableMonth) -> Tally:
    return tally(month.lines, month.said.judged, len(month.policy), month.said.exceptions)


def _totals(
    month: JudgedMonth | TaggableMonth, period: BillingPeriod, metric: CostMetric, counted: Tally
) -> Compliance:
    return Compliance(
        period=period,
        metric=metric,
        currency=month.reach.currency,
        resources=counted.resources,
        compliant_resources=counted.compliant_resources,
        compliance_ratio=ratio(counted.compliant_resources, counted.resources),
        taggable_cost=counted.taggable_cost,
        compliant_cost=counted.compliant_cost,
        cost_ratio=ratio(counted.compliant_cost, counted.taggable_cost),
        by_key=tuple(_key(key.key, place, counted) for place, key in enumerate(month.policy)),
        fixes=(),
        unread_keys=month.unread,
        exempt_resources=counted.exempt_resources,
        exempt_cost=counted.exempt_cost,
    )


def values_not_allowed(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = ""
) -> tuple[InvalidValue, ...]:
    """Every value the policy does not allow, with the resources that carry it last and all their costs."""
    month = judged_month(scope, period, currency)
    found: dict[tuple[str, str], tuple[int, Decimal]] = {}
    sums = [(key, month.judged[key], *each) for key, each in by_deciding_slice(month, metric).items()]
    apart = (each for each in decided(month, metric) if each.resource_key in month.apart)
    sums += [(each.slice_key, month.judgement(each.resource_key, each.slice_key), 1, each.cost) for each in apart]
    for slice_key, judgement, count, cost in sums:
        for key, state in zip(month.policy, judgement.states, strict=True):
            if state is TagState.INVALID:
                value = key.value_in(month.slices[slice_key].tags)
                known = found.get((key.key, value), (0, ZERO))
                found[key.key, value] = (known[0] + count, known[1] + cost)
    return tuple(InvalidValue(key, value, *sums_) for (key, value), sums_ in sorted(found.items()))


def costliest(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", limit: int
) -> CostliestResources:
    """The first of `resources`, and the first of those to fix, without making rows of all the others."""
    month = taggable_month(scope, period, metric, currency)
    costs = month.lines.costs
    first, fixes = month.said.once(("costliest", metric, limit), lambda: _first_and_fixes(month, limit))
    shown = {*first, *fixes}
    rows = resource_rows(month, TaggableLines(line for line in month.lines if line.resource_key in shown))
    return CostliestResources(
        rows=tuple(rows[: len(first)]),
        fixes=tuple(row for row in rows if not row.is_compliant and row.cost > 0)[: len(fixes)],
        total=sum(costs.values(), ZERO),
        count=len(costs),
        currency=month.reach.currency,
    )


def _first_and_fixes(month: TaggableMonth, limit: int) -> list[list[int]]:
    """The dearest resources, and the dearest of those to fix."""
    costs, deciding = month.lines.costs, month.lines.deciding

    def place(key: int) -> tuple[Decimal, str, str]:
        return -costs[key], month.ids[key], month.slices[deciding[key]].account

    both = (costs, month.to_fix(deciding, costs))
    return [sorted(_dearest(keys, costs, limit), key=place)[:limit] for keys in both]


def _dearest(keys: Collection[int], costs: Mapping[int, Decimal], limit: int) -> list[int]:
    """The keys with the highest costs: as many as the limit, and those that tie with the last of them."""
    if len(keys) <= limit:
        return list(keys)
    least = nlargest(limit, (costs[key] for key in keys))[-1]
    return [key for key in keys if costs[key] >= least]


def _key(name: str, place: int, counted: Tally) -> KeyCompliance:
    present, invalid, exempt = counted.present[place], counted.invalid[place], counted.exempt[place]
    judged, judged_cost = counted.resources - exempt, counted.taggable_cost - counted.exempt_key_costs[place]
    return KeyCompliance(
        key=name,
        present=present,
        missing=judged - present,
        invalid=invalid,
        exempt=exempt,
        compliant_ratio=ratio(present - invalid, judged),
        compliant_cost=counted.key_costs[place],
        judged_cost=judged_cost,
        cost_ratio=ratio(counted.key_costs[place], judged_cost),
    )


def _untaggable(month: JudgedMonth, metric: CostMetric, counted: Tally) -> Decimal:
    """All the reader's costs of the month that are neither judged nor excused."""
    return total(Ask(month.reach, metric)) - counted.taggable_cost - counted.exempt_cost


def _groups(month: JudgedMonth, metric: CostMetric, dimension: str) -> tuple[GroupCompliance, ...]:
    grouped = group_tallies(month, metric, dimension)
    names = labels(month.reach.scope, dimension, grouped)
    rows = [_group(value, names[value], counted) for value, counted in grouped.items()]
    return tuple(sorted(rows, key=lambda row: (row.is_missing, row.compliant_cost - row.taggable_cost, row.label)))


def _group(value: str, label: str, counted: Tally) -> GroupCompliance:
    return GroupCompliance(
        key=value or NOT_SET,
        label=label,
        resources=counted.resources,
        compliant_resources=counted.compliant_resources,
        compliance_ratio=ratio(counted.compliant_resources, counted.resources),
        taggable_cost=counted.taggable_cost,
        compliant_cost=counted.compliant_cost,
        cost_ratio=ratio(counted.compliant_cost, counted.taggable_cost),
        is_missing=not value,
    )


def _fixes(month: JudgedMonth, metric: CostMetric) -> tuple[ResourceRow, ...]:
    """The resources whose last tags do not comply, dearest first."""
    wrong = (
        (-each.cost, each.resource_key)
        for each in decided(month, metric)
        if each.cost > 0 and not month.judgement(each.resource_key, each.slice_key).is_compliant
    )
    best = month.part([key for _, key in nsmallest(FIXES, wrong)], metric)
    return tuple(resource_rows(best, best.lines))
