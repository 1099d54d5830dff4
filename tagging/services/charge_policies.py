"""Taxes, support, credits, discounts and unused commitments: each to its buyer, to users pro rata, or central."""

from collections.abc import Mapping
from textwrap import shorten
from typing import Any

from django.db import transaction
from django.db.models import F

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from tagging.hooks import tell_that_rules_changed
from tagging.inputs import PoolInput, RuleInput
from tagging.models import AllocationRule, CommitmentBenefit, SharedPool
from tagging.owners import pool_owner
from tagging.selectors.closed import first_open_period, refusal_text
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.services.pools import save_pool
from tagging.services.rules import MAX_STEP_REASON, delete_rule, save_rule
from tagging.terms import BenefitPolicy, ChargeKind, ChargePolicy, RuleKind, SplitMethod, Weighing

NAMES = {
    ChargeKind.TAXES: "Taxes",
    ChargeKind.SUPPORT: "Support",
    ChargeKind.CREDITS: "Credits",
    ChargeKind.DISCOUNTS: "Discounts",
    ChargeKind.UNUSED_COMMITMENTS: "Unused commitments",
}
# What each is, in the order they are tried: tax on support is a tax.
CONDITIONS: Mapping[ChargeKind, dict[str, Any]] = {
    ChargeKind.TAXES: {"field": "category", "op": "is", "values": ["Tax"]},
    ChargeKind.CREDITS: {"field": "category", "op": "is", "values": ["Credit"]},
    ChargeKind.DISCOUNTS: {"field": "line_kind", "op": "ends", "values": ["Discount"]},
    ChargeKind.UNUSED_COMMITMENTS: {"field": "commitment", "op": "is", "values": ["Unused"]},
    ChargeKind.SUPPORT: {"field": "service", "op": "contains", "values": ["Support"]},
}


def set_charge_policy(
    kind: ChargeKind, policy: ChargePolicy, *, from_period: BillingPeriod | None = None, reason: str = ""
) -> tuple[BillingPeriod, ...]:
    """Have such charges borne so from that month on (None: in all open months), and find owners again.

    To its buyer means that the rules decide as for any cost. Otherwise a rule before all others puts them into a
    pool of their own: split over users, or kept. Later choices that were planned are dropped: their first months are
    returned. Raises InvalidRequestError for a closed month.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        start = _start(from_period)
        planned = AllocationRule.objects.filter(charge_kind=kind.value, is_active=True, from_period__isnull=False)
        dropped = _after(planned, start)
        if policy is not ChargePolicy.BUYER:
            _pool(kind, policy, start, reason)
        _end_rule(kind, start, reason)
        if policy is not ChargePolicy.BUYER:
            _rule(kind, start, reason)
        reallocate()
        tell_that_rules_changed()
    return dropped


def set_benefit_policy(
    policy: BenefitPolicy, *, from_period: BillingPeriod, reason: str = ""
) -> tuple[BillingPeriod, ...]:
    """Charge what commitments cover at this price from that month on.

    Later choices that were planned are dropped: their first months are returned.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        _start(from_period)
        dropped = _after(CommitmentBenefit.objects.all(), from_period)
        for later in CommitmentBenefit.objects.filter(from_period__gt=from_period.start):
            later.delete()
        known = CommitmentBenefit.objects.filter(from_period=from_period.start).first()
        row = known or CommitmentBenefit(from_period=from_period.start)
        row.policy, row.reason = policy.value, reason.strip()
        row.save()
        tell_that_rules_changed()
    return dropped


def _after(rows: Any, start: BillingPeriod | None) -> tuple[BillingPeriod, ...]:
    """The first months of rows that begin after that one (None: of all), in order."""
    later = rows if start is None else rows.filter(from_period__gt=start.start)
    return tuple(BillingPeriod(day) for day in sorted(set(later.values_list("from_period", flat=True))))


def _start(wanted: BillingPeriod | None) -> BillingPeriod | None:
    if wanted is not None and (refusal := refusal_text(wanted)):
        raise InvalidRequestError(refusal)
    return wanted or first_open_period()


def _pool(kind: ChargeKind, policy: ChargePolicy, start: BillingPeriod | None, reason: str) -> None:
    to_users = policy is ChargePolicy.USERS
    weighing = Weighing.COMMITMENTS if kind is ChargeKind.UNUSED_COMMITMENTS else Weighing.DIRECT
    taken = SharedPool.objects.filter(key=kind.value).exclude(charge_kind=kind.value).exists()
    if taken:
        raise InvalidRequestError(f"A pool of your own is called {NAMES[kind]} already. Rename it first.")
    save_pool(
        PoolInput(
            name=NAMES[kind],
            key=kind.value,
            method=SplitMethod.PROPORTIONAL if to_users else SplitMethod.KEEP,
            weighing=weighing if to_users else Weighing.DIRECT,
            from_period=start,
            reason=reason,
            charge_kind=kind.value,
        ),
        keeps_planned=False,  # as with the rule that gives to it
    )


def _end_rule(kind: ChargeKind, start: BillingPeriod | None, reason: str) -> None:
    for row in AllocationRule.objects.filter(charge_kind=kind.value, is_active=True):
        if start is None or (row.from_period is not None and row.from_period >= start.start):
            why = shorten(f"Policy on such charges changed. {reason}", MAX_STEP_REASON, placeholder="…")
            delete_rule(row.pk, reason=why, allocate=False)
        elif row.to_period is None or row.to_period > start.start:
            row.to_period = start.start
            row.save()


def _rule(kind: ChargeKind, start: BillingPeriod | None, reason: str) -> None:
    pk = save_rule(
        RuleInput(
            RuleKind.CONDITION,
            name=f"{NAMES[kind]} → pool {NAMES[kind]}",
            condition=CONDITIONS[kind],
            team_key=pool_owner(kind.value),
            from_period=start,
            reason=reason,
            charge_kind=kind.value,
        ),
        allocate=False,
    )
    _put_first(pk, kind)


def _put_first(pk: int, kind: ChargeKind) -> None:
    """Before every rule but those of charges that come first."""
    order = [item.value for item in CONDITIONS]
    before = AllocationRule.objects.filter(charge_kind__in=order[: order.index(kind.value)], is_active=True)
    place = max((row.position for row in before), default=0) + 1
    AllocationRule.objects.filter(position__gte=place).exclude(pk=pk).update(position=F("position") + 1)
    AllocationRule.objects.filter(pk=pk).update(position=place)
