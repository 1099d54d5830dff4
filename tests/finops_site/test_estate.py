"""Accounts and resources: names over time, filters, costs, states; for staff only, within the query budget."""

from datetime import date
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.models import AccountName, BillImport, Resource, SubAccount
from costs.services import queue_retracking
from finops_site import pipeline
from tests.conftest import ClientFor
from tests.costs.bills import bring_in, write_cur2
from tests.finops_site import estate_world as world
from tests.finops_site.api_world import Api, assert_golden
from tests.tagging.page_world import QUERIES, file_of, text_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_parts]


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor) -> Client:
    return client_for(finops_lead)


@pytest.fixture
def months(tmp_path: Path) -> Path:
    world.april(tmp_path)
    world.may(tmp_path)
    return tmp_path


def rows_of(client: Client, path: str) -> list[list[str]]:
    return file_of(client.get(path))[1]  # type: ignore[arg-type]


def ids(client: Client, query: str) -> list[str]:
    """The resources a question finds, in order."""
    return [row[0] for row in rows_of(client, f"/estate/resources/?format=csv&{query}")[1:]]


def page(client: Client, path: str) -> str:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    assert response.status_code == 200
    return text_of(response)


def test_accounts_add_up_to_the_bill_with_the_days_they_were_seen(staff: Client, months: Path) -> None:
    rows = rows_of(staff, "/estate/accounts/?format=csv")
    assert rows[1:] == [
        [world.A, "Store", "Store", world.PAYER, "2026-04-05", "2026-05-20", "27", "12"],
        [world.B, "Data", "Data", world.PAYER, "2026-05-21", "2026-05-21", "7", "0"],
        [world.PAYER, "", "", world.PAYER, "2026-05-21", "2026-05-21", "1", "0"],
    ]
    assert "$35.00" in page(staff, "/estate/accounts/")


def test_an_account_keeps_its_old_names_with_their_days(staff: Client, months: Path) -> None:
    text = page(staff, f"/estate/account/?id={world.A}")
    assert "20 May 2026 to 20 May 2026" in text
    assert "5 Apr 2026 to 10 May 2026" in text
    assert rows_of(staff, f"/estate/account/?format=csv&id={world.A}")[1:] == [
        ["2026-04", "Amazon Elastic Compute Cloud", "12"],
        ["2026-05", "Amazon Elastic Compute Cloud", "27"],
    ]


def test_an_older_month_that_comes_late_does_not_bring_back_an_old_name(tmp_path: Path) -> None:
    world.may(tmp_path)
    world.april(tmp_path)
    assert SubAccount.objects.get(pk=world.A).name == "Store"
    found = AccountName.objects.filter(sub_account_id=world.A).order_by("first_seen_on")
    assert [row.name for row in found] == ["Shop", "Shop", "Store"]


def test_a_name_that_staff_gave_is_shown_and_no_bill_changes_it(staff: Client, months: Path) -> None:
    staff.post("/estate/account/name/", {"id": world.A, "display_name": "  The   shop "})
    line = world.bill_line("2026-05-25", "40", "web-1", world.A, "Mart")
    bring_in(write_cur2(months / "again.csv", [line]))
    item = SubAccount.objects.get(pk=world.A)
    assert (item.display_name, item.name) == ("The shop", "Mart")
    assert rows_of(staff, "/estate/accounts/?format=csv")[1][1:3] == ["The shop", "Mart"]
    assert "The shop" in page(staff, "/explore/?by=account")
    staff.post("/estate/account/name/", {"id": world.A, "display_name": ""})
    assert rows_of(staff, "/estate/accounts/?format=csv")[1][1] == "Mart"


def test_names_follow_the_imports_in_force(staff: Client, months: Path) -> None:
    """May is delivered again without the second name: it was never in force."""
    line = world.bill_line("2026-05-10", "40", "web-1", world.A, "Shop")
    bring_in(write_cur2(months / "again.csv", [line]))
    assert "Store" not in page(staff, f"/estate/account/?id={world.A}")


@pytest.mark.parametrize("path", ["/estate/account/?id=nobody", "/estate/resources/1/", f"/estate/resources/{10**30}/"])
def test_what_is_not_there_is_a_404(path: str, staff: Client, months: Path) -> None:
    assert staff.get(path).status_code == 404


def test_resources_are_filtered_and_sorted(staff: Client, months: Path) -> None:
    assert ids(staff, "") == ["web-1", "db-1", "vol-1"]  # 24, 7, 3
    assert ids(staff, "sort=cost") == ["vol-1", "db-1", "web-1"]
    assert ids(staff, "period=2026-04") == ["web-1", "vol-1"]
    assert ids(staff, "period=2026-04&show=all") == ["web-1", "vol-1", "db-1"]
    assert ids(staff, "search=front") == ["web-1"]
    assert ids(staff, f"account={world.B}") == ["db-1"]
    assert ids(staff, "tag_key=TEAM&tag_value=store") == ["web-1"]
    assert ids(staff, "tag_key=team&tag_value=web") == []
    assert ids(staff, "tag_key=team&tag_value=(none)") == ["db-1", "vol-1"]
    assert ids(staff, "tags=none") == ["db-1", "vol-1"]
    assert ids(staff, "cost_from=7&cost_to=24") == ["web-1", "db-1"]
    assert ids(staff, "cost_from=7.0000000001") == ["web-1"]
    assert ids(staff, "seen_to=2026-05-20") == ["web-1", "vol-1"]
    assert ids(staff, "seen_from=2026-05-21") == ["db-1"]


