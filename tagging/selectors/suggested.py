"""What of a figure is there because of virtual tags: accepted suggestions of ours, not tags of the provider."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple

from costs import selectors as intake
from costs.money import ZERO
from costs.queries import CostQuery, tag_key_of
from costs.scope import Scope
from costs.tags import canonical_key
from costs.terms import COST_COLUMNS
from tagging.closing import LineKey, Lines, Owner, collected
from tagging.models import Statement
from tagging.results import Chargeback, CostTable
from tagging.results import Statement as StatementView
from tagging.selectors.closed import closed_months
from tagging.selectors.closed_lines import suggested_of
from tagging.selectors.closes import close_of
from tagging.selectors.policy import policy_keys
from tagging.selectors.reach import Reach, reach
from tagging.selectors.sums import BY_SLICE, Ask, cut_rows, owned_rows, untracked_keys
from tagging.selectors.teams import rules_by_pk
from tagging.selectors.virtual import virtual_tags_in
from tagging.terms import LineKind

SuggestedCosts = Mapping[str, Decimal]  # by value of the dimension, '' for none
Ours = Mapping[int, Mapping[int, Mapping[str, str]]]  # import → resource → key → the value of a virtual tag
# The dimensions that stand for a key of the policy.
_KEY_OF = {"environment": "Environment", "project": "Project", "owner": "Owner", "cost_center": "CostCenter"}


_OF_RESOURCE = ("bill_import_id", "resource_id", "slice__tags", "owned__rule_id")
_OF_LINE = (
    "owned__owner_kind",
    "owned__owner_key",
    "slice__service_name",
    "slice__sub_account_id",
    "slice__charge_category",
)


class _Line(NamedTuple):
    """A resource's costs of a month in one slice, with its owner."""

    import_pk: int
    resource_key: int
    tags: Mapping[str, str]
    rule_pk: int | None
    value: str
    cost: Decimal


def suggested_costs(scope: Scope, query: CostQuery) -> SuggestedCosts:
    """By value of the query's dimension, the costs of resources that a virtual tag of ours puts there.

    By team, those where the rule that decided looks at the key. Asks nothing more where no virtual tag holds. A
    resource that was tagged with the same value since is counted until its virtual tag is ended. Filters on tags
    only the lines know are left aside.
    """
    found = reach(scope, query.periods, query.currency)
    ours = _ours(found)
    if not any(ours.values()) or not _may_be_ours(query.group_by):
        return {}
    decides = _decides(query.group_by, _spellings())
    costs: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for line in _lines(found, query, _resources(ours)):
        if _is_ours(line, ours, decides):
            costs[line.value] += line.cost
    return dict(costs)


def suggested_by_team(scope: Scope, query: CostQuery) -> SuggestedCosts:
    """By owner of a month: of a closed one what its close kept, as its statements say; else as the bill in force is.

    Where a close did not keep it, as the bill in force has it, too.
    """
    currency = query.currency or reach(scope, query.periods).currency
    if (query.first, currency) not in closed_months():
        return suggested_costs(scope, query)
    rows = Statement.objects.filter(close=close_of(query.first, currency))
    if not scope.everything:
        rows = rows.filter(owner_key__in=scope.team_keys)
    kept = {row.owner_key: suggested_of(row, query.metric) for row in rows}
    known = {owner: sum(costs.values(), ZERO) for owner, costs in kept.items() if costs is not None}
    return known if len(known) == len(kept) else suggested_costs(scope, query)


def suggested_lines(reached: Reach) -> Lines:
    """Of each line of direct costs, on every basis, what its owner has because of virtual tags; others left out."""
    ours = _ours(reached)
    if not any(ours.values()):
        return {}
    decides = _decides("team", _spellings())
    rows = owned_rows(reached, intake.resource_costs(Scope.all(), reached.import_pks))
    rows = rows.filter(resource_id__in=_resources(ours))
    found = []
    for row in rows.values_list(*_OF_RESOURCE, *_OF_LINE, *COST_COLUMNS):
        pk, resource, tags, rule = row[: len(_OF_RESOURCE)]
        kind, owner, *texts = row[len(_OF_RESOURCE) : -len(COST_COLUMNS)]
        if _is_ours(_Line(pk, resource, tags, rule, owner, ZERO), ours, decides):
            key = LineKey(Owner(kind, owner), LineKind.DIRECT.value, *texts)
            found.append((key, tuple(row[-len(COST_COLUMNS) :])))
    return {key: costs for key, costs in collected(found).items() if any(costs)}


