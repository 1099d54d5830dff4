"""A closed month charges the amounts of one basis: on any other it has no number and nothing is booked."""

import io
import itertools
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import StringIO
from typing import Any

import openpyxl
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.documents.pdf import as_data
from tagging.models import SharedPool, Team
from tagging.selectors.closed_basis import usual_basis
from tagging.selectors.documents import statement_document
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, reopen_month, save_rule
from tagging.terms import RuleKind, SplitMethod
from tests.conftest import ClientFor
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month
from tests.tagging.close_world import shared_pool

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
text_of: Callable[[Any], str] = page_world.text_of  # the test client answers are no HttpResponse to the type checker
STEP = CloseStep("Fiona", datetime(2026, 3, 10, 10, tzinfo=UTC))
PAYMENTS, SEARCH = (Scope.teams(frozenset({key})) for key in ("payments", "search"))
NUMBER, NOT_CHARGED = "2025-payments-001", "not the amounts charged"


@pytest.fixture(autouse=True)
def final_on_effective_cost(team: Team, other_team: Team) -> None:
    """October: payments 10 billed and 8 effective, nobody 2 and 3. Final on effective cost, November open."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    tags = {"Team": "payments"}
    month([Spend("10", effective="8", tags=tags), Spend("2", effective="3")], period=OCTOBER)
    month([Spend("5", effective="4", tags=tags)], period=NOVEMBER)
    close_month(OCTOBER, STEP, metric=CostMetric.EFFECTIVE)
    finalise_month(OCTOBER, STEP)


def answer(client: Client, path: str) -> Any:
    return client.get(f"/api/v1/{path}").json()


def test_pages_open_as_charged_and_say_where_they_are_not(
    lead: Client, finops_lead: User, client_for: ClientFor
) -> None:
    charged = text_of(lead.get("/statements/payments/?period=2025-10"))
    assert [text in charged for text in ("$8.00", "Effective cost, as booked", NUMBER)] == [True] * 3
    assert NOT_CHARGED not in charged
    other = text_of(lead.get("/statements/payments/?period=2025-10&basis=billed"))
    assert [text in other for text in ("$10.00", NOT_CHARGED, "Not as charged")] == [True] * 3
    assert [text in other for text in ("as booked", NUMBER, "nothing in it changes")] == [False] * 3
    staff = client_for(finops_lead)
    assert NOT_CHARGED not in text_of(staff.get("/chargeback/?period=2025-10"))
    assert NOT_CHARGED in text_of(staff.get("/chargeback/?period=2025-10&basis=billed"))
    assert "Billed cost" in text_of(staff.get("/chargeback/?period=2025-11"))


def test_documents_on_another_basis_carry_no_number() -> None:
    charged = as_data(statement_document(PAYMENTS, OCTOBER, "payments"))
    assert (charged["number"], charged["total"], charged["charged_on"]) == (NUMBER, "8.00", "")
    other = as_data(statement_document(PAYMENTS, OCTOBER, "payments", metric=CostMetric.BILLED))
    assert (other["number"], other["total"], other["charged_on"]) == ("", "10.00", "effective")


def test_the_api_books_on_the_basis_charged_alone(lead: Client) -> None:
    names = ("basis", "charged_basis", "number", "booked")
    charged = answer(lead, "statements/payments/?period=2025-10")
    assert [charged[name] for name in names] == ["effective", "effective", NUMBER, "8"]
    other = answer(lead, "statements/payments/?period=2025-10&basis=billed")
    assert [other[name] for name in names] == ["billed", "effective", "", None]
    still_open = answer(lead, "statements/payments/?period=2025-11")
    assert [still_open[name] for name in names] == ["billed", "", "", None]
    assert answer(lead, "chargeback/?period=2025-10")["basis"] == "effective"


def test_the_command_opens_as_charged() -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("chargeback", *words, stdout=out)
        return out.getvalue()

    charged = run("2025-10")
    assert "effective cost in USD, final 2025-0001" in charged
    assert NOT_CHARGED not in charged
    for words in (("--basis", "billed"), ("--split-unallocated", "even")):
        told = run("2025-10", *words)
        assert NOT_CHARGED in told
        assert "2025-0001" not in told
    found = json.loads(run("2025-10", "--basis", "billed", "--json"))
    assert (found["basis"], found["charged_basis"], found["is_as_charged"]) == ("billed", "effective", False)


def test_what_was_split_for_a_look_was_not_charged() -> None:
    found = selectors.chargeback(Scope.all(), OCTOBER, metric=CostMetric.EFFECTIVE, split_unallocated=SplitMethod.EVEN)
    assert (found.close.is_as_charged, found.close.number) == (False, "")


def test_the_close_itself_has_neither_number_nor_bookings_on_another_basis(
    finops_lead: User, client_for: ClientFor
) -> None:
    """Effective: bill 11 = payments 8 + nobody 3, charged. Billed: 12 = 10 + 2, of which nothing was."""
    staff = client_for(finops_lead)
    page = text_of(staff.get("/close/?period=2025-10"))
    assert [text in page for text in ("2025-0001", NUMBER, "Booked", "booked, in cents", ">Final<")] == [True] * 5
    assert NOT_CHARGED not in page
    other = text_of(staff.get("/close/?period=2025-10&basis=billed"))
    assert "closed on effective cost: these are not the amounts charged" in other
    assert '<a href="?period=2025-10&amp;basis=effective">As charged</a>' in other
    head = other.split("events-title")[0]
    assert [text in head for text in ("2025-0001", NUMBER, "Booked", "booked, in cents", ">Final<")] == [False] * 5
    names = ("number", "charged_basis", "booked_total", "unallocated_booked", "booked_difference", "unallocated_cost")
    charged = answer(staff, "closes/2025-10/")
    assert [charged[name] for name in names] == ["2025-0001", "effective", "11", "3", "0", "3"]
    assert [(row["number"], row["booked"]) for row in charged["rows"]] == [(NUMBER, "8")]
    other = answer(staff, "closes/2025-10/?basis=billed")
    assert [other[name] for name in names] == ["", "effective", None, None, None, "2"]
    assert [(row["number"], row["booked"], row["total_cost"]) for row in other["rows"]] == [("", None, "10")]
    file: Any = staff.get("/close/?period=2025-10&basis=billed&format=csv")
    told = file.getvalue().decode()
    assert [text in told for text in (NOT_CHARGED, "Statements,10", "Unallocated,2")] == [True] * 3
    assert [text in told for text in ("booked", NUMBER, "2025-0001")] == [False] * 3


def test_totals_in_the_head_of_workbooks_are_numbers(lead: Client, finops_lead: User, client_for: ClientFor) -> None:
    def head(client: Client, path: str) -> dict[str, Any]:
        found: Any = client.get(f"{path}?period=2025-10&format=xlsx")
        sheet = openpyxl.load_workbook(io.BytesIO(found.content)).active
        assert sheet is not None
        rows = itertools.takewhile(lambda row: row[0].value is not None, sheet.iter_rows())
        return {str(row[0].value): row[1].value for row in rows}

    staff = client_for(finops_lead)
    own = head(lead, "/statements/payments/")
    assert (own["Total"], own["Booked"], own["Version"]) == (8, 8, "1")
    whole = head(staff, "/chargeback/")
    assert (whole["Bill total"], whole["Owners"], whole["Unallocated"], whole["Difference"]) == (11, 8, 3, 0)
    close = head(staff, "/close/")
    names = ("Bill", "Carried in", "Statements, booked", "Unallocated, booked", "Difference, booked")
    assert [close[name] for name in names] == [11, 0, 8, 3, 0]


@pytest.mark.parametrize("basis", ["effective", "billed"])
def test_documents_of_the_close_add_up_across_in_the_cents_of_each_document(
    basis: str, finops_lead: User, client_for: ClientFor, other_team: Team
) -> None:
    """December: payments 10.004 and search 5.004 direct, a pool's 1.002 in equal parts of 0.501; all 16.01.

    Payments 10.505 and search 5.505 both lack half a cent, a tie that the larger wins: 10.51 and 5.50.
    The parts of a document share its cents: 1000.4 and 50.1 cut down are 1050 of 1051, and the larger remainder, that
    of direct, gets the cent: 10.01 + 0.50. Search: 500 + 50 are its 550.
    """
    december = OCTOBER.next().next()
    shared_pool("Platform")
    SharedPool.objects.update(method="even")
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("search",), team_key="search"))
    spends = [("10.004", {"Team": "payments"}), ("5.004", {"Team": "search"}), ("1.002", {"Project": "shared"})]
    month([Spend(cost, effective=cost, tags=tags) for cost, tags in spends], period=december)
    close_month(NOVEMBER, STEP, metric=CostMetric.EFFECTIVE)
    close_month(december, replace(STEP, force=True, reason="x"), metric=CostMetric.EFFECTIVE)
    page = text_of(client_for(finops_lead).get(f"/close/?period=2025-12&basis={basis}"))
    table = page.split('id="documents-title"')[1].split("</table>")[0].replace("\xa0", " ")
    for shown in ("$10.01", "$0.50", "$10.51", "$5.00", "$5.50"):
        assert shown in table, shown
    assert [text in table for text in ("$10.00", "$5.51")] == [False] * 2


def test_the_preview_of_the_command_says_what_was_charged() -> None:
    def run(*words: str) -> str:
        out = StringIO()
        call_command("close_month", "2025-10", *words, stdout=out)
        return out.getvalue()

    assert "final 2025-0001 version 1" in run()
    told = run("--basis", "billed")
    assert "version 1 was closed on effective cost; these are not the amounts charged" in told
    assert "Booked" not in told
    found = json.loads(run("--basis", "billed", "--json"))
    assert (found["charged_basis"], found["number"], found["booked_total"]) == ("effective", "", None)
    assert [row["booked"] for row in found["rows"]] == [None]


def test_versions_open_on_the_basis_each_was_charged_on(lead: Client, finops_lead: User, client_for: ClientFor) -> None:
    """Version 1 charged effective cost, 8; version 2 billed cost, 10."""
    staff = client_for(finops_lead)
    reopen_month(OCTOBER, CloseStep("Fiona", STEP.now, "wrong basis"))
    own = "/statements/payments/?period=2025-10&version=1"
    for again in (False, True):
        if again:
            close_month(OCTOBER, STEP, metric=CostMetric.BILLED)
        assert [text in text_of(lead.get(own)) for text in ("$8.00", NUMBER)] == [True, True]
        assert NOT_CHARGED not in text_of(lead.get(own))
        found = answer(lead, "statements/payments/?period=2025-10&version=1")
        assert [found[name] for name in ("basis", "number", "booked")] == ["effective", NUMBER, "8"]
    for client, path in ((staff, "/close/"), (lead, "/statements/payments/")):
        for basis in ("billed", "effective"):
            page = text_of(client.get(f"{path}?period=2025-10&basis={basis}"))
            for version, charged in ((1, "effective"), (2, "billed")):
                assert f'{path}?period=2025-10&amp;basis={charged}&amp;version={version}"' in page


def test_the_confirmation_of_a_step_shows_a_closed_month_as_charged(finops_lead: User, client_for: ClientFor) -> None:
    staff = client_for(finops_lead)
    for path in ("close/2025-10/close/", "close/2025-10/reopen/", "close/2025-10/close/?basis=billed"):
        page = text_of(staff.get(f"/{path}"))
        assert "$11.00" in page, path
        assert "n/a" not in page.split("<main")[1], path


def test_choosing_another_basis_stays_on_the_version(lead: Client, finops_lead: User, client_for: ClientFor) -> None:
    reopen_month(OCTOBER, CloseStep("Fiona", STEP.now, "wrong basis"))
    for client, path in ((client_for(finops_lead), "/close/"), (lead, "/statements/payments/")):
        page = text_of(client.get(f"{path}?period=2025-10&version=1")).split('class="filters"')[1].split("</form>")[0]
        assert 'type="hidden" name="version" value="1"' in page
        assert "2025-11" not in page
        assert 'name="version"' not in text_of(client.get(f"{path}?period=2025-10")).split("</form>")[0]


def test_blanks_around_a_currency_do_not_matter(lead: Client) -> None:
    assert NUMBER in text_of(lead.get("/statements/payments/?period=2025-10&currency=%20usd%20"))


def test_dashboards_lead_to_what_was_charged_unless_a_basis_was_chosen(
    lead: Client, finops_lead: User, client_for: ClientFor
) -> None:
    staff = client_for(finops_lead)
    for client in (lead, staff):
        assert '"/statements/payments/?period=2025-10"' in text_of(client.get("/teams/payments/?period=2025-10"))
        chosen = text_of(client.get("/teams/payments/?period=2025-10&basis=list"))
        assert '"/statements/payments/?period=2025-10&amp;basis=list"' in chosen
        assert '"/statements/payments/?period=2025-10"' in text_of(client.get("/why/payments/?period=2025-10"))
    assert '"/teams/payments/?period=2025-10"' in text_of(staff.get("/overview/?period=2025-10"))
    assert '"/teams/payments/?period=2025-10&amp;basis=list"' in text_of(
        staff.get("/overview/?period=2025-10&basis=list")
    )


def test_a_line_is_disputed_at_the_amount_charged(lead: Client) -> None:
    reopen_month(OCTOBER, CloseStep("Fiona", STEP.now, "wrong"))
    close_month(OCTOBER, STEP, metric=CostMetric.EFFECTIVE)
    ref = answer(lead, "statements/payments/?period=2025-10")["results"][0]["ref"]
    page = text_of(lead.get(f"/statements/payments/dispute/?period=2025-10&line={ref}"))
    assert [text in page for text in ("$8.00", "$10.00")] == [True, False]


def test_who_has_no_part_of_a_month_is_not_told_what_it_was_closed_on() -> None:
    assert usual_basis(Scope.all(), OCTOBER) is CostMetric.EFFECTIVE
    assert usual_basis(PAYMENTS, OCTOBER) is CostMetric.EFFECTIVE
    assert usual_basis(SEARCH, OCTOBER) is CostMetric.BILLED
    assert usual_basis(Scope.all(), NOVEMBER) is CostMetric.BILLED
