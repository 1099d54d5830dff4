"""The month's chargeback and the statement: figures tie to the data, teams get their own only."""

import io
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from openpyxl import load_workbook
from pytest_django import DjangoAssertNumQueries

from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import OCTOBER, Spend, month
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db


@pytest.fixture
def world(team: Team, other_team: Team) -> None:
    two_months()


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def lead(team_lead: User, client_for: ClientFor, world: None) -> Client:
    return client_for(team_lead)


def test_chargeback_names_owners_by_size_of_change_and_what_nobody_owns(staff: Client) -> None:
    response = get(staff, "/chargeback/")
    text = text_of(response)
    assert response.status_code == 200
    # payments rose by 18, search by 0
    assert text.index(">Payments<") < text.index(">Search<")
    for figure in ("$30.00", "+$18.00", "$5.00", "$7.00", "$42.00", "16.7", "Draft", "Unallocated"):
        assert figure in text
    assert "Bill" in text
    assert "$0.00" in text


def test_chargeback_file_sums_to_the_bill_with_the_unallocated_line(staff: Client) -> None:
    head, rows = file_of(get(staff, "/chargeback/?period=2025-11&format=csv"))
    assert (head["Bill total"], head["Owners"], head["Unallocated"], head["Difference"]) == ("42", "35", "7", "0")
    assert head["State"].startswith("Draft")
    totals = {row[0]: row[rows[0].index("Total")] for row in rows[1:]}
    assert totals == {"Payments": "30", "Search": "5", "Unallocated": "7"}


def unfinished_november(team: Team, other_team: Team) -> None:
    """October: payments 10 on the 1st and 90 on the 20th, search 40 on the 2nd, nobody 6 on the 3rd and 50 on the 9th.

    November so far, to the 4th: payments 12, search 5, nobody 8. Compared with 1 to 4 October: payments 10 (+2),
    search 40 (−35), nobody 6 (+2); in all 25 against 56 (−31).
    """
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    pay, search = {"Team": "payments"}, {"Team": "search"}
    early = [Spend("10", tags=pay), Spend("40", day=2, tags=search), Spend("6", day=3)]
    month([*early, Spend("90", day=20, tags=pay), Spend("50", day=9)], period=OCTOBER)
    month([Spend("12", tags=pay), Spend("5", day=4, tags=search), Spend("8", day=2)])


def test_an_unfinished_month_is_compared_with_the_same_days_and_says_so(
    team: Team, other_team: Team, finops_lead: User, client_for: ClientFor
) -> None:
    unfinished_november(team, other_team)
    staff = client_for(finops_lead)
    page = text_of(get(staff, "/chargeback/?period=2025-11"))
    assert "Change against October 2025, 1–4" in page
    assert "largest change against October 2025, 1–4 first" in page
    assert page.rindex(">Search<") < page.rindex(">Payments<")
    for by in ("team", "tag:Team"):
        head, (header, *rows) = file_of(get(staff, f"/chargeback/?period=2025-11&by={by}&format=csv"))
        assert head["Change against"] == "October 2025, 1–4"
        before, moved = header.index("October 2025, 1–4"), header.index("Change")
        assert [(row[0].lower(), row[before], row[moved]) for row in rows] == [
            ("search", "40", "-35"),
            ("payments", "10", "2"),
            ("unallocated", "6", "2"),
        ]
    # −31 ÷ 56 is no row; −35 ÷ 40 = −0.875, 12 ÷ 25 = 0.48, 8 ÷ 6 − 1 = 0.333333
    _, (header, *rows) = file_of(get(staff, "/chargeback/?period=2025-11&format=csv"))
    assert [row[header.index("Change %")] for row in rows] == ["-0.875", "0.2", "0.333333"]


