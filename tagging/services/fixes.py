"""Fixes somebody was told of or exported: from then on every import says whether they were mended."""

from collections.abc import Iterable
from datetime import date

from django.contrib.auth.models import User
from django.db import transaction

from costs.periods import BillingPeriod
from tagging.models import AnnouncedFix
from tagging.results.tag_findings import TagFindingRow

_PLACE = ("resource_key", "owner_key", "tag_key")
_ANEW = ["announced_on", "announced_in", "fixed_in", "is_gone", "is_excused", "escalated_on"]
MOST = 20_000


def announce_fixes(
    rows: Iterable[TagFindingRow], *, period: BillingPeriod, today: date, author: User | None = None
) -> int:
    """Remember what breaks the policy among these rows; what was told before keeps its day. Returns how many are new.

    A fix that was mended and broke again starts anew.
    """
    wanted = {(row.resource_key, row.team_key, row.key): row for row in rows if row.breaks}
    wanted = dict(list(wanted.items())[:MOST])
    with transaction.atomic():
        known = {
            (fix.resource_key, fix.owner_key, fix.tag_key): fix
            for fix in AnnouncedFix.objects.filter(owner_key__in={owner for _, owner, _ in wanted})
        }
        again = [fix for place, fix in known.items() if place in wanted and _is_closed(fix)]
        for fix in again:
            fix.announced_on, fix.announced_in = today, period.start
            fix.fixed_in, fix.is_gone, fix.is_excused, fix.escalated_on = None, False, False, None
        AnnouncedFix.objects.bulk_update(again, _ANEW, batch_size=200)
        fresh = [_fix(row, period, today, author) for place, row in wanted.items() if place not in known]
        AnnouncedFix.objects.bulk_create(fresh, batch_size=500, ignore_conflicts=True)
    return len(fresh) + len(again)


def _is_closed(fix: AnnouncedFix) -> bool:
    return fix.fixed_in is not None or fix.is_gone or fix.is_excused


def _fix(row: TagFindingRow, period: BillingPeriod, today: date, author: User | None) -> AnnouncedFix:
    return AnnouncedFix(
        resource_key=row.resource_key,
        resource_id=row.resource_id,
        owner_key=row.team_key,
        tag_key=row.key,
        wanted=row.wanted,
        announced_on=today,
        announced_in=period.start,
        author=author,
    )
