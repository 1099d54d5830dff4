"""What tag suggestions are learned from: an audience's own resources of a month, with all tags its own lines carry.

A month has a hundred thousand resources: their lines are read once, as they come, and of each only what one owner's
part of it needs is held.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache, cached_property

from django.conf import settings

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.tags import canonical_key
from costs.terms import CostMetric
from tagging.clues import KnownResource
from tagging.models import Team
from tagging.policy import KeyPolicy
from tagging.selectors.judged import JudgedMonth, judged_month
from tagging.selectors.taggable import ids_of
from tagging.selectors.taggable_rows import SliceOf
from tagging.terms import TagState

STAFF = ""
_NAME = canonical_key("Name")
Tags = Mapping[tuple[int, int], Mapping[str, str]]
Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Suggestible:
    """One audience's resources, what each costs it a month, where it is, and which keys it lacks."""

    audience: str
    resources: tuple[KnownResource, ...]
    costs: Mapping[int, Decimal]
    places: Mapping[int, SliceOf]
    lacking: Mapping[int, frozenset[str]]  # resource → keys of the policy without a value there

    @cached_property
    def resources_by_key(self) -> Mapping[int, KnownResource]:
        """The same by key."""
        return {each.key: each for each in self.resources}


@dataclass(slots=True)
class _Part:
    """What an owner has of a resource: the line that decides (day, cost, slice), the last name, all costs."""

    best: tuple[date, Decimal, int]
    named: tuple[date, str] | None
    cost: Decimal

    @property
    def slice_key(self) -> int:
        return self.best[2]

    def add(self, other: "_Part") -> None:
        self.best = max(self.best, other.best)
        self.cost += other.cost
        if other.named and (not self.named or self.named < other.named):
            self.named = other.named


Parts = Mapping[str, Mapping[int, _Part]]  # owner → resource → its part


@dataclass(frozen=True)
class SuggestibleMonth:
    """A month of one currency as every audience sees it."""

    period: BillingPeriod
    currency: str
    policy: tuple[KeyPolicy, ...]
    teams: tuple[str, ...]
    _month: JudgedMonth
    _parts: Parts
    _tags: Tags
    _instances: Mapping[str, str]
    _known: dict[tuple[str, str], str] = field(default_factory=dict)

    def of(self, audience: str) -> Suggestible:
        """What one audience's suggestions are learned from: everything for staff, a team's own lines for a team."""
        own: Collection[str] = self._parts
        if audience != STAFF:
            own = Team.objects.with_sub_teams({row.pk for row in Team.objects.outline() if row.key == audience})
        parts, ids = _joined(parts for owner, parts in self._parts.items() if owner in own), ids_of(self._month.reach)
        mine = {ids[key] for key in parts if key in ids}
        resources, places = [], {}
        for key, part in parts.items():
            place = places[key] = self._month.slices[part.slice_key]
            resource_id = ids.get(key, "")
            instance = self._instances.get(resource_id, "")
            resources.append(
                KnownResource(
                    key=key,
                    resource_id=resource_id,
                    name=part.named[1] if part.named else "",
                    sub_account_id=place.account,
                    service_name=place.service,
                    attached_to=instance if instance in mine else "",
                    tags=self._tags.get((key, part.slice_key), {}),
                )
            )
        costs = {key: part.cost for key, part in parts.items()}
        return Suggestible(audience, tuple(resources), costs, places, self._lacking(parts))

    def spelled(self, key: str, value: str) -> str:
        """Values that mean the same as one; '' for what the policy does not allow, which is not learned."""
        if (key, value) not in self._known:
            self._known[key, value] = (self._policy_of[key].normalised(value) or "").casefold()
        return self._known[key, value]

    def written(self, key: str, value: str) -> str:
        """A value as the policy writes it."""
        return self._policy_of[key].normalised(value) or value

    @cached_property
    def _policy_of(self) -> Mapping[str, KeyPolicy]:
        return {key.key: key for key in self.policy}

    def _lacking(self, parts: Mapping[int, _Part]) -> dict[int, frozenset[str]]:
        known: dict[int, frozenset[str]] = {}
        found = {}
        for key, part in parts.items():
            judgement = self._month.judgement(key, part.slice_key)
            if id(judgement) not in known:
                states = zip(self.policy, judgement.states, strict=True)
                known[id(judgement)] = frozenset(rule.key for rule, state in states if state is TagState.MISSING)
            found[key] = known[id(judgement)]
        return found


