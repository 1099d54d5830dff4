"""What the tag policy says of a month's resources."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from costs import selectors as intake
from costs.money import ZERO, ratio
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.models import Allocation
from tagging.policy import Judgement, KeyPolicy, TaggableLine, Tally, deciding_slices, group_lines, judge, tally
from tagging.results import Compliance, GroupCompliance, KeyCompliance, ResourceRow, ResourceTable, UnreadKey
from tagging.selectors.labels import labels, team_names
from tagging.selectors.policy import required_keys
from tagging.selectors.reach import Reach, reach
from tagging.selectors.sums import owned_rows
from tagging.selectors.unread import unread_policy_keys
from tagging.terms import TagState

Filters = tuple[tuple[str, str], ...]
FIXES = 10
_LINE_FILTERS = ("team", "service", "region", "account")


@dataclass(frozen=True)
class _Slice:
    """What a resource line takes from its slice."""

    tags: Mapping[str, str]
    team: str
    service: str
    region: str
    account: str


@dataclass(frozen=True)
class _Month:
    """The reader's taggable lines of a month, and what the policy says of their slices."""

    reach: Reach
    policy: tuple[KeyPolicy, ...]
    unread: tuple[UnreadKey, ...]
    lines: tuple[TaggableLine, ...]
    rows: tuple[tuple[Any, ...], ...]
    slices: Mapping[int, _Slice]
    judged: Mapping[int, Judgement]


@dataclass(frozen=True)
class _Read:
    """What the month's figures are made of on any basis, and judgements.

    Rows are (resource, slice, last day, name, type, five costs); names and types are those of the reader's own lines.
    """

    reach: Reach
    policy: tuple[KeyPolicy, ...]
    unread: tuple[UnreadKey, ...]
    rows: tuple[tuple[Any, ...], ...]
    slices: Mapping[int, _Slice]
    judged: Mapping[int, Judgement]


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
    month = _month(scope, period, metric, currency)
    counted = tally(month.lines, month.judged, len(month.policy))
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
        fixes=() if totals_only else _fixes(month),
        unread_keys=month.unread,
    )


