"""Which budgets a reader reaches, and how they are called."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from budgets.models import Alert, Budget
from budgets.results import AlertRow, Cause
from budgets.terms import SCOPE_NAMES, ScopeKind
from costs.scope import Scope
from tagging import selectors as ownership
from tagging.access import leads

LEFT_OUT_NAMES = (("with_credits", "credits"), ("with_refunds", "refunds"), ("with_tax", "tax"))


def reached_budgets(scope: Scope) -> QuerySet[Budget]:
    """All for staff; those of their teams for members. The one filter of all readers."""
    found = Budget.objects.all()
    if scope.everything:
        return found
    return found.filter(scope_kind=ScopeKind.TEAM.value, scope_key__in=scope.team_keys)


def reached_alerts(scope: Scope) -> QuerySet[Alert]:
    """Alerts of the budgets that the reader reaches."""
    found = Alert.objects.select_related("budget", "acknowledged_by")
    if scope.everything:
        return found
    return found.filter(budget__scope_kind=ScopeKind.TEAM.value, budget__scope_key__in=scope.team_keys)


def may_acknowledge(scope: Scope, user: AbstractBaseUser | AnonymousUser, row: AlertRow) -> bool:
    """Staff every alert, leads those of the teams they lead; viewers look and change nothing."""
    return scope.everything or (row.scope_kind is ScopeKind.TEAM and leads(user, row.scope_key))


def scope_labels(scope: Scope, budgets: Iterable[Budget]) -> dict[tuple[str, str], str]:
    """What each budget is for, in words, by kind and key. A query or two for all of them."""
    wanted: dict[str, set[str]] = {}
    for budget in budgets:
        wanted.setdefault(budget.scope_kind, set()).add(budget.scope_key)
    names: dict[tuple[str, str], str] = {}
    for kind, keys in wanted.items():
        if kind == ScopeKind.TOTAL.value:
            names[kind, ""] = SCOPE_NAMES[ScopeKind.TOTAL]
        else:
            found = ownership.value_labels(scope, kind, keys)
            names |= {(kind, key): found.get(key, key) for key in keys}
    return names


def left_out_names(budget: Budget) -> tuple[str, ...]:
    """`("credits", "tax")`: what the budget does not count."""
    return tuple(name for field, name in LEFT_OUT_NAMES if not getattr(budget, field))


def causes_from(stored: list[Mapping[str, Any]]) -> tuple[Cause, ...]:
    """Causes as they were stored."""
    return tuple(Cause(item["key"], item["label"], Decimal(item["cost"]), Decimal(item["previous"])) for item in stored)