def mark_statement(scope: Scope, found: StatementView) -> StatementView:
    """The open month's statement with what of each line is there because of virtual tags.

    A closed one tells what was stored with it, whatever became of tags since.
    """
    team = found.summary.team_key
    scope.require_team(team)
    if found.close.is_closed:
        return found
    own = reach(Scope.teams(frozenset({team})), (found.period,), found.currency)
    at = COST_COLUMNS.index(found.metric.column)
    costs = {
        (key.service_name, key.sub_account_id, key.charge_category): amounts[at]
        for key, amounts in suggested_lines(own).items()
    }
    lines = tuple(
        replace(line, suggested_cost=costs.get((line.service_name, line.sub_account_id, line.charge_category), ZERO))
        for line in found.lines
    )
    return replace(found, lines=lines, suggested_cost=sum((line.suggested_cost or ZERO for line in lines), ZERO))


def mark_costs(scope: Scope, table: CostTable) -> CostTable:
    """The table's rows with what of each is there because of virtual tags."""
    costs = suggested_costs(scope, table.query)
    if not costs:
        return table
    rows = (replace(row, suggested_cost=costs.get("" if row.is_missing else row.key, ZERO)) for row in table.rows)
    return replace(table, rows=tuple(rows))


def mark_owners(scope: Scope, table: Chargeback) -> Chargeback:
    """The month's owners with what each has because of virtual tags; of teams in a closed month, what it kept."""
    query = CostQuery(table.period, table.period, group_by=table.by, metric=table.metric, currency=table.currency)
    costs = suggested_by_team(scope, query) if table.by == "team" else suggested_costs(scope, query)
    if not costs:
        return table
    return replace(table, rows=tuple(replace(row, suggested_cost=costs.get(row.key, ZERO)) for row in table.rows))


def _ours(reached: Reach) -> Ours:
    found: dict[int, dict[int, dict[str, str]]] = {item.pk: defaultdict(dict) for item in reached.imports}
    for item in reached.imports:
        for tag in virtual_tags_in(item.period):
            found[item.pk][tag.resource_key][tag.key] = tag.value
    return found


def _resources(ours: Ours) -> set[int]:
    return {resource for tags in ours.values() for resource in tags}


def _spellings() -> dict[str, frozenset[str]]:
    return {key.key: key.canonical_spellings for key in policy_keys()}


def _is_ours(line: _Line, ours: Ours, decides: Callable[[str, _Line], bool]) -> bool:
    tags = ours[line.import_pk].get(line.resource_key, {})
    return any(line.tags.get(key) == value and decides(key, line) for key, value in tags.items())


def _may_be_ours(dimension: str) -> bool:
    return dimension == "team" or dimension in _KEY_OF or bool(tag_key_of(dimension))


def _decides(dimension: str, spellings: Mapping[str, frozenset[str]]) -> Callable[[str, _Line], bool]:
    """Whether a virtual tag under a key is what gives a line its value of the dimension."""
    if dimension == "team":
        keys = {pk: {canonical_key(key) for key in rule.tag_keys} for pk, rule in rules_by_pk().items()}
        return lambda key, line: bool(keys.get(line.rule_pk or 0, set()) & spellings.get(key, frozenset()))
    wanted = canonical_key(_KEY_OF.get(dimension, "") or tag_key_of(dimension))
    return lambda key, line: bool(line.value) and wanted in spellings.get(key, frozenset())


def _lines(reached: Reach, query: CostQuery, resources: set[int]) -> list[_Line]:
    """The reader's lines of these resources; there are as many as the resources have slices."""
    unknown = {canonical_key(key) for key in untracked_keys(reached, {name for name, _ in query.filters})}
    filters = tuple(pair for pair in query.filters if canonical_key(tag_key_of(pair[0])) not in unknown)
    rows = owned_rows(reached, intake.resource_costs(Scope.all(), reached.import_pks)).filter(resource_id__in=resources)
    rows = cut_rows(rows, Ask(reached, query.metric, filters), BY_SLICE)
    key = tag_key_of(query.group_by)
    value = "slice__tags" if key else BY_SLICE[query.group_by]
    columns = (*_OF_RESOURCE, value, query.metric.column)
    return [
        _Line(pk, resource, tags, rule, _value(found, key), cost)
        for pk, resource, tags, rule, found, cost in rows.values_list(*columns)
    ]


def _value(found: Any, key: str) -> str:
    if not key:
        return found or ""
    return next((value for name, value in found.items() if canonical_key(name) == canonical_key(key)), "")
