"""What is wrong with the tags of a month's resources, key by key, within the reader's scope."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.policy import KeyPolicy
from tagging.policy.exemptions import Excuse
from tagging.policy.near import spellings_meant
from tagging.policy.problems import Found, Problem, problem_of
from tagging.policy.resource_types import resource_type
from tagging.results.tag_findings import ProblemTotal, TagFindings
from tagging.selectors.carried import Carried, carried
from tagging.selectors.finding_rows import Hit, MonthFindings
from tagging.selectors.judged import NO_KINDS, JudgedMonth, Kinds, judged_month
from tagging.selectors.month_sums import Decided, decided
from tagging.selectors.policy import excuses, policy_keys
from tagging.selectors.taggable import TaggableMonth, excused_from
from tagging.selectors.taggable_rows import SliceOf
from tagging.selectors.unread import kept_on_slices
from tagging.terms import TagProblem, TagState, ValueKind

OURS = "only a virtual tag of ours says it; the resource itself carries none"
Filters = tuple[tuple[str, str], ...]
FILTERS = ("team", "service", "region", "account", "environment", "key")


@dataclass(frozen=True)
class _Judge:
    """All that a resource is judged by."""

    keys: tuple[KeyPolicy, ...]
    unread: frozenset[str]
    carried: Carried
    excuses: tuple[Excuse, ...]
    is_for_staff: bool
    meant: Mapping[str, Mapping[str, Problem]]  # by key that takes any text: rare spellings → what they mean
    known: dict[tuple[int, int], Problem | None]  # by set of tags and place of the key
    kinds: Kinds


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

    `filters` are (team, service, region, account, environment or key, value), ("search", text in id), ("breaks", "yes"
    or "no": does it make the resource non-compliant) and ("problem", a TagProblem), which the totals leave aside. What
    is said of a team is made of its own lines alone: values of others are no candidates. Required keys the month was
    not read for are left out, as everywhere.
    """
    month = judged_month(scope, period, currency)
    asked, wanted = ("tag problems", scope, period, metric, currency), _by_name(filters)
    judge, every_hit = read_once(asked, lambda: _judged(month, period, metric))
    hits = _wanted_hits(month, every_hit, wanted)
    problems = {value for name, value in filters if name == "problem"}
    kept = [hit for hit in hits if not problems or hit.problem.kind.value in problems]
    kept.sort(key=lambda hit: (-hit.cost, hit.resource_key, hit.place))
    return TagFindings(
        period=period,
        metric=metric,
        currency=month.reach.currency,
        rows=MonthFindings(month, metric, tuple(kept[:limit])),
        count=len(kept),
        totals=_totals(hits),
        keys=tuple(key.key for key in judge.keys),
    )


def _judged(month: JudgedMonth, period: BillingPeriod, metric: CostMetric) -> tuple[_Judge, tuple[Hit, ...]]:
    judge = _judge_of(month, period)
    return judge, tuple(_hits(month, judge, period, metric))


def _judge_of(month: JudgedMonth, period: BillingPeriod) -> _Judge:
    left_out = {item.key for item in month.unread}
    keys = tuple(key for key in policy_keys(period) if key.key not in left_out)
    optional = (key for key in keys if not key.is_required)
    unread = frozenset(key.key for key in optional if not kept_on_slices(key, month.reach.imports))
    found = carried(month.reach, keys, month.slices, unread=unread)
    kinds = month.kinds if any(key.resource_types for key in keys) else NO_KINDS
    return _Judge(keys, unread, found, excuses(), month.reach.scope.everything, {}, {}, kinds)


def _hits(month: JudgedMonth, judge: _Judge, period: BillingPeriod, metric: CostMetric) -> Iterator[Hit]:
    every = decided(month, metric)
    deciding = {each.resource_key: each.slice_key for each in every}
    spellings = {key.key: _meant_spellings(month, judge, key, deciding) for key in judge.keys if _is_free(key)}
    judge = replace(judge, meant=spellings, known={})
    alone = _judged_alone(month, judge, deciding)
    part = month.part(alone, metric)
    days, may_excuse = _last_days(part), excused_from(judge.excuses, month.slices, part.ids)
    known: dict[int, list[tuple[int, Problem]]] = {}
    for each in every:
        if each.resource_key in alone:
            day = days[each.resource_key]
            excused = [excuse for excuse in may_excuse(each.resource_key, each.slice_key) if excuse.holds_on(day)]
            kind = resource_type(part.ids[each.resource_key], month.slices[each.slice_key].service)
            problems = list(_problems(month, judge, each, day, excused, kind))
        elif each.slice_key in known:
            problems = known[each.slice_key]
        else:  # what holds on one day of the month holds on all of them: resources of other slices are judged alone
            excused = [excuse for excuse in may_excuse(0, each.slice_key) if excuse.holds_on(period.start)]
            kind = judge.kinds.of_slice.get(each.slice_key, "")
            problems = list(_problems(month, judge, each, period.start, excused, kind))
            known[each.slice_key] = problems
        for place, problem in problems:
            yield Hit(each.resource_key, each.slice_key, place, problem, each.cost)


def _judged_alone(month: JudgedMonth, judge: _Judge, deciding: Mapping[int, int]) -> frozenset[int]:
    """Resources of which more is to know than what their slice keeps: its own excuses, spellings, last day, type."""
    told = {key for key, _, _ in (*judge.carried.spelled, *judge.carried.mistyped)} & deciding.keys()
    days = [key for key in judge.keys if key.kind is ValueKind.DATE and key.key not in judge.unread]
    dated = {at for at, place in month.slices.items() if any(key.value_in(place.tags) for key in days)} if days else ()
    return (
        month.apart
        | (judge.kinds.others & deciding.keys())
        | told
        | {key for key, at in deciding.items() if at in dated}
    )


