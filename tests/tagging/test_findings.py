"""What becomes of findings: found, found again, decided, gone, and what they saved. Numbers worked by hand."""

from datetime import date
from decimal import Decimal

import pytest
from django.contrib.auth.models import User

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import FindingKind
from tagging import selectors
from tagging.access import may_act_for
from tagging.models import Finding, Team
from tagging.services import (
    Decision,
    RuleInput,
    accept_finding,
    change_finding,
    dismiss_finding,
    finish_finding,
    reopen_finding,
    save_rule,
)
from tagging.terms import FindingState, RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.finding_world import at, both, came_in, detect_on, full, make_rules, row_of, volume

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db]
D = Decimal
DECEMBER = BillingPeriod.parse("2025-12")
NOV_3, DEC_3, DEC_20, JAN_3 = date(2025, 11, 3), date(2025, 12, 3), date(2025, 12, 20), date(2026, 1, 3)


@pytest.fixture(autouse=True)
def _teams(team: Team, other_team: Team) -> None:
    make_rules()


def test_each_owner_has_a_finding_of_its_own_and_nobodys_is_for_staff() -> None:
    full(OCTOBER, *both(), volume("30", team="", name="vol-nobody"))
    found = detect_on(NOV_3)
    assert (len(found.opened), found.standing) == (3, 3)
    table = selectors.findings(Scope.all())
    savings = [(row.resource_id, row.owner_label, row.monthly_saving) for row in table.rows]
    assert savings == [
        ("vol-pay", "Payments", D(20)),
        ("vol-search", "Search", D(10)),
        ("vol-nobody", "Unallocated", D(6)),
    ]
    assert (table.total_monthly_cost, table.total_monthly_saving) == (D(180), D(36))
    storage = next(total for total in table.by_kind if total.kind is FindingKind.DEAR_STORAGE)
    assert (storage.count, storage.monthly_saving) == (3, D(36))

    mine = selectors.findings(Scope.teams(frozenset({"payments"})))
    assert [row.resource_id for row in mine.rows] == ["vol-pay"]
    assert mine.total_monthly_saving == D(20)


def test_owners_of_one_resource_each_see_their_own_part_of_its_cost() -> None:
    full(OCTOBER, volume("100", name="vol-shared"), volume("40", team="search", name="vol-shared"))
    detect_on(NOV_3)
    parts = {row.owner_key: row.monthly_saving for row in selectors.findings(Scope.all()).rows}
    assert parts == {"payments": D(20), "search": D(8)}


def test_another_teams_finding_is_not_there() -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    ref = row_of("vol-search").ref
    assert selectors.finding(Scope.all(), ref).row.owner_key == "search"
    for wrong in (ref, "no-such-ref"):
        with pytest.raises(NotFoundInScopeError):
            selectors.finding(Scope.teams(frozenset({"payments"})), wrong)


def test_looking_again_changes_nothing_and_leaves_no_trace_in_the_history() -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    before = row_of("vol-pay")
    again = detect_on(date(2025, 11, 4))
    assert (again.opened, again.reopened, again.gone, again.standing) == ((), (), (), 2)
    after = row_of("vol-pay")
    assert (after.ref, after.first_seen_on, after.last_seen_on) == (before.ref, NOV_3, date(2025, 11, 4))
    assert len(selectors.finding(Scope.all(), before.ref).events) == 1


def test_a_month_under_way_is_scaled_and_one_too_young_is_left_for_the_month_before() -> None:
    full(OCTOBER, volume("100"))
    came_in(NOV_3, volume("8", day=1), volume("8", day=2))
    detect_on(NOV_3)
    assert row_of("vol-pay").monthly_cost == D(100)  # two days of November say nothing yet
    came_in(date(2025, 11, 7), *(volume("8", day=day) for day in range(1, 7)))
    detect_on(date(2025, 11, 7))
    row = row_of("vol-pay")
    assert row.monthly_cost == D(240)  # 48.00 in 6 of 30 days
    assert dict(row.evidence)["Measured"] == "November 2025, effective cost of 6 of 30 days, scaled to the month"


