"""Explore and resources: every question adds up, drills deeper, and offers a reader only what is theirs."""

import csv
import io
import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from costs.periods import BillingPeriod
from costs.queries import NOT_SET, CostQuery
from costs.scope import Scope
from tagging.cost_charts import deeper
from tagging.cubes import pivot_of
from tagging.models import Team
from tagging.selectors import cost_cube, cost_pivot, filter_values
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, OCTOBER, Spend, month, name_account

pytestmark = pytest.mark.django_db
QUERIES = 20
PAYMENTS = Scope.teams(frozenset({"payments"}))
FULL = {"Team": "payments", "Environment": "Prod", "Owner": "ann", "CostCenter": "1", "Project": "till"}


@pytest.fixture
def two_months(team: Team, other_team: Team) -> None:
    """November: payments 30 (10 + 20), search 5, nobody 7, in all 42. October: payments 12, search 5, in all 17."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    name_account("111111111111", "shop")
    search = {"Team": "search", "Environment": "Dev"}
    month([Spend("12", tags=FULL), Spend("5", tags=search)], period=OCTOBER)
    month(
        [
            Spend("10", tags=FULL, resource="i-pay"),
            Spend("20", tags={"Team": "payments"}, day=30, service="Storage", usage_type="Disk", resource="bucket-pay"),
            Spend("5", tags=search, day=12, service="Indexing", account="222222222222", resource="i-search"),
            Spend("7", day=2, service="Support", category="Tax"),
        ]
    )


def text_of(response: Any) -> str:
    return unescape(response.content.decode())


def csv_of(response: Any) -> tuple[dict[str, str], list[list[str]]]:
    """The head and the table (with its header row) of a CSV answer."""
    rows = list(csv.reader(io.StringIO(b"".join(response.streaming_content).decode())))
    at = rows.index([])
    return {row[0]: row[1] for row in rows[:at]}, rows[at + 1 :]


# --- explore ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/explore/", "/resources/"])
def test_pages_are_for_logged_in_readers(client: Client, path: str) -> None:
    assert client.get(path).headers["Location"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize("path", ["/explore/", "/resources/"])
def test_a_stranger_gets_an_empty_page_that_says_what_to_do(two_months: None, client_for: ClientFor, path: str) -> None:
    page = text_of(client_for(User.objects.create_user("sid", password="x")).get(path))
    assert "Nothing has been given to your team yet" in page
    assert "$" not in page


def test_explore_starts_with_the_last_full_month_against_the_one_before(two_months: None, staff: Client) -> None:
    with time_machine.travel("2025-11-20 10:00Z"):
        query = staff.get("/explore/").context["asked"].query
    assert (query.first, query.last) == (OCTOBER, OCTOBER)
    with time_machine.travel("2025-12-01 00:01Z"):
        found = staff.get("/explore/").context["found"]
    assert (found.query.last, found.total, found.previous_total) == (NOVEMBER, Decimal(42), Decimal(17))


def test_explore_shows_every_value_its_change_and_totals_that_add_up(two_months: None, staff: Client) -> None:
    page = text_of(staff.get("/explore/?period=2025-11&by=team"))
    head, (header, *rows) = csv_of(staff.get("/explore/?period=2025-11&by=team&per=month&format=csv"))
    assert "$42.00" in page
    assert "+$25.00" in page
    assert head["Basis"] == "Billed cost"
    assert header == ["Team", "Cost", "October 2025", "Change", "Change %", "Share", "November 2025"]
    assert [(row[0], row[1], row[2], row[3], row[6]) for row in rows] == [
        ("Payments", "30", "12", "18", "30"),
        ("Search", "5", "5", "0", "5"),
        ("Unallocated", "7", "0", "7", "7"),
    ]


def test_the_trust_strip_adds_up_in_the_cents_it_shows(team: Team, staff: Client) -> None:
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    month([Spend("0.5045", tags={"Team": "payments"}), Spend("0.5045")])
    # 0.5045 + 0.5045 = 1.009 → 1.01. Rounded alone both would be 0.50, one cent short.
    page = re.sub("<[^>]*>", "", text_of(staff.get("/explore/?period=2025-11")))
    assert "Bill $1.01 − owners $0.51 − unallocated $0.50 = $0.00" in page


def test_explore_compares_an_unfinished_month_with_the_same_days_and_says_so(staff: Client) -> None:
    month([Spend("4", day=2), Spend("9", day=20)], period=OCTOBER)
    month([Spend("5", day=1), Spend("1", day=3)])
    # Days 1 to 3: 6 now, 4 before (the 9 of the 20th is left out).
    _, (header, row) = csv_of(staff.get("/explore/?period=2025-11&per=month&format=csv"))
    assert (header[2], row[1], row[2]) == ("October 2025, 1–3", "6", "4")


def test_explore_compares_several_months_up_to_the_same_day_of_an_unfinished_one(staff: Client) -> None:
    spends = {"2025-08": [Spend("3")], "2025-09": [Spend("4", day=2), Spend("9", day=20)], "2025-10": [Spend("7")]}
    for name, costs in spends.items():
        month(costs, period=BillingPeriod.parse(name))
    month([Spend("5", day=1), Spend("1", day=3)])
    # 1 October to 3 November: 7 + 5 + 1 = 13. 1 August to 3 September: 3 + 4 = 7 (the 9 of the 20th is left out).
    response = staff.get("/explore/?from=2025-10&to=2025-11&per=month")
    found = response.context["found"]
    assert (found.total, found.previous_total) == (Decimal(13), Decimal(7))
    page = text_of(response)
    assert "against 1 August 2025 to 3 September 2025" in page
    assert "+$6.00" in page
    assert "+85.7" in page


def test_explore_compares_full_months_with_as_many_full_ones(staff: Client) -> None:
    for name in ("2025-08", "2025-09"):
        month([Spend("3")], period=BillingPeriod.parse(name))
    month([Spend("7")], period=OCTOBER)
    month([Spend("5", day=30)])
    page = text_of(staff.get("/explore/?from=2025-10&to=2025-11"))
    assert "against August 2025 to September 2025" in page
    # 12 now, 6 before.
    assert "+$6.00" in page


def test_explore_compares_nothing_where_one_of_the_months_before_has_no_costs(staff: Client) -> None:
    month([Spend("4")], period=BillingPeriod.parse("2025-09"))
    month([Spend("7")], period=OCTOBER)
    month([Spend("5", day=22)])
    response = staff.get("/explore/?from=2025-10&to=2025-11")
    page = text_of(response)
    assert response.context["found"].previous_total == 0
    assert page.count("There is nothing to compare with: no costs in August 2025.") >= 2
    assert "+$8.00" not in page
    head, (header, *_) = csv_of(staff.get("/explore/?from=2025-10&to=2025-11&format=csv"))
    assert head["Compared with"].startswith("There is nothing to compare with")
    assert "Change" not in header


def test_explore_compares_nothing_where_one_of_its_own_months_has_no_costs(staff: Client) -> None:
    for name in ("2025-07", "2025-08", "2025-09", "2025-11"):
        month([Spend("4", day=30)], period=BillingPeriod.parse(name))
    found = staff.get("/explore/?from=2025-10&to=2025-11").context["found"]
    assert (found.compared, [str(period) for period in found.not_covered]) == (None, ["2025-10"])


def test_explore_cuts_rows_by_a_second_dimension_that_sums_both_ways(two_months: None, staff: Client) -> None:
    _, (header, *rows) = csv_of(staff.get("/explore/?period=2025-11&by=team&then=service&format=csv"))
    assert header[6:] == ["Storage", "Compute", "Support", "Indexing"]
    assert [[row[0], row[1], *row[6:]] for row in rows] == [
        ["Payments", "30", "20", "10", "0", "0"],
        ["Search", "5", "0", "0", "0", "5"],
        ["Unallocated", "7", "0", "0", "7", "0"],
    ]


def test_explore_draws_the_top_and_the_others_so_that_they_add_up(two_months: None, staff: Client) -> None:
    chart = staff.get("/explore/?period=2025-11&by=service&per=month&top=2").context["chart"]
    assert [(row.name, sum(row.amounts)) for row in chart.series] == [
        ("Storage", Decimal(20)),
        ("Compute", Decimal(10)),
        ("Other (2)", Decimal(12)),
    ]


def test_explore_keeps_its_whole_state_in_the_address(two_months: None, staff: Client) -> None:
    address = "/explore/?from=2025-10&to=2025-11&by=service&then=account&per=week&basis=effective&top=5&team=payments"
    page = text_of(staff.get(address))
    deeper_links = re.findall(r'href="(/explore/\?[^"]*service=Storage[^"]*)"', page)
    for kept in ("from=2025-10", "to=2025-11", "then=account", "per=week", "basis=effective", "top=5", "team=payments"):
        assert any(kept in link for link in deeper_links), kept


def test_explore_opens_a_value_one_step_deeper_down_to_its_lines(two_months: None, staff: Client) -> None:
    query = CostQuery(NOVEMBER, NOVEMBER, group_by="team")
    first = deeper(query, "payments")
    second = deeper(first, "Storage")
    third = deeper(second, "Disk")
    assert [item.group_by for item in (first, second, third)] == ["service", "usage_type", "account"]
    assert third.filters == (("team", "payments"), ("service", "Storage"), ("usage_type", "Disk"))
    page = text_of(staff.get("/explore/?period=2025-11&by=usage_type&team=payments&service=Storage"))
    assert "/resources/?period=2025-11&basis=billed&service=Storage&team=payments" in page
    assert "/why/payments/?period=2025-11&basis=billed&service=Storage" in page


def test_explore_filters_by_several_values_and_lists_them(two_months: None, staff: Client) -> None:
    response = staff.get("/explore/?period=2025-11&service=Storage&service=Support&tag:Team=payments")
    assert response.context["found"].total == Decimal(20)
    chips = [(chip.name, chip.value) for chip in response.context["chips"]]
    assert chips == [("Service", "Storage"), ("Service", "Support"), ("Tag Team", "payments")]
    # What no list of check boxes can show is carried along.
    assert response.context["kept"] == [("tag:Team", "payments")]


def test_explore_without_costs_before_compares_with_nothing(two_months: None, staff: Client) -> None:
    response = staff.get("/explore/?period=2025-10")
    assert "There is nothing to compare with: no costs in September 2025." in text_of(response)
    assert "September" not in str([column.header for column in response.context["table"].columns])


def test_explore_offers_and_answers_a_team_only_its_own(two_months: None, lead: Client) -> None:
    response = lead.get("/explore/?period=2025-11&by=team")
    page = text_of(response)
    assert response.context["found"].total == Decimal(30)
    foreign = ("Search", "search", "Indexing", "Support", "222222222222", "Unallocated", "$42", "$5.00", "$7.00", "Tax")
    for word in foreign:
        assert word not in page, word
    assert "Storage" in page


def test_explore_answers_a_filter_on_another_team_as_on_none(two_months: None, lead: Client) -> None:
    other, none = (text_of(lead.get(f"/explore/?period=2025-11&team={key}")) for key in ("search", "nobody-at-all"))
    token = re.compile(r'name="csrfmiddlewaretoken" value="[^"]*"')
    assert token.sub("", other).replace("search", "X") == token.sub("", none).replace("nobody-at-all", "X")


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ("by=colour", "'colour' is not a dimension"),
        ("then=colour", "'colour' is not a dimension"),
        ("from=2025-12&to=2025-11", "Swap from and to"),
        ("basis=guess", "'guess' is not a cost basis"),
        ("top=0", "Use 1 to 50"),
        ("top=²", "Use 1 to 50"),
        ("per=year", "'year' is not a granularity"),
        ("format=pdf", "Use format=csv or format=xlsx"),
    ],
)
def test_explore_names_what_is_wrong_with_a_question(two_months: None, staff: Client, params: str, named: str) -> None:
    response = staff.get(f"/explore/?{params}")
    assert response.status_code == 400
    assert named in text_of(response)


@pytest.mark.parametrize(
    "path",
    [
        "/explore/",
        "/explore/?by=team&then=service&service=Storage",
        "/explore/?by=usage_type&from=2025-10&to=2025-11",
        "/resources/?team=payments",
    ],
)
@pytest.mark.parametrize("who", ["finops_lead", "team_lead"])
def test_pages_keep_to_their_queries(
    two_months: None,
    who: str,
    path: str,
    request: pytest.FixtureRequest,
    client_for: ClientFor,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    client = client_for(request.getfixturevalue(who))
    with django_assert_max_num_queries(QUERIES):
        assert client.get(path).status_code == 200


# --- resources --------------------------------------------------------------------------------------


def test_resources_list_cost_owner_and_the_state_of_every_tag(two_months: None, staff: Client) -> None:
    _, (header, *rows) = csv_of(staff.get("/resources/?period=2025-11&format=csv"))
    tags = ["Owner", "Environment", "Team", "CostCenter", "Project"]
    assert sorted(header[3:8]) == sorted(tags)
    by_id = {row[0]: dict(zip(header, row, strict=True)) for row in rows}
    assert [(row[0], row[1], row[2]) for row in rows] == [
        ("bucket-pay", "Payments", "20"),
        ("i-pay", "Payments", "10"),
        ("i-search", "Search", "5"),
    ]
    assert [by_id["i-pay"][key] for key in tags] == ["ann", "Prod", "payments", "1", "till"]
    assert [by_id["bucket-pay"][key] for key in tags] == ["", "", "payments", "", ""]


@pytest.mark.parametrize(
    ("params", "ids"),
    [
        ("team=search", ["i-search"]),
        ("service=Storage", ["bucket-pay"]),
        ("account=222222222222", ["i-search"]),
        ("state=compliant", ["i-pay"]),
        ("state=to_fix", ["bucket-pay", "i-search"]),
        ("missing=Environment", ["bucket-pay"]),
        ("search=I-", ["i-pay", "i-search"]),
        ("sort=cost", ["i-search", "i-pay", "bucket-pay"]),
    ],
)
def test_resources_are_narrowed_and_sorted_by_the_address(
    two_months: None, staff: Client, params: str, ids: list[str]
) -> None:
    _, (_, *rows) = csv_of(staff.get(f"/resources/?period=2025-11&format=csv&{params}"))
    assert [row[0] for row in rows] == ids


def test_resources_of_a_team_are_its_own(two_months: None, lead: Client) -> None:
    page = text_of(lead.get("/resources/?period=2025-11"))
    assert "bucket-pay" in page
    assert "$30.00" in page
    for foreign in ("i-search", "Search", "Indexing", "222222222222", "$35.00"):
        assert foreign not in page, foreign


def test_resources_lead_to_the_lines_of_the_bill(two_months: None, staff: Client) -> None:
    page = text_of(staff.get("/resources/?period=2025-11"))
    assert "/lines/?period=2025-11&basis=billed&currency=USD&account=" in page
    assert "&resource=bucket-pay&taggable=yes" in page


def test_resources_go_to_excel_as_numbers(two_months: None, staff: Client) -> None:
    book = load_workbook(io.BytesIO(staff.get("/resources/?period=2025-11&team=payments&format=xlsx").content))
    rows = list(book.active.iter_rows(values_only=True))
    assert ("Filter: Team", "payments") in [row[:2] for row in rows]
    assert ("bucket-pay", "Payments", 20) in [row[:3] for row in rows]


def test_resources_refuse_a_state_there_is_none_of(two_months: None, staff: Client) -> None:
    response = staff.get("/resources/?state=odd")
    assert response.status_code == 400
    assert "Use compliant or to_fix" in text_of(response)


# --- cubes ------------------------------------------------------------------------------------------


@pytest.mark.real_parts
def test_a_cube_gives_the_same_totals_by_every_dimension(two_months: None) -> None:
    cube = cost_cube(Scope.all(), CostQuery(NOVEMBER, NOVEMBER), ("team", "service", "usage_type", "tag:Owner"))
    for dimension in cube.dimensions:
        found = cube.by(dimension)
        assert (found.total, found.previous_total) == (Decimal(42), Decimal(17))
        assert sum((row.change for row in found.rows), Decimal(0)) == Decimal(25)
    nobody = cube.only("team", "").by("service")
    assert [(row.label, row.cost) for row in nobody.rows] == [("Support", Decimal(7))]


@pytest.mark.real_parts
def test_a_cube_of_a_team_holds_its_own_costs_alone(two_months: None) -> None:
    cube = cost_cube(PAYMENTS, CostQuery(NOVEMBER, NOVEMBER), ("team", "service"))
    assert {row.key for row in cube.by("team").rows} == {"payments"}
    assert cube.by("service").total == Decimal(30)


@pytest.mark.real_parts
def test_a_pivot_keeps_its_top_columns_and_sums_the_rest(two_months: None) -> None:
    query = CostQuery(OCTOBER, NOVEMBER, group_by="team")
    pivot = cost_pivot(Scope.all(), query, "service", top=1)
    # Both months: Compute 12 + 5 + 10 = 27; Storage 20, Support 7, Indexing 5.
    assert pivot.columns == ("Compute", "Other (3)")
    assert pivot.totals == (Decimal(27), Decimal(32))
    assert pivot.rows["payments"] == (Decimal(22), Decimal(20))
    assert pivot.rows[NOT_SET] == (Decimal(0), Decimal(7))


def test_a_pivot_puts_costs_without_a_value_last() -> None:
    cells: dict[tuple[str, ...], Decimal] = {("a", ""): Decimal(9), ("a", "x"): Decimal(1), ("", "y"): Decimal(-2)}
    pivot = pivot_of(cells, {"": "No tag"}, top=5)
    assert pivot.columns == ("x", "y", "No tag")
    assert {key: [int(cost) for cost in row] for key, row in pivot.rows.items()} == {
        "a": [1, 0, 9],
        NOT_SET: [0, -2, 0],
    }


@pytest.mark.real_parts
def test_filters_offer_only_values_with_costs_of_the_reader(two_months: None) -> None:
    query = CostQuery(NOVEMBER, NOVEMBER)
    assert filter_values(PAYMENTS, query, ("service", "account", "environment")) == {
        "service": (("Compute", "Compute"), ("Storage", "Storage")),
        "account": (("111111111111", "shop (111111111111)"),),
        "environment": (("Prod", "Prod"), (NOT_SET, "No environment")),
    }
