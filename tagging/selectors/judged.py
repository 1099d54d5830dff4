"""What the tag policy says of a month, slice by slice: a month has some thousands of slices and many more resources.

Only of resources that may be judged otherwise than their slices (an exemption by id, a virtual tag, a key in another
spelling, another kind than the rest of the slice) are the lines themselves read. Which slice decides for a resource,
and all sums, are the database's (`month_sums`).
"""

import hashlib
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from django.db.models import Q, QuerySet

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.reading import read_by_version, read_once
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.policy import Exceptions, Judgement, KeyPolicy, TaggableLine, TaggableLines, judge, judgement_of
from tagging.policy.exemptions import Excuse
from tagging.policy.resource_types import resource_type
from tagging.results import UnreadKey
from tagging.selectors.carried import carried
from tagging.selectors.policy import excuses, required_keys, untaggable_charges
from tagging.selectors.reach import Reach, reach, version_of
from tagging.selectors.taggable import Said, TaggableMonth, exceptions_among, ids_of
from tagging.selectors.taggable_rows import SliceOf, as_rows, taggable_lines, taggable_slices
from tagging.selectors.unread import unread_policy_keys
from tagging.selectors.virtual import virtual_tags_in
from tagging.terms import TagState

MOST_KEYS = 5_000  # in one statement: SQLite takes no more than some ten thousand values
Row = tuple[Any, ...]
T = TypeVar("T")


@dataclass(frozen=True)
class JudgedMonth:
    """The reader's taggable slices of a month, and what the policy says of them.

    `judged` is what is said of all resources in a slice but for those in `apart`, whose `exceptions` count.
    """

    reach: Reach
    policy: tuple[KeyPolicy, ...]
    unread: tuple[UnreadKey, ...]
    slices: Mapping[int, SliceOf]
    aside: Q
    judged: Mapping[int, Judgement]
    exceptions: Exceptions
    apart: frozenset[int]
    version: Hashable  # of its bills and their owners

    def judgement(self, resource_key: int, slice_key: int) -> Judgement:
        """What is said of a resource in a slice."""
        return judgement_of(resource_key, slice_key, self.judged, self.exceptions)

    @property
    def asked(self) -> Hashable:
        """What tells its lines from those of other months, and of other versions of it."""
        return self.reach.scope, self.version, repr(self.aside)

    def read(self, question: Hashable, read: Callable[[], T]) -> T:
        """What is added up from all lines: held in the process for FinOps staff, whose months are large."""
        keep = read_by_version if self.reach.scope.everything else read_once
        return keep((question, self.asked), read)

    @property
    def kinds(self) -> "Kinds":
        """What kind of resource the slices hold."""
        return kinds_in(self.reach, self.aside, self.slices, self.version)

    @property
    def lines(self) -> QuerySet[Any]:
        """The reader's lines of the month in these slices, in no order."""
        return taggable_lines(self.reach, self.aside)

    def part(self, keys: Collection[int], metric: CostMetric, where: Q | None = None) -> TaggableMonth:
        """All that is known of some resources, or of their lines that meet a condition."""
        wanted = self.lines if where is None else self.lines.filter(where)
        rows = _rows_of(wanted, keys, metric)
        return TaggableMonth(
            reach=self.reach,
            policy=self.policy,
            unread=self.unread,
            lines=TaggableLines(TaggableLine(row[0], row[1], row[5], row[2]) for row in rows),
            rows=tuple(row[:-1] for row in rows),
            slices=self.slices,
            said=Said(self.judged, self.exceptions),
            ids={row[0]: row[-1] for row in rows},
        )


def judged_month(scope: Scope, period: BillingPeriod, currency: str) -> JudgedMonth:
    """The month as the reader may see it. Read once within a page."""
    return read_once(("judged month", scope, period, currency), lambda: _judged_month(scope, period, currency))


def _slices(found: Reach, version: Hashable) -> tuple[Mapping[int, SliceOf], Q]:
    """Held in the process for FinOps staff until bills, owners, exceptions or names of accounts change."""
    if not found.scope.everything:
        return taggable_slices(found)
    asked = ("slices", version, untaggable_charges(), tuple(intake.given_names(found.scope)))
    return read_by_version(asked, lambda: taggable_slices(found))


