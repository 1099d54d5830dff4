"""What is decided of suggested tags: accepted as virtual tags, dismissed, proposed to FinOps; virtual tags ended."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.hooks import tell_that_rules_changed
from tagging.models import SuggestionChoice, TagSuggestion, VirtualTag
from tagging.selectors.closed import first_open_period, is_open
from tagging.selectors.suggestions import suggestions_by_ref
from tagging.terms import ChoiceState, VirtualOrigin

LONGEST_REASON = 300
MOST_AT_ONCE = 1000
_REF = re.compile(r"s[0-9a-f]{32}|p[0-9]{1,18}", re.ASCII)
_TOLD = ("resource_key", "resource_id", "tag_key", "value", "confidence", "evidence")
_PRICED = ("period", "currency", "monthly_cost")


@dataclass(frozen=True)
class Chosen:
    """Which suggestions and proposals, and why. A reason may be left out."""

    suggestions: tuple[str, ...] = ()
    proposals: tuple[int, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        if not (self.suggestions or self.proposals):
            raise InvalidRequestError("Choose at least one suggestion.")
        if len(self.suggestions) + len(self.proposals) > MOST_AT_ONCE:
            raise InvalidRequestError(f"Choose at most {MOST_AT_ONCE} at once.")
        if len(self.reason) > LONGEST_REASON:
            raise InvalidRequestError(f"Keep the reason under {LONGEST_REASON} letters.")


def chosen_by_ref(refs: Sequence[str], reason: str) -> Chosen:
    """Suggestions (`s…`) and teams' proposals (`p…`) by their refs."""
    for ref in refs:
        if not _REF.fullmatch(ref):
            raise InvalidRequestError(f"'{ref[:40]}' is no suggestion.")
    proposals = tuple(int(ref[1:]) for ref in refs if ref.startswith("p"))
    return Chosen(tuple(ref for ref in refs if ref.startswith("s")), proposals, reason)


def accept_suggestions(scope: Scope, chosen: Chosen, *, author: User, now: datetime) -> int:
    """Make each a virtual tag from its month on, closed months left alone; returns how many. For FinOps staff.

    A resource that has one under the key already keeps it. Open months are rolled up again afterwards.
    """
    scope.require_everything()
    with transaction.atomic():
        found: list[TagSuggestion | SuggestionChoice] = [*_proposals(chosen.proposals)]
        found += suggestions_by_ref(scope, chosen.suggestions)
        made = [_virtual_tag(each, chosen.reason, author, now) for each in _first_of_each(found)]
        for tag in made:
            tag.save()
        for tag in made:
            TagSuggestion.objects.filter(resource_key=tag.resource_key, tag_key=tag.tag_key).delete()
            for choice in SuggestionChoice.objects.filter(
                resource_key=tag.resource_key, tag_key=tag.tag_key, state=ChoiceState.PROPOSED.value
            ):
                choice.delete()
        if made:
            tell_that_rules_changed()
    return len(made)


def dismiss_suggestions(scope: Scope, chosen: Chosen, *, led: Collection[str], author: User, now: datetime) -> int:
    """Do not suggest these values again to who was told; returns how many. For staff and leads of the team told.

    Of a proposal it is the answer to the team: its value does not come back to it either.
    """
    with transaction.atomic():
        found = _of_reader(scope, chosen.suggestions, led)
        _remember(found, ChoiceState.DISMISSED, chosen.reason, author, now)
        TagSuggestion.objects.filter(pk__in=[each.pk for each in found]).delete()
        answered = _proposals(chosen.proposals) if scope.everything else []
        if chosen.proposals and not scope.everything:
            raise NotFoundInScopeError("Nothing here.")
        for choice in answered:
            choice.state, choice.reason = ChoiceState.DISMISSED.value, chosen.reason
            choice.author, choice.decided_at = author, now
            choice.save()
            same = TagSuggestion.objects.filter(resource_key=choice.resource_key, tag_key=choice.tag_key)
            same.filter(audience=choice.audience, value=choice.value).delete()
    return len(found) + len(answered)


