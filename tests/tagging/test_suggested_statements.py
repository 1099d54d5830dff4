"""What virtual tags of ours put on statements: page, files, API and PDF; closes keep it, under their hash."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.models import Resource
from costs.scope import Scope
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import retrack, run_import
from tagging.documents.content import content_of, suggested_total
from tagging.models import Close, Statement, Team, VirtualTag
from tagging.results import StatementLine
from tagging.services import CloseStep, RuleInput, close_month, end_virtual_tag, save_rule
from tagging.services.closes import hash_of
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER
from tests.tagging.page_world import QUERIES

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
# The test client's answers are no HttpResponse to the type checker.
text_of: Callable[[Any], str] = page_world.text_of
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
PAY = (("Team", "payments"),)
PAGE = "/statements/payments/?period=2025-11&basis=billed"
API = "/api/v1/statements/payments/?period=2025-11&basis=billed"
# Payments has by its own tags 20 (compute) and 6.5 (storage), and by a virtual tag on i-a 10 + 1.25 of compute: in
# all 37.75, of which 31.25 compute. Search has by a virtual tag on i-b 7, and nothing else. Nobody has i-d 3.
LINES = (
    Line("i-a", "10"),
    Line("i-a", "1.25", day=2),
    Line("i-b", "7"),
    Line("i-c", "20", tags=PAY),
    Line("bucket", "6.5", service="Amazon Simple Storage Service", product="AmazonS3", tags=PAY),
    Line("i-d", "3"),
)


def tag(author: User, resource: str, value: str) -> VirtualTag:
    return VirtualTag.objects.create(
        resource_key=Resource.objects.get(resource_id=resource).key, resource_id=resource, tag_key="Team", value=value,
        from_period=NOVEMBER.start, origin="suggestion", confidence=0.96, author=author, created_at=NOW,
    )  # fmt: skip


@pytest.fixture
def bill(team: Team, other_team: Team, tmp_path: Path) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    for pk in prepare_imports([write_bill(tmp_path / "bill.csv", "2025-11", LINES)], today=NOVEMBER.end):
        run_import(pk)


@pytest.fixture
def tags(bill: None, finops_lead: User) -> list[VirtualTag]:
    made = [tag(finops_lead, "i-a", "payments"), tag(finops_lead, "i-b", "search")]
    retrack()
    return made


def close() -> Close:
    return close_month(NOVEMBER, CloseStep("Fiona", NOW, "x", force=True), metric=CostMetric.BILLED)


def pdf_text(client: Client) -> str:
    content = client.get("/statements/payments/pdf/?period=2025-11").content
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages)


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


def marks(client: Client) -> tuple[Decimal | None, list[tuple[str, Decimal | None]]]:
    """What the API says of the statement and its lines, by service."""
    said: dict[str, Any] = client.get(API).json()
    rows = [(row["service_name"], money(row["suggested_cost"])) for row in said["results"]]
    return money(said["suggested_cost"]), rows


COMPUTE, STORAGE = "Amazon Elastic Compute Cloud", "Amazon Simple Storage Service"
MARKED = (Decimal("11.25"), [(COMPUTE, Decimal("11.25")), (STORAGE, Decimal(0))])


def test_an_open_statement_says_what_of_it_is_by_tags_of_ours(tags: list[VirtualTag], lead: Client) -> None:
    """10 + 1.25 = 11.25 by ours; 37.75 − 11.25 = 26.50 by the bill's."""
    assert marks(lead) == MARKED
    head, rows = file_of(lead.get(f"{PAGE}&format=csv"))
    assert (head["Direct"], head["Direct by suggested tags"], head["Direct by the bill itself"]) == (
        "37.75", "11.25", "26.5"
    )  # fmt: skip
    at = rows[0].index("Of it by suggested tags")
    assert [(row[0], Decimal(row[at])) for row in rows[1:]] == MARKED[1]
    page = text_of(lead.get(PAGE))
    assert "of the direct costs are put here by accepted suggestions" in page
    assert "$11.25 suggested" in page
    assert "Of it by suggested tags" not in page  # a mark on the page, a column of files
    assert lead.get(f"{PAGE}&format=xlsx").status_code == 200


def test_without_virtual_tags_it_is_zero_and_the_page_says_nothing_of_it(bill: None, lead: Client) -> None:
    assert marks(lead) == (Decimal(0), [(COMPUTE, Decimal(0)), (STORAGE, Decimal(0))])
    assert "suggest" not in text_of(lead.get(PAGE)).split("<main")[1]
    close()
    assert marks(lead)[0] == Decimal(0)
    assert "bill 0.00" in " ".join(pdf_text(lead).split())