def test_the_total_row_adds_up_all_lines_with_the_unallocated(
    team: Team, other_team: Team, finops_lead: User, client_for: ClientFor
) -> None:
    unfinished_november(team, other_team)
    page = text_of(get(client_for(finops_lead), "/chargeback/?period=2025-11"))
    total = page[page.index("<tfoot>") : page.index("</tfoot>")]
    # direct 12 + 5 of owners and 8 of nobody, and so is the total; before 10 + 40 + 6
    for figure in ("Total", "$56.00", "−$31.00"):
        assert figure in total, figure
    assert total.count("$25.00") == 2


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("-change", ["Search", "Payments", "Unallocated"]),
        ("change", ["Payments", "Search", "Unallocated"]),
        ("total_cost", ["Search", "Payments", "Unallocated"]),
        ("-total_cost", ["Payments", "Search", "Unallocated"]),
        ("owner", ["Payments", "Search", "Unallocated"]),
    ],
)
@pytest.mark.parametrize("file_format", ["csv", "xlsx"])
def test_the_reader_sorts_either_way_and_by_the_size_of_the_change(
    team: Team,
    other_team: Team,
    finops_lead: User,
    client_for: ClientFor,
    sort: str,
    names: list[str],
    file_format: str,
) -> None:
    unfinished_november(team, other_team)
    response = get(client_for(finops_lead), f"/chargeback/?period=2025-11&sort={sort}&format={file_format}")
    if file_format == "csv":
        found = [row[0] for row in file_of(response)[1][1:]]
    else:
        rows = list(load_workbook(io.BytesIO(response.content)).active.iter_rows(values_only=True))
        found = [str(row[0]) for row in rows[-3:]]
    assert found == names


def test_an_owner_who_only_had_costs_before_is_a_row_with_the_fall(staff: Client) -> None:
    month([Spend("9", service="Queue"), Spend("12"), Spend("5")], period=OCTOBER)
    # October by service: Compute 17, Queue 9; November: Compute 22, Storage 20.
    _, (header, *rows) = file_of(get(staff, "/chargeback/?period=2025-11&by=service&format=csv"))
    places = [header.index(name) for name in ("Total", "October 2025, 1–2", "Change")]
    assert [(row[0], *(row[at] for at in places)) for row in rows] == [
        ("Storage", "20", "0", "20"),
        ("Queue", "0", "9", "-9"),
        ("Compute", "22", "17", "5"),
    ]


def test_a_first_month_is_compared_with_nothing(staff: Client) -> None:
    page = text_of(get(staff, "/chargeback/?period=2025-10"))
    assert "September 2025 has no costs to compare with" in page
    head, (header, *_) = file_of(get(staff, "/chargeback/?period=2025-10&format=csv"))
    assert head["Change against"].startswith("nothing")
    assert "Change" not in header
    assert "no costs in September 2025 to compare with" in text_of(get(staff, "/statements/payments/?period=2025-10"))


def test_a_statement_of_an_unfinished_month_agrees_with_the_team_page_and_the_interface(
    team: Team, other_team: Team, team_lead: User, client_for: ClientFor
) -> None:
    unfinished_november(team, other_team)
    lead = client_for(team_lead)
    # Payments has costs on the 1st alone: 12 against 10 on 1 October.
    page = text_of(get(lead, "/statements/payments/?period=2025-11"))
    assert "+$2.00" in page
    assert "against October 2025, 1–1" in page
    assert "+$2.00" in text_of(get(lead, "/teams/payments/?period=2025-11"))
    head, _ = file_of(get(lead, "/statements/payments/?period=2025-11&format=csv"))
    assert (head["Change against"], head["October 2025, 1–1"], head["Change"]) == ("October 2025, 1–1", "10", "2")
    answer: Any = get(lead, "/api/v1/statements/?period=2025-11")
    [row] = answer.json()["results"]
    assert (row["previous_total_cost"], row["change"]) == ("10", "2")
    assert (answer.json()["previous_from"], answer.json()["previous_to"]) == ("2025-10-01", "2025-10-01")


def test_the_interface_compares_statements_chargeback_and_costs_alike(
    team: Team, other_team: Team, finops_lead: User, client_for: ClientFor
) -> None:
    unfinished_november(team, other_team)
    staff = client_for(finops_lead)
    statements, owners, costs = (
        get(staff, f"/api/v1/{path}").json()  # type: ignore[attr-defined]
        for path in ("statements/?period=2025-11", "chargeback/?period=2025-11", "costs/?period=2025-11&by=team")
    )
    for answer in (statements, owners, costs):
        assert (answer["previous_from"], answer["previous_to"]) == ("2025-10-01", "2025-10-04")
        previous = {row.get("team_key") or row["key"]: row for row in answer["results"]}
        assert (previous["search"].get("previous_total_cost") or previous["search"]["previous_cost"]) == "40"
    assert (statements["unallocated_previous_cost"], owners["previous_missing_cost"]) == ("6", "6")
    assert costs["previous_total_cost"] == "56"


