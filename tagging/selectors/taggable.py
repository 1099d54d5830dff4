"""The reader's taggable month: lines of resources, their slices, and what the policy says of each."""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeVar, cast

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import held_for_team, hold_for_team, keep, read_once
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.policy import Exceptions, Judgement, KeyPolicy, TaggableLines, judge, judgement_of
from tagging.policy.exemptions import Excuse
from tagging.policy.problems import state_with_spelling
from tagging.policy.resource_types import resource_type
from tagging.results import UnreadKey
from tagging.selectors.carried import carried
from tagging.selectors.held import MOST_ROWS_HELD, team_asked
from tagging.selectors.policy import excuses, required_keys, untaggable_charges
from tagging.selectors.reach import Reach, reach
from tagging.selectors.taggable_rows import SliceOf, TaggableRows, rows_and_slices
from tagging.selectors.unread import unread_policy_keys
from tagging.selectors.virtual import own_values, virtual_tags_in
from tagging.terms import TagState

T = TypeVar("T")
# (resource, slice, key of the policy) → how the key is spelled there and its value
Spelled = Mapping[tuple[int, int, str], tuple[str, str]]


@dataclass(frozen=True)
class Said:
    """What the policy says of slices, and of single resources in them where that is something else."""

    judged: Mapping[int, Judgement]
    exceptions: Exceptions

    def once(self, question: Hashable, read: Callable[[], T]) -> T:
        """What follows from this and its lines alone, worked out once for as long as it is held."""
        if question not in self._known:
            self._known[question] = read()
        return cast("T", self._known[question])

    @cached_property
    def _known(self) -> dict[Hashable, Any]:
        return {}


@dataclass(frozen=True)
class TaggableMonth:
    """The reader's taggable lines of a month, and what the policy says of their slices.

    Rows are (resource, slice, last day, name, type, costs, id); names and types are those of the reader's own lines.
    `ids` are those of the rows' resources, by key.
    """

    reach: Reach
    policy: tuple[KeyPolicy, ...]
    unread: tuple[UnreadKey, ...]
    lines: TaggableLines
    rows: tuple[tuple[Any, ...], ...]
    slices: Mapping[int, SliceOf]
    said: Said
    ids: Mapping[int, str]

    def judgement(self, resource_key: int, slice_key: int) -> Judgement:
        """What is said of a resource in a slice."""
        return judgement_of(resource_key, slice_key, self.said.judged, self.said.exceptions)

    def to_fix(self, deciding: Mapping[int, int], costs: Mapping[int, Decimal]) -> list[int]:
        """The resources that cost something and do not comply in the slice that decides of them."""
        return [
            key
            for key, slice_key in deciding.items()
            if costs[key] > 0 and not self.judgement(key, slice_key).is_compliant
        ]


@dataclass(frozen=True)
class _Read:
    """The same on these bases: a page that shows two of them reads the rows once."""

    reach: Reach
    policy: tuple[KeyPolicy, ...]
    unread: tuple[UnreadKey, ...]
    found: TaggableRows
    said: Said


def taggable_month(scope: Scope, period: BillingPeriod, metric: CostMetric, currency: str) -> TaggableMonth:
    """The month as the reader may see it, its costs on one basis."""
    # Pages show compliance at effective cost beside figures on another basis: one read gives both.
    metrics, asked = tuple(dict.fromkeys((metric, CostMetric.EFFECTIVE))), ("taggable month", scope, period, currency)
    read = read_once((*asked, metric), lambda: _read_month(scope, period, currency, metrics))
    keep((*asked, CostMetric.EFFECTIVE), read)
    rows, slices, ids = read.found.rows, read.found.slices, read.found.ids
    lines = read.found.lines(metric)
    return TaggableMonth(read.reach, read.policy, read.unread, lines, rows, slices, read.said, ids)


def last_texts(month: TaggableMonth, wanted: Collection[int], column: int) -> dict[int, str]:
    """By resource the text of the reader's slice that was charged last, of those that have one."""
    best: dict[int, tuple[date, str]] = {}
    for row in month.rows:
        key, seen = row[0], (row[2], row[column])
        if row[column] and key in wanted and (key not in best or best[key] < seen):
            best[key] = seen
    return {key: text for key, (_, text) in best.items()}


def ids_of(found: Reach) -> Mapping[int, str]:
    """Ids of all resources with costs in these imports, the reader's and others'; read once within a page."""
    return read_once(("ids of resources", found.import_pks), lambda: intake.resource_ids(Scope.all(), found.import_pks))


def _read_month(scope: Scope, period: BillingPeriod, currency: str, metrics: tuple[CostMetric, ...]) -> _Read:
    found = reach(scope, (period,), currency)
    required = required_keys(period)
    unread = unread_policy_keys(scope, required, found.imports)
    policy = tuple(key for key in required if key.key not in {item.key for item in unread})
    them = rows_and_slices(found, metrics)
    return _Read(found, policy, unread, them, _said(found, policy, them))


