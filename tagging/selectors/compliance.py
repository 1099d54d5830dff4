"""What the tag policy says of a month's resources."""

from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from heapq import nlargest

from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.policy import Judgement, TaggableLine, Tally, deciding_slices, group_lines, tally
from tagging.results import Compliance, CostliestResources, GroupCompliance, KeyCompliance, ResourceRow, ResourceTable
from tagging.selectors.labels import labels, team_names
from tagging.selectors.sums import Ask, total
from tagging.selectors.taggable import TaggableMonth, costs_by_resource, last_texts, taggable_month
from tagging.selectors.taggable_rows import SliceOf
from tagging.selectors.virtual import virtual_values
from tagging.terms import TagState

Filters = tuple[tuple[str, str], ...]
Pairs = tuple[tuple[str, str], ...]
FIXES = 10
_LINE_FILTERS = ("team", "service", "region", "account", "environment")


def compliance(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric = CostMetric.EFFECTIVE,
    currency: str = "",
    totals_only: bool = False,
) -> Compliance:
    """The policy's required keys over the month's taggable charges that the reader may see.

    A team's is that of its own slices alone. A key the month was not read for takes part in nothing and stands
    in `unread_keys`. Ratios are None where there is nothing to divide by. With `totals_only` groups and fixes
    stay empty, which spares dashboards their cost.
    """
    month = taggable_month(scope, period, metric, currency)
    counted = _tally(month, month.lines)
    groups = {name: () if totals_only else _groups(month, name) for name in _LINE_FILTERS}
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
        by_service=groups["service"],
        by_region=groups["region"],
        by_account=groups["account"],
        by_team=groups["team"],
        by_environment=groups["environment"],
        fixes=() if totals_only else _fixes(month),
        unread_keys=month.unread,
        exempt_resources=counted.exempt_resources,
        exempt_cost=counted.exempt_cost,
        untaggable_cost=None if totals_only else _untaggable(month, metric, counted),
    )