def resources(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> ResourceTable:
    """Taggable resources with cost and tag states.

    `filters`: (dimension, value) for team, service, region, account; ("state", "compliant" or "to_fix"),
    ("missing", KEY), ("invalid", KEY), ("search", text in id or name). Others are left alone.
    """
    month = _month(scope, period, metric, currency)
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


def _month(scope: Scope, period: BillingPeriod, metric: CostMetric, currency: str) -> _Month:
    read = read_once(("taggable month", scope, period, currency), lambda: _read_month(scope, period, currency))
    column = COST_COLUMNS.index(metric.column)
    lines = tuple(TaggableLine(row[0], row[1], row[5 + column], row[2]) for row in read.rows)
    return _Month(read.reach, read.policy, read.unread, lines, read.rows, read.slices, read.judged)


def _read_month(scope: Scope, period: BillingPeriod, currency: str) -> _Read:
    """All bases at once: a page that shows two of them reads the rows once."""
    found = reach(scope, (period,), currency)
    required = required_keys()
    unread = unread_policy_keys(scope, required, found.imports)
    policy = tuple(key for key in required if key.key not in {item.key for item in unread})
    slices = _slices(found)
    rows = owned_rows(found, intake.resource_costs(Scope.all(), found.import_pks)).filter(slice__is_taggable=True)
    judged = {key: judge(policy, item.tags) for key, item in slices.items()}
    columns = ("resource_id", "slice_id", "last_charged_on", "name", "resource_type", *COST_COLUMNS)
    return _Read(found, policy, unread, tuple(rows.values_list(*columns)), slices, judged)


def _slices(found: Reach) -> dict[int, _Slice]:
    owned = Allocation.objects.filter(bill_import_id__in=found.import_pks, slice__is_taggable=True)
    if not found.scope.everything:
        owned = owned.filter(owner_key__in=found.scope.team_keys)
    columns = ("slice_id", "slice__tags", "owner_key")
    place = ("slice__service_name", "slice__region_id", "slice__sub_account_id")
    return {row[0]: _Slice(*row[1:]) for row in owned.values_list(*columns, *place)}


def _key(name: str, place: int, counted: Tally) -> KeyCompliance:
    present, invalid = counted.present[place], counted.invalid[place]
    return KeyCompliance(
        key=name,
        present=present,
        missing=counted.resources - present,
        invalid=invalid,
        compliant_ratio=ratio(present - invalid, counted.resources),
        compliant_cost=counted.key_costs[place],
        cost_ratio=ratio(counted.key_costs[place], counted.taggable_cost),
    )


def _groups(month: _Month, dimension: str) -> tuple[GroupCompliance, ...]:
    value_of: Callable[[TaggableLine], str] = lambda line: getattr(month.slices[line.slice_key], dimension)  # noqa: E731
    grouped = group_lines(month.lines, value_of)
    names = labels(month.reach.scope, dimension, grouped)
    rows = [
        _group(value, names[value], tally(lines, month.judged, len(month.policy))) for value, lines in grouped.items()
    ]
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


def _fixes(month: _Month) -> tuple[ResourceRow, ...]:
    """The resources whose last tags do not comply, dearest first."""
    deciding = deciding_slices(month.lines)
    costs = _costs(month.lines)
    wrong = [key for key, slice_key in deciding.items() if not month.judged[slice_key].is_compliant and costs[key] > 0]
    best = set(sorted(wrong, key=lambda key: (-costs[key], key))[:FIXES])
    return tuple(_rows(month, tuple(line for line in month.lines if line.resource_key in best)))


def _rows(month: _Month, lines: Sequence[TaggableLine]) -> list[ResourceRow]:
    costs, deciding = _costs(lines), deciding_slices(lines)
    ids = intake.resource_ids(Scope.all(), month.reach.import_pks, only=costs if len(costs) <= FIXES else None)
    names, types = _last_texts(month, costs, 3), _last_texts(month, costs, 4)
    places = [month.slices[slice_key] for slice_key in deciding.values()]
    teams = team_names({place.team for place in places})
    accounts = intake.account_names(month.reach.scope, {place.account for place in places})
    rows = []
    for key, slice_key in deciding.items():
        place, judgement = month.slices[slice_key], month.judged[slice_key]
        row = ResourceRow(
            resource_id=ids[key],
            name=names.get(key, ""),
            resource_type=types.get(key, ""),
            service_name=place.service,
            sub_account_id=place.account,
            sub_account_name=accounts.get(place.account, ""),
            region_id=place.region,
            team_key=place.team,
            team_name=teams.get(place.team, ""),
            cost=costs[key],
            states=tuple((rule.key, state) for rule, state in zip(month.policy, judgement.states, strict=True)),
            values=tuple((rule.key, rule.value_in(place.tags)) for rule in month.policy),
            is_compliant=judgement.is_compliant,
        )
        rows.append(row)
    return sorted(rows, key=lambda row: (-row.cost, row.resource_id, row.sub_account_id))


def _last_texts(month: _Month, wanted: Collection[int], column: int) -> dict[int, str]:
    """By resource the text of the reader's slice that was charged last, of those that have one."""
    best: dict[int, tuple[date, str]] = {}
    for row in month.rows:
        key, seen = row[0], (row[2], row[column])
        if row[column] and key in wanted and (key not in best or best[key] < seen):
            best[key] = seen
    return {key: text for key, (_, text) in best.items()}


def _costs(lines: Sequence[TaggableLine]) -> dict[int, Decimal]:
    costs: dict[int, Decimal] = {}
    for line in lines:
        costs[line.resource_key] = costs.get(line.resource_key, ZERO) + line.cost
    return costs


def _line_wanted(place: _Slice, filters: Filters) -> bool:
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
