"""Compliance kept day by day, fixes announced and looked at again, and what teams see of either."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import AnnouncedFix, ComplianceSnapshot, TagKey, Team
from tagging.selectors import announced_fixes, compliance_trend, tag_findings
from tagging.selectors.notes import overdue_fixes
from tagging.services import (
    ExemptionInput,
    announce_fixes,
    end_exemption,
    grant_exemption,
    keep_compliance,
    remove_key,
)
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.page_world import two_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
DECEMBER = NOVEMBER.next()
WHOLE = {"Owner": "jo", "Environment": "Prod", "Team": "payments", "CostCenter": "1", "Project": "P"}
TODAY = date(2025, 11, 20)


@pytest.fixture(autouse=True)
def _world(team: Team, other_team: Team) -> None:
    """November, effective: payments 28 (i-1 8, a bucket 20), search 5 (i-2), nobody i-3 3 and tax 4."""
    two_months()


def announce(*, day: date = TODAY, scope: Scope = ALL, period: BillingPeriod = NOVEMBER) -> int:
    return announce_fixes(tag_findings(scope, period).rows, period=period, today=day)


def test_a_day_is_kept_for_every_dimension_and_written_over_not_doubled() -> None:
    assert keep_compliance(today=TODAY) == 2
    before = ComplianceSnapshot.objects.count()
    keep_compliance(today=TODAY)
    assert ComplianceSnapshot.objects.count() == before
    total = ComplianceSnapshot.objects.get(period=NOVEMBER.start, dimension="total")
    assert (total.resources, total.taggable_cost, total.untaggable_cost) == (4, Decimal(36), Decimal(4))
    team = ComplianceSnapshot.objects.get(period=NOVEMBER.start, dimension="team", value="payments")
    assert (team.resources, team.taggable_cost) == (2, Decimal(28))
    kinds = set(ComplianceSnapshot.objects.values_list("dimension", flat=True))
    assert kinds == {"total", "key", "team", "service", "region", "account", "environment"}


def test_what_is_gone_from_a_day_goes_from_its_rows() -> None:
    keep_compliance(today=TODAY)
    month([Spend("7", tags=WHOLE, resource="i-9")])  # the payer's month again, with one resource
    keep_compliance(today=TODAY)
    values = ComplianceSnapshot.objects.filter(period=NOVEMBER.start, dimension="team").values_list("value", flat=True)
    assert set(values) == {"payments"}


def test_trend_shows_months_as_last_seen_and_the_newest_day_by_day() -> None:
    keep_compliance([OCTOBER, NOVEMBER], today=date(2025, 11, 10))
    month([Spend("9", tags=WHOLE, resource="i-9"), Spend("3", resource="i-3")])
    keep_compliance([NOVEMBER], today=TODAY)
    trend = compliance_trend(ALL)
    # October has nothing taggable; of November 0 of 36, then 9 of 12
    assert [(point.period, point.cost_ratio) for point in trend.months] == [
        (OCTOBER, None),
        (NOVEMBER, Decimal("0.75")),
    ]
    assert [(point.taken_on.day, point.cost_ratio) for point in trend.days] == [(10, Decimal(0)), (20, Decimal("0.75"))]
    assert [point.taggable_cost for point in compliance_trend(PAYMENTS).days] == [Decimal(28), Decimal(9)]
    assert compliance_trend(ALL, key="Owner").days[-1].compliant_cost == Decimal(9)
    assert compliance_trend(Scope.teams(frozenset({"nobody"}))).months == ()


def test_a_fix_that_was_told_is_open_until_a_bill_shows_it_mended() -> None:
    # payments: i-1 and the bucket each lack Owner, CostCenter, Project, the bucket's environment is Moon: 3 + 4
    assert announce(scope=PAYMENTS) == 7
    assert announce(day=date(2025, 11, 25), scope=PAYMENTS) == 0  # told before: keeps its day
    rows, counts = announced_fixes(PAYMENTS)
    assert (counts.open, counts.fixed) == (7, 0)
    assert {row.text for row in rows} == {"Still open since 20 Nov 2025"}
    month([Spend("8", tags=WHOLE, resource="i-1"), Spend("20", tags={**WHOLE, "Owner": ""}, resource="bucket")],
          period=DECEMBER)  # fmt: skip
    keep_compliance([DECEMBER], today=date(2025, 12, 5))
    rows, counts = announced_fixes(PAYMENTS)
    assert (counts.open, counts.fixed) == (1, 6)
    assert [(row.resource_id, row.key) for row in rows if row.fixed_in is None] == [("bucket", "Owner")]
    assert rows[-1].text == "Fixed in the bill of December 2025"


def test_a_fix_that_breaks_again_is_open_again_and_one_whose_resource_is_gone_is_closed() -> None:
    announce(scope=PAYMENTS)
    month([Spend("8", tags=WHOLE, resource="i-1")], period=DECEMBER)
    keep_compliance([DECEMBER], today=date(2025, 12, 5))
    _, counts = announced_fixes(PAYMENTS)
    assert (counts.fixed, counts.gone) == (3, 4)  # i-1 mended; the bucket costs nothing any more
    month([Spend("8", tags={"Team": "payments"}, resource="i-1")], period=DECEMBER)
    keep_compliance([DECEMBER], today=date(2025, 12, 6))
    _, counts = announced_fixes(PAYMENTS)
    assert (counts.open, counts.fixed, counts.gone) == (3, 0, 4)


def test_what_is_excused_or_taken_out_of_the_policy_is_neither_open_nor_mended() -> None:
    """Of payments' 7: the bucket's Owner is excused in November; CostCenter (of i-1 and of the bucket) goes."""
    announce(scope=PAYMENTS)
    excused = ExemptionInput("moves", NOVEMBER.end, NOVEMBER.start, resource="bucket", keys=("Owner",))
    pk = grant_exemption(excused, author=None, now=datetime(2025, 11, 20, tzinfo=UTC))
    remove_key(TagKey.objects.get(key="CostCenter").pk)
    keep_compliance([NOVEMBER], today=TODAY)
    rows, counts = announced_fixes(PAYMENTS)
    assert (counts.open, counts.fixed, counts.gone, counts.excused) == (4, 0, 0, 3)
    assert {(row.resource_id, row.key) for row in rows if row.text == "Not asked for any more"} == {
        ("bucket", "Owner"), ("bucket", "CostCenter"), ("i-1", "CostCenter"),
    }  # fmt: skip
    late = overdue_fixes("payments", today=date(2026, 1, 5), days=14)
    assert {(fix.resource_id, fix.key) for fix in late} == {
        ("i-1", "Owner"), ("i-1", "Project"), ("bucket", "Project"), ("bucket", "Environment"),
    }  # fmt: skip
    end_exemption(pk, today=NOVEMBER.start)  # it counts again, and is open as before
    keep_compliance([NOVEMBER], today=TODAY)
    assert announced_fixes(PAYMENTS)[1].open == 5


def test_a_newer_month_of_others_alone_says_nothing_of_a_teams_fixes() -> None:
    announce(scope=PAYMENTS)
    month([Spend("5", tags={**WHOLE, "Team": "search"}, resource="i-2")], period=DECEMBER, source="other payer")
    keep_compliance([DECEMBER], today=date(2025, 12, 5))
    rows, counts = announced_fixes(PAYMENTS)
    assert (counts.open, counts.fixed, counts.gone) == (7, 0, 0)
    # Its own newest month is still looked at: November comes again with i-1 mended.
    month([Spend("8", tags=WHOLE, resource="i-1"), Spend("20", resource="bucket", tags={"Team": "payments"})])
    keep_compliance([NOVEMBER], today=date(2025, 12, 6))
    rows, _ = announced_fixes(PAYMENTS)
    assert {row.text for row in rows if row.resource_id == "i-1"} == {"Fixed in the bill of November 2025"}


def test_a_team_sees_announced_fixes_of_its_own_alone() -> None:
    announce()
    rows, counts = announced_fixes(PAYMENTS)
    assert {row.team_key for row in rows} == {"payments"}
    assert counts.told == 7
    assert AnnouncedFix.objects.exclude(owner_key="payments").exists()


def test_a_renamed_team_keeps_its_fixes_and_days() -> None:
    announce(scope=PAYMENTS)
    keep_compliance(today=TODAY)
    Team.objects.filter(key="payments").update(name="Money movers")
    assert announced_fixes(PAYMENTS)[0][0].team_name == "Money movers"
    assert compliance_trend(PAYMENTS).months


def test_the_list_says_since_when_a_fix_is_open() -> None:
    announce()
    assert {row.announced_on for row in tag_findings(PAYMENTS, NOVEMBER).rows if row.breaks} == {TODAY}
