"""Upkeep of allocation rules. Every change re-allocates the months in force in the same transaction."""

from collections.abc import Sequence, Set
from dataclasses import replace
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import F

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.tags import NO_TEXT
from tagging.conditions import as_tree, parse_condition
from tagging.inputs import RuleInput
from tagging.models import AllocationRule, SharedPool, Team
from tagging.owners import bare_key, cost_center_owner, kind_of
from tagging.selectors.closed import first_open_period, frozen_text, refusal_text
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.services.teams import team_or_none
from tagging.terms import OwnerKind, RuleKind

_ORDER = tuple(RuleKind)
MAX_COST_CENTER = 60
MAX_STEP_REASON = 70  # why a rule is moved or switched; with the words below it fits the history's 100 letters
REPLACED = "This rule was changed into another since. Use that one."
CHANGED_MEANWHILE = "The rule was changed after you opened it. Open it again, see what was changed, and decide anew."
MADE_ROOM = "Another was moved past it: "
_KEPT = (
    "name",
    "kind",
    "tag_key",
    "tag_values",
    "sub_account_id",
    "condition",
    "team",
    "target",
    "from_period",
    "reason",
)


def save_rule(
    rule: RuleInput,
    *,
    pk: int | None = None,
    before: int | None = None,
    position: int | None = None,
    version: str = "",
    allocate: bool = True,
) -> int:
    """Add a rule (last of its kind, or right before another) or change one in its place; returns its pk.

    `position` is told where its place is chosen by number, as in the admin; `version` is that of the rule as whoever
    changes it saw it: InvalidRequestError where it is another by now.

    A rule that held in a closed month ends there, and another row with the change follows it. Raises
    InvalidRequestError for what cannot be a rule, NotFoundInScopeError for an unknown pk. Without `allocate`
    no month gets its owners again: for dry runs.
    """
    checked = _checked(rule)
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _new_row(checked, before, position) if pk is None else _row_to_change(_stored(pk), version)
        stored.position = stored.position if position is None else position
        _write(stored, checked)
        if allocate:
            reallocate()
    return stored.pk


def check_rule(rule: RuleInput, *, pk: int | None) -> None:
    """Raise what `save_rule` would; nothing is kept."""
    with transaction.atomic():
        save_rule(rule, pk=pk, allocate=False)
        transaction.set_rollback(True)


def add_rules(rules: Sequence[RuleInput]) -> None:
    """Append rules in the order given, without re-allocating; for services that do so once themselves."""
    last = AllocationRule.objects.count()
    for offset, rule in enumerate(rules, start=1):
        _write(AllocationRule(position=last + offset), _checked(rule))


def delete_rule(pk: int, *, reason: str, allocate: bool = True) -> None:
    """Take a rule out of use (it stays in the history, and holds in closed months). Raises NotFoundInScopeError.

    Raises InvalidRequestError without a reason, as every step below: it stays in the history of the rule.
    """
    why = _why(reason)
    with transaction.atomic():
        one_allocation_at_a_time()
        stored, first = _stored(pk), first_open_period()
        if _held_before(stored, first) and first is not None:
            stored.to_period = min(stored.to_period or first.start, first.start)
        else:
            stored.is_active = False
        _save_because(stored, why)
        if allocate:
            reallocate()


def use_rule_again(pk: int, *, reason: str) -> int:
    """Put a rule that is out of use into use again, until the month it was to end in; returns the pk in use now.

    Where it held in closed months, another row follows it, from the first open month on. Raises
    NotFoundInScopeError, and InvalidRequestError for a row that a change replaced.
    """
    why = _why(reason)
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _stored(pk)
        if stored.later.exists():
            raise InvalidRequestError(REPLACED)
        again = _row_to_change(stored)
        for name in _KEPT:
            setattr(again, name, getattr(stored, name))
        first = first_open_period()
        if first is not None and (stored.from_period is None or stored.from_period < first.start):
            again.from_period = first.start
        again.to_period, again.is_active = _end_before(stored, first), True
        _save_because(again, why)
        reallocate()
    return again.pk


def move_rule(pk: int, *, up: bool, reason: str) -> None:
    """Move a rule one place up or down; at the ends nothing changes. Raises NotFoundInScopeError."""
    why = _why(reason)
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _stored(pk)
        order = list(AllocationRule.objects.values_list("pk", flat=True))
        place = order.index(stored.pk)
        other = place + (-1 if up else 1)
        if 0 <= other < len(order):
            order[place], order[other] = order[other], order[place]
            _reorder(order, why, moved={pk})
            reallocate()


