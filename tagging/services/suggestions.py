"""Suggested tags made anew from the newest month: FinOps staff's first, then each team's from its own resources."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from costs import selectors as intake
from costs.bulk import copy_rows
from costs.money import to_units
from costs.periods import BillingPeriod
from costs.reading import one_reading
from costs.scope import Scope
from tagging.clues import KnownResource
from tagging.models import SuggestionChoice, SuggestionCount, TagSuggestion, Team, VirtualTag
from tagging.selectors.suggestible import STAFF, Suggestible, SuggestibleMonth, suggestible_month
from tagging.selectors.trust import currencies_of, latest_period
from tagging.suggestions import Suggestion, TagLearner
from tagging.terms import ChoiceState

EVERYTHING = Scope.all()
MOST_TAUGHT = 2_000  # resources a key is learned from, some of every name; more teach little and cost time
_OF_ALL = ("audience", "period", "currency", "made_at")
_CELLS = (
    "ref", "resource_key", "resource_id", "name", "service_name", "sub_account_id", "region_id", "owner_key", "tag_key",
    "value", "confidence", "evidence", "monthly_cost",
)  # fmt: skip
_COUNTS = ("tag_key", "known", "lacking", "suggested")
MOST_ASKED = 5_000  # resources of an audience that lack a key, dearest first


@dataclass(frozen=True)
class Suggested:
    """What was made: the month, and (audience, key, known, lacking, suggested, monthly cost) of each."""

    period: BillingPeriod | None
    counts: tuple[tuple[str, str, int, int, int, Decimal], ...] = ()


def make_suggestions(*, now: datetime, least_precision: float) -> Suggested:
    """Replace every audience's suggestions by those of its newest month in force. Safe to repeat.

    Staff's stand before teams' are begun. What was dismissed is left out for who dismissed it, and what has a
    virtual tag for everybody.
    """
    months = intake.periods_with_costs(EVERYTHING)[:1]
    if not months:
        TagSuggestion.objects.all().delete()
        SuggestionCount.objects.all().delete()
        return Suggested(None)
    counts: list[tuple[str, str, int, int, int, Decimal]] = []
    for period, audiences in _newest_months(months[0]).items():
        for currency in currencies_of(EVERYTHING, [period]):
            with one_reading():
                month = suggestible_month(EVERYTHING, period, currency)
                for audience in (STAFF, *month.teams):
                    if audience in audiences:
                        counts += _make(month, month.of(audience), now=now, least_precision=least_precision)
    _forget_others(now)
    return Suggested(months[0], tuple(counts))


def _newest_months(newest: BillingPeriod) -> dict[BillingPeriod, set[str]]:
    """Which audiences learn from which month: staff from the newest, a team from its own newest.

    That others have a later month must change nothing a team sees.
    """
    found: dict[BillingPeriod, set[str]] = {newest: {STAFF}}
    for pk, _, key, *_ in Team.objects.outline():
        own = latest_period(Scope.teams(Team.objects.with_sub_teams({pk})))
        if own is not None:
            found.setdefault(own, set()).add(key)
    return dict(sorted(found.items(), reverse=True))


def _make(
    month: SuggestibleMonth, own: Suggestible, *, now: datetime, least_precision: float
) -> list[tuple[str, str, int, int, int, Decimal]]:
    """One audience in one currency: everything is worked out, then replaced at once."""
    left_out, rows, counts, told = _left_out(own.audience), list[tuple[object, ...]](), [], []
    resources = sorted(own.resources, key=lambda each: (-own.costs[each.key], each.key))
    of_all = (own.audience, month.period.start.isoformat(), month.currency, now)
    for key in (rule.key for rule in month.policy):
        known, made = _of_key(month, own, key, resources, least_precision=least_precision)
        made = [
            each for each in made if not {(each.resource_key, key, each.value), (each.resource_key, key, "")} & left_out
        ]
        lacking = sum(key in keys for keys in own.lacking.values())
        rows += [(*of_all, *_cells(own, month.currency, each)) for each in made]
        counts.append((*of_all, key, known, lacking, len(made)))
        cost = sum((own.costs[each.resource_key] for each in made), Decimal(0))
        told.append((own.audience, key, known, lacking, len(made), cost))
    with transaction.atomic():
        for model, columns, fresh in ((TagSuggestion, _CELLS, rows), (SuggestionCount, _COUNTS, counts)):
            model._default_manager.filter(audience=own.audience, currency=month.currency).delete()
            copy_rows(model, (*_OF_ALL, *columns), fresh)
    return told


def _of_key(
    month: SuggestibleMonth, own: Suggestible, key: str, resources: Sequence[KnownResource], *, least_precision: float
) -> tuple[int, list[Suggestion]]:
    """How many carry the key, and the suggestions for those that lack it. Resources come dearest first."""
    carrying = [each for each in resources if (raw := each.tags.get(key)) and month.spelled(key, raw)]
    lacking = [each for each in resources if key in own.lacking[each.key] and own.costs[each.key] > 0]
    if not carrying or not lacking:
        return len(carrying), []
    learner = TagLearner(key, _some_of_every_name(carrying), spelled=month.spelled)
    made = (learner.suggest(each, least_precision=least_precision) for each in lacking[:MOST_ASKED])
    return len(carrying), [replace(found, value=month.written(key, found.value)) for found in made if found is not None]


def _cells(own: Suggestible, currency: str, made: Suggestion) -> tuple[object, ...]:
    """A suggestion as it is stored, in the order of _CELLS."""
    key, place = made.resource_key, own.places[made.resource_key]
    resource = own.resources_by_key[key]
    return (
        ref_of(own.audience, currency, key, made.tag_key, made.value),
        key,
        resource.resource_id,
        resource.name,
        place.service,
        place.account,
        place.region,
        place.team,
        made.tag_key,
        made.value,
        made.confidence,
        [said.sentence for said in made.evidence],
        to_units(own.costs[key]),
    )


def ref_of(*parts: object) -> str:
    """What a suggestion is called: the same whenever it is made again."""
    return "s" + hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _some_of_every_name(resources: Sequence[KnownResource]) -> list[KnownResource]:
    """At most MOST_TAUGHT of these: the first of every name stem, then the second, and so on."""
    if len(resources) <= MOST_TAUGHT:
        return list(resources)
    places: Counter[str] = Counter()
    ranked: list[tuple[int, int]] = []
    for each in resources:
        ranked.append((places[each.stem], len(ranked)))
        places[each.stem] += 1
    return [resources[at] for _, at in sorted(ranked)[:MOST_TAUGHT]]


def _left_out(audience: str) -> set[tuple[int, str, str]]:
    """(resource, key, value) this audience decided on; with value '' what has a virtual tag, whatever its value."""
    decided = SuggestionChoice.objects.filter(audience=audience, state=ChoiceState.DISMISSED.value)
    found = set(decided.values_list("resource_key", "tag_key", "value"))
    open_tags = VirtualTag.objects.filter(to_period__isnull=True)
    return found | {(key, tag, "") for key, tag in open_tags.values_list("resource_key", "tag_key")}


def _forget_others(now: datetime) -> None:
    """What this run did not make: audiences without resources any more, months and currencies that are past."""
    for model in (TagSuggestion, SuggestionCount):
        model._default_manager.exclude(made_at=now).delete()
