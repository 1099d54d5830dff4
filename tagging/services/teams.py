"""Upkeep of teams and members. Whoever calls has made sure the user is FinOps staff."""

from tagging.inputs import TeamInput
from tagging.terms import MemberRole


def create_team(team: TeamInput) -> str:
    """Make a team; returns its key. Raises InvalidRequestError for a name taken or an unknown parent."""
    raise NotImplementedError


def update_team(key: str, team: TeamInput) -> None:
    """Change a team, its key stays. Raises InvalidRequestError, also for a parent below itself."""
    raise NotImplementedError


def set_member(team_key: str, username: str, *, role: MemberRole) -> None:
    """Make the user a member or change the role. Raises InvalidRequestError for an unknown user or team."""
    raise NotImplementedError


def remove_member(team_key: str, username: str) -> None:
    """End a membership; nothing happens where there is none."""
    raise NotImplementedError
