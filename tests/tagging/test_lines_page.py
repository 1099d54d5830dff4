"""The page of lines: its sum, its filters, its pages, its files; and what another team's question gets."""

import csv
import io
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tagging.models import Team
from tagging.views import lines as page
from tests.conftest import ClientFor
from tests.tagging.lines_world import import_months
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    import_months(tmp_path)


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def get(client: Client, query: str) -> HttpResponse:
    response: HttpResponse = client.get(f"/lines/{query}")  # type: ignore[assignment]
    return response


def bytes_of(response: HttpResponse) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]


def test_the_page_shows_the_sum_and_that_it_is_the_figure(staff: Client) -> None:
    text = text_of(get(staff, "?period=2025-11"))
    # 1.00000000004 × 2 + 2 + 7 − 0.5 + 4 + 0.25 + 0.00000000003 = 14.75000000011, kept as 14.7500000001
    assert "8 lines" in text
    assert "$14.75" in text
    assert "14.7500000001</data>" in text
    assert "The lines alone are 14.75000000011; -0.00000000001 was rounded" in text


def test_a_team_gets_its_own_lines_whatever_it_asks(lead: Client) -> None:
    assert "3 lines" in text_of(get(lead, "?period=2025-11"))
    for asked in ("resource=i-3", "team=search", "text=i-3", "account=222222222222", "tag:Team=search"):
        text = text_of(get(lead, f"?period=2025-11&{asked}"))
        assert "0 lines" in text
        assert "No line of the bill for this choice" in text
    assert get(lead, "?source=aws-900000000001").status_code == 404
    assert "2 lines" in text_of(get(lead, "?period=2025-11&tag:Workload=Peak"))


def test_lines_come_as_csv_parquet_and_excel_with_the_same_sum(staff: Client) -> None:
    head, rows = file_of(get(staff, "?period=2025-11&format=csv&service=Amazon+Elastic+Compute+Cloud&sort=-cost"))
    assert (head["Lines"], head["Sum of the lines"], head["Basis"]) == ("7", "10.75000000011", "Billed cost")
    cost = rows[0].index("Billed cost")
    assert [row[cost] for row in rows[1:4]] == ["7", "2", "1.00000000004"]
    table = pq.read_table(io.BytesIO(bytes_of(get(staff, "?period=2025-11&format=parquet"))))
    assert table.num_rows == 8
    assert str(sum(table["billed_cost"].to_pylist()).normalize()) == "14.75000000011"
    book = openpyxl.load_workbook(io.BytesIO(bytes_of(get(staff, "?period=2025-11&format=xlsx"))))
    assert len([row for row in book["Table"].iter_rows(values_only=True) if row[0] and "2025-11-0" in row[0]]) == 8


def test_a_file_by_time_is_sorted_and_holds_no_formula(staff: Client) -> None:
    text = bytes_of(get(staff, "?period=2025-11&format=csv")).decode()
    rows = list(csv.reader(io.StringIO(text)))
    starts = [row[0] for row in rows if row and row[0].startswith("2025-11-")]
    assert len(starts) == 8 + 0
    assert starts == sorted(starts)


def test_a_workbook_has_a_limit_that_is_told(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "XLSX_LINES", 7)
    assert "Excel up to 7 lines" in text_of(get(staff, "?period=2025-11"))
    refused = get(staff, "?period=2025-11&format=xlsx")
    assert refused.status_code == 400
    assert "8 lines are more than the 7 a workbook" in text_of(refused)


def test_pages_lead_on_by_number_and_by_place(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "LINES_PER_PAGE", 3)
    monkeypatch.setattr(page, "DEEPEST_LINE", 4)
    first = staff.get("/lines/?period=2025-11&sort=-cost").context
    second = staff.get(first["next_url"]).context
    assert "page=2" in first["next_url"]
    third = staff.get(second["next_url"]).context
    assert "after=" in second["next_url"]
    assert (third["first_line"], third["last_line"], third["next_url"]) == (7, 8, "")
    costs = [cost for found in (first, second, third) for _, cost in found["rows"]]
    assert costs == sorted(costs, reverse=True)
    assert len(costs) == 8


@pytest.mark.parametrize("asked", ["sort=colour", "page=99999", "after=nonsense", "day=never", "format=pdf", "basis=x"])
def test_what_cannot_be_asked_is_refused(staff: Client, asked: str) -> None:
    assert get(staff, f"?period=2025-11&{asked}").status_code == 400


@pytest.mark.parametrize("asked", ["", "?period=2025-11&team=payments", "?resource=i-1", "?format=csv"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, asked: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, asked)


def test_amounts_of_other_pages_open_their_lines(staff: Client, lead: Client) -> None:
    for address in (
        "/explore/?from=2025-11&to=2025-11&by=service",
        "/chargeback/?period=2025-11",
        "/statements/payments/?period=2025-11",
        "/resources/?period=2025-11",
    ):
        text = text_of(staff.get(address))  # type: ignore[arg-type]
        assert 'class="to-lines" href="/lines/?' in text
    assert "/lines/?" in text_of(lead.get("/statements/payments/?period=2025-11"))  # type: ignore[arg-type]


def test_before_the_first_import_the_page_says_so(finops_lead: User, client_for: ClientFor) -> None:
    assert "No lines yet" in text_of(get(client_for(finops_lead), ""))
