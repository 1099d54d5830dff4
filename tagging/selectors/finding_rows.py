"""Findings of tags as rows: made of those that are shown alone, a month has tens of thousands."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from costs import selectors as intake
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AnnouncedFix
from tagging.policy.problems import Problem
from tagging.results.tag_findings import FindingRows, TagFindingRow
from tagging.selectors.judged import JudgedMonth
from tagging.selectors.labels import team_names
from tagging.selectors.resource_list import ids_of_keys
from tagging.selectors.taggable import last_texts


class Hit(NamedTuple):
    """A problem before it has names."""

    resource_key: int
    slice_key: int
    place: int  # of its key in the policy
    problem: Problem
    cost: Decimal


@dataclass(frozen=True)
class MonthFindings(FindingRows):
    """Findings of a judged month."""

    month: JudgedMonth
    metric: CostMetric
    entries: tuple[Hit, ...]

    def made(self, entries: Sequence[Hit]) -> list[TagFindingRow]:
        return _rows(self.month, self.metric, entries)

    def order_of(self) -> Callable[[Hit], tuple[Any, ...]]:
        ids, slices = ids_of_keys(self.month, list(self.resources)), self.month.slices

        def order(hit: Hit) -> tuple[Any, ...]:
            place = slices[hit.slice_key]
            return (-hit.cost, ids[hit.resource_key], place.account, place.team, hit.problem.key)

        return order

    def breaking(self) -> "MonthFindings":
        return replace(self, entries=tuple(hit for hit in self.entries if hit.problem.breaks))

    @property
    def resources(self) -> Mapping[int, Decimal]:
        return {hit.resource_key: hit.cost for hit in self.entries}

    @property
    def known(self) -> int:
        return sum(bool(hit.problem.meant) for hit in self.entries)


def _rows(month: JudgedMonth, metric: CostMetric, hits: Sequence[Hit]) -> list[TagFindingRow]:
    wanted, scope = {hit.resource_key for hit in hits}, month.reach.scope
    part = month.part(wanted, metric)
    names = last_texts(part, wanted, 3)
    places = {hit.slice_key: month.slices[hit.slice_key] for hit in hits}
    teams = team_names({place.team for place in places.values()})
    accounts = intake.account_names(scope, {place.account for place in places.values()})
    told = _announcements(scope, wanted)
    rows = []
    for hit in hits:
        place, problem = places[hit.slice_key], hit.problem
        rows.append(
            TagFindingRow(
                resource_key=hit.resource_key,
                resource_id=part.ids.get(hit.resource_key, ""),
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
    return rows


def _announcements(scope: Scope, keys: Collection[int]) -> dict[tuple[int, str, str], date]:
    """(resource, team, key) → the day it was told of, where it was and is still open."""
    if not keys:
        return {}
    is_open = {"fixed_in__isnull": True, "is_gone": False, "is_excused": False}
    told = AnnouncedFix.objects.filter(**is_open, resource_key__in=keys).order_by()
    if not scope.everything:
        told = told.filter(owner_key__in=scope.team_keys)
    columns = ("resource_key", "owner_key", "tag_key", "announced_on")
    return {(key, owner, tag): day for key, owner, tag, day in told.values_list(*columns)}