def _problems(
    month: JudgedMonth,
    judge: _Judge,
    each: Decided,
    day: date,
    excused: Sequence[Excuse],
    kind: str,
) -> Iterator[tuple[int, Problem]]:
    """By place of the key in the policy, what is to be said of a resource."""
    for place, key in enumerate(judge.keys):
        is_apart = bool(excused) or key.is_limited
        problem = _aside(month.slices[each.slice_key], judge, key, kind, excused) if is_apart else None
        if problem is None:
            at = (each.resource_key, each.slice_key, key.key)
            problem = _problem(month, judge, place, at, day)
        if problem is not None and problem is not _NOT_JUDGED:
            yield place, problem


_NOT_JUDGED = Problem(TagProblem.EXEMPT, "")


def _aside(place: SliceOf, judge: _Judge, key: KeyPolicy, kind: str, holding: Sequence[Excuse]) -> Problem | None:
    """Why the key is not judged there: _NOT_JUDGED where it does not apply, an EXEMPT problem where it is excused."""
    if key.is_limited and not key.applies_to(kind, place.team):
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


def _problem(month: JudgedMonth, judge: _Judge, place: int, at: tuple[int, int, str], day: date) -> Problem | None:
    """What is to be said of a key; slices share some hundreds of sets of tags, of which it is worked out once."""
    key = judge.keys[place]
    if ours := _ours(month, key, at):
        return Problem(TagProblem.MISSING, key.key, meant=ours, why=OURS)
    if key.kind is ValueKind.DATE or not judge.carried.tells_nothing_of(at):
        return _worked_out(judge, key, _found(month, judge, key, at), day)
    asked = (id(month.slices[at[1]].tags), place)
    if asked not in judge.known:
        judge.known[asked] = _worked_out(judge, key, _found(month, judge, key, at), day)
    return judge.known[asked]


def _ours(month: JudgedMonth, key: KeyPolicy, at: tuple[int, int, str]) -> str:
    """The value a virtual tag of ours says, where the resource itself lacks the key; else ''."""
    if at[0] not in month.apart or key not in month.policy:
        return ""
    state = month.judgement(at[0], at[1]).states[month.policy.index(key)]
    return key.value_in(month.slices[at[1]].tags) if state is TagState.MISSING else ""


def _worked_out(judge: _Judge, key: KeyPolicy, found: Found, day: date) -> Problem | None:
    problem = problem_of(key, found, day=day)
    if problem is not None or key.key not in judge.meant:
        return problem
    return judge.meant[key.key].get(found.value)


def _found(month: JudgedMonth, judge: _Judge, key: KeyPolicy, at: tuple[int, int, str]) -> Found:
    spelling, carried_value = judge.carried.spelled.get(at, ("", ""))
    near_key, near_value = judge.carried.mistyped.get(at, ("", ""))
    value = carried_value if key.key in judge.unread else key.value_in(month.slices[at[1]].tags)
    return Found(value, spelling, near_key, near_value)


def _is_free(key: KeyPolicy) -> bool:
    return key.kind is ValueKind.TEXT and not key.allowed


def _meant_spellings(
    month: JudgedMonth, judge: _Judge, key: KeyPolicy, deciding: Mapping[int, int]
) -> dict[str, Problem]:
    """Of a key that takes any text: rare spellings among the reader's own values → the common one they mean."""
    values = _values(month, judge, key, deciding)
    found = {}
    for value, other in spellings_meant(values).items():
        why = f"{other.why}; {values[other.value]:,} resources have {other.value}"
        found[value] = Problem(TagProblem.NEAR_MISS, key.key, value, "", other.value, why, breaks=False)
    return found


def _values(month: JudgedMonth, judge: _Judge, key: KeyPolicy, deciding: Mapping[int, int]) -> Counter[str]:
    """How many resources have each value of a key; what slices keep is read once for all resources of a slice."""
    values = Counter[str]()
    if key.key in judge.unread:
        for (resource_key, slice_key, name), (_, value) in judge.carried.spelled.items():
            values[value] += name == key.key and deciding.get(resource_key) == slice_key
    else:
        for slice_key, count in Counter(deciding.values()).items():
            values[key.value_in(month.slices[slice_key].tags)] += count
    del values[""]
    return +values


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


def _wanted_hits(month: JudgedMonth, hits: Sequence[Hit], wanted: Mapping[str, set[str]]) -> Sequence[Hit]:
    names = [name for name in FILTERS if name in wanted]
    for name in names:
        hits = [hit for hit in hits if _value(month, hit, name) in wanted[name]]
    if breaks := wanted.get("breaks"):
        hits = [hit for hit in hits if ("yes" if hit.problem.breaks else "no") in breaks]
    for text in wanted.get("search", ()):
        ids = intake.ids_with(Scope.all(), (text,))
        hits = [hit for hit in hits if text.casefold() in ids.get(hit.resource_key, "").casefold()]
    return hits


def _value(month: JudgedMonth, hit: Hit, name: str) -> str:
    value: str = hit.problem.key if name == "key" else getattr(month.slices[hit.slice_key], name)
    return value


def _totals(hits: Sequence[Hit]) -> tuple[ProblemTotal, ...]:
    found = []
    for problem in TagProblem:
        mine = [hit for hit in hits if hit.problem.kind is problem]
        costs = {hit.resource_key: hit.cost for hit in mine}
        breaking = sum(hit.problem.breaks for hit in mine)
        found.append(ProblemTotal(problem, len(mine), len(costs), sum(costs.values(), ZERO), breaking))
    return tuple(found)