@pytest.mark.parametrize("query", ["cost_from=much", "cost_to=1e300", "seen_from=soon", "period=2026-04&cost_to=NaN"])
def test_a_filter_that_is_none_is_told_on_the_page(query: str, staff: Client, months: Path) -> None:
    response = staff.get(f"/estate/resources/?{query}")
    assert response.status_code == 400
    assert "errorlist" in text_of(response)  # type: ignore[arg-type]


def test_the_total_is_that_of_all_pages(staff: Client, months: Path) -> None:
    text = page(staff, "/estate/resources/?per_page=1&page=3")
    assert "$34.00" in text
    assert 'title="vol-1"' in text
    assert 'title="web-1"' not in text


def test_states_come_from_the_newest_inventory_and_keep_their_days(staff: Client, months: Path) -> None:
    for day, state in ((8, "stopped"), (1, "running"), (2, "Running")):
        world.inventory(months, date(2026, 5, day), state)
    item = Resource.objects.get(resource_id="web-1")
    assert (item.state, item.state_on, item.name) == ("stopped", date(2026, 5, 8), "front")
    assert ids(staff, "state=stopped") == ["web-1"]
    text = page(staff, f"/estate/resources/{item.key}/")
    for part in ("66.7", "running in 2 of 3 inventories", "1 May 2026", "2 May 2026", "$0.10", "vol-9", "in no bill"):
        assert part in text


def test_a_resource_tells_its_names_and_tags_over_time(staff: Client, months: Path) -> None:
    answer = Api(User.objects.get(username="fiona")).get(f"estate/resources/{world.key_of('web-1')}/").json()
    assert [(row["name"], row["first_seen_on"], row["last_seen_on"]) for row in answer["names"]] == [
        ("front", "2026-05-20", "2026-05-20"),
        ("web", "2026-04-05", "2026-05-10"),
    ]
    assert [(row["key"], row["value"], row["is_now"]) for row in answer["tags"] if row["key"] == "team"] == [
        ("team", "store", True),
        ("team", "web", False),
    ]
    assert [(row["billing_period"], row["billed_cost"]) for row in answer["months"]] == [
        ("2026-05", "24"),
        ("2026-04", "10"),
    ]


def test_rolling_a_month_up_again_keeps_its_history(staff: Client, months: Path) -> None:
    before = set(BillImport.objects.values_list("pk", flat=True))
    for pk in queue_retracking(tracked_keys=["team"], again=True):
        pipeline.run_import(pk)
    assert BillImport.objects.filter(bill_in_force__isnull=False).exclude(pk__in=before).count() == 2
    key = world.key_of("web-1")
    assert "5 Apr 2026 to 10 May 2026" in page(staff, f"/estate/resources/{key}/")
    assert "5 Apr 2026 to 10 May 2026" in page(staff, f"/estate/account/?id={world.A}")


@pytest.mark.parametrize(
    "path", ["/estate/accounts/", f"/estate/account/?id={world.A}", "/estate/resources/?show=all&tag_key=team"]
)
def test_pages_stay_within_the_query_budget(
    path: str, staff: Client, months: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(QUERIES):
        page(staff, path)


def test_page_of_a_resource_stays_within_the_query_budget(
    staff: Client, months: Path, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.inventory(months, date(2026, 5, 1), "running")
    key = world.key_of("web-1")
    with django_assert_max_num_queries(QUERIES):
        page(staff, f"/estate/resources/{key}/")


def test_pages_say_what_to_do_before_the_first_bill(staff: Client) -> None:
    assert "No accounts yet" in page(staff, "/estate/accounts/")
    assert "No resources yet" in page(staff, "/estate/resources/")


def test_nothing_of_it_exists_for_a_team(months: Path, team_lead: User, client_for: ClientFor) -> None:
    client, api, key = client_for(team_lead), Api(team_lead), world.key_of("web-1")
    for path in ("accounts/", f"account/?id={world.A}", "resources/", f"resources/{key}/"):
        assert client.get(f"/estate/{path}").status_code == 404
        assert api.get(f"estate/{path}").status_code == 404
    assert client.post("/estate/account/name/", {"id": world.A, "display_name": "x"}).status_code == 404


@pytest.mark.parametrize("name", ["accounts", "account", "resources"])
def test_answers_of_the_api_are_the_golden_ones(
    name: str, months: Path, finops_lead: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    api = Api(finops_lead)
    with django_assert_max_num_queries(QUERIES):
        answer = api.get(f"estate/{name}/", {"id": world.A} if name == "account" else {"period": "2026-05"})
    assert answer.status_code == 200
    assert_golden(f"api_estate_{name}", answer.json())


def test_pages_of_the_api_follow_each_other_both_ways_and_miss_nothing(months: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    whole = [row["key"] for row in api.get("estate/resources/").json()["results"]]
    assert whole == sorted(whole, key=int)
    seen, path, back = [], "estate/resources/?page_size=2", ""
    while path:
        answer = api.get(path).json()
        seen += [row["key"] for row in answer["results"]]
        path, back = ((answer[name] or "").partition("/api/v1/")[2] for name in ("next", "previous"))
    assert seen == whole
    assert [row["key"] for row in api.get(back).json()["results"]] == whole[:2]
    assert api.get("estate/resources/", {"cursor": "abc"}).status_code == 400


def test_a_given_name_changes_answers_that_staff_have_kept(months: Path, finops_lead: User) -> None:
    api = Api(finops_lead)
    tag = api.get("costs/?by=account")["ETag"]
    assert api.get("costs/?by=account", If_None_Match=tag).status_code == 304
    SubAccount.objects.filter(pk=world.A).update(display_name="Elsewhere")
    assert api.get("costs/?by=account", If_None_Match=tag).status_code == 200
