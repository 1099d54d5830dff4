"""Who gets an alert, and who must not."""

from collections.abc import Iterable

from django.contrib.auth.models import User

from budgets.evaluation import AlertStep
from budgets.models import Budget
from budgets.terms import ScopeKind
from costs.scope import Scope
from tagging import selectors as ownership
from tagging.access import is_finops, scope_of
from tagging.terms import MemberRole


def recipients_of(budget: Budget, step: AlertStep) -> tuple[str, ...]:
    """The step's own addresses, else the budget's owner and its team's leads, else FinOps staff."""
    wanted = list(step.recipients)
    if not wanted:
        if budget.owner is not None and budget.owner.is_active:
            wanted.append(budget.owner.email)
        if budget.scope_kind == ScopeKind.TEAM.value:
            members = ownership.team_members(Scope.all(), budget.scope_key)
            wanted += [member.email for member in members if member.role is MemberRole.LEAD]
    if not any(wanted):
        wanted = [person.email for person in ownership.people(Scope.all()) if person.is_finops and person.is_active]
    by_lower_case = {address.lower(): address for address in wanted if address}
    return tuple(address for address in by_lower_case.values() if may_read(address, budget))


def may_read(address: str, budget: Budget) -> bool:
    """Whether mail about this budget may go there: not to a user who could not open its page.

    An address of nobody here (a mailing list) is the FinOps lead's own decision.
    """
    users = list(User.objects.filter(email__iexact=address))
    return not users or any(_may_open(user, budget) for user in users if user.is_active)


def unfit_addresses(addresses: Iterable[str], budget: Budget) -> tuple[str, ...]:
    """Those that belong to people who could not open the budget's page."""
    return tuple(address for address in addresses if not may_read(address, budget))


def _may_open(user: User, budget: Budget) -> bool:
    if is_finops(user):
        return True
    return budget.scope_kind == ScopeKind.TEAM.value and budget.scope_key in scope_of(user).team_keys
