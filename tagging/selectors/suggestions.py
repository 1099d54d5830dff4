"""Suggested tags within a reader's scope, and the virtual tags that came of them."""

from collections.abc import Collection, Iterable
from typing import Any

from django.db.models import QuerySet

from costs import selectors as intake
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import SuggestionChoice, SuggestionCount, TagSuggestion, VirtualTag
from tagging.results.suggestions import SuggestionKey, SuggestionRow, SuggestionTable, VirtualTagRow
from tagging.selectors.labels import team_names
from tagging.selectors.policy import policy_keys
from tagging.selectors.reach import MAIN_CURRENCY
from tagging.selectors.taggable import taggable_month
from tagging.selectors.virtual import own_values
from tagging.terms import ChoiceState

STAFF = ""


def suggestions(scope: Scope, *, key: str = "", currency: str = "") -> SuggestionTable:
    """What the reader's audience was suggested, of one key where one is named, dearest resource first.

    Staff see what was learned from everything, after what teams proposed; a team what was learned from its own.
    Of a resource that two of the reader's teams were told of, the surer value stands.
    """
    mine = own_suggestions(scope)
    counts = list(_own(SuggestionCount.objects.all(), scope).order_by("pk"))
    proposals = list(_proposals(scope))
    names = {item.currency for item in counts} | {item.currency for item in proposals}
    ordered = sorted(names, key=lambda name: (name != MAIN_CURRENCY, name))
    chosen = currency or next(iter(ordered), MAIN_CURRENCY)
    _check_key(key, counts)
    found = _surest(_rows(mine.filter(currency=chosen, **({"tag_key": key} if key else {})), proposals))
    shown = [item for item in proposals if item.currency == chosen and key in ("", item.tag_key)]
    asked = _as_rows(shown) if scope.everything else []
    told = {(row.resource_key, row.key) for row in asked}
    rows = [*asked, *(row for row in found if (row.resource_key, row.key) not in told)]
    of_currency = [item for item in counts if item.currency == chosen]
    return SuggestionTable(
        period=BillingPeriod.of(of_currency[0].period) if of_currency else None,
        currency=chosen,
        made_at=max((item.made_at for item in of_currency), default=None),
        rows=tuple(rows),
        keys=_keys(of_currency),
        other_currencies=tuple(name for name in ordered if name != chosen),
    )


def own_suggestions(scope: Scope) -> QuerySet[TagSuggestion]:
    """The reader's audience's, and nobody else's. The one filter of pages and services."""
    return _own(TagSuggestion.objects.all(), scope)


def suggestions_by_ref(scope: Scope, refs: Collection[str]) -> tuple[TagSuggestion, ...]:
    """These suggestions; NotFoundInScopeError where one is not the reader's or there is none."""
    found = tuple(own_suggestions(scope).filter(ref__in=refs))
    if len(found) != len(set(refs)):
        raise NotFoundInScopeError("Some of these suggestions are gone: they are made anew after every import.")
    return found


def virtual_tags(scope: Scope) -> tuple[VirtualTagRow, ...]:
    """Every virtual tag, those in force first. For FinOps staff."""
    scope.require_everything()
    tags = list(VirtualTag.objects.select_related("author", "ended_by").order_by("-pk"))
    costs, carried = _newest(scope, {tag.resource_key for tag in tags}) if tags else ({}, {})
    teams = team_names({tag.proposed_by for tag in tags})
    rows = [
        VirtualTagRow(
            pk=tag.pk,
            resource_id=tag.resource_id,
            key=tag.tag_key,
            value=tag.value,
            from_period=BillingPeriod.of(tag.from_period),
            to_period=None if tag.to_period is None else BillingPeriod.of(tag.to_period),
            origin=tag.origin,
            proposed_by=teams.get(tag.proposed_by, ""),
            confidence=tag.confidence,
            evidence=tuple(tag.evidence),
            reason=tag.reason,
            author=tag.author.get_full_name() or tag.author.get_username(),
            created_at=tag.created_at,
            ended_by="" if tag.ended_by is None else tag.ended_by.get_full_name() or tag.ended_by.get_username(),
            ended_at=tag.ended_at,
            end_reason=tag.end_reason,
            monthly_cost=costs.get(tag.resource_key, ZERO),
            superseded_by=carried.get((tag.resource_key, tag.tag_key), ""),
        )
        for tag in tags
    ]
    return tuple(sorted(rows, key=lambda row: row.to_period is not None))


def _own(rows: QuerySet[Any], scope: Scope) -> QuerySet[Any]:
    return rows.filter(audience=STAFF) if scope.everything else rows.filter(audience__in=scope.team_keys)


def _proposals(scope: Scope) -> QuerySet[SuggestionChoice]:
    """Open proposals: all of them for staff, a team's own for a team."""
    found = SuggestionChoice.objects.filter(state=ChoiceState.PROPOSED.value).order_by("-monthly_cost", "pk")
    return found if scope.everything else found.filter(audience__in=scope.team_keys)