def reorder_rules(pks: Sequence[int], *, reason: str) -> None:
    """Put the rules into this order; rules not named keep their order after them."""
    why = _why(reason)
    with transaction.atomic():
        one_allocation_at_a_time()
        _reorder(pks, why, moved=set(pks))
        reallocate()


def _reorder(pks: Sequence[int], why: str, *, moved: Set[int]) -> None:
    """Each rule whose place changes keeps why; those that only make room say so."""
    rules = {rule.pk: rule for rule in AllocationRule.objects.all()}
    if unknown := [pk for pk in pks if pk not in rules]:
        raise NotFoundInScopeError(f"There is no rule {unknown[0]}.")
    named = list(dict.fromkeys(pks))
    rest = [pk for pk in rules if pk not in set(named)]
    for position, pk in enumerate([*named, *rest], start=1):
        if rules[pk].position != position:
            rules[pk].position = position
            _save_because(rules[pk], why if pk in moved else f"{MADE_ROOM}{why}")


def _why(reason: str) -> str:
    why = " ".join(reason.split())
    if not why:
        raise InvalidRequestError("Say why. The reason stays in the history of the rule.")
    if len(why) > MAX_STEP_REASON:
        raise InvalidRequestError(f"The reason has {len(why)} letters. Say it in {MAX_STEP_REASON}.")
    return why


def _save_because(stored: AllocationRule, why: str) -> None:
    """The row's own reason says why the rule is as it is, and stays; why it was moved or switched is its history's."""
    stored._change_reason = why  # type: ignore[attr-defined] # the name that simple_history reads
    stored.save()


def _end_before(stored: AllocationRule, first: BillingPeriod | None) -> date | None:
    """When the rule was to end before it was taken out of use; never in a closed month."""
    if first is None or stored.to_period is None or stored.to_period > first.start:
        return stored.to_period
    former = AllocationRule.history.filter(id=stored.pk).exclude(to_period=stored.to_period)
    ends = former.order_by("-history_id").values_list("to_period", flat=True)[:1]
    return next((end for end in ends if end is not None and end > first.start), None)


def _stored(pk: int) -> AllocationRule:
    found = AllocationRule.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no rule {pk}.")
    return found


def _new_row(rule: RuleInput, before: int | None, position: int | None) -> AllocationRule:
    if position is None:
        position = _place_for(rule.kind) if before is None else _make_room(_stored(before).position)
    return AllocationRule(position=position, charge_kind=rule.charge_kind)


def _row_to_change(stored: AllocationRule, version: str = "") -> AllocationRule:
    """The row itself, or one that follows it where a closed month was explained by it."""
    if version and version != stored.version:
        raise InvalidRequestError(REPLACED if stored.later.exists() else CHANGED_MEANWHILE)
    first = first_open_period()
    if first is None or not _held_before(stored, first):
        return stored
    if stored.later.exists():  # a second one would hold in the same months
        raise InvalidRequestError(REPLACED)
    stored.to_period = min(stored.to_period or first.start, first.start)  # what had ended before stays so
    stored.save()
    return AllocationRule(position=stored.position, charge_kind=stored.charge_kind, replaces=stored)


def _held_before(stored: AllocationRule, first: BillingPeriod | None) -> bool:
    """Whether the rule held in a month that is closed."""
    return first is not None and stored.is_active and (stored.from_period is None or stored.from_period < first.start)


def _write(stored: AllocationRule, rule: RuleInput) -> None:
    first, from_period = first_open_period(), rule.from_period
    if from_period and not _began_then(stored, from_period) and (refusal := refusal_text(from_period)):
        raise InvalidRequestError(refusal)
    if first is not None and (from_period is None or from_period < first):
        from_period = first  # closed months are not its any more
    if from_period and rule.to_period and from_period >= rule.to_period:
        why = f" {frozen_text(Scope.all())}" if from_period == first else ""
        raise InvalidRequestError(
            f"The rule would end ({rule.to_period}) before the first open month ({from_period}).{why}"
        )
    stored.kind = rule.kind.value
    stored.tag_key = rule.tag_key
    stored.tag_values = list(rule.tag_values)
    stored.sub_account_id = rule.sub_account_id
    stored.condition = dict(rule.condition)
    stored.team, stored.target = _owner(rule.team_key)
    stored.from_period = None if from_period is None else from_period.start
    stored.to_period = None if rule.to_period is None else rule.to_period.start
    stored.is_active = rule.is_active
    stored.reason = rule.reason
    stored.name = (rule.name or _name(rule, stored))[:160]
    stored.save()


