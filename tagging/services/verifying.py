"""What done findings saved, measured from the months after: baseline − cost, month by month, stored for pages."""

from collections.abc import Collection, Iterable
from decimal import Decimal

from costs.money import ZERO, round_money
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import FindingKind
from tagging.models import Finding, FindingMonth
from tagging.selectors.spends import LaterMonth, costs_by_owner, later_months, unused_by_owner
from tagging.terms import FindingState

EVERYTHING = Scope.all()


def verify_savings(*, refs: Collection[str] | None = None) -> None:
    """Measure every done finding (or those named) afresh. In the caller's transaction.

    A month counts where the finding's own source covers it, or a bill that took over from its inventory.
    Of a month that is not full, the baseline is that of the days covered.
    """
    done = Finding.objects.filter(state=FindingState.DONE.value, verified_from__isnull=False)
    items = list(done.filter(ref__in=refs) if refs is not None else done)
    if not items:
        return
    months = later_months(EVERYTHING, min(item.verified_from for item in items if item.verified_from))
    floors = _floors(items)
    wanted = [(item, month) for item in items for month in months if _counts(month, item)]
    costs = _costs(wanted)
    rows = [_row(item, month, costs[item.pk, month.period], floors[item.pk]) for item, month in wanted]
    FindingMonth.objects.filter(finding__in=[item.pk for item in items]).delete()
    FindingMonth.objects.bulk_create(rows, batch_size=500)
    for item in items:
        item.verified_saving = sum((row.saving for row in rows if row.finding_id == item.pk), ZERO)
    Finding.objects.bulk_update(items, ["verified_saving"], batch_size=500)


def _counts(month: LaterMonth, item: Finding) -> bool:
    since = item.verified_from
    return (
        month.currency == item.currency
        and since is not None
        and month.period.start >= since
        and month.tells_of(item.source_name)
        and month.days_of(item.owner_key) > 0
    )


def _costs(wanted: Iterable[tuple[Finding, LaterMonth]]) -> dict[tuple[int, BillingPeriod], Decimal]:
    """What each finding's owner still pays for its resources, by finding and month."""
    found: dict[tuple[int, BillingPeriod], Decimal] = {}
    by_month: dict[LaterMonth, list[Finding]] = {}
    for item, month in wanted:
        by_month.setdefault(month, []).append(item)
    for month, items in by_month.items():
        unused = [item for item in items if item.kind == FindingKind.UNUSED_COMMITMENT.value]
        pks = [each.pk for each in month.imports]
        ids = {resource_id for item in items if item not in unused for resource_id in item.resource_ids}
        paid = costs_by_owner(EVERYTHING, pks, ids) if ids else {}
        left = unused_by_owner(EVERYTHING, month.imports) if unused else {}
        for item in items:
            places = [(resource_id, item.owner_key) for resource_id in item.resource_ids]
            costs = left if item in unused else paid
            found[item.pk, month.period] = sum((costs.get(place, ZERO) for place in places), ZERO)
    return found


def _floors(items: Iterable[Finding]) -> dict[int, Decimal]:
    """Of each finding the baseline of another kind found on its resource since: that part is the other's to save."""
    found: dict[int, Decimal] = {}
    items = list(items)
    siblings: dict[tuple[str, str], list[Finding]] = {}
    for other in Finding.objects.filter(subject_key__in=[item.subject_key for item in items]):
        siblings.setdefault((other.subject_key, other.owner_key), []).append(other)
    for item in items:
        since = [
            other.baseline_cost
            for other in siblings[item.subject_key, item.owner_key]
            if other.pk != item.pk and item.done_on and other.first_seen_on >= item.done_on
        ]
        found[item.pk] = max(since, default=ZERO)
    return found


def _row(item: Finding, month: LaterMonth, cost: Decimal, floor: Decimal) -> FindingMonth:
    days, whole = month.days_of(item.owner_key), month.period.day_count

    def of_days(amount: Decimal) -> Decimal:
        return amount if days >= whole else round_money(amount * days / whole)

    baseline, actual = of_days(item.baseline_cost), max(cost, of_days(floor))
    return FindingMonth(
        finding=item,
        period=month.period.start,
        covered_days=days,
        baseline_cost=baseline,
        actual_cost=actual,
        saving=baseline - actual,
    )