def test_filters_and_currencies_stand_apart() -> None:
    full(OCTOBER, *both())
    other = month([volume("70", name="vol-krone")], period=OCTOBER, source="nordic", currency="NOK")
    BillImport.objects.filter(pk=other.pk).update(finished_at=at(NOV_3))
    detect_on(NOV_3)
    table = selectors.findings(Scope.all())
    assert (table.currency, table.other_currencies, table.total_monthly_saving) == ("USD", ("NOK",), D(30))
    assert selectors.findings(Scope.all(), currency="NOK").total_monthly_saving == D(14)
    assert [row.resource_id for row in selectors.findings(Scope.all(), team="search").rows] == ["vol-search"]
    assert [row.resource_id for row in selectors.findings(Scope.all(), search="VOL-P").rows] == ["vol-pay"]
    assert selectors.findings(Scope.all(), kinds=[FindingKind.IDLE]).rows == ()
    assert selectors.findings(Scope.all(), states=[FindingState.DONE]).rows == ()


def test_a_dismissed_finding_opens_again_when_its_date_has_passed(team_lead: User) -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    ref = row_of("vol-pay").ref
    dismiss_finding(ref, user=team_lead, now=at(NOV_3), until=date(2025, 11, 20), note="Moves with the cluster.")
    assert selectors.findings(Scope.all()).total_monthly_saving == D(10)  # only search's is still to be had
    assert detect_on(date(2025, 11, 19)).reopened == ()
    assert detect_on(date(2025, 11, 20)).reopened == (ref,)
    row = row_of("vol-pay")
    assert (row.state, row.dismissed_until, row.note, row.changed_by) == (
        FindingState.OPEN,
        None,
        "The dismissal has ended.",
        "",
    )


@pytest.mark.parametrize(
    ("until", "note"), [(None, "why"), (NOV_3, "why"), (date(2025, 12, 1), " ")], ids=["no day", "today", "no reason"]
)
def test_a_dismissal_needs_a_day_to_come_and_a_reason(finops_lead: User, until: date | None, note: str) -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    with pytest.raises(InvalidRequestError):
        dismiss_finding(row_of("vol-pay").ref, user=finops_lead, now=at(NOV_3), until=until, note=note)
    assert row_of("vol-pay").state is FindingState.OPEN


def test_what_is_gone_from_the_bill_is_done_and_saves_its_cost_from_the_next_month_on() -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    full(NOVEMBER, volume("50", team="search", name="vol-search"))
    found = detect_on(DEC_3)
    row = row_of("vol-pay")
    assert found.gone == (row.ref,)
    assert (row.state, row.done_on, row.note) == (FindingState.DONE, DEC_3, "No longer among its owner's costs.")
    detail = selectors.finding(Scope.all(), row.ref)
    assert [(str(each.period), each.saving) for each in detail.months] == [("2025-11", D(100))]
    # Payments' own December goes to the 10th: of 31 days a baseline of 100 × 10 / 31 = 32.2580645161, nothing paid.
    others = volume("16", team="search", name="vol-search", day=12)
    month([volume("5", name="vol-new", kind="EBS:VolumeUsage.gp3", day=10), others], period=DECEMBER)
    detect_on(date(2025, 12, 11))
    detail = selectors.finding(Scope.all(), row.ref)
    assert [each.saving for each in detail.months] == [D(100), D("32.2580645161")]
    assert (detail.months[1].covered_days, detail.months[1].is_full) == (10, False)
    assert detail.row.verified_saving == D("132.2580645161")
    assert selectors.findings(Scope.all()).verified_saving == D("132.2580645161")