def in_parts(keys: Iterable[int]) -> list[list[int]]:
    """The keys in as many lists as it takes statements."""
    listed = sorted(keys)
    return [listed[at : at + MOST_KEYS] for at in range(0, len(listed), MOST_KEYS)]


def _judged_month(scope: Scope, period: BillingPeriod, currency: str) -> JudgedMonth:
    found = reach(scope, (period,), currency)
    required = required_keys(period)
    unread = unread_policy_keys(scope, required, found.imports)
    left_out = {item.key for item in unread}
    policy = tuple(key for key in required if key.key not in left_out)
    version = version_of(found)
    slices, aside = _slices(found, version)
    said = _said(found, period, policy, slices, aside, version)
    return JudgedMonth(found, policy, unread, slices, aside, said.judged, said.exceptions, said.apart, version)


@dataclass(frozen=True)
class _Said:
    """What the policy says of slices, and of the resources in `apart` alone."""

    judged: Mapping[int, Judgement]
    exceptions: Exceptions
    apart: frozenset[int]


def _said(
    found: Reach,
    period: BillingPeriod,
    policy: tuple[KeyPolicy, ...],
    slices: Mapping[int, SliceOf],
    aside: Q,
    version: Hashable,
) -> _Said:
    """Held in the process for FinOps staff until bills, owners, the policy, exemptions or virtual tags change."""

    def read() -> _Said:
        plain = _plain_judgements(policy, slices)
        kinds = kinds_in(found, aside, slices, version) if any(key.resource_types for key in policy) else NO_KINDS
        keys = kinds.others | _apart(found, period, policy, slices, aside)
        rows = _rows_of(taggable_lines(found, aside), keys)
        ids = {row[0]: row[-1] for row in rows}
        told = exceptions_among(found, policy, [row[:-1] for row in rows], slices, plain, ids) if rows else {}
        # Of these resources nothing counts that is said of others in their slices.
        exceptions = {(row[0], row[1]): told.get((row[0], row[1])) or plain[row[1]] for row in rows}
        judged = _with_excuses(period, policy, slices, plain, kinds)
        return _Said(judged, exceptions, frozenset(row[0] for row in rows))

    if not found.scope.everything:
        return read()
    virtual = [(tag.resource_key, tag.key) for item in found.imports for tag in virtual_tags_in(item.period)]
    digest = hashlib.sha256(repr(virtual).encode()).digest()
    return read_by_version(("what is said", period, policy, excuses(), repr(aside), digest, version), read)


@dataclass(frozen=True)
class Kinds:
    """What kind of resource slices hold: one almost always. `others` are the resources that are of another one."""

    of_slice: Mapping[int, str]
    others: frozenset[int]


NO_KINDS = Kinds({}, frozenset())


def kinds_in(found: Reach, aside: Q, slices: Mapping[int, SliceOf], version: Hashable) -> Kinds:
    """The kinds of the reader's resources. Held in the process for FinOps staff until bills or owners change."""

    def read() -> Kinds:
        ids, known = ids_of(found), dict[int, dict[str, set[int]]]()
        rows = taggable_lines(found, aside).values_list("slice_id", "resource_id")
        for slice_key, resource_key in rows.iterator(chunk_size=10_000):
            kind = resource_type(ids.get(resource_key, ""), slices[slice_key].service)
            known.setdefault(slice_key, {}).setdefault(kind, set()).add(resource_key)
        of_slice = {key: max(kinds, key=lambda kind: (len(kinds[kind]), kind)) for key, kinds in known.items()}
        others = (keys for at, kinds in known.items() for kind, keys in kinds.items() if kind != of_slice[at])
        return Kinds(of_slice, frozenset().union(*others))

    keep = read_by_version if found.scope.everything else read_once
    return keep(("kinds", found.scope, repr(aside), version), read)


