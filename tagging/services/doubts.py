"""Costs a team says are not its own: raised from "Why is this mine?", answered with a rule or with words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.inputs import RuleInput
from tagging.models import OwnershipDoubt
from tagging.results import SliceRow
from tagging.results.doubts import Filters
from tagging.selectors.doubts import deciding_rule_pk, doubt_ref
from tagging.selectors.teams import owner_by_key
from tagging.selectors.why import decision_slices
from tagging.services.disputes import said_text
from tagging.services.rules import save_rule
from tagging.terms import DisputeState

MOST_NAME = 160


@dataclass(frozen=True)
class OwnershipQuestion:
    """Which costs of a team are in doubt: those of one decision (`filters` has ("decision", ref)), and why."""

    team_key: str
    period: BillingPeriod
    currency: str
    metric: CostMetric
    filters: Filters
    text: str
    belongs_to: str = ""


def doubt_ownership(scope: Scope, asked: OwnershipQuestion, *, by: AbstractBaseUser, now: datetime) -> int:
    """Doubt what a rule gave to a team. Raises NotFoundInScopeError, InvalidRequestError."""
    team = owner_by_key(scope, asked.team_key)
    said = said_text(asked.text, "Say why these costs are not yours.")
    if sum(name == "decision" for name, _ in asked.filters) != 1:
        raise InvalidRequestError("Open one of the rules that decided first: a doubt is about one.")
    slices = decision_slices(
        scope,
        asked.period,
        metric=asked.metric,
        currency=asked.currency,
        filters=(*_of_slices(asked.filters), ("team", asked.team_key)),
    )
    if not slices:
        raise InvalidRequestError("There are no such costs in this month, so there is nothing to doubt.")
    made = _doubted(asked, slices)
    made.team_name, made.text, made.raised_by_id, made.raised_at = team.name, said, by.pk, now
    made.decided_by_id = deciding_rule_pk(made)
    try:
        with transaction.atomic():
            made.save()
    except IntegrityError as error:
        told = "Your FinOps lead has been told already, and has not answered yet."
        raise InvalidRequestError(told) from error
    return made.pk


def decline_doubt(pk: int, *, answer: str, by: AbstractBaseUser, now: datetime) -> None:
    """It stays as it is, and the team reads why. For FinOps staff. Raises NotFoundInScopeError, InvalidRequestError."""
    said = said_text(answer, "An answer needs a text: the team reads it.")
    with transaction.atomic():
        _answered(_waiting(pk), DisputeState.REJECTED, said, by, now)


def accept_doubt(
    pk: int, rule: RuleInput, *, before: int | None, answer: str, by: AbstractBaseUser, now: datetime
) -> int:
    """Make a rule of it, tried before the rule that decided; open months get their owners again. Returns its pk.

    For FinOps staff. Raises NotFoundInScopeError, InvalidRequestError; then nothing has changed.
    """
    with transaction.atomic():
        found = _waiting(pk)
        made = save_rule(rule, before=before)
        said = answer.strip() or "A rule now gives these costs to somebody else, in every month that is not closed."
        found.rule_id = made
        _answered(found, DisputeState.ACCEPTED, said_text(said, ""), by, now)
    return made


def reason_of(text: str, raised_by: str) -> str:
    """The reason of a rule that a doubt became."""
    return f"Doubted by {raised_by}: {' '.join(text.split())}"[:300]


def _doubted(asked: OwnershipQuestion, slices: Sequence[SliceRow]) -> OwnershipDoubt:
    """What is doubted, as it stands now."""
    return OwnershipDoubt(
        team_key=asked.team_key,
        period=asked.period.start,
        currency=asked.currency,
        basis=asked.metric.value,
        rule_text=slices[0].rule_text,
        matched_text=slices[0].matched_text,
        filters=[list(pair) for pair in asked.filters],
        places=sorted({(row.sub_account_id, row.service_name) for row in slices}),
        ref=doubt_ref(asked.team_key, asked.filters),
        cost=sum((row.cost for row in slices), ZERO),
        belongs_to=" ".join(asked.belongs_to.split())[:MOST_NAME],
    )


def _of_slices(filters: Filters) -> Filters:
    """Without what only lines know."""
    return tuple(pair for pair in filters if pair[0] not in {"resource", "day"})


def _waiting(pk: int) -> OwnershipDoubt:
    found = OwnershipDoubt.objects.select_for_update().filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError("Nothing here.")
    if found.state != DisputeState.OPEN.value:
        raise InvalidRequestError("This is answered already.")
    return found


def _answered(found: OwnershipDoubt, state: DisputeState, said: str, by: AbstractBaseUser, now: datetime) -> None:
    found.state, found.answer = state.value, said
    found.answered_by_id, found.answered_at = by.pk, now
    found.save()
