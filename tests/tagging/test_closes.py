"""Months that close: what is frozen, what later bills become, numbers, refusals. All figures worked by hand."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from costs.models import BillImport
from costs.money import plain
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.services import remove_replaced_imports
from costs.terms import CostMetric
from tagging import selectors
from tagging.inputs import TeamInput
from tagging.models import Close, Statement, StatementMail, Team
from tagging.selectors.closes import pinned_imports
from tagging.selectors.month_end_view import adjustments, month_end
from tagging.services import (
    CloseRefusedError,
    CloseStep,
    RuleInput,
    close_month,
    finalise_month,
    reallocate,
    reopen_month,
    save_rule,
    update_team,
)
from tagging.services.closes import hash_of
from tagging.terms import RuleKind
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
EVERYTHING = Scope.all()
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW)
FORCED = CloseStep("Fiona", NOW, "has to be", force=True)
PAY, SEARCH = {"Team": "payments"}, {"Team": "search"}


@pytest.fixture(autouse=True)
def rules(team: Team, other_team: Team) -> None:
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))


def close(period: BillingPeriod, step: CloseStep = STEP) -> Close:
    return close_month(period, step, metric=CostMetric.BILLED)


def owners(period: BillingPeriod, *, by: str = "team", scope: Scope = EVERYTHING) -> dict[str, str]:
    found = selectors.chargeback(scope, period, by=by, metric=CostMetric.BILLED)
    if found.difference is not None:
        assert found.difference == 0
    return {row.owner: plain(row.total_cost) for row in found.rows} | {"": plain(found.missing_cost)}


def deliver(*spends: Spend, period: BillingPeriod) -> BillImport:
    BillImport.objects.filter(bill_in_force__billing_period=period.start).update(state="replaced")
    return month(spends, period=period)


def test_a_closed_month_keeps_its_figures_whatever_changes_later() -> None:
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH), Spend("2")], period=OCTOBER)
    close(OCTOBER)
    save_rule(RuleInput(RuleKind.DEFAULT, team_key="search"))
    update_team("payments", TeamInput(name="Pay and Go", cost_center="CC-999"))
    deliver(Spend("100", tags=PAY), period=OCTOBER)
    assert owners(OCTOBER) == {"Payments": "10", "Search": "5", "": "2"}
    assert owners(OCTOBER, by="service") == {"Compute": "17", "": "0"}
    assert owners(OCTOBER, by="cost_center") == {"CC-100": "10", "CC-200": "5", "": "2"}
    statement = selectors.statement(EVERYTHING, OCTOBER, "payments", metric=CostMetric.BILLED)
    assert (statement.summary.team_name, statement.summary.cost_center) == ("Payments", "CC-100")
    stored = Close.objects.get()
    assert hash_of(stored) == stored.data_hash


def test_a_later_bill_becomes_corrections_of_the_next_month_line_by_line() -> None:
    """October closes on payments 10, search 5. It comes again with payments 12 and nobody's 1: pending 2 − 5 + 1 = −2.

    November is payments 20. It carries the three corrections: payments 22, search −5, nobody 1, in all 18 = 20 − 2.
    """
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH)], period=OCTOBER)
    close(OCTOBER)
    deliver(Spend("12", tags=PAY), Spend("1"), period=OCTOBER)
    found = selectors.chargeback(EVERYTHING, OCTOBER, metric=CostMetric.BILLED)
    assert (found.bill_total, found.close.pending_adjustment) == (Decimal(15), Decimal(-2))
    month([Spend("20", tags=PAY)], period=NOVEMBER)
    draft = month_end(EVERYTHING, NOVEMBER, today=NOW.date())
    assert (draft.state, draft.carried_in, draft.difference) == ("open", Decimal(-2), Decimal(0))
    close(NOVEMBER)
    assert owners(NOVEMBER) == {"Payments": "22", "Search": "-5", "": "1"}
    found = selectors.chargeback(EVERYTHING, NOVEMBER, metric=CostMetric.BILLED)
    assert (found.bill_total, found.close.carried_in, found.close.pending_adjustment) == (
        Decimal(20),
        Decimal(-2),
        Decimal(0),
    )
    assert selectors.chargeback(EVERYTHING, OCTOBER, metric=CostMetric.BILLED).close.pending_adjustment == 0
    rows = {(row.origin, row.origin_version, row.to, row.owner): plain(row.cost) for row in
            adjustments(EVERYTHING, metric=CostMetric.BILLED)}  # fmt: skip
    assert rows == {
        ("2025-10", 1, "2025-11", "Payments"): "2",
        ("2025-10", 1, "2025-11", "Search"): "-5",
        ("2025-10", 1, "2025-11", "Unallocated"): "1",
    }


def test_a_later_bill_is_owned_by_the_rules_its_month_was_closed_under() -> None:
    """After the close search's tag goes to payments; what comes later of October is still search's."""
    month([Spend("5", tags=SEARCH)], period=OCTOBER)
    close(OCTOBER)
    save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="111111111111", team_key="payments"))
    deliver(Spend("8", tags=SEARCH), Spend("4"), period=OCTOBER)
    reallocate()
    rows = {row.owner: plain(row.cost) for row in adjustments(EVERYTHING, metric=CostMetric.BILLED)}
    assert rows == {"Search": "3", "Unallocated": "4"}


def test_a_reopened_month_takes_back_what_others_carried_of_it() -> None:
    """October 10 closes, comes again as 12, November (20) carries 2. October reopens with 12: the 2 has to go back.

    Over both: 12 + 22 − 2 = 32 = 12 + 20.
    """
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    deliver(Spend("12", tags=PAY), period=OCTOBER)
    month([Spend("20", tags=PAY)], period=NOVEMBER)
    close(NOVEMBER)
    reopen_month(OCTOBER, CloseStep("Fiona", NOW, "wrong rule"))
    assert owners(OCTOBER) == {"Payments": "12", "": "0"}
    assert owners(NOVEMBER) == {"Payments": "22", "": "0"}
    waiting = [row for row in adjustments(EVERYTHING, metric=CostMetric.BILLED) if not row.to]
    assert [(row.origin, plain(row.cost)) for row in waiting] == [("2025-10", "-2")]
    billed = CostMetric.BILLED
    for reader in (EVERYTHING, Scope.teams(frozenset({"payments"}))):
        told = (
            selectors.chargeback(reader, OCTOBER, metric=billed),
            selectors.statements(reader, OCTOBER, metric=billed),
        )
        assert [found.close.pending_adjustment for found in told] == [Decimal(-2)] * 2
        assert selectors.statement(reader, OCTOBER, "payments", metric=billed).close.pending_adjustment == Decimal(-2)
    other = Scope.teams(frozenset({"search"}))
    assert selectors.chargeback(other, OCTOBER, metric=billed).close.pending_adjustment == 0
    again = close(OCTOBER)
    assert (again.version, Close.objects.filter(period=OCTOBER.start).count()) == (2, 2)


def test_numbers_have_no_gap_and_are_never_given_twice() -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    month([Spend("20", tags=PAY), Spend("1", tags=SEARCH)], period=NOVEMBER)
    close(OCTOBER)
    finalise_month(OCTOBER, STEP)
    reopen_month(OCTOBER, CloseStep("Fiona", NOW, "wrong"))
    close(OCTOBER)
    close(NOVEMBER)
    finalise_month(OCTOBER, STEP)
    finalise_month(NOVEMBER, STEP)
    numbers = {(item.period.month, item.version): item.number_in_year for item in Close.objects.all()}
    assert numbers == {(10, 1): 1, (10, 2): 2, (11, 1): 3}
    statements = Statement.objects.exclude(number="").order_by("number").values_list("number", flat=True)
    assert list(statements) == ["2025-payments-001", "2025-payments-002", "2025-payments-003", "2025-search-001"]


def test_cents_of_all_documents_sum_to_the_rounded_bill() -> None:
    """3 × 0.335 = 1.005, rounded 1.01: each has 33 cents and a half, so the first two get a cent more."""
    month([Spend("0.335", tags=PAY), Spend("0.335", tags=SEARCH), Spend("0.335")], period=OCTOBER)
    close(OCTOBER)
    found = month_end(EVERYTHING, OCTOBER, today=NOW.date())
    booked = {row.owner: str(row.booked) for row in found.rows} | {"": str(found.unallocated_booked)}
    assert booked == {"Payments": "0.34", "Search": "0.33", "": "0.34"}
    assert (str(found.booked_total), found.booked_difference) == ("1.01", Decimal(0))


def test_steps_out_of_order_are_refused() -> None:
    month([Spend("1")], period=OCTOBER)
    with pytest.raises(CloseRefusedError, match="has to be closed before it can be final"):
        finalise_month(OCTOBER, STEP)
    with pytest.raises(CloseRefusedError, match="has to be closed before it can be reopened"):
        reopen_month(OCTOBER, FORCED)
    close(OCTOBER)
    with pytest.raises(CloseRefusedError, match="needs a reason"):
        reopen_month(OCTOBER, STEP)


def test_a_month_is_not_closed_before_it_ends_nor_before_an_earlier_one_nor_twice() -> None:
    december = BillingPeriod.parse("2025-12")
    for period in (OCTOBER, NOVEMBER, december):
        month([Spend("1", tags=PAY)], period=period)
    early = CloseStep("Fiona", datetime(2025, 10, 31, tzinfo=UTC))
    with pytest.raises(CloseRefusedError, match="is not over"):
        close(OCTOBER, early)
    close(OCTOBER)
    with pytest.raises(CloseRefusedError, match="2025-10 is closed already"):
        close(OCTOBER)
    with pytest.raises(CloseRefusedError, match="2025-11 is open and comes first"):
        close(december)
    with pytest.raises(CloseRefusedError, match="needs a reason"):
        close(december, CloseStep("Fiona", NOW, force=True))
    close(december, FORCED)
    with pytest.raises(CloseRefusedError, match="no costs"):
        close(BillingPeriod.parse("2025-01"))


def test_an_import_on_its_way_stands_in_the_way() -> None:
    made = month([Spend("1", tags=PAY)], period=OCTOBER)
    BillImport.objects.create(source=made.source, state="queued")
    with pytest.raises(CloseRefusedError, match="still run or wait"):
        close(OCTOBER)


def test_a_closed_month_pins_its_import_until_it_is_reopened() -> None:
    old = month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    deliver(Spend("12", tags=PAY), period=OCTOBER)
    BillImport.objects.filter(pk=old.pk).update(finished_at=datetime(2025, 11, 3, tzinfo=UTC))
    assert pinned_imports() == {old.pk}
    assert remove_replaced_imports(now=NOW) == 0
    assert owners(OCTOBER, by="account") == {"111111111111": "10", "": "0"}
    reopen_month(OCTOBER, CloseStep("Fiona", NOW, "wrong"))
    assert remove_replaced_imports(now=NOW) == 1


def test_a_team_sees_its_own_part_and_nothing_of_the_bill() -> None:
    month([Spend("10", tags=PAY), Spend("5", tags=SEARCH)], period=OCTOBER)
    close(OCTOBER)
    deliver(Spend("11", tags=PAY), Spend("9", tags=SEARCH), period=OCTOBER)
    found = selectors.chargeback(Scope.teams(frozenset({"payments"})), OCTOBER, metric=CostMetric.BILLED)
    assert [(row.owner, plain(row.total_cost)) for row in found.rows] == [("Payments", "10")]
    assert (found.close.pending_adjustment, found.close.bill_version, found.close.number, found.close.hash) == (
        Decimal(1), "", "", "",
    )  # fmt: skip
    assert (found.bill_total, found.unallocated_cost, found.difference) == (None, None, None)


def test_leads_get_one_mail_when_their_month_is_closed(team_lead: object, other_lead: object) -> None:
    month([Spend("10", tags=PAY)], period=OCTOBER)
    close(OCTOBER)
    assert list(StatementMail.objects.values_list("address", flat=True)) == ["leo@example.com"]
