"""Teams, their members, and the rules; each as its reader may see it."""

from costs.scope import Scope
from tagging.results import MemberView, RuleView, TeamView


def visible_teams(scope: Scope) -> tuple[TeamView, ...]:
    """Teams of the scope by name; staff see inactive ones too."""
    raise NotImplementedError


def team_by_key(scope: Scope, key: str) -> TeamView:
    """One team. Raises NotFoundInScopeError for another's and for one that does not exist, alike."""
    raise NotImplementedError


def team_members(scope: Scope, key: str) -> tuple[MemberView, ...]:
    """A team's own members by name. Raises NotFoundInScopeError."""
    raise NotImplementedError


def allocation_rules(scope: Scope) -> tuple[RuleView, ...]:
    """All rules in the order they are tried. Staff only (NotFoundInScopeError)."""
    raise NotImplementedError