def test_one_done_by_hand_saves_what_later_months_cost_less(team_lead: User) -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    ref = row_of("vol-pay").ref
    finish_finding(ref, user=team_lead, now=at(NOV_3), note="Moved to gp3.")
    full(NOVEMBER, volume("90"))  # the month it was done in does not count
    full(DECEMBER, volume("80", kind="EBS:VolumeUsage.gp3"))
    detect_on(JAN_3)
    detail = selectors.finding(Scope.all(), ref)
    assert [(str(each.period), each.baseline_cost, each.actual_cost, each.saving) for each in detail.months] == [
        ("2025-12", D(100), D(80), D(20))
    ]
    assert detail.row.state is FindingState.DONE
    reopen_finding(ref, user=team_lead, now=at(JAN_3))
    detail = selectors.finding(Scope.all(), ref)
    assert (detail.months, detail.row.verified_saving, detail.row.done_on) == ((), D(0), None)


def test_one_done_by_hand_opens_again_when_a_full_month_after_it_still_has_it(team_lead: User) -> None:
    full(OCTOBER, volume("100"))
    detect_on(NOV_3)
    ref = row_of("vol-pay").ref
    finish_finding(ref, user=team_lead, now=at(NOV_3))
    full(NOVEMBER, volume("100"))
    assert detect_on(DEC_3).reopened == ()  # November began before it was done
    month([volume("3", day=day) for day in range(1, 20)], period=DECEMBER)
    assert detect_on(DEC_20).reopened == ()  # December is not full yet
    full(DECEMBER, volume("100"))
    assert detect_on(JAN_3).reopened == (ref,)
    row = row_of("vol-pay")
    assert row.state is FindingState.OPEN
    assert row.note == "Found again in December 2025, a full month after it was marked done."


def test_cost_that_went_to_another_owner_saves_nothing() -> None:
    full(OCTOBER, volume("100"))
    detect_on(NOV_3)
    full(NOVEMBER, volume("100", team="search"))
    detect_on(DEC_3)
    rows = {row.owner_key: row for row in selectors.findings(Scope.all()).rows}
    assert rows["payments"].note == "No longer among its owner's costs."
    assert (rows["payments"].state, rows["payments"].verified_saving) == (FindingState.DONE, D(0))
    assert rows["search"].state is FindingState.OPEN


@pytest.mark.parametrize("resource", ["vol-pay", "vol-other"], ids=["went to search", "gone"])
def test_its_former_team_reads_the_same_whether_a_cost_went_to_another_team_or_is_gone(resource: str) -> None:
    mine = Scope.teams(frozenset({"payments"}))
    full(OCTOBER, volume("100"))
    detect_on(NOV_3)
    full(NOVEMBER, volume("100", team="search", name=resource))
    detect_on(DEC_3)
    (row,) = selectors.findings(mine).rows
    assert (row.note, row.verified_saving) == ("No longer among its owner's costs.", D(100))
    assert [(str(each.period), each.saving) for each in selectors.finding(mine, row.ref).months] == [
        ("2025-11", D(100))
    ]
    assert selectors.saved_in(mine, NOVEMBER, currency="USD") == D(100)


def test_for_the_company_nothing_is_saved_where_a_cost_only_went_to_another_team(team_lead: User) -> None:
    full(OCTOBER, volume("100"))
    detect_on(NOV_3)
    full(NOVEMBER, volume("100", team="search"))
    detect_on(DEC_3)
    ref = next(row.ref for row in selectors.findings(Scope.all()).rows if row.owner_key == "payments")
    for _ in range(2):
        assert selectors.finding(Scope.all(), ref).months == ()
        assert selectors.saved_in(Scope.all(), NOVEMBER, currency="USD") == D(0)
        assert selectors.verified_by_month(Scope.all(), currency="USD") == {}
        finish_finding(ref, user=team_lead, now=at(DEC_3))  # it is done already
        reopen_finding(ref, user=team_lead, now=at(DEC_3))
        assert detect_on(date(2025, 12, 4)).gone == (ref,)


@pytest.mark.parametrize("others", [(), (volume("1", team="search", name="vol-s", day=6),)], ids=["alone", "others"])
def test_the_month_measured_does_not_depend_on_how_far_the_usage_of_others_goes(others: tuple[Spend, ...]) -> None:
    full(OCTOBER, volume("100"))
    came_in(date(2025, 11, 7), volume("8", day=1), volume("8", day=2), *others)
    detect_on(date(2025, 11, 7))
    row = row_of("vol-pay")
    assert (row.period, row.monthly_cost) == (NOVEMBER, D(240))  # 16.00 in payments' own 2 of 30 days