@pytest.mark.parametrize("basis", ["list", "contracted"])
def test_bases_that_are_read_wrongly_carry_a_note(staff: Client, basis: str) -> None:
    assert 'class="trust-note"' in text_of(get(staff, f"/chargeback/?basis={basis}"))
    assert 'class="trust-note"' not in text_of(get(staff, "/chargeback/?basis=billed"))


def test_chargeback_on_effective_cost_counts_what_is_effective(staff: Client) -> None:
    head, _ = file_of(get(staff, "/chargeback/?period=2025-11&basis=effective&format=csv"))
    # 40: i-1 costs 8 effective instead of 10
    assert (head["Basis"], head["Bill total"], head["Difference"]) == ("Effective cost", "40", "0")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("by=environment", {"Prod": "10", "Moon": "20", "Unallocated": "12"}),
        ("by=tag:TEAM", {"payments": "30", "search": "5", "Unallocated": "7"}),
        ("tag_key=team&by=service", {"payments": "30", "search": "5", "Unallocated": "7"}),
        ("by=service", {"Compute": "22", "Storage": "20"}),
    ],
)
def test_chargeback_by_another_kind_of_owner_has_no_row_for_costs_without_it(
    staff: Client, query: str, expected: dict[str, str]
) -> None:
    _, rows = file_of(get(staff, f"/chargeback/?period=2025-11&{query}&format=csv"))
    assert {row[0]: row[rows[0].index("Total")] for row in rows[1:]} == expected


def test_chargeback_excel_opens(staff: Client) -> None:
    response = get(staff, "/chargeback/?format=xlsx")
    assert response.content[:2] == b"PK"


def test_a_team_lead_of_one_team_is_led_to_its_statement(lead: Client) -> None:
    response = get(lead, "/chargeback/?period=2025-11&basis=billed")
    assert response.status_code == 302
    assert response["Location"] == "/statements/payments/?period=2025-11&basis=billed"


def test_a_team_lead_gets_own_costs_by_service_without_any_figure_of_the_bill(lead: Client) -> None:
    text = text_of(get(lead, "/chargeback/?by=service"))
    assert "$20.00" in text
    for secret in ("$42.00", "$7.00", "Unallocated", "Search", "Difference"):
        assert secret not in text
    head, _ = file_of(get(lead, "/chargeback/?by=service&format=csv"))
    assert "Bill total" not in head
    assert head["Total"] == "30"


def test_a_statement_shows_the_total_the_change_and_its_lines(lead: Client) -> None:
    text = text_of(get(lead, "/statements/payments/?period=2025-11"))
    for figure in ("$30.00", "+$18.00", "+150.0", "Storage", "$20.00", "Compute", "$10.00", "CC-100", "Draft"):
        assert figure in text
    assert "$42.00" not in text
    assert "/why/payments/?period=2025-11&amp;basis=billed&amp;service=Storage&amp;account=111111111111" in text


def test_a_statement_file_sums_to_its_total(lead: Client) -> None:
    head, rows = file_of(get(lead, "/statements/payments/?period=2025-11&format=csv"))
    assert head["Total"] == "30"
    assert sorted(row[rows[0].index("Cost")] for row in rows[1:]) == ["10", "20"]


@pytest.mark.parametrize("path", ["/statements/search/", "/statements/nowhere/"])
def test_another_teams_statement_is_not_there(lead: Client, path: str) -> None:
    assert get(lead, path).status_code == 404


def test_a_month_that_is_none_is_refused_with_the_form_it_takes(staff: Client) -> None:
    response = get(staff, "/chargeback/?period=Nov")
    assert response.status_code == 400
    assert "YYYY-MM" in text_of(response)


def test_a_month_without_costs_shows_nothing_and_still_answers(staff: Client, lead: Client) -> None:
    assert get(staff, "/chargeback/?period=2024-01").status_code == 200
    assert get(lead, "/statements/payments/?period=2024-01").status_code == 200


def test_before_the_first_bill_the_page_says_what_to_do(finops_lead: User, client_for: ClientFor) -> None:
    text = text_of(get(client_for(finops_lead), "/chargeback/"))
    assert "No costs yet" in text
    assert "/imports/" in text


def test_anonymous_readers_are_sent_to_the_log_in(client: Client, world: None) -> None:
    for path in ("/chargeback/", "/statements/payments/", "/why/payments/", "/tags/", "/rules/", "/imports/"):
        response = get(client, path)
        assert response.status_code == 302
        assert response["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize("path", ["/chargeback/", "/chargeback/?by=service", "/statements/payments/"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    with django_assert_max_num_queries(QUERIES):
        get(staff, path)
