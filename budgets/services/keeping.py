"""Upkeep of budgets. Whoever calls has made sure the user is FinOps staff."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.text import slugify

from budgets.evaluation import AlertStep
from budgets.inputs import BudgetInput
from budgets.models import Budget, PlannedAmount, Threshold
from budgets.selectors import unfit_addresses
from budgets.spans import BudgetPeriod
from budgets.terms import SCOPE_NAMES, Cadence, ScopeKind, Severity, ThresholdKind
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.money import ZERO
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors as ownership


def create_budget(wanted: BudgetInput, *, author: User | None, today: date) -> str:
    """Make a budget; returns its key. It gives alerts from the running period on, unless it says otherwise.

    Raises InvalidRequestError for what cannot be a budget.
    """
    with transaction.atomic():
        budget = Budget(key=_free_key(wanted), created_by=author)
        _write(budget, wanted, today=today)
    return budget.key


def update_budget(key: str, wanted: BudgetInput, *, today: date) -> None:
    """Change a budget; its key stays, and alerts it has given are not given again. Raises InvalidRequestError."""
    with transaction.atomic():
        _change(_locked(key), wanted, today=today)


def revise_budget(key: str, changes: Mapping[str, Any], *, today: date) -> None:
    """Change these fields (by their names in BudgetInput) and leave the others. Raises InvalidRequestError."""
    with transaction.atomic():
        budget = _locked(key)
        _change(budget, replace(_as_input(budget), **changes), today=today)


def _locked(key: str) -> Budget:
    budget = Budget.objects.select_for_update().filter(key=key).first()
    if budget is None:
        raise NotFoundInScopeError("Nothing here.")
    return budget


def _change(budget: Budget, wanted: BudgetInput, *, today: date) -> None:
    stands = (budget.scope_kind, budget.scope_key, budget.cadence)
    if stands != (wanted.scope_kind.value, wanted.scope_key.strip(), wanted.cadence.value):
        raise InvalidRequestError(
            "What a budget is for and how long its periods are stay as they are: its history and alerts belong "
            "to them. Take it out of use and make another one."
        )
    _write(budget, wanted, today=today)


def _as_input(budget: Budget) -> BudgetInput:
    """The budget as it stands."""
    return BudgetInput(
        name=budget.name,
        scope_kind=ScopeKind(budget.scope_kind),
        scope_key=budget.scope_key,
        amount=budget.amount,
        cadence=Cadence(budget.cadence),
        currency=budget.currency,
        metric=CostMetric(budget.metric),
        with_credits=budget.with_credits,
        with_refunds=budget.with_refunds,
        with_tax=budget.with_tax,
        starts_on=budget.starts_on,
        is_active=budget.is_active,
        owner=budget.owner.username if budget.owner else "",
        steps=tuple(
            AlertStep(ThresholdKind(row.kind), row.percent, Severity(row.severity), tuple(row.recipients))
            for row in budget.thresholds.all()
        ),
        planned=tuple((row.period_start, row.amount) for row in budget.planned.all()),
    )


def _write(budget: Budget, wanted: BudgetInput, *, today: date) -> None:
    budget.name = _checked_name(wanted.name)
    budget.scope_kind, budget.scope_key = wanted.scope_kind.value, _checked_scope(wanted)
    budget.cadence, budget.metric = wanted.cadence.value, wanted.metric.value
    budget.amount, budget.currency = _checked_amounts(wanted), wanted.currency
    budget.with_credits, budget.with_refunds = wanted.with_credits, wanted.with_refunds
    budget.with_tax, budget.is_active = wanted.with_tax, wanted.is_active
    # A change of the plan does not forget the periods before it.
    budget.starts_on = BudgetPeriod.of(wanted.starts_on or budget.starts_on or today, wanted.cadence).start
    budget.owner = _owner(wanted.owner)
    _check_addresses(budget, wanted.steps)
    budget.save()
    _write_steps(budget, wanted.steps)
    _write_plan(budget, wanted)


def _write_steps(budget: Budget, steps: Sequence[AlertStep]) -> None:
    wanted = {(step.kind.value, step.percent): step for step in steps}
    if len(wanted) != len(steps):
        raise InvalidRequestError("Two steps are the same. Keep one of them.")
    for stored in budget.thresholds.all():
        step = wanted.pop((stored.kind, stored.percent), None)
        if step is None:
            stored.delete()
        elif (stored.severity, stored.recipients) != (step.severity.value, list(step.recipients)):
            stored.severity, stored.recipients = step.severity.value, list(step.recipients)
            stored.save()
    for step in wanted.values():
        Threshold.objects.create(
            budget=budget,
            kind=step.kind.value,
            percent=step.percent,
            severity=step.severity.value,
            recipients=list(step.recipients),
        )


def _write_plan(budget: Budget, wanted: BudgetInput) -> None:
    amounts = {BudgetPeriod.of(day, Cadence(budget.cadence)).start: amount for day, amount in wanted.planned}
    for stored in budget.planned.all():
        amount = amounts.pop(stored.period_start, None)
        if amount is None:
            stored.delete()
        elif amount != stored.amount:
            stored.amount = amount
            stored.save()
    for start, amount in amounts.items():
        PlannedAmount.objects.create(budget=budget, period_start=start, amount=amount)


def _checked_name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > 120:
        raise InvalidRequestError("A budget needs a name of at most 120 characters.")
    return name


def _checked_scope(wanted: BudgetInput) -> str:
    key = wanted.scope_key.strip()
    if wanted.scope_kind is ScopeKind.TOTAL:
        return ""
    if not key:
        raise InvalidRequestError(f"Say which {SCOPE_NAMES[wanted.scope_kind].lower()} the budget is for.")
    if wanted.scope_kind is ScopeKind.TEAM and key not in {team.key for team in ownership.visible_teams(Scope.all())}:
        raise InvalidRequestError(f"There is no team '{key}'.")
    return key


def _checked_amounts(wanted: BudgetInput) -> Decimal:
    if any(amount < ZERO for amount in (wanted.amount, *(amount for _, amount in wanted.planned))):
        raise InvalidRequestError("A plan cannot be below zero.")
    if any(step.percent <= ZERO for step in wanted.steps):
        raise InvalidRequestError("A step is a share of the plan above 0 %.")
    return wanted.amount


def _owner(username: str) -> User | None:
    if not username:
        return None
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise InvalidRequestError(f"There is no user '{username}'.")
    return found


def _check_addresses(budget: Budget, steps: Sequence[AlertStep]) -> None:
    addresses = dict.fromkeys(address for step in steps for address in step.recipients)
    if unfit := unfit_addresses(addresses, budget):
        raise InvalidRequestError(
            f"{', '.join(unfit)} cannot open this budget's page, so no mail about it may go there. "
            "Take the address out, or make a budget of that person's team."
        )


def _free_key(wanted: BudgetInput) -> str:
    slug = slugify(wanted.name)
    if wanted.scope_kind is ScopeKind.TEAM and not slug.startswith(wanted.scope_key):
        slug = f"{wanted.scope_key}-{slug}"  # no other team's names count
    stem = slug[:100].strip("-") or "budget"
    taken = set(Budget.objects.filter(key__startswith=stem).values_list("key", flat=True))
    taken.add("new")  # the address of the form
    return next(key for key in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if key not in taken)
