"""How columns were read: the page of one import, the page of all sources, files, API; for staff only."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.models import BillImport
from costs.scope import Scope
from costs.selectors import source_columns
from costs.services import queue_retracking
from finops_site import pipeline
from tests.conftest import ClientFor
from tests.costs.bills import bring_in, line, write_csv
from tests.costs.focus_bills import focus_line, write_focus
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = pytest.mark.django_db(transaction=True)


def page(client: Client, path: str) -> str:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    return text_of(response)


@pytest.fixture
def focus(tmp_path: Path) -> BillImport:
    """A bill without list cost and invoices, with a column nobody reads."""
    path = write_focus(tmp_path / "f.csv", focus_line(x_Discounts="{}"), leave_out=("ListCost", "SubAccountName"))
    (made,) = bring_in(path)
    return made


@pytest.fixture
def cur(tmp_path: Path) -> BillImport:
    (made,) = bring_in(
        write_csv(tmp_path / "cur.csv", [line({"bill/PayerAccountId": "000000000099"}, cost="1", team="web")])
    )
    return made


def test_an_import_says_why_it_is_of_its_format_and_what_is_switched_off(staff: Client, focus: BillImport) -> None:
    text = page(staff, f"/imports/{focus.pk}/")
    for part in (
        "Taken for FOCUS, because of its columns BilledCost and ChargePeriodStart; version 1.0,",
        "List cost and savings",
        "contracted or billed cost stands in",
        "Final months",
        "no line tells its invoice, so the bill stays open",
        "x_Discounts",
        "ResourceId",
    ):
        assert part in text
    for part in ("Owners and rules by tag", "Costs by region", "Effective cost</dt>"):
        assert part not in text


def test_the_columns_of_each_field_are_a_file_too(staff: Client, focus: BillImport) -> None:
    head, rows = file_of(staff.get(f"/imports/{focus.pk}/?table=columns&format=csv"))  # type: ignore[arg-type]
    assert head == {"Source": "aws-000000000001-usd", "Month": "2026-05"}
    assert rows[0] == ["Field", "Columns of the file"]
    assert {"billed_cost": "BilledCost", "list_cost": "ContractedCost, BilledCost"}.items() <= dict(rows).items()


def test_every_source_has_a_row_with_its_reason_and_what_is_off(
    staff: Client, focus: BillImport, cur: BillImport, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES):
        text = page(staff, "/imports/columns/")
    for part in (
        "aws-000000000001-usd",
        f"/imports/{focus.pk}/#columns-title",
        "Cost and Usage Report, because of slash headers",
        "Contracted cost, Names of accounts, When commitments end",
    ):
        assert part in text
    _, rows = file_of(staff.get("/imports/columns/?format=csv"))  # type: ignore[arg-type]
    assert [row[0] for row in rows] == ["Source", "aws-000000000001-usd", "aws-000000000099"]
    off, absent, not_read = rows[1][3], rows[1][5], rows[1][6]
    assert "List cost and savings: contracted or billed cost stands in; " in off
    assert "SubAccountName" in absent
    assert not_read == "x_Discounts"


def test_without_a_bill_the_page_says_what_to_do(staff: Client) -> None:
    assert "Upload the first bill" in page(staff, "/imports/columns/")


def test_columns_are_known_after_the_month_was_rolled_up_again(focus: BillImport) -> None:
    pipeline.run_import(queue_retracking(tracked_keys=["project"], again=True)[0])
    (source,) = source_columns(Scope.all())
    assert source.import_pk != focus.pk
    assert dict(source.report.fields)["billed_cost"] == ("BilledCost",)
    assert "x_Discounts" in source.report.not_read


def test_the_api_tells_the_same(staff: Client, focus: BillImport) -> None:
    answer = staff.get(f"/api/v1/imports/{focus.pk}/").json()
    assert answer["columns_not_read"] == ["x_Discounts"]
    assert answer["format_reasons"][0].startswith("its columns BilledCost and ChargePeriodStart")
    assert {"name": "List cost and savings", "instead": "contracted or billed cost stands in"} in answer["switched_off"]


def test_nobody_but_staff_sees_how_columns_were_read(team_lead: User, client_for: ClientFor) -> None:
    assert client_for(team_lead).get("/imports/columns/").status_code in {403, 404}