def propose_suggestions(scope: Scope, chosen: Chosen, *, led: Collection[str], author: User, now: datetime) -> int:
    """Ask FinOps to accept these: they see them first. Returns how many. For leads of the team told."""
    if scope.everything or chosen.proposals:
        raise NotFoundInScopeError("Nothing here.")
    with transaction.atomic():
        found = _of_reader(scope, chosen.suggestions, led)
        _remember(found, ChoiceState.PROPOSED, chosen.reason, author, now)
    return len(found)


def end_virtual_tag(scope: Scope, pk: int, *, reason: str, author: User, now: datetime) -> BillingPeriod:
    """End a virtual tag in every month that is not closed; returns the first month without it. Its row stays."""
    scope.require_everything()
    if not reason.strip() or len(reason) > LONGEST_REASON:
        raise InvalidRequestError(f"Say why it ends, in at most {LONGEST_REASON} letters.")
    with transaction.atomic():
        tag = VirtualTag.objects.select_for_update(of=("self",)).filter(pk=pk).first()
        if tag is None:
            raise NotFoundInScopeError(f"There is no virtual tag {pk}.")
        if tag.to_period is not None:
            return BillingPeriod.of(tag.to_period)
        end = _first_open(BillingPeriod.of(tag.from_period))
        tag.to_period, tag.ended_by, tag.ended_at, tag.end_reason = end.start, author, now, reason.strip()
        tag.save()
        tell_that_rules_changed()
    return end


def _first_open(period: BillingPeriod) -> BillingPeriod:
    return period if is_open(period) else first_open_period() or period


def _first_of_each(found: Sequence[TagSuggestion | SuggestionChoice]) -> list[TagSuggestion | SuggestionChoice]:
    """One of each resource and key, where it has no virtual tag yet."""
    held = set(VirtualTag.objects.filter(to_period__isnull=True).values_list("resource_key", "tag_key"))
    first: dict[tuple[int, str], TagSuggestion | SuggestionChoice] = {}
    for each in found:
        if (each.resource_key, each.tag_key) not in held:
            first.setdefault((each.resource_key, each.tag_key), each)
    return list(first.values())


def _virtual_tag(found: TagSuggestion | SuggestionChoice, reason: str, author: User, now: datetime) -> VirtualTag:
    is_proposal = isinstance(found, SuggestionChoice)
    return VirtualTag(
        **{name: getattr(found, name) for name in _TOLD},
        from_period=_first_open(BillingPeriod.of(found.period)).start,
        origin=(VirtualOrigin.PROPOSAL if is_proposal else VirtualOrigin.SUGGESTION).value,
        proposed_by=found.audience if is_proposal else "",
        reason=reason.strip(),
        author=author,
        created_at=now,
    )


def _proposals(pks: Collection[int]) -> list[SuggestionChoice]:
    found = list(SuggestionChoice.objects.filter(pk__in=pks, state=ChoiceState.PROPOSED.value))
    if len(found) != len(set(pks)):
        raise NotFoundInScopeError("Some of these proposals have been answered already.")
    return found


def _of_reader(scope: Scope, refs: Collection[str], led: Collection[str]) -> tuple[TagSuggestion, ...]:
    found = suggestions_by_ref(scope, refs)
    if not scope.everything and any(each.audience not in led for each in found):
        raise NotFoundInScopeError("Nothing here.")
    return found


def _remember(found: Sequence[TagSuggestion], state: ChoiceState, reason: str, author: User, now: datetime) -> None:
    for each in found:
        place = {name: getattr(each, name) for name in ("audience", "resource_key", "tag_key", "value")}
        said: dict[str, Any] = {name: getattr(each, name) for name in (*_TOLD, *_PRICED)}
        said |= {"state": state.value, "reason": reason.strip(), "author": author, "decided_at": now}
        SuggestionChoice.objects.update_or_create(**place, defaults={**said, **place})
