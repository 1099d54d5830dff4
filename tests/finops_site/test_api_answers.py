"""Every endpoint's whole answer, its figures added up by hand, its query budget, and who may see what."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from budgets.terms import ScopeKind
from ri.services import import_prices, recommend
from tagging import services as owners
from tagging.middleware import VIEW_AS_SESSION_KEY
from tagging.models import AllocationRule, Team
from tests.budgets.world import evaluate, make_budget, make_rules, november, october
from tests.costs.bills import bring_in, write_csv
from tests.finops_site.api_world import Api, assert_golden
from tests.ri.world import lines, price_file

pytestmark = pytest.mark.django_db

ENDPOINTS = {
    "costs": "costs/?by=team&from=2026-01&to=2026-02",
    "costs_by_day": "costs/?by=service&per=day&period=2026-02&basis=effective",
    "allocations": "allocations/?period=2026-02",
    "lines": "lines/?period=2026-02&sort=-cost&page_size=2",
    "chargeback": "chargeback/?period=2026-02",
    "chargeback_by_tag": "chargeback/?period=2026-02&by=tag:owner",
    "statements": "statements/?period=2026-02",
    "statement": "statements/payments/?period=2026-02",
    "shares": "shares/?period=2026-02",
    "compliance": "compliance/?period=2026-02",
    "compliance_groups": "compliance/groups/?period=2026-02&by=account",
    "resources": "resources/?period=2026-02",
}
PLANS = {
    "budgets": "budgets/",
    "budget": "budgets/payments-monthly/",
    "budget_of_all_spend": "budgets/everything/",
    "alerts": "alerts/",
    "recommendations": "commitments/recommendations/",
}
STAFF_ONLY = ("budget_of_all_spend", "recommendations")
QUERY_BUDGET = 20


def without_pks(answer: dict[str, Any], pk: int) -> dict[str, Any]:
    """Its key and seconds differ from run to run; what the intake read and found is the intake's to test."""
    assert answer["id"] == pk
    assert answer["columns_read"]["line_item_unblended_cost"] == "lineItem/UnblendedCost"
    kept = {name: value for name, value in answer.items() if name not in {"columns_read", "columns_absent", "findings"}}
    return {**kept, "id": 1, "seconds": 0, "files": [{**file, "size": 1} for file in answer["files"]]}


