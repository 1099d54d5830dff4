"""What tag suggestions are learned from: an audience's own resources of a month, with all tags its own lines carry."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from django.conf import settings

from costs import selectors as intake
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.tags import canonical_key
from costs.terms import CostMetric
from tagging.models import Team
from tagging.policy import KeyPolicy, TaggableLine, deciding_slices
from tagging.selectors.taggable import TaggableMonth, costs_by_resource, ids_of, taggable_month
from tagging.selectors.taggable_rows import SliceOf
from tagging.suggestions import KnownResource
from tagging.terms import TagState

STAFF = ""
Tags = Mapping[tuple[int, int], Mapping[str, str]]


@dataclass(frozen=True)
class Suggestible:
    """One audience's resources, what each costs it a month, where it is, and which keys it lacks."""

    audience: str
    resources: tuple[KnownResource, ...]
    costs: Mapping[int, Decimal]
    places: Mapping[int, SliceOf]
    lacking: Mapping[int, frozenset[str]]  # resource → keys of the policy without a value there


@dataclass(frozen=True)
class SuggestibleMonth:
    """A month of one currency as every audience sees it."""

    period: BillingPeriod
    currency: str
    policy: tuple[KeyPolicy, ...]
    teams: tuple[str, ...]
    _month: TaggableMonth
    _tags: Tags
    _instances: Mapping[str, str]

    def of(self, audience: str) -> Suggestible:
        """What one audience's suggestions are learned from: everything for staff, a team's own lines for a team."""
        lines: Sequence[TaggableLine] = self._month.lines
        if audience != STAFF:
            own = Team.objects.with_sub_teams({row.pk for row in Team.objects.outline() if row.key == audience})
            lines = [line for line in lines if self._month.slices[line.slice_key].team in own]
        deciding, costs = deciding_slices(lines), costs_by_resource(lines)
        ids, names = ids_of(self._month.reach), _names(self._month, lines)
        mine = {ids[key] for key in deciding if key in ids}
        resources = []
        for key, slice_key in deciding.items():
            place = self._month.slices[slice_key]
            resource_id = ids.get(key, "")
            instance = self._instances.get(resource_id, "")
            resources.append(
                KnownResource(
                    key=key,
                    resource_id=resource_id,
                    name=names.get(key, ""),
                    sub_account_id=place.account,
                    service_name=place.service,
                    attached_to=instance if instance in mine else "",
                    tags=_as_the_policy_spells(
                        self.policy, self._tags.get((key, slice_key), {} if self._tags else place.tags)
                    ),
                )
            )
        places = {key: self._month.slices[slice_key] for key, slice_key in deciding.items()}
        return Suggestible(audience, tuple(resources), costs, places, self._lacking(deciding))

    def spelled(self, key: str, value: str) -> str:
        """Values that mean the same as one; '' for what the policy does not allow, which is not learned."""
        return (self._policy_of[key].normalised(value) or "").casefold()

    def written(self, key: str, value: str) -> str:
        """A value as the policy writes it."""
        return self._policy_of[key].normalised(value) or value

    @property
    def _policy_of(self) -> Mapping[str, KeyPolicy]:
        return {key.key: key for key in self.policy}

    def _lacking(self, deciding: Mapping[int, int]) -> dict[int, frozenset[str]]:
        found = {}
        for key, slice_key in deciding.items():
            states = self._month.judgement(key, slice_key).states
            found[key] = frozenset(
                rule.key for rule, state in zip(self.policy, states, strict=True) if state is TagState.MISSING
            )
        return found


def suggestible_month(scope: Scope, period: BillingPeriod, currency: str) -> SuggestibleMonth:
    """A month to learn from. Needs the full scope; who may learn from what is said by `SuggestibleMonth.of`."""
    scope.require_everything()
    month = taggable_month(scope, period, CostMetric.EFFECTIVE, currency)
    seen = intake.newest_inventories(scope, idle_days=settings.FINDINGS_IDLE_DAYS).values()
    owners = sorted({place.team for place in month.slices.values() if place.team})
    return SuggestibleMonth(
        period=period,
        currency=month.reach.currency,
        policy=month.policy,
        teams=_with_parents(owners),
        _month=month,
        _tags=_all_tags(month),
        _instances={volume: each.resource_id for each in seen for volume in each.volumes},
    )


def _with_parents(owners: Sequence[str]) -> tuple[str, ...]:
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


def _all_tags(month: TaggableMonth) -> Tags:
    """(resource, slice) → every tag of its lines, also those that slices do not keep."""
    found: dict[tuple[int, int], dict[str, str]] = defaultdict(dict)
    for item in month.reach.imports:
        for tag in intake.carried_tags(Scope.all(), item, intake.tag_spellings(Scope.all(), item)):
            if tag.slice_key in month.slices:
                found[tag.resource_key, tag.slice_key][tag.spelling] = tag.value
    return found


def _names(month: TaggableMonth, lines: Sequence[TaggableLine]) -> dict[int, str]:
    """By resource the name on these lines that was charged last."""
    own = {(line.resource_key, line.slice_key) for line in lines}
    dated = sorted((row[2], row[3], row[0]) for row in month.rows if row[3] and (row[0], row[1]) in own)
    return {key: name for _, name, key in dated}


def _as_the_policy_spells(policy: Sequence[KeyPolicy], tags: Mapping[str, str]) -> dict[str, str]:
    """The tags with the policy's keys under their own names, so that an alias is no clue for what it stands for."""
    known = {spelling for key in policy for spelling in key.canonical_spellings}
    others = {name: value for name, value in tags.items() if canonical_key(name) not in known}
    return others | {key.key: value for key in policy if (value := key.value_in(tags))}
