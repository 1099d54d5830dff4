"""From a proposal to teams and rules in one step."""

from collections.abc import Iterable

from django.db import transaction

from costs.errors import InvalidRequestError
from costs.tags import canonical_value
from tagging.inputs import ProposalChoices, RuleInput, TeamChoice, TeamInput
from tagging.models import AllocationRule
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.services.rules import add_rules
from tagging.services.teams import create_team
from tagging.terms import RuleKind

REASON = "Accepted from the set-up proposal"


def accept_proposal(choices: ProposalChoices) -> int:
    """Write teams, tag rules, account rules and the default to nobody, and re-allocate; all or nothing.

    Returns the number of teams made. Raises InvalidRequestError where no team is left, a team name, tag
    value or account stands twice, a team of that name exists, or rules exist already.
    """
    _check(choices)
    with transaction.atomic():
        one_allocation_at_a_time()
        if AllocationRule.objects.exists():
            raise InvalidRequestError("There are rules already. Change them on the rules page instead.")
        keys = [create_team(TeamInput(name=team.name, cost_center=team.cost_center)) for team in choices.teams]
        teams = list(zip(keys, choices.teams, strict=True))
        tags = [
            RuleInput(RuleKind.TAG, tag_key=choices.tag_key, tag_values=team.tag_values, team_key=key, reason=REASON)
            for key, team in teams
            if team.tag_values
        ]
        accounts = [
            RuleInput(RuleKind.ACCOUNT, sub_account_id=account, team_key=key, reason=REASON)
            for key, team in teams
            for account in team.sub_account_ids
        ]
        add_rules([*tags, *accounts, RuleInput(RuleKind.DEFAULT, reason=REASON)])
        reallocate()
    return len(keys)


def _check(choices: ProposalChoices) -> None:
    teams: tuple[TeamChoice, ...] = choices.teams
    if not teams:
        raise InvalidRequestError("Choose at least one team.")
    if not choices.tag_key.strip() and any(team.tag_values for team in teams):
        raise InvalidRequestError("Say which tag key the values belong to.")
    _once("team", (canonical_value(team.name) for team in teams))
    _once("tag value", (value.strip().casefold() for team in teams for value in team.tag_values))
    _once("account", (account.strip() for team in teams for account in team.sub_account_ids))


def _once(what: str, values: Iterable[str]) -> None:
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise InvalidRequestError(f"The {what} '{value}' stands twice. Keep it in one place.")
        seen.add(value)