@pytest.mark.real_parts
@pytest.mark.parametrize("reader", ["staff", "team"])
def test_every_answer_is_the_golden_one_within_the_query_budget(
    reader: str, months: list[int], staff: Api, lead: Api, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    api = staff if reader == "staff" else lead
    for name, path in ENDPOINTS.items():
        with django_assert_max_num_queries(QUERY_BUDGET):
            response = api.get(path)
        assert response.status_code == 200, (path, response.content)
        assert_golden(f"api_{name}_{reader}", response.json())


@pytest.fixture
def planned(team: Team, other_team: Team, tmp_path: Path) -> Iterator[None]:
    """Payments and all spend with a budget each, evaluated on the 15th; and eight days of a bill, advised on."""
    make_rules()
    october()
    november(14)
    make_budget()
    make_budget(ScopeKind.TOTAL, "", amount="400", name="Everything")
    bring_in(write_csv(tmp_path / "bill.csv", list(lines())), source="aws")
    import_prices(price_file(tmp_path))
    with time_machine.travel(date(2025, 11, 15), tick=False):
        evaluate(15)
        recommend("aws")
        yield


@pytest.mark.real_parts
@pytest.mark.parametrize("reader", ["staff", "team"])
def test_every_answer_on_plans_is_the_golden_one_within_the_query_budget(
    reader: str, planned: None, staff: Api, lead: Api, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    api = staff if reader == "staff" else lead
    for name, path in PLANS.items():
        with django_assert_max_num_queries(QUERY_BUDGET):
            response = api.get(path)
        assert response.status_code == (404 if reader == "team" and name in STAFF_ONLY else 200), response.content
        assert_golden(f"api_plans_{name}_{reader}", response.json())


def test_import_answer_is_the_golden_one_within_the_query_budget(
    months: list[int], staff: Api, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(QUERY_BUDGET):
        detail = staff.get(f"imports/{months[1]}/")
    assert detail.status_code == 200, detail.content
    assert_golden("api_import", without_pks(detail.json(), months[1]))


def test_import_list_is_newest_first_with_the_bill_of_each(
    months: list[int], staff: Api, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    with django_assert_max_num_queries(QUERY_BUDGET):
        rows = staff.get("imports/").json()["results"]
    assert [row["id"] for row in rows] == months[::-1]
    assert [(row["billing_period"], row["billed_cost"], row["rows"]) for row in rows] == [
        ("2026-02", "39.875", 5),
        ("2026-01", "38", 2),
    ]
    assert {row["state"] for row in rows} == {"in_force"}
    assert {row["basis"] for row in rows} == {"billed"}


def test_chargeback_adds_up_to_the_bill_for_staff(months: list[int], staff: Api) -> None:
    answer = staff.get("chargeback/", {"period": "2026-02"}).json()
    assert [(row["key"], row["total_cost"]) for row in answer["results"]] == [("search", "20"), ("payments", "15.75")]
    assert answer["bill_total"] == "39.875"
    assert answer["unallocated_cost"] == "4.125"
    assert answer["difference"] == "0"
    rows = sum(Decimal(row["total_cost"]) for row in answer["results"])
    assert rows + Decimal(answer["unallocated_cost"]) == Decimal(answer["bill_total"])


def test_allocations_name_the_rule_that_decided_and_nobody_has_none(months: list[int], staff: Api) -> None:
    answer = staff.get("allocations/", {"period": "2026-02"}).json()
    by_owner = {row["team_key"]: row for row in answer["results"]}
    assert set(by_owner) == {"payments", "search", ""}
    assert by_owner["search"]["rule"]
    assert by_owner["search"]["cost"] == "20"
    assert by_owner[""]["cost"] == "4.125"
    assert by_owner[""]["sub_account_id"] == "222222222222"
    assert answer["total_cost"] == "39.875"


def test_allocations_of_nobody_are_found_by_their_filter(months: list[int], staff: Api, lead: Api) -> None:
    asked = {"period": "2026-02", "team": "(none)"}
    assert [row["cost"] for row in staff.get("allocations/", asked).json()["results"]] == ["4.125"]
    assert lead.get("allocations/", asked).json()["results"] == []


def test_figures_of_the_whole_bill_are_null_for_a_team(months: list[int], lead: Api) -> None:
    for path in ("chargeback/", "statements/"):
        answer = lead.get(path, {"period": "2026-02"}).json()
        assert [answer[name] for name in ("bill_total", "unallocated_cost", "difference")] == [None, None, None]


def test_answers_to_a_team_lead_hold_nothing_of_other_teams(months: list[int], lead: Api) -> None:
    secrets = (b"search", b"Search", b"i-lost", b"222222222222", b"39.875", b"4.125", b"CC-200")
    for path in ENDPOINTS.values():
        for accept in ("application/json", "text/csv"):
            body = lead.get(path, accept=accept).content
            assert [secret for secret in secrets if secret in body] == [], (path, accept)


def test_statement_of_another_team_is_the_same_404_as_one_of_no_team(months: list[int], lead: Api) -> None:
    other = lead.get("statements/search/", {"period": "2026-02"})
    none = lead.get("statements/no-such-team/", {"period": "2026-02"})
    assert other.status_code == none.status_code == 404
    assert other.content == none.content
    assert other.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize(
    "path",
    [
        "imports/",
        "imports/1/",
        "imports/1/errors/",
        "imports/999999/",
        "uploads/",
        "sources/",
        "sources/acme/deliveries/",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_staff_endpoints_do_not_exist_for_a_team_lead(path: str, method: str, lead: Api) -> None:
    response = getattr(lead.client, method)(f"/api/v1/{path}", headers=lead.headers({}))
    assert response.status_code == 404
    assert response.json()["error"]["message"] == "Nothing here."


def test_api_shows_what_the_viewed_user_sees_and_changes_nothing_while_viewing_as(
    months: list[int], finops_lead: User, team_lead: User, lead: Api
) -> None:
    client = Client(raise_request_exception=False)
    client.force_login(finops_lead)
    session = client.session
    session[VIEW_AS_SESSION_KEY] = team_lead.pk
    session.save()
    path = "/api/v1/chargeback/?period=2026-02"
    assert client.get(path).content == lead.get("chargeback/?period=2026-02").content
    assert client.get("/api/v1/imports/").status_code == 404
    refused = client.post("/api/v1/auth/login/")
    assert refused.status_code == 403
    assert "view as another user" in refused.json()["error"]["message"]


def test_token_shows_its_own_user_whatever_session_comes_along(months: list[int], finops_lead: User, lead: Api) -> None:
    lead.client.force_login(finops_lead)
    assert lead.get("imports/").status_code == 404
    assert lead.get("chargeback/?period=2026-02").json()["bill_total"] is None


def test_month_is_the_newest_with_costs_of_the_reader_when_none_is_asked_for(
    months: list[int], staff: Api, lead: Api
) -> None:
    assert staff.get("chargeback/").json()["billing_period"] == "2026-02"
    assert lead.get("costs/").json()["last_period"] == "2026-02"


def test_answers_are_empty_lists_before_the_first_import(staff: Api, lead: Api) -> None:
    for api in (staff, lead):
        for path in ("costs/", "allocations/", "chargeback/", "statements/", "compliance/groups/", "resources/"):
            response = api.get(path)
            assert response.status_code == 200, (path, response.content)
            assert response.json()["results"] == []


# --- pages -----------------------------------------------------------------------------------------


def test_pages_of_one_row_follow_each_other_both_ways_and_miss_nothing(months: list[int], staff: Api) -> None:
    whole = staff.get("resources/", {"period": "2026-02"}).json()["results"]
    assert len(whole) == 5
    seen, url, previous = [], "resources/?period=2026-02&page_size=1", ""
    while url:
        page = staff.get(url.removeprefix("http://testserver/api/v1/")).json()
        seen += page["results"]
        url, previous = page["next"], page["previous"]
    assert seen == whole
    back = []
    while previous:
        page = staff.get(previous.removeprefix("http://testserver/api/v1/")).json()
        back += page["results"]
        previous = page["previous"]
    assert back == whole[-2::-1]


def test_cursor_stays_good_when_rows_before_it_vanish(months: list[int], staff: Api) -> None:
    first = staff.get("chargeback/", {"period": "2026-02", "page_size": 1}).json()
    assert [row["key"] for row in first["results"]] == ["search"]
    AllocationRule.objects.filter(team__key="search").update(is_active=False)
    owners.reallocate()
    second = staff.get(first["next"].removeprefix("http://testserver/api/v1/")).json()
    assert [row["key"] for row in second["results"]] == ["payments"]


@pytest.mark.parametrize("size", ["0", "1001", "-1", "ten", "1e3", "٣", "999999999999"])
def test_page_size_outside_1_to_1000_is_refused(size: str, lead: Api) -> None:
    response = lead.get("costs/", {"page_size": size})
    assert response.status_code == 400
    assert list(response.json()["error"]["fields"]) == ["page_size"]


# --- CSV -------------------------------------------------------------------------------------------


def test_csv_by_accept_holds_the_same_rows_as_json_with_basis_and_currency(months: list[int], staff: Api) -> None:
    response = staff.get("statements/payments/", {"period": "2026-02"}, accept="text/csv")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    assert rows == staff.get("statements/payments/", {"period": "2026-02"}).json()["results"]
    assert {(row["basis"], row["currency"]) for row in rows} == {("billed", "USD")}


def test_csv_of_costs_has_a_column_for_every_bucket(months: list[int], staff: Api) -> None:
    response = staff.get("costs/", {"by": "team", "from": "2026-01", "to": "2026-02", "format": "csv"})
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(response.content.decode()))}
    assert (rows["payments"]["2026-01-01"], rows["payments"]["2026-02-01"]) == ("8", "15.75")
    assert response["Content-Disposition"] == 'attachment; filename="costs.csv"'


def test_csv_is_the_whole_list_unless_a_page_is_asked_for(months: list[int], staff: Api) -> None:
    asked = {"period": "2026-02", "format": "csv"}
    whole = staff.get("resources/", asked)
    page = staff.get("resources/", {**asked, "page_size": 2})
    assert len(whole.content.splitlines()) == 1 + 5
    assert len(page.content.splitlines()) == 1 + 2
    assert 'rel="next"' in page["Link"]
    assert "Link" not in whole


def test_csv_cells_cannot_become_formulas(months: list[int], team: Team, staff: Api) -> None:
    Team.objects.filter(pk=team.pk).update(name='=HYPERLINK("http://evil.example")')
    body = staff.get("statements/", {"period": "2026-02", "format": "csv"}).content.decode()
    names = [row["team_name"] for row in csv.DictReader(io.StringIO(body))]
    assert '\'=HYPERLINK("http://evil.example")' in names


def test_error_in_an_answer_asked_for_as_csv_is_json(lead: Api) -> None:
    response = lead.get("costs/", {"by": "nonsense"}, accept="text/csv")
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"]["fields"]["by"]