def _began_then(stored: AllocationRule, wanted: BillingPeriod) -> bool:
    """Whether the rule that is changed began in that month: then the month was not asked for, only left as it is."""
    begun = stored.replaces if stored.from_period is None and stored.replaces else stored
    return begun.from_period == wanted.start


def _place_for(kind: RuleKind) -> int:
    """The place after the last rule of this kind and those that come before it; what follows moves on."""
    later = [after.value for after in _ORDER[_ORDER.index(kind) + 1 :]]
    following = AllocationRule.objects.filter(kind__in=later).order_by("position").first()
    last = AllocationRule.objects.order_by("position").last()
    if following is None:
        return 1 if last is None else last.position + 1
    return _make_room(following.position)


def _make_room(place: int) -> int:
    """The place itself, with the rule that stood there and all after it moved on."""
    AllocationRule.objects.filter(position__gte=place).update(position=F("position") + 1)
    return place


def _checked(rule: RuleInput) -> RuleInput:
    values = tuple(dict.fromkeys(value.strip() for value in rule.tag_values if value.strip()))
    if rule.from_period and rule.to_period and rule.from_period >= rule.to_period:
        raise InvalidRequestError(f"The rule would end ({rule.to_period}) before it starts ({rule.from_period}).")
    kept = replace(
        rule,
        name=rule.name.strip(),
        tag_key=rule.tag_key.strip() if rule.kind is RuleKind.TAG else "",
        tag_values=values if rule.kind in (RuleKind.TAG, RuleKind.NAME) else (),
        sub_account_id=rule.sub_account_id.strip() if rule.kind is RuleKind.ACCOUNT else "",
        condition=_condition(rule),
        reason=rule.reason.strip(),
    )
    if any(NO_TEXT.search(text) for text in (kept.tag_key, *values)):
        raise InvalidRequestError("The rule holds a character that no text of a bill has. Take it out.")
    if rule.kind is RuleKind.TAG and not (kept.tag_key and values):
        raise InvalidRequestError("A tag rule needs a tag key and at least one value.")
    if rule.kind is RuleKind.ACCOUNT and not kept.sub_account_id:
        raise InvalidRequestError("An account rule needs an account number.")
    return kept


def _condition(rule: RuleInput) -> dict[str, Any]:
    """The tree with every value trimmed; a name rule is checked as the condition it stands for."""
    if rule.kind is RuleKind.CONDITION:
        return as_tree(parse_condition(dict(rule.condition)))
    if rule.kind is RuleKind.NAME:
        parse_condition({"field": "name", "op": "like", "values": list(rule.tag_values)})
    return {}


def _owner(key: str) -> tuple[Team | None, str]:
    """The team, or the key of a pool or cost centre, that a rule gives to."""
    kind = kind_of(key)
    if kind is OwnerKind.POOL:
        if not SharedPool.objects.filter(key=bare_key(key), is_active=True).exists():
            raise InvalidRequestError(f"There is no pool '{bare_key(key)}'. Make it first.")
        return None, key
    if kind is OwnerKind.COST_CENTER:
        name = " ".join(bare_key(key).split())
        if not name or len(name) > MAX_COST_CENTER:
            raise InvalidRequestError(f"A cost centre has 1 to {MAX_COST_CENTER} letters.")
        return None, cost_center_owner(name)
    return team_or_none(key), ""


def _name(rule: RuleInput, stored: AllocationRule) -> str:
    target = stored.team.name if stored.team else stored.target or "nobody"
    if rule.kind is RuleKind.TAG:
        return f"{rule.tag_key} {rule.tag_values[0]} → {target}"
    if rule.kind is RuleKind.NAME:
        return f"Name {rule.tag_values[0]} → {target}"
    if rule.kind is RuleKind.ACCOUNT:
        return f"Account {rule.sub_account_id} → {target}"
    if rule.kind is RuleKind.CONDITION:
        return f"{parse_condition(dict(rule.condition)).text[:100]} → {target}"
    return f"Everything else → {target}"