def resources(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> ResourceTable:
    """Taggable resources with cost and tag states.

    `filters`: (dimension, value) for team, service, region, account, environment; ("state", "compliant" or "to_fix"),
    ("missing", KEY), ("invalid", KEY), ("search", text in id or name). Others are left alone.
    """
    month = taggable_month(scope, period, metric, currency)
    kept = tuple(line for line in month.lines if _line_wanted(month.slices[line.slice_key], filters))
    rows = [row for row in _rows(month, kept) if _row_wanted(row, filters)]
    return ResourceTable(
        period=period,
        metric=metric,
        currency=month.reach.currency,
        policy_keys=tuple(key.key for key in month.policy),
        rows=tuple(rows),
        total=sum((row.cost for row in rows), ZERO),
        unread_keys=month.unread,
    )


def costliest(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", limit: int
) -> CostliestResources:
    """The first of `resources`, and the first of those to fix, without making rows of all the others."""
    month = taggable_month(scope, period, metric, currency)
    costs, deciding = costs_by_resource(month.lines), deciding_slices(month.lines)

    def place(key: int) -> tuple[Decimal, str, str]:
        return -costs[key], month.ids[key], month.slices[deciding[key]].account

    both = (costs, month.to_fix(deciding, costs))
    first, fixes = (sorted(_dearest(keys, costs, limit), key=place)[:limit] for keys in both)
    shown = {*first, *fixes}
    rows = _rows(month, tuple(line for line in month.lines if line.resource_key in shown))
    return CostliestResources(
        rows=tuple(rows[: len(first)]),
        fixes=tuple(row for row in rows if not row.is_compliant and row.cost > 0)[: len(fixes)],
        total=sum(costs.values(), ZERO),
        count=len(costs),
        currency=month.reach.currency,
    )


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


def _tally(month: TaggableMonth, lines: Sequence[TaggableLine]) -> Tally:
    return tally(lines, month.judged, len(month.policy), month.exceptions)


def _untaggable(month: TaggableMonth, metric: CostMetric, counted: Tally) -> Decimal:
    """All the reader's costs of the month that are neither judged nor excused."""
    return total(Ask(month.reach, metric)) - counted.taggable_cost - counted.exempt_cost


def _groups(month: TaggableMonth, dimension: str) -> tuple[GroupCompliance, ...]:
    value_of: Callable[[TaggableLine], str] = lambda line: getattr(month.slices[line.slice_key], dimension)  # noqa: E731
    grouped = group_lines(month.lines, value_of)
    names = labels(month.reach.scope, dimension, grouped)
    rows = [_group(value, names[value], _tally(month, lines)) for value, lines in grouped.items()]
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


def _fixes(month: TaggableMonth) -> tuple[ResourceRow, ...]:
    """The resources whose last tags do not comply, dearest first."""
    deciding = deciding_slices(month.lines)
    costs = costs_by_resource(month.lines)
    best = set(sorted(month.to_fix(deciding, costs), key=lambda key: (-costs[key], key))[:FIXES])
    return tuple(_rows(month, tuple(line for line in month.lines if line.resource_key in best)))


def _rows(month: TaggableMonth, lines: Sequence[TaggableLine]) -> list[ResourceRow]:
    costs, deciding = costs_by_resource(lines), deciding_slices(lines)
    names, types = last_texts(month, costs, 3), last_texts(month, costs, 4)
    places = [month.slices[slice_key] for slice_key in deciding.values()]
    teams = team_names({place.team for place in places})
    ours = virtual_values(month.reach)
    values = {
        slice_key: tuple((rule.key, rule.value_in(month.slices[slice_key].tags)) for rule in month.policy)
        for slice_key in set(deciding.values())
    }
    rows = []
    for key, slice_key in deciding.items():
        place, judgement = month.slices[slice_key], month.judgement(key, slice_key)
        suggested = _suggested(month, judgement, ours.get(key, {}), place)
        row = ResourceRow(
            resource_id=month.ids[key],
            name=names.get(key, ""),
            resource_type=types.get(key, ""),
            service_name=place.service,
            sub_account_id=place.account,
            sub_account_name=place.account_name,
            region_id=place.region,
            team_key=place.team,
            team_name=teams.get(place.team, ""),
            cost=costs[key],
            states=tuple((rule.key, state) for rule, state in zip(month.policy, judgement.states, strict=True)),
            values=_without(values[slice_key], suggested),
            is_compliant=judgement.is_compliant,
            suggested=suggested,
        )
        rows.append(row)
    return sorted(rows, key=lambda row: (-row.cost, row.resource_id, row.sub_account_id))


def _suggested(
    month: TaggableMonth, judgement: Judgement, ours: Mapping[str, str], place: SliceOf
) -> tuple[tuple[str, str], ...]:
    """The values that are ours: the slice has them, and the resource is judged as lacking them."""
    if not ours:
        return ()
    found = zip(month.policy, judgement.states, strict=True)
    return tuple(
        (rule.key, ours[rule.key])
        for rule, state in found
        if state is TagState.MISSING and rule.key in ours and rule.value_in(place.tags) == ours[rule.key]
    )


def _without(values: Pairs, suggested: Pairs) -> Pairs:
    """The resource's own values: those that are ours are none of them."""
    ours = dict(suggested)
    return tuple((key, "" if key in ours else value) for key, value in values) if ours else values


def _line_wanted(place: SliceOf, filters: Filters) -> bool:
    for name in _LINE_FILTERS:
        wanted = {"" if value == NOT_SET else value for filtered, value in filters if filtered == name}
        if wanted and getattr(place, name) not in wanted:
            return False
    return True


def _row_wanted(row: ResourceRow, filters: Filters) -> bool:
    states = dict(row.states)
    for name, value in filters:
        if name == "state" and row.is_compliant != (value == "compliant"):
            return False
        if name == "missing" and states.get(value) is not TagState.MISSING:
            return False
        if name == "invalid" and states.get(value) is not TagState.INVALID:
            return False
        if name == "search" and value.casefold() not in f"{row.resource_id} {row.name}".casefold():
            return False
    return True
