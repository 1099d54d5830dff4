"""The close on pages: steps with confirmation, statements that are closed, disputes, documents, finance."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pypdf
import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.test import Client

from costs.terms import CostMetric
from tagging import notifications
from tagging.models import Close, Dispute, Membership, StatementMail, Team
from tagging.services import CloseStep, RuleInput, close_month, finalise_month, save_rule
from tagging.terms import RuleKind
from tests.tagging import page_world
from tests.tagging.builders import OCTOBER, Spend, month
from tests.tagging.page_world import QUERIES

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
STEP = CloseStep("Fiona", NOW)
MORE_QUERIES = QUERIES + 15


@pytest.fixture
def october(team: Team, other_team: Team) -> None:
    for key in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(key,), team_key=key))
    month(
        [
            Spend("10.004", tags={"Team": "payments"}, service="<b>#Compute $x$"),
            Spend("2", tags={"Team": "payments"}, service="Storage", category="Tax"),
            Spend("5", tags={"Team": "search"}, service="Hush"),
            Spend("3"),
        ],
        period=OCTOBER,
    )


@pytest.fixture
def closed(october: None) -> Close:
    return close_month(OCTOBER, STEP, metric=CostMetric.BILLED)


def test_a_month_is_closed_made_final_and_reopened_on_pages(october: None, staff: Client) -> None:
    page = text_of(staff.get("/chargeback/?period=2025-10"))
    assert "Nothing stands in the way" in page
    assert "/close/2025-10/close/" in page
    assert "What each would get" in text_of(staff.get("/close/?period=2025-10"))
    assert staff.post("/close/2025-10/close/", {"basis": "billed"}).status_code == 302
    assert Close.objects.get().state == "closed"
    assert staff.post("/close/2025-10/final/").status_code == 302
    assert "2025-0001" in text_of(staff.get("/close/?period=2025-10"))
    refused = staff.post("/close/2025-10/reopen/", {"reason": " "})
    assert refused.status_code == 200
    assert staff.post("/close/2025-10/reopen/", {"reason": "wrong rule"}).status_code == 302
    page = text_of(staff.get("/close/?period=2025-10"))
    assert "wrong rule" in page
    assert "Fiona" in page


def test_a_step_that_cannot_be_taken_says_why(october: None, staff: Client) -> None:
    assert "cannot be taken now" in text_of(staff.get("/close/2025-10/final/"))
    assert "has to be closed before" in text_of(staff.post("/close/2025-10/final/"))
    assert staff.get("/close/2025-10/nothing/").status_code == 404


def test_pages_of_the_close_are_not_there_for_teams(closed: Close, lead: Client) -> None:
    for path in ("/close/", "/close/2025-10/final/", "/close/2025-10/journal/", "/finance/"):
        assert lead.get(path).status_code == 404, path
    assert lead.post("/close/2025-10/reopen/", {"reason": "x"}).status_code == 404


def test_a_closed_statement_names_its_state_lines_and_hash(closed: Close, lead: Client) -> None:
    page = text_of(lead.get("/statements/payments/?period=2025-10"))
    assert "dispute what is not yours" in page
    assert closed.statements.get(owner_key="payments").data_hash in page
    assert closed.data_hash not in page
    assert "Hush" not in page
    head, rows = file_of(lead.get("/statements/payments/?period=2025-10&format=csv"))
    assert head["State"] == "Closed"
    columns = ["Kind", "Service", "Account", "Charge category", "At list price", "Cost", "Share"]
    assert rows[0] == [*columns, "Of it by suggested tags"]
    assert "Bill version" not in head


def test_a_lead_disputes_a_line_of_the_own_statement_and_the_finops_lead_answers(
    closed: Close, lead: Client, staff: Client, client_for: ClientFor, viewer: User, other_lead: User
) -> None:
    found = lead.get("/statements/payments/?period=2025-10")
    url = next(part for part in text_of(found).split('"') if "/dispute/?" in part).replace("&amp;", "&")
    assert client_for(viewer).get(url).status_code == 404
    assert client_for(other_lead).post(url, {"text": "not there"}).status_code == 404
    assert lead.post(url, {"text": "not ours"}).status_code == 302
    assert "in dispute already" in text_of(lead.post(url, {"text": "again"}))
    assert "in dispute" in text_of(staff.get("/close/?period=2025-10"))
    assert "in dispute. Answer first" in text_of(staff.post("/close/2025-10/final/"))
    pk = Dispute.objects.get().pk
    assert lead.post(f"/disputes/{pk}/answer/", {"answer": "x", "accept": "on"}).status_code == 404
    assert "not ours" in text_of(staff.get("/disputes/"))
    assert "not ours" not in text_of(client_for(other_lead).get("/disputes/"))
    assert staff.post(f"/disputes/{pk}/answer/", {"answer": "It is yours."}).status_code == 302
    assert "It is yours." in text_of(lead.get("/statements/payments/?period=2025-10"))
    assert staff.post("/close/2025-10/final/").status_code == 302


def test_the_pdf_holds_lines_as_data_total_tie_out_and_hash(closed: Close, lead: Client, staff: Client) -> None:
    """Payments: 10.004 + 2 = 12.004; search 5, nobody 3, the bill 20.004 → 20.00; payments 12.00."""
    finalise_month(OCTOBER, STEP)
    path = "/statements/payments/pdf/?period=2025-10"
    response = lead.get(path)
    assert response["Content-Type"] == "application/pdf"
    text = pdf_text(response.content)
    for part in ("<b>#Compute $x$", "12.00", "2025-payments-001", "CC-100", "October 2025", "Page 1 of 1", "SHA-256"):
        assert part in text, part
    assert "add up to the bill to the cent" in text
    assert "Unallocated" not in text
    assert response.content == lead.get(path).content
    assert "Unallocated" in (full := pdf_text(staff.get(path).content)) or "unallocated" in full
    assert "20.00" in full
    assert lead.get("/statements/search/pdf/?period=2025-10").status_code == 404


def test_an_open_month_has_no_document(october: None, lead: Client) -> None:
    assert lead.get("/statements/payments/pdf/?period=2025-10").status_code == 404


def test_the_journal_balances_with_tax_apart(closed: Close, staff: Client) -> None:
    """Debit: payments 10.00 and tax 2.00, search 5.00, nobody 3.00; credit 20.00."""
    head, rows = file_of(staff.get("/close/2025-10/journal/"))
    assert (head["Debit"], head["Credit"]) == ("20", "20")
    cells = {(row[2], row[5]): (row[7], row[8]) for row in rows[1:]}
    assert cells == {
        ("6599", "Unallocated"): ("3", "0"),
        ("6510", "Payments"): ("10", "0"),
        ("6590", "Payments"): ("2", "0"),
        ("6510", "Search"): ("5", "0"),
        ("2890", "All owners"): ("0", "20"),
    }


def test_pages_stay_within_their_queries(
    closed: Close, staff: Client, django_assert_max_num_queries: Callable[[int], object]
) -> None:
    for path in (
        "/chargeback/",
        "/close/",
        "/disputes/",
        "/statements/payments/",
    ):
        with django_assert_max_num_queries(MORE_QUERIES):  # type: ignore[attr-defined]
            assert staff.get(f"{path}?period=2025-10").status_code == 200


def test_each_lead_gets_a_mail_of_the_own_statement_only(
    team_lead: User, other_lead: User, closed: Close, settings: object
) -> None:
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    assert notifications.send_due_statements(now=NOW) == 2
    by_address = {message.to[0]: message for message in mail.outbox}
    own = by_address["leo@example.com"]
    assert "12.00" in own.body
    assert "/statements/payments/?period=2025-10" in own.body
    assert "Search" not in own.body
    assert notifications.send_due_statements(now=NOW) == 0


def test_a_mail_is_not_sent_to_who_left_the_team(team_lead: User, closed: Close, settings: object) -> None:
    settings.MAIL_IS_CONFIGURED = True  # type: ignore[attr-defined]
    Membership.objects.all().delete()
    assert notifications.send_due_statements(now=NOW) == 0
    assert StatementMail.objects.get().state == "failed"


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)