def suggestible_month(scope: Scope, period: BillingPeriod, currency: str) -> SuggestibleMonth:
    """A month to learn from. Needs the full scope; who may learn from what is said by `SuggestibleMonth.of`."""
    scope.require_everything()
    month = judged_month(scope, period, currency)
    seen = intake.newest_inventories(scope, idle_days=settings.FINDINGS_IDLE_DAYS).values()
    parts = _parts(month)
    return SuggestibleMonth(
        period=period,
        currency=month.reach.currency,
        policy=month.policy,
        teams=_with_parents([owner for owner in parts if owner]),
        _month=month,
        _parts=parts,
        _tags=_all_tags(month, parts),
        _instances={volume: each.resource_id for each in seen for volume in each.volumes},
    )


def _parts(month: JudgedMonth) -> Parts:
    found: dict[str, dict[int, _Part]] = defaultdict(dict)
    columns = ("resource_id", "slice_id", "last_charged_on", "name", CostMetric.EFFECTIVE.column)
    for key, slice_key, day, name, cost in month.lines.values_list(*columns).iterator(chunk_size=10_000):
        part = _Part((day, cost, slice_key), (day, name) if name else None, cost)
        own = found[month.slices[slice_key].team]
        if key in own:
            own[key].add(part)
        else:
            own[key] = part
    return found


def _joined(parts: Iterable[Mapping[int, _Part]]) -> dict[int, _Part]:
    """What several owners have, together."""
    found: dict[int, _Part] = {}
    for own in parts:
        for key, part in own.items():
            if key not in found:
                found[key] = part
                continue
            both = _Part(part.best, part.named, part.cost)  # the owners' own parts stay as they are
            both.add(found[key])
            found[key] = both
    return found


def _with_parents(owners: Collection[str]) -> tuple[str, ...]:
    """Teams that own something, themselves or through a sub-team, in order."""
    outline = Team.objects.outline()
    parent_of = {row.pk: row.parent_pk for row in outline}
    key_of = {row.pk: row.key for row in outline}
    wanted, found = set(owners), set()
    for pk, key in key_of.items():
        at: int | None = pk if key in wanted else None
        while at is not None and key_of[at] not in found:
            found.add(key_of[at])
            at = parent_of[at]
    return tuple(sorted(found))


def _all_tags(month: JudgedMonth, parts: Parts) -> Tags:
    """(resource, slice) → every tag of its lines, also those that slices do not keep, as the policy spells them.

    Of the slices that decide for somebody. Bills whose lines are kept nowhere have what their slices keep.
    """
    pairs = {(key, part.slice_key) for own in parts.values() for key, part in own.items()}
    spell, imports = _speller(month.policy), month.reach.imports
    if not any(intake.tag_spellings(Scope.all(), item) for item in imports):
        return {(key, slice_key): spell(tuple(month.slices[slice_key].tags.items())) for key, slice_key in pairs}
    found: dict[tuple[int, int], Mapping[str, str]] = {}
    raw: dict[tuple[int, int], dict[str, str]] = {}
    for item in imports:
        for key, slice_key, tags in intake.tags_on_resources(Scope.all(), item, pairs):
            if len(imports) > 1:  # two bills may have the same slice: of one spelling the later value counts
                tags = raw[key, slice_key] = raw.get((key, slice_key), {}) | tags
            found[key, slice_key] = spell(tuple(tags.items()))
    return found


def _speller(policy: Sequence[KeyPolicy]) -> Callable[[Pairs], Mapping[str, str]]:
    """Gives tags with the policy's keys under their own names, so that an alias is no clue for what it stands for.

    Without the Name tag, unless the policy asks for it: names are known otherwise, and without them a hundred
    thousand resources share some thousand sets of tags.
    """
    known = {spelling for key in policy for spelling in key.canonical_spellings}
    untold = {_NAME} - known

    @cache
    def spelled(tags: Pairs) -> Mapping[str, str]:
        own = {name: value for name, value in tags if canonical_key(name) in known}
        others = {name: value for name, value in tags if canonical_key(name) not in known}
        return others | {key.key: value for key in policy if (value := key.value_in(own))}

    return lambda tags: spelled(tuple(pair for pair in tags if canonical_key(pair[0]) not in untold))
