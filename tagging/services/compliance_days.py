"""Compliance kept day by day, and announced fixes looked at again. May run again any number of times."""

from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal

from django.db import transaction

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.reading import one_reading
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocatedCost, AnnouncedFix, ComplianceSnapshot
from tagging.policy import deciding_slices, group_lines
from tagging.results import Compliance
from tagging.selectors.compliance import compliance
from tagging.selectors.judged import judged_month
from tagging.selectors.policy import policy_keys
from tagging.selectors.taggable import TaggableMonth
from tagging.selectors.trust import currencies_of
from tagging.terms import TagState

EVERYTHING = Scope.all()
DIMENSIONS = ("team", "service", "region", "account", "environment")
LONGEST_VALUE = 255
_FIGURES = ("resources", "compliant_resources", "taggable_cost", "compliant_cost", "exempt_cost", "untaggable_cost")
_KEY = ("taken_on", "period", "currency", "dimension", "value")


def keep_compliance(periods: Collection[BillingPeriod] | None = None, *, today: date) -> int:
    """Keep what these months (default: the newest two) look like today, in every currency; then check fixes again.

    A day that was kept before is written over. Returns the number of months kept.
    """
    known = intake.periods_with_costs(EVERYTHING)
    wanted = known[:2] if periods is None else tuple(period for period in known if period in periods)
    for period in wanted:
        for currency in currencies_of(EVERYTHING, (period,)):
            with one_reading():
                found = compliance(EVERYTHING, period, metric=CostMetric.EFFECTIVE, currency=currency)
            _keep(found, today)
    check_fixes()
    return len(wanted)


def check_fixes() -> int:
    """Look at announced fixes in their owner's newest month: mended, still open, or gone. Returns how many changed.

    A month that so far holds costs of others alone says nothing of an owner's resources, not that they are gone.
    """
    told: dict[BillingPeriod, list[AnnouncedFix]] = defaultdict(list)
    newest = _newest_months()
    for fix in AnnouncedFix.objects.filter(is_gone=False):
        if fix.owner_key in newest:
            told[newest[fix.owner_key]].append(fix)
    changed = [fix for period, fixes in sorted(told.items()) for fix in _changed_in(period, fixes)]
    AnnouncedFix.objects.bulk_update(changed, ["fixed_in", "is_gone", "is_excused"], batch_size=200)
    return len(changed)


def _newest_months() -> dict[str, BillingPeriod]:
    """By owner the newest month in which it has costs of its own."""
    months = {item.pk: item.period for item in intake.active_imports(EVERYTHING)}
    rows = AllocatedCost.objects.filter(bill_import_id__in=months).order_by()
    found: dict[str, BillingPeriod] = {}
    for owner, pk in rows.values_list("owner_key", "bill_import_id").distinct():
        found[owner] = max(months[pk], found.get(owner, months[pk]))
    return found


def _changed_in(period: BillingPeriod, told: Collection[AnnouncedFix]) -> list[AnnouncedFix]:
    keys = {fix.resource_key for fix in told}
    with one_reading():
        months = [
            judged_month(EVERYTHING, period, currency).part(keys, CostMetric.EFFECTIVE)
            for currency in currencies_of(EVERYTHING, (period,))
        ]
        states = {key: value for month in months for key, value in _states(month).items()}
        seen = {(resource_key, owner_key) for resource_key, owner_key, _ in states}
        judged = {key.key for month in months for key in month.policy}
    asked = {key.key for key in policy_keys(period) if key.is_required}
    return [
        fix
        for fix in told
        if (fix.tag_key in judged or fix.tag_key not in asked)
        and _recheck(fix, period, states, seen, is_asked=fix.tag_key in asked)
    ]


def _states(month: TaggableMonth) -> dict[tuple[int, str, str], TagState]:
    """(resource, owner, key) → its state, as the owner itself sees it."""
    found = {}
    for owner, lines in group_lines(month.lines, lambda line: month.slices[line.slice_key].team).items():
        for resource_key, slice_key in deciding_slices(lines).items():
            judgement = month.judgement(resource_key, slice_key)
            for key, state in zip(month.policy, judgement.states, strict=True):
                found[resource_key, owner, key.key] = state
    return found


def _recheck(
    fix: AnnouncedFix,
    period: BillingPeriod,
    states: dict[tuple[int, str, str], TagState],
    seen: set[tuple[int, str]],
    *,
    is_asked: bool,
) -> bool:
    """Bring one fix up to date; whether it changed. What is excused or no key of the policy any more is not mended."""
    state = states.get((fix.resource_key, fix.owner_key, fix.tag_key))
    before = (fix.fixed_in, fix.is_gone, fix.is_excused)
    if not is_asked or state is TagState.EXEMPT:
        fix.is_excused, fix.fixed_in = True, None
    elif state is None:
        gone = (fix.resource_key, fix.owner_key) not in seen and period.start > fix.announced_in
        fix.is_gone = gone and fix.fixed_in is None
    elif state is TagState.COMPLIANT:
        fix.fixed_in, fix.is_excused = fix.fixed_in or period.start, False
    else:
        fix.fixed_in, fix.is_excused = None, False
    return before != (fix.fixed_in, fix.is_gone, fix.is_excused)


def _keep(found: Compliance, today: date) -> None:
    rows = {row.value + "\n" + row.dimension: row for row in _snapshots(found, today)}
    with transaction.atomic():
        mine = ComplianceSnapshot.objects.filter(taken_on=today, period=found.period.start, currency=found.currency)
        stale = [row.pk for row in mine if f"{row.value}\n{row.dimension}" not in rows]
        ComplianceSnapshot.objects.filter(pk__in=stale).delete()
        ComplianceSnapshot.objects.bulk_create(
            rows.values(), update_conflicts=True, unique_fields=_KEY, update_fields=_FIGURES, batch_size=200
        )


def _snapshots(found: Compliance, today: date) -> Iterator[ComplianceSnapshot]:
    def row(
        dimension: str, value: str, resources: tuple[int, int], costs: tuple[Decimal, Decimal], **aside: Decimal
    ) -> ComplianceSnapshot:
        return ComplianceSnapshot(
            taken_on=today,
            period=found.period.start,
            currency=found.currency,
            dimension=dimension,
            value=value[:LONGEST_VALUE],
            resources=resources[0],
            compliant_resources=resources[1],
            taggable_cost=costs[0],
            compliant_cost=costs[1],
            exempt_cost=aside.get("exempt_cost", ZERO),
            untaggable_cost=aside.get("untaggable_cost", ZERO),
        )

    yield row(
        "total",
        "",
        (found.resources, found.compliant_resources),
        (found.taggable_cost, found.compliant_cost),
        exempt_cost=found.exempt_cost,
        untaggable_cost=found.untaggable_cost or ZERO,
    )
    for key in found.by_key:
        counts = (found.resources - key.exempt, key.present - key.invalid)
        yield row("key", key.key, counts, (key.judged_cost, key.compliant_cost))
    for dimension in DIMENSIONS:
        for group in getattr(found, f"by_{dimension}"):
            value = "" if group.is_missing else group.key
            counts = (group.resources, group.compliant_resources)
            yield row(dimension, value, counts, (group.taggable_cost, group.compliant_cost))