def test_a_closed_statement_keeps_it_whatever_becomes_of_the_tags(
    tags: list[VirtualTag], lead: Client, finops_lead: User, client_for: ClientFor
) -> None:
    made = close()
    assert hash_of(made) == made.data_hash
    for each in tags:
        each.delete()
    assert marks(lead) == MARKED
    head, _ = file_of(lead.get(f"{PAGE}&format=csv"))
    assert (head["Direct by suggested tags"], head["Direct by the bill itself"]) == ("11.25", "26.5")
    page = text_of(lead.get(PAGE))
    assert "of the direct costs were put here by accepted suggestions" in page
    text = " ".join(pdf_text(lead).split())
    assert "of it suggested: 11.25" in text
    assert "not by tags of the bill 11.25" in text
    by_team = lead.get("/api/v1/chargeback/?period=2025-11&basis=billed").json()["results"]
    assert {row["key"]: Decimal(row["suggested_cost"]) for row in by_team} == {"payments": Decimal("11.25")}
    page = text_of(client_for(finops_lead).get("/chargeback/?period=2025-11&basis=billed"))
    assert "$11.25 suggested" in page
    assert "$7.00 suggested" in page
    kept = Statement.objects.get(owner_key="search").suggested
    assert kept is not None
    assert [row[0] for row in kept] == [COMPUTE]
    assert Statement.objects.get(owner_key="").suggested == []  # nobody's 3 are by no tag


def test_what_is_kept_of_it_is_under_the_hash(tags: list[VirtualTag]) -> None:
    made = close()
    own = Statement.objects.get(close=made, owner_key="payments")
    assert own.suggested is not None
    own.suggested[0][3] = "1"  # billed cost
    own.save()
    assert hash_of(made) != made.data_hash


def test_a_month_closed_before_it_was_kept_still_verifies_and_says_not_known(bill: None, lead: Client) -> None:
    made = close()  # no virtual tag: its hash is over the lines alone, as all were before
    Statement.objects.update(suggested=None)
    assert hash_of(made) == made.data_hash
    assert marks(lead) == (None, [(COMPUTE, None), (STORAGE, None)])
    head, rows = file_of(lead.get(f"{PAGE}&format=csv"))
    assert head["Direct by suggested tags"].startswith("not known")
    assert {row[rows[0].index("Of it by suggested tags")] for row in rows[1:]} == {""}
    assert "is not known: the month was closed before" in text_of(lead.get(PAGE))
    assert "bill not known" in " ".join(pdf_text(lead).split())


def test_a_tag_that_ended_leaves_the_open_statement(tags: list[VirtualTag], lead: Client, finops_lead: User) -> None:
    end_virtual_tag(Scope.all(), tags[0].pk, reason="mistaken", author=finops_lead, now=NOW)
    retrack()
    assert marks(lead)[0] == Decimal(0)


def test_the_documents_cents_add_up_line_by_line() -> None:
    """1.005 + 2.005 + 0.50 = 3.51, booked 3.51: the first two have equal remainders of half a cent, so the larger is
    rounded up: 2.01, 1.00, 0.50. All of 1.005 is ours: 1.00. Of 2.005, 1.003 is ours and 1.002 the bill's: 1.00 each
    and one cent left, for the larger remainder: 1.01 and 1.00. Ours: 1.00 + 1.01 = 2.01; the bill's 1.00 + 0.50."""
    costs = (("1.005", "1.005"), ("2.005", "1.003"), ("0.50", "0"))
    lines = [
        StatementLine(f"S{place}", "1", "", "Usage", Decimal(cost), ref=str(place), suggested_cost=Decimal(ours))
        for place, (cost, ours) in enumerate(costs)
    ]
    groups = content_of(lines, Decimal("3.51"))
    found = {line.text: (line.amount, line.suggested) for line in groups[0].lines}
    expected = {"S1": ("2.01", "1.01"), "S0": ("1.00", "1.00"), "S2": ("0.50", "0")}
    assert found == {name: tuple(map(Decimal, pair)) for name, pair in expected.items()}
    assert suggested_total(groups) == Decimal("2.01")


@pytest.mark.parametrize("path", [PAGE, API])
def test_statements_keep_their_query_budget(
    tags: list[VirtualTag], lead: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        lead.get(path)
