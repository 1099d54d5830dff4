"""What is wrong with the tags of a month's resources, key by key, within the reader's scope."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AnnouncedFix
from tagging.policy import KeyPolicy, deciding_slices
from tagging.policy.exemptions import Excuse
from tagging.policy.near import spellings_meant
from tagging.policy.problems import Found, Problem, problem_of
from tagging.policy.resource_types import resource_type
from tagging.results.tag_findings import ProblemTotal, TagFindingRow, TagFindings
from tagging.selectors.carried import Carried, carried
from tagging.selectors.labels import team_names
from tagging.selectors.policy import excuses, policy_keys
from tagging.selectors.taggable import (
    TaggableMonth,
    costs_by_resource,
    excused_from,
    ids_of,
    last_texts,
    taggable_month,
)
from tagging.selectors.taggable_rows import SliceOf
from tagging.selectors.unread import kept_on_slices
from tagging.terms import TagProblem, ValueKind

Filters = tuple[tuple[str, str], ...]
FILTERS = ("team", "service", "region", "account", "environment", "key")


@dataclass(frozen=True)
class _Hit:
    """A problem before it has names."""

    resource_key: int
    slice_key: int
    place: int  # of its key in the policy
    problem: Problem
    cost: Decimal


@dataclass(frozen=True)
class _Judge:
    """All that a resource is judged by."""

    keys: tuple[KeyPolicy, ...]
    unread: frozenset[str]
    carried: Carried
    excuses: tuple[Excuse, ...]
    ids: Mapping[int, str]
    is_for_staff: bool


def tag_findings(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric = CostMetric.EFFECTIVE,
    currency: str = "",
    filters: Filters = (),
    limit: int | None = None,
) -> TagFindings:
    """Every problem of every key of the policy on the reader's taggable resources, dearest resource first.

    `filters` are (team, service, region, account, environment or key, value), ("search", text in id) and ("problem",
    a TagProblem), which the totals leave aside. What is said of a team is made of its own lines alone: values of
    others are no candidates. Required keys the month was not read for are left out, as everywhere.
    """
    month = taggable_month(scope, period, metric, currency)
    asked, wanted = ("tag problems", scope, period, metric, currency), _by_name(filters)
    judge, every_hit = read_once(asked, lambda: _judged(scope, month, period))
    hits = [hit for hit in every_hit if _wanted(month, judge, hit, wanted)]
    problems = {value for name, value in filters if name == "problem"}
    kept = [hit for hit in hits if not problems or hit.problem.kind.value in problems]
    kept.sort(key=lambda hit: (-hit.cost, hit.resource_key, hit.place))
    return TagFindings(
        period=period,
        metric=metric,
        currency=month.reach.currency,
        rows=_rows(scope, month, judge, kept[:limit]),
        count=len(kept),
        totals=_totals(hits),
        keys=tuple(key.key for key in judge.keys),
    )


def _judged(scope: Scope, month: TaggableMonth, period: BillingPeriod) -> tuple[_Judge, tuple[_Hit, ...]]:
    judge = _judge_of(scope, month, period)
    return judge, tuple(_hits(month, judge))


def _judge_of(scope: Scope, month: TaggableMonth, period: BillingPeriod) -> _Judge:
    left_out = {item.key for item in month.unread}
    keys = tuple(key for key in policy_keys(period) if key.key not in left_out)
    optional = (key for key in keys if not key.is_required)
    unread = frozenset(key.key for key in optional if not kept_on_slices(key, month.reach.imports))
    found = carried(month.reach, keys, month.slices, unread=unread)
    ids = ids_of(month.reach)
    return _Judge(keys, unread, found, excuses(), ids, scope.everything)


def _hits(month: TaggableMonth, judge: _Judge) -> Iterator[_Hit]:
    costs, days = costs_by_resource(month.lines), _last_days(month)
    deciding = deciding_slices(month.lines)
    meant = {key.key: _meant_spellings(month, judge, key, deciding) for key in judge.keys if _is_free(key)}
    may_excuse = excused_from(judge.excuses, month.slices, judge.ids)
    limited = [key.is_limited for key in judge.keys]
    known: dict[tuple[int, int], Problem | None] = {}
    for resource_key, slice_key in deciding.items():
        day = days[resource_key]
        holding = [excuse for excuse in may_excuse(resource_key, slice_key) if excuse.holds_on(day)]
        for place, key in enumerate(judge.keys):
            is_apart = bool(holding) or limited[place]
            problem = _aside(month.slices[slice_key], judge, key, resource_key, holding) if is_apart else None
            if problem is _NOT_JUDGED:
                continue
            at = (resource_key, slice_key, key.key)
            if problem is None and judge.carried.tells_nothing_of(at) and key.kind is not ValueKind.DATE:
                if (slice_key, place) not in known:
                    known[slice_key, place] = _problem(month, judge, key, at, day, meant)
                problem = known[slice_key, place]
            elif problem is None:
                problem = _problem(month, judge, key, at, day, meant)
            if problem is not None:
                yield _Hit(resource_key, slice_key, place, problem, costs[resource_key])


_NOT_JUDGED = Problem(TagProblem.EXEMPT, "")


def _aside(
    place: SliceOf, judge: _Judge, key: KeyPolicy, resource_key: int, holding: Sequence[Excuse]
) -> Problem | None:
    """Why the key is not judged there: _NOT_JUDGED where it does not apply, an EXEMPT problem where it is excused."""
    resource_id = judge.ids.get(resource_key, "")
    if key.is_limited and not key.applies_to(resource_type(resource_id, place.service), place.team):
        return _NOT_JUDGED
    excuse = next((each for each in holding if each.excuses(key.key)), None)
    if excuse is None:
        return None
    if not key.is_required:
        return _NOT_JUDGED
    # The reason may speak of others: a team reads it only where the exemption is its own.
    reason = f": {excuse.reason}" if judge.is_for_staff or excuse.team == place.team else ""
    why = f"excused until {excuse.until.isoformat()}{reason}"
    return Problem(TagProblem.EXEMPT, key.key, key.value_in(place.tags), why=why, breaks=False)


def _problem(
    month: TaggableMonth,
    judge: _Judge,
    key: KeyPolicy,
    at: tuple[int, int, str],
    day: date,
    meant: Mapping[str, Mapping[str, Problem]],
) -> Problem | None:
    problem = problem_of(key, _found(month, judge, key, at), day=day)
    if problem is not None or key.key not in meant:
        return problem
    return meant[key.key].get(_found(month, judge, key, at).value)


def _found(month: TaggableMonth, judge: _Judge, key: KeyPolicy, at: tuple[int, int, str]) -> Found:
    spelling, carried_value = judge.carried.spelled.get(at, ("", ""))
    near_key, near_value = judge.carried.mistyped.get(at, ("", ""))
    value = carried_value if key.key in judge.unread else key.value_in(month.slices[at[1]].tags)
    return Found(value, spelling, near_key, near_value)


def _is_free(key: KeyPolicy) -> bool:
    return key.kind is ValueKind.TEXT and not key.allowed


def _meant_spellings(
    month: TaggableMonth, judge: _Judge, key: KeyPolicy, deciding: Mapping[int, int]
) -> dict[str, Problem]:
    """Of a key that takes any text: rare spellings among the reader's own values → the common one they mean."""
    values = _values(month, judge, key, deciding)
    found = {}
    for value, other in spellings_meant(values).items():
        why = f"{other.why}; {values[other.value]:,} resources have {other.value}"
        found[value] = Problem(TagProblem.NEAR_MISS, key.key, value, "", other.value, why, breaks=False)
    return found