def test_a_rate_above_list_keeps_all_of_its_resources_costs_as_baseline() -> None:
    tags = {"Team": "payments"}
    dear = Spend("50", effective="100", tags=tags, resource="i-dear")
    full(OCTOBER, dear, Spend("30", tags=tags, resource="i-dear", usage_type="Transfer"))
    detect_on(NOV_3)
    detail = selectors.finding(Scope.all(), row_of("i-dear").ref)
    assert (detail.row.kind, detail.row.monthly_saving) == (FindingKind.OFF_LIST_RATE, D(50))
    assert detail.baseline_cost == D(130)  # what is looked at again: 100 and 30


def test_of_two_who_decide_at_once_the_second_is_told(team_lead: User, finops_lead: User) -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    seen = row_of("vol-pay")
    change_finding(seen.ref, Decision(FindingState.ACCEPTED, version=seen.version), user=team_lead, now=at(DEC_3))
    with pytest.raises(InvalidRequestError, match="accepted since you looked"):
        change_finding(seen.ref, Decision(FindingState.DONE, version=seen.version), user=finops_lead, now=at(DEC_3))
    assert row_of("vol-pay").state is FindingState.ACCEPTED


def test_marking_done_what_is_done_keeps_what_was_measured(team_lead: User) -> None:
    full(OCTOBER, volume("100"))
    detect_on(NOV_3)
    ref = row_of("vol-pay").ref
    finish_finding(ref, user=team_lead, now=at(date(2025, 10, 20)))
    full(NOVEMBER, volume("80", kind="EBS:VolumeUsage.gp3"))
    detect_on(DEC_3)
    finish_finding(ref, user=team_lead, now=at(DEC_20), note="Once more.")
    row = row_of("vol-pay")
    assert (row.done_on, row.verified_saving, row.note) == (date(2025, 10, 20), D(20), "Once more.")


def test_a_source_that_delivers_later_keeps_its_findings_and_saves_nothing_yet() -> None:
    full(OCTOBER, volume("100"), source="first-payer")
    full(OCTOBER, volume("50", team="search", name="vol-search"), source="second-payer")
    detect_on(NOV_3)
    full(NOVEMBER, volume("50", team="search", name="vol-search"), source="second-payer")
    assert detect_on(DEC_3).gone == ()
    assert row_of("vol-pay").state is FindingState.OPEN


def test_events_tell_who_decided_what_newest_first(team_lead: User) -> None:
    full(OCTOBER, *both())
    detect_on(NOV_3)
    ref = row_of("vol-pay").ref
    accept_finding(ref, user=team_lead, now=at(date(2025, 11, 4)), note="On it.")
    events = selectors.finding(Scope.all(), ref).events
    assert [(event.state, event.by, event.note) for event in events] == [
        (FindingState.ACCEPTED, "Leo", "On it."),
        (FindingState.OPEN, "", ""),
    ]
    assert events[0].at == at(date(2025, 11, 4))
    assert Finding.objects.get(ref=ref).changed_by == team_lead


def test_staff_and_leads_of_the_owner_may_change_a_finding(
    finops_lead: User, team_lead: User, viewer: User, other_lead: User
) -> None:
    assert [may_act_for(user, "payments") for user in (finops_lead, team_lead, viewer, other_lead)] == [
        True,
        True,
        False,
        False,
    ]
    assert may_act_for(finops_lead, "")
    assert not may_act_for(team_lead, "")


def test_findings_follow_when_the_cost_gets_another_owner_by_rule(team: Team) -> None:
    full(OCTOBER, volume("30", team="", name="vol-nobody"))
    detect_on(NOV_3)
    save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="111111111111", team_key="payments"))
    detect_on(NOV_3)
    rows = {row.owner_key: row for row in selectors.findings(Scope.all()).rows}
    assert rows["payments"].state is FindingState.OPEN
    assert (rows[""].state, rows[""].note) == (FindingState.DONE, "No longer among its owner's costs.")