def _said(found: Reach, policy: tuple[KeyPolicy, ...], them: TaggableRows) -> Said:
    """Of a team's rows held in the process until bills, owners, the policy, exemptions or virtual tags change."""
    ours = tuple((tag.resource_key, tag.key) for item in found.imports for tag in virtual_tags_in(item.period))
    asked = team_asked(found, ("what is said", them.metrics, untaggable_charges(), policy, excuses(), ours))
    said: Said | None = None if found.scope.everything else held_for_team(asked)
    if said is None:
        judged = {key: judge(policy, item.tags) for key, item in them.slices.items()}
        said = Said(judged, exceptions_among(found, policy, them.rows, them.slices, judged, them.ids))
        if not found.scope.everything and len(them.rows) <= MOST_ROWS_HELD:
            hold_for_team(asked, said)
    return said


def exceptions_among(
    found: Reach,
    policy: Sequence[KeyPolicy],
    rows: Sequence[tuple[Any, ...]],
    slices: Mapping[int, SliceOf],
    judged: Mapping[int, Judgement],
    ids: Mapping[int, str],
) -> Exceptions:
    """What is said of single resources of these rows: of keys that do not apply, are excused or spelled otherwise."""
    excused = excuses()
    exact = [key for key in policy if key.exact_key]
    ours = {(tag.resource_key, tag.key) for item in found.imports for tag in virtual_tags_in(item.period)}
    limited = [at for at, key in enumerate(policy) if key.is_limited]
    if not (excused or exact or ours or limited):
        return {}
    tagged = {key for key, _ in ours}
    own = own_values(found, policy, {(row[0], row[1]) for row in rows if row[0] in tagged}) if ours else {}
    spelled = carried(found, exact, slices).spelled if exact else {}
    watched = tuple(enumerate(policy)) if ours or spelled else ()
    known: dict[tuple[TagState, ...], Judgement] = {}
    may_excuse = excused_from(excused, slices, ids)
    exceptions: dict[tuple[int, int], Judgement] = {}
    for row in rows:
        resource_key, slice_key = row[0], row[1]
        holding = [excuse for excuse in may_excuse(resource_key, slice_key) if excuse.holds_on(row[2])]
        if not (watched or limited or holding):
            continue
        states = _aside(policy, limited, holding, ids.get(resource_key, ""), slices[slice_key])
        for at, key in watched:
            state = judged[slice_key].states[at]
            is_ours = (resource_key, key.key) in ours and (resource_key, slice_key, key.key) not in own
            if at not in states and is_ours:  # a virtual tag: the resource itself still lacks it
                states[at] = TagState.MISSING
            elif at not in states and (other := _spelled_state(key, state, (resource_key, slice_key), spelled)):
                states[at] = other
        if states:
            judgement = judged[slice_key].with_states(states)
            exceptions[resource_key, slice_key] = known.setdefault(judgement.states, judgement)
    return exceptions


def excused_from(
    excused: Sequence[Excuse], slices: Mapping[int, SliceOf], ids: Mapping[int, str]
) -> Callable[[int, int], Sequence[Excuse]]:
    """(resource, slice) → what may excuse it, but for the day, in the order given. Months have thousands of resources
    and few excuses."""
    order = {id(excuse): place for place, excuse in enumerate(excused)}
    named: dict[int, list[Excuse]] = defaultdict(list)
    for excuse in excused:
        for key in excuse.keys_among(ids) if excuse.resource else ():
            named[key].append(excuse)
    general = [excuse for excuse in excused if not excuse.resource]
    of_slice = {key: _covering(general, place) for key, place in slices.items()}

    def found(resource_key: int, slice_key: int) -> Sequence[Excuse]:
        if resource_key not in named:
            return of_slice[slice_key]
        both = [*of_slice[slice_key], *_covering(named[resource_key], slices[slice_key])]
        return sorted(both, key=lambda excuse: order[id(excuse)])

    return found


def _covering(excused: Iterable[Excuse], place: SliceOf) -> list[Excuse]:
    """Those that may cover something in a slice."""
    return [
        each for each in excused if each.covers_place(account=place.account, service=place.service, team=place.team)
    ]


def _aside(
    policy: Sequence[KeyPolicy],
    limited: Collection[int],
    excused: Sequence[Excuse],
    resource_id: str,
    place: SliceOf,
) -> dict[int, TagState]:
    states = {}
    if limited:
        kind = resource_type(resource_id, place.service) if any(policy[at].resource_types for at in limited) else ""
        states = {at: TagState.EXEMPT for at in limited if not policy[at].applies_to(kind, place.team)}
    for excuse in excused:
        states |= {at: TagState.EXEMPT for at, key in enumerate(policy) if excuse.excuses(key.key)}
    return states


def _spelled_state(key: KeyPolicy, state: TagState, where: tuple[int, int], spelled: Spelled) -> TagState | None:
    if not key.exact_key or not spelled:
        return None
    spelling, _ = spelled.get((*where, key.key), ("", ""))
    changed = state_with_spelling(key, state, spelling)
    return changed if changed is not state else None