def _values(month: TaggableMonth, judge: _Judge, key: KeyPolicy, deciding: Mapping[int, int]) -> Counter[str]:
    """How many resources have each value of a key; what slices keep is read once for all resources of a slice."""
    values = Counter[str]()
    if key.key in judge.unread:
        for resource_key, slice_key in deciding.items():
            values[_found(month, judge, key, (resource_key, slice_key, key.key)).value] += 1
    else:
        for slice_key, count in Counter(deciding.values()).items():
            values[key.value_in(month.slices[slice_key].tags)] += count
    del values[""]
    return values


def _last_days(month: TaggableMonth) -> dict[int, date]:
    days: dict[int, date] = {}
    for line in month.lines:
        days[line.resource_key] = max(days.get(line.resource_key, line.last_charged_on), line.last_charged_on)
    return days


def _by_name(filters: Filters) -> dict[str, set[str]]:
    """The values wanted under each name."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for name, value in filters:
        wanted[name].add("" if value == NOT_SET and name != "search" else value)
    return wanted


def _wanted(month: TaggableMonth, judge: _Judge, hit: _Hit, wanted: Mapping[str, set[str]]) -> bool:
    place = month.slices[hit.slice_key]
    for name in FILTERS:
        if name in wanted and (hit.problem.key if name == "key" else getattr(place, name)) not in wanted[name]:
            return False
    resource_id = judge.ids.get(hit.resource_key, "").casefold()
    return all(text.casefold() in resource_id for text in wanted.get("search", ()))


def _totals(hits: Sequence[_Hit]) -> tuple[ProblemTotal, ...]:
    found = []
    for problem in TagProblem:
        mine = [hit for hit in hits if hit.problem.kind is problem]
        costs = {hit.resource_key: hit.cost for hit in mine}
        breaking = sum(hit.problem.breaks for hit in mine)
        found.append(ProblemTotal(problem, len(mine), len(costs), sum(costs.values(), ZERO), breaking))
    return tuple(found)


def _rows(scope: Scope, month: TaggableMonth, judge: _Judge, hits: Sequence[_Hit]) -> tuple[TagFindingRow, ...]:
    wanted = {hit.resource_key for hit in hits}
    names = last_texts(month, wanted, 3)
    places = {hit.slice_key: month.slices[hit.slice_key] for hit in hits}
    teams = team_names({place.team for place in places.values()})
    accounts = intake.account_names(scope, {place.account for place in places.values()})
    told = _announcements(scope) if hits else {}
    rows = []
    for hit in hits:
        place, problem = places[hit.slice_key], hit.problem
        rows.append(
            TagFindingRow(
                resource_key=hit.resource_key,
                resource_id=judge.ids.get(hit.resource_key, ""),
                name=names.get(hit.resource_key, ""),
                service_name=place.service,
                sub_account_id=place.account,
                sub_account_name=accounts.get(place.account, ""),
                region_id=place.region,
                team_key=place.team,
                team_name=teams.get(place.team, ""),
                key=problem.key,
                problem=problem.kind,
                value=problem.value,
                spelling=problem.spelling,
                wanted=problem.meant,
                why=problem.why,
                breaks=problem.breaks,
                cost=hit.cost,
                announced_on=told.get((hit.resource_key, place.team, problem.key)),
            )
        )
    return tuple(rows)


def _announcements(scope: Scope) -> dict[tuple[int, str, str], date]:
    """(resource, team, key) → the day it was told of, where it was and is still open."""
    told = AnnouncedFix.objects.filter(fixed_in__isnull=True, is_gone=False).order_by()
    if not scope.everything:
        told = told.filter(owner_key__in=scope.team_keys)
    columns = ("resource_key", "owner_key", "tag_key", "announced_on")
    return {(key, owner, tag): day for key, owner, tag, day in told.values_list(*columns)}
