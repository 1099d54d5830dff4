"""Upkeep of allocation rules. Every change re-allocates the months in force in the same transaction."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F

from costs.errors import InvalidRequestError, NotFoundInScopeError
from tagging.inputs import RuleInput
from tagging.models import AllocationRule, Team
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.terms import RuleKind

_ORDER = tuple(RuleKind)


def save_rule(rule: RuleInput, *, pk: int | None = None) -> int:
    """Add a rule (last of its kind: tags, accounts, default) or change one in its place; returns its pk.

    Raises InvalidRequestError for what cannot be a rule, NotFoundInScopeError for an unknown pk.
    """
    checked = _checked(rule)
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = AllocationRule(position=_place_for(checked.kind)) if pk is None else _stored(pk)
        _write(stored, checked)
        reallocate()
    return stored.pk


def add_rules(rules: Sequence[RuleInput]) -> None:
    """Append rules in the order given, without re-allocating; for services that do so once themselves."""
    last = AllocationRule.objects.count()
    for offset, rule in enumerate(rules, start=1):
        _write(AllocationRule(position=last + offset), _checked(rule))


def delete_rule(pk: int) -> None:
    """Take a rule out of use (it stays in the history). Raises NotFoundInScopeError."""
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _stored(pk)
        stored.is_active = False
        stored.save()
        reallocate()


def reorder_rules(pks: Sequence[int]) -> None:
    """Put the rules into this order; rules not named keep their order after them."""
    with transaction.atomic():
        one_allocation_at_a_time()
        rules = {rule.pk: rule for rule in AllocationRule.objects.all()}
        if unknown := [pk for pk in pks if pk not in rules]:
            raise NotFoundInScopeError(f"There is no rule {unknown[0]}.")
        named = list(dict.fromkeys(pks))
        rest = [pk for pk in rules if pk not in set(named)]
        for position, pk in enumerate([*named, *rest], start=1):
            if rules[pk].position != position:
                rules[pk].position = position
                rules[pk].save()
        reallocate()


def _stored(pk: int) -> AllocationRule:
    found = AllocationRule.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no rule {pk}.")
    return found


def _write(stored: AllocationRule, rule: RuleInput) -> None:
    stored.kind = rule.kind.value
    stored.tag_key = rule.tag_key
    stored.tag_values = list(rule.tag_values)
    stored.sub_account_id = rule.sub_account_id
    stored.team = _team(rule.team_key)
    stored.from_period = None if rule.from_period is None else rule.from_period.start
    stored.to_period = None if rule.to_period is None else rule.to_period.start
    stored.is_active = rule.is_active
    stored.reason = rule.reason
    stored.name = (rule.name or _name(rule, stored.team))[:160]
    stored.save()


def _place_for(kind: RuleKind) -> int:
    """The place after the last rule of this kind and those that come before it; what follows moves on."""
    later = [after.value for after in _ORDER[_ORDER.index(kind) + 1 :]]
    following = AllocationRule.objects.filter(kind__in=later).order_by("position").first()
    last = AllocationRule.objects.order_by("position").last()
    if following is None:
        return 1 if last is None else last.position + 1
    place = following.position
    AllocationRule.objects.filter(position__gte=place).update(position=F("position") + 1)
    return place


def _checked(rule: RuleInput) -> RuleInput:
    key = rule.tag_key.strip()
    values = tuple(dict.fromkeys(value.strip() for value in rule.tag_values if value.strip()))
    account = rule.sub_account_id.strip()
    if rule.kind is RuleKind.TAG and not (key and values):
        raise InvalidRequestError("A tag rule needs a tag key and at least one value.")
    if rule.kind is RuleKind.ACCOUNT and not account:
        raise InvalidRequestError("An account rule needs an account number.")
    if rule.from_period and rule.to_period and rule.from_period >= rule.to_period:
        raise InvalidRequestError(f"The rule would end ({rule.to_period}) before it starts ({rule.from_period}).")
    is_tag, is_account = rule.kind is RuleKind.TAG, rule.kind is RuleKind.ACCOUNT
    return RuleInput(
        kind=rule.kind,
        name=rule.name.strip(),
        tag_key=key if is_tag else "",
        tag_values=values if is_tag else (),
        sub_account_id=account if is_account else "",
        team_key=rule.team_key,
        from_period=rule.from_period,
        to_period=rule.to_period,
        is_active=rule.is_active,
        reason=rule.reason.strip(),
    )


def _team(key: str) -> Team | None:
    if not key:
        return None
    team = Team.objects.filter(key=key).first()
    if team is None:
        raise InvalidRequestError(f"There is no team '{key}'.")
    return team


def _name(rule: RuleInput, team: Team | None) -> str:
    target = "nobody" if team is None else team.name
    if rule.kind is RuleKind.TAG:
        return f"{rule.tag_key} {rule.tag_values[0]} → {target}"
    if rule.kind is RuleKind.ACCOUNT:
        return f"Account {rule.sub_account_id} → {target}"
    return f"Everything else → {target}"