def _plain_judgements(policy: Sequence[KeyPolicy], slices: Mapping[int, SliceOf]) -> dict[int, Judgement]:
    """By slice, from its tags alone. Slices share some hundreds of sets of tags."""
    known: dict[tuple[tuple[str, str], ...], Judgement] = {}
    same: dict[Judgement, Judgement] = {}
    found = {}
    for key, place in slices.items():
        tags = tuple(place.tags.items())
        if tags not in known:
            judgement = judge(policy, place.tags)
            known[tags] = same.setdefault(judgement, judgement)
        found[key] = known[tags]
    return found


def _with_excuses(
    period: BillingPeriod,
    policy: Sequence[KeyPolicy],
    slices: Mapping[int, SliceOf],
    plain: Mapping[int, Judgement],
    kinds: Kinds,
) -> dict[int, Judgement]:
    """The same with keys set aside that do not apply to a team or a kind, or that are excused for the whole month."""
    general = [each for each in excuses() if not each.resource and _holds_throughout(each, period)]
    limited = [(at, key) for at, key in enumerate(policy) if key.is_limited]
    if not general and not limited:
        return dict(plain)
    known: dict[tuple[int, frozenset[int]], Judgement] = {}
    found = {}
    for key, place in slices.items():
        kind = kinds.of_slice.get(key, "")
        out = {at for at, each in limited if not each.applies_to(kind, place.team)}
        for excuse in general:
            if excuse.covers_place(account=place.account, service=place.service, team=place.team):
                out |= {at for at, each in enumerate(policy) if excuse.excuses(each.key)}
        asked = (id(plain[key]), frozenset(out))
        if asked not in known:
            known[asked] = plain[key].with_states(dict.fromkeys(out, TagState.EXEMPT))
        found[key] = known[asked]
    return found


def _apart(
    found: Reach, period: BillingPeriod, policy: Sequence[KeyPolicy], slices: Mapping[int, SliceOf], aside: Q
) -> frozenset[int]:
    """The resources that may be judged otherwise than their slices: virtual tags, spellings, exemptions."""
    keys = {tag.resource_key for item in found.imports for tag in virtual_tags_in(item.period)}
    if exact := [key for key in policy if key.exact_key]:
        keys |= {key for key, _, _ in carried(found, exact, slices).spelled}
    keys |= _excused_by_id(period)
    for excuse in excuses():
        if not excuse.resource and _holds_partly(excuse, period):
            lines = taggable_lines(found, aside).filter(_covered(excuse, slices))
            keys |= set(lines.values_list("resource_id", flat=True).distinct())
    return frozenset(keys)


def _excused_by_id(period: BillingPeriod) -> set[int]:
    """Resources that an exemption names, of any month. The database finds what may fit, the exemption what does."""
    named = [each for each in excuses() if each.resource and each.since < period.end and each.until >= period.start]
    if not named:
        return set()
    pieces = [max(each.resource.split("*"), key=len) for each in named]
    ids = intake.ids_with(Scope.all(), pieces)
    return {key for excuse in named for key in excuse.keys_among(ids)}


def _holds_throughout(excuse: Excuse, period: BillingPeriod) -> bool:
    return excuse.since <= period.start and excuse.until >= _last_day(period)


def _holds_partly(excuse: Excuse, period: BillingPeriod) -> bool:
    is_within = excuse.since <= _last_day(period) and excuse.until >= period.start
    return is_within and not _holds_throughout(excuse, period)


def _last_day(period: BillingPeriod) -> date:
    return date.fromordinal(period.end.toordinal() - 1)


def _covered(excuse: Excuse, slices: Mapping[int, SliceOf]) -> Q:
    """Lines in the places an exemption covers."""
    where = Q(slice__sub_account_id=excuse.account) if excuse.account else Q()
    if excuse.team:
        where &= Q(owned__owner_key=excuse.team)
    if excuse.service:
        wanted = excuse.service.casefold()
        names = {place.service for place in slices.values() if place.service.casefold() == wanted}
        where &= Q(slice__service_name__in=sorted(names))
    return where


def _rows_of(lines: QuerySet[Any], keys: Collection[int], *metrics: CostMetric) -> list[Row]:
    return [row for some in in_parts(keys) for row in as_rows(lines.filter(resource_id__in=some), metrics)]
