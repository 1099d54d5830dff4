"""All writes of the programme. Whoever calls has made sure the user is FinOps staff."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django.db import models, transaction

from costs.errors import NotFoundInScopeError
from finops_site.models import PlanStep, Programme, Risk, SavingClaim, Scenario, Target
from finops_site.models.programme import ONLY_KEY
from finops_site.programme import defaults
from finops_site.programme.business_case import Assumptions

Part = PlanStep | Risk | SavingClaim | Scenario | Target


def start_programme(*, starts_on: date, currency: str = "USD") -> bool:
    """Make the programme with its default plan, scenarios, targets, risks and empty claims.

    False where there is one already, which then stays as it is.
    """
    with transaction.atomic():
        assumed = defaults.ASSUMPTIONS
        programme, is_new = Programme.objects.get_or_create(
            key=ONLY_KEY,
            defaults={"name": defaults.NAME, "currency": currency, "starts_on": starts_on, **vars(assumed)},
        )
        if is_new:
            for row in _default_parts(programme):
                row.save()
    return is_new


def save_assumptions(assumptions: Assumptions) -> None:
    """Make these the programme's assumptions. Raises NotFoundInScopeError before there is a programme."""
    _change(vars(assumptions))


def update_programme(*, name: str, starts_on: date, currency: str, assumptions: Assumptions) -> None:
    """Change name, start and assumptions; due dates follow the start."""
    _change({"name": name, "starts_on": starts_on, "currency": currency, **vars(assumptions)})


def keep_part(part: Part) -> None:
    """Keep a new or changed row of the programme."""
    with transaction.atomic():
        part.programme = _programme()
        part.save()


def remove_part(part: Part) -> None:
    """Take a row out; its history stays."""
    part.delete()


def _change(values: Mapping[str, Any]) -> None:
    with transaction.atomic():
        programme = _programme()
        for name, value in values.items():
            setattr(programme, name, value)
        programme.save()


def _programme() -> Programme:
    """The programme, kept from changing until the transaction ends."""
    found = Programme.objects.select_for_update().filter(key=ONLY_KEY).first()
    if found is None:
        raise NotFoundInScopeError("There is no programme yet. Start it on the page Programme.")
    return found


def _default_parts(programme: Programme) -> list[models.Model]:
    scenarios = [
        Scenario(programme=programme, name=name, annual_saving=saving, basis=basis)
        for name, saving, basis in defaults.SCENARIOS
    ]
    steps = [
        PlanStep(
            programme=programme,
            phase=step.phase.value,
            title=step.title,
            owner=step.owner,
            due_offset_days=step.due_offset_days,
            metric=step.metric.value if step.metric else "",
            comparator=step.comparator.value,
            threshold=Decimal(step.threshold) if step.metric else None,
            is_gate=step.metric is None,
        )
        for step in defaults.STEPS
    ]
    targets = [
        Target(programme=programme, metric=metric.value, month_number=month, value=Decimal(value), note=note)
        for metric, month, value, note in defaults.TARGETS
    ]
    risks = [
        Risk(
            programme=programme,
            title=risk.title,
            probability=Decimal(risk.probability),
            impact_amount=Decimal(risk.impact),
            mitigation=risk.mitigation,
            owner=risk.owner,
        )
        for risk in defaults.RISKS
    ]
    claims = [SavingClaim(programme=programme, source=source.value, basis=basis) for source, basis in defaults.CLAIMS]
    return [*scenarios, *steps, *targets, *risks, *claims]