def _rows(found: QuerySet[TagSuggestion], proposals: Iterable[SuggestionChoice]) -> list[SuggestionRow]:
    asked = {(item.audience, item.resource_key, item.tag_key, item.value) for item in proposals}
    stored = sorted(found, key=lambda item: (-item.monthly_cost, item.resource_key, item.pk))
    teams = team_names({item.owner_key for item in stored})
    return [
        SuggestionRow(
            ref=item.ref,
            audience=item.audience,
            resource_key=item.resource_key,
            resource_id=item.resource_id,
            name=item.name,
            service_name=item.service_name,
            sub_account_id=item.sub_account_id,
            region_id=item.region_id,
            team_key=item.owner_key,
            team_name=teams.get(item.owner_key, ""),
            key=item.tag_key,
            value=item.value,
            confidence=item.confidence,
            evidence=tuple(item.evidence),
            monthly_cost=item.monthly_cost,
            state="proposed" if (item.audience, item.resource_key, item.tag_key, item.value) in asked else "",
        )
        for item in stored
    ]


def _as_rows(proposals: Iterable[SuggestionChoice]) -> list[SuggestionRow]:
    listed = list(proposals)
    teams = team_names({item.audience for item in listed})
    return [
        SuggestionRow(
            ref=f"p{item.pk}",
            audience=item.audience,
            resource_key=item.resource_key,
            resource_id=item.resource_id,
            name="",
            service_name="",
            sub_account_id="",
            region_id="",
            team_key=item.audience,
            team_name=teams.get(item.audience, item.audience),
            key=item.tag_key,
            value=item.value,
            confidence=item.confidence,
            evidence=tuple(item.evidence),
            monthly_cost=item.monthly_cost,
            state="proposed",
            proposed_by=teams.get(item.audience, item.audience),
            reason=item.reason,
        )
        for item in listed
    ]


def _surest(rows: Iterable[SuggestionRow]) -> list[SuggestionRow]:
    """One row per resource and key, in the order of the rows."""
    best: dict[tuple[int, str], SuggestionRow] = {}
    for row in rows:
        held = best.get((row.resource_key, row.key))
        if held is None or (row.confidence, row.audience) > (held.confidence, held.audience):
            best[row.resource_key, row.key] = row
    return sorted(best.values(), key=lambda row: (-row.monthly_cost, row.resource_id, row.key))


def _keys(counts: Iterable[SuggestionCount]) -> tuple[SuggestionKey, ...]:
    """By key, of the audience that knows most of it: a parent team's count holds its sub-teams'."""
    best: dict[str, SuggestionCount] = {}
    for item in counts:
        if (
            item.tag_key not in best
            or item.known + item.lacking > best[item.tag_key].known + best[item.tag_key].lacking
        ):
            best[item.tag_key] = item
    return tuple(SuggestionKey(key, item.known, item.lacking, item.suggested) for key, item in best.items())


def _check_key(key: str, counts: Iterable[SuggestionCount]) -> None:
    known = list(dict.fromkeys([*(item.tag_key for item in counts), *(item.key for item in policy_keys())]))
    if key and key not in known:
        raise InvalidRequestError(f"'{key}' is no key of the policy. Use {', '.join(known)}.")


def _newest(scope: Scope, wanted: Collection[int]) -> tuple[dict[int, Any], dict[tuple[int, str], str]]:
    """What these resources cost in the newest month, and the values they carry themselves by now."""
    months = intake.periods_with_costs(scope)[:1]
    if not months:
        return {}, {}
    month = taggable_month(scope, months[0], CostMetric.EFFECTIVE, "")
    costs = {key: cost for key, cost in month.lines.costs.items() if key in wanted}
    places = {(line.resource_key, line.slice_key) for line in month.lines if line.resource_key in wanted}
    own = own_values(month.reach, month.policy, places)
    return costs, {(key, tag): value for (key, _, tag), value in own.items()}


def virtual_tags_behind(scope: Scope, period: BillingPeriod, team_key: str) -> tuple[str, ...]:
    """In words, the virtual tags that slices of this owner have from resources of the reader's scope."""
    found = VirtualTag.objects.select_related("author").filter(from_period__lte=period.start).order_by("pk")
    tags = list(found.exclude(to_period__lte=period.start))
    if not tags:
        return ()
    month = taggable_month(scope, period, CostMetric.EFFECTIVE, "")
    keys, tagged = {key.key: key for key in month.policy}, {tag.resource_key for tag in tags}
    places: dict[int, list[int]] = {}
    for line in month.lines:
        if line.resource_key in tagged and month.slices[line.slice_key].team == team_key:
            places.setdefault(line.resource_key, []).append(line.slice_key)
    own = own_values(month.reach, month.policy, {(key, place) for key, some in places.items() for place in some})
    return tuple(
        f"{tag.resource_id}: tag {tag.tag_key}={tag.value} (ours, accepted by"
        f" {tag.author.get_full_name() or tag.author.get_username()} on {tag.created_at:%Y-%m-%d})"
        for tag in tags
        if tag.tag_key in keys
        and any(
            keys[tag.tag_key].value_in(month.slices[place].tags) == tag.value
            and (tag.resource_key, place, tag.tag_key) not in own
            for place in places.get(tag.resource_key, ())
        )
    )
