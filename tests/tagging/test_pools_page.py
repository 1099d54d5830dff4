"""Pages of shared pools: made, previewed, split, opened, explained; staff only but for open pools of one's own."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from costs.periods import BillingPeriod
from costs.queries import NOT_SET, parse_query
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, DriverValue, SharedPool, Team
from tagging.selectors import LinesAsked, lines_behind, statements
from tests.conftest import ClientFor
from tests.pages import get
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.page_world import QUERIES, file_of, text_of, two_months

pytestmark = pytest.mark.django_db
FIXED = {"method": "fixed", "takes payments": "on", "pct payments": "60", "pct search": "40"}


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    two_months()
    return client_for(finops_lead)


def post(client: Client, path: str, **data: object) -> HttpResponse:
    response: HttpResponse = client.post(path, data)  # type: ignore[assignment]
    return response


def make(client: Client, path: str = "/new-pool/", **data: object) -> HttpResponse:
    given = {"name": "Platform", "method": "proportional", "weighing": "direct", "reason": "Agreed in May"}
    return post(client, path, **{**given, **data})


def give_nobodys_costs(client: Client) -> None:
    """What nobody owns in November, 4 of tax and 3 of i-3, goes to the pool."""
    post(client, "/rules/new/?kind=default", team_key="pool:platform", reason="x")


def totals() -> dict[str, Decimal]:
    found = statements(Scope.all(), NOVEMBER, metric=CostMetric.BILLED)
    assert found.difference == 0
    return {row.team_key: row.total_cost for row in found.rows}


def test_without_pools_the_page_says_what_to_do(staff: Client) -> None:
    text = text_of(get(staff, "/pools/"))
    assert "No pool yet" in text
    assert "Who bears what nobody used" in text


def test_a_pool_with_a_rule_splits_what_nobody_owned(staff: Client) -> None:
    """7 in proportion to 30 and 5: 6 and 1. The pool shows what left it, the bill of 42 stays."""
    assert make(staff).status_code == 302
    give_nobodys_costs(staff)
    assert totals() == {"payments": Decimal(36), "search": Decimal(6), "pool:platform": Decimal(0)}
    _, rows = file_of(get(staff, "/pools/?format=csv"))
    assert [(row[2], row[5]) for row in rows[1:]] == [("Payments", "6"), ("Search", "1"), ("Pool Platform", "-7")]
    text = text_of(get(staff, "/pools/platform/"))
    for figure in ("$7.00", "$6.00", "85.7", "Direct cost"):
        assert figure in text
    chargeback = text_of(get(staff, "/chargeback/"))
    assert "Pool Platform" in chargeback


def test_fixed_percentages_that_miss_a_hundred_are_refused_on_the_form(staff: Client) -> None:
    response = make(staff, **{**FIXED, "pct search": "39.5"})
    assert response.status_code == 400
    assert "add up to 99.5, not to 100: 0.5 too little" in text_of(response)
    assert make(staff, **FIXED).status_code == 302
    assert SharedPool.objects.get().targets == [{"owner": "payments", "pct": "60"}, {"owner": "search", "pct": "40"}]


def test_a_preview_shows_the_split_and_keeps_nothing(staff: Client) -> None:
    make(staff)
    give_nobodys_costs(staff)
    text = text_of(make(staff, "/pools/platform/edit/", **FIXED, preview="1"))
    assert "Not saved yet: " in text
    assert "$4.20" in text  # 60 % of 7
    assert totals()["payments"] == 36


def test_a_change_from_a_month_on_leaves_the_months_before(staff: Client) -> None:
    make(staff)
    give_nobodys_costs(staff)
    make(staff, "/pools/platform/edit/", **FIXED, from_period="2025-12", reason="New key")
    assert [(row.method, row.to_period and f"{row.to_period:%Y-%m}") for row in SharedPool.objects.all()] == [
        ("proportional", "2025-12"),
        ("fixed", None),
    ]
    assert totals()["payments"] == 36
    text = text_of(get(staff, "/pools/platform/edit/"))
    for word in ("New key", "Agreed in May", "fiona", "from December 2025"):
        assert word in text


def test_pools_that_would_give_in_a_circle_are_refused_with_the_way(staff: Client) -> None:
    make(staff)
    make(staff, name="Network", **{"takes pool:platform": "on"})
    response = make(staff, "/pools/platform/edit/", **{"takes pool:network": "on"})
    assert response.status_code == 400
    assert "in a circle: Platform → Network → Platform" in text_of(response)


def test_a_formula_in_a_pools_name_is_text_in_files(staff: Client) -> None:
    make(staff, name='=HYPERLINK("x") ünïcode, a=b')
    post(staff, "/rules/new/?kind=default", team_key=f"pool:{SharedPool.objects.get().key}", reason="x")
    _, rows = file_of(get(staff, "/pools/?format=csv"))
    assert rows[1][0] == '\'=HYPERLINK("x") ünïcode, a=b'


def test_taxes_are_borne_by_users_centrally_or_by_their_buyer(staff: Client) -> None:
    """Tax 4 by 30 and 5: 24/7 and 4/7, that is 3.4285714286 and 0.5714285714; central: it stays in the pool."""
    setting = {"kind": "taxes", "reason": "CFO"}
    assert post(staff, "/pool-policies/charges/", policy="users", **setting).status_code == 302
    assert totals() == {
        "payments": Decimal("33.4285714286"),
        "search": Decimal("5.5714285714"),
        "pool:taxes": Decimal(0),
    }
    post(staff, "/pool-policies/charges/", policy="central", **setting)
    assert totals() == {"payments": Decimal(30), "search": Decimal(5), "pool:taxes": Decimal(4)}
    post(staff, "/pool-policies/charges/", policy="buyer", **setting)
    assert totals() == {"payments": Decimal(30), "search": Decimal(5)}


def test_a_policy_changes_from_its_month_on(staff: Client) -> None:
    post(staff, "/pool-policies/charges/", kind="taxes", policy="central", from_period="2025-12", reason="x")
    assert "pool:taxes" not in totals()
    post(staff, "/pool-policies/charges/", kind="taxes", policy="central", from_period="2025-11", reason="x")
    assert totals()["pool:taxes"] == 4
    assert AllocationRule.objects.filter(is_active=True, charge_kind="taxes").count() == 1


def test_the_policy_on_commitments_is_set_from_a_month_on(staff: Client) -> None:
    post(staff, "/pool-policies/benefit/", benefit="list", benefit_from="2025-11", benefit_reason="As at the parent")
    assert "As at the parent" in text_of(get(staff, "/pools/"))


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("month,team,value\n2025-11,Payments,3\n2025-11,moon,1\n", "Line 3, column team: there is no team"),
        ("month,team,value\n2025-11,payments,-1\n", "Line 2, column value: -1 cannot be used"),
        ("month,team,value\n2025-11,payments,NaN\n", "Line 2, column value: NaN cannot be used"),
        ("month,team,value\nsoon,payments,1\n", "Line 2, column month"),
        ("month,team\n", "Line 1 lacks the column value"),
        ("month,team,value\n2025-11,payments,1\n2025-11,Payments,2\n", "in line 2 already"),
        ("", "empty"),
    ],
)
def test_a_driver_file_that_is_wrong_is_refused_with_line_and_column(staff: Client, lines: str, words: str) -> None:
    file = SimpleUploadedFile("heads.csv", lines.encode())
    response = post(staff, "/pool-policies/drivers/", driver_name="headcount", file=file)
    assert response.status_code == 400
    assert words in text_of(response)
    assert DriverValue.objects.count() == 0


def test_a_pool_is_split_by_an_uploaded_driver(staff: Client) -> None:
    """7 by 3 and 4 heads: 3 and 4."""
    file = SimpleUploadedFile("heads.csv", "\ufeffTeam;x\n".encode())
    assert post(staff, "/pool-policies/drivers/", driver_name="headcount", file=file).status_code == 400
    file = SimpleUploadedFile("heads.csv", b"value,month,team\n3,2025-11,Payments\n4,2025-11,search\n")
    assert post(staff, "/pool-policies/drivers/", driver_name="headcount", file=file).status_code == 302
    make(staff, weighing="driver", driver_key="headcount")
    give_nobodys_costs(staff)
    assert totals() == {"payments": Decimal(33), "search": Decimal(9), "pool:platform": Decimal(0)}


def test_a_pool_that_is_opened_to_two_warns_that_each_can_work_out_the_others_part(staff: Client) -> None:
    """Payments has 30 and Search 5 in November: those two take part where nobody is named."""
    said = "Only two take part in this open pool"
    assert said not in text_of(make(staff, preview="1"))
    assert said in text_of(make(staff, preview="1", is_open="on"))
    both = {"takes payments": "on", "takes search": "on"}
    assert said in text_of(make(staff, preview="1", is_open="on", **both))
    assert said not in text_of(make(staff, preview="1", is_open="on", **{"takes payments": "on"}))
    make(staff, is_open="on")
    assert said in text_of(get(staff, "/pools/"))
    give_nobodys_costs(staff)
    assert "Close it to teams" in text_of(get(staff, "/pools/platform/?period=2025-11"))
    make(staff, "/pools/platform/edit/")
    assert "Close it to teams" not in text_of(get(staff, "/pools/platform/?period=2025-11"))


def test_a_team_sees_its_part_with_name_and_method_and_no_more_until_the_pool_is_opened(
    staff: Client, team_lead: User, client_for: ClientFor
) -> None:
    make(staff)
    give_nobodys_costs(staff)
    lead = client_for(team_lead)
    text = text_of(get(lead, "/statements/payments/"))
    for word in ("Platform", "in proportion to direct cost", "$6.00", "$36.00"):
        assert word in text
    assert "$7.00" not in text
    assert get(lead, "/pools/platform/").status_code == get(lead, "/pools/moon/").status_code == 404
    assert get(lead, "/pools/").status_code == get(lead, "/pools/platform/edit/").status_code == 404
    make(staff, "/pools/platform/edit/", is_open="on")
    text = text_of(get(lead, "/pools/platform/"))
    for word in ("$7.00", "$6.00", "$1.00", "All others"):
        assert word in text
    assert "Search" not in text


def figure(period: BillingPeriod, last: BillingPeriod, owner: str = "pool:platform") -> Decimal | None:
    """What Payments is shown as the figure behind the lines of an owner."""
    eyes = Scope.teams(frozenset({"payments"}))
    asked = parse_query({"from": [str(period)], "to": [str(last)], "team": [owner]}, latest=last)
    return lines_behind(eyes, LinesAsked(asked)).figure


def test_a_team_opens_the_lines_of_a_pool_once_it_is_open_in_months_it_has_a_part_of(
    staff: Client, team_lead: User, client_for: ClientFor
) -> None:
    """The pool's 7 of November; of October, where it had nothing to give, and of others' costs Payments sees none."""
    make(staff)
    give_nobodys_costs(staff)
    assert figure(NOVEMBER, NOVEMBER) == 0
    make(staff, "/pools/platform/edit/", is_open="on")
    assert figure(NOVEMBER, NOVEMBER) == 7
    assert figure(OCTOBER, NOVEMBER) == figure(NOVEMBER, NOVEMBER, "search") == figure(NOVEMBER, NOVEMBER, NOT_SET) == 0
    lead = client_for(team_lead)
    assert "team=pool%3Aplatform" in text_of(get(lead, "/pools/platform/"))
    assert get(lead, "/lines/?team=pool:platform&period=2025-11").status_code == 200
    assert figure(NOVEMBER, NOVEMBER, "payments") == 30  # the pool is no team of theirs for it


def test_a_team_without_costs_of_its_own_sees_the_part_that_a_pool_gives_it(
    staff: Client, client_for: ClientFor, django_user_model: type[User]
) -> None:
    """All 7 of November go to Ops by name; it has nothing else, so November is the only month it has."""
    ops = Team.objects.create(key="ops", name="Ops")
    user = django_user_model.objects.create_user("otto")
    ops.memberships.create(user=user, role="lead")
    lead = client_for(user)
    make(staff, **{"method": "even", "takes ops": "on"})
    give_nobodys_costs(staff)
    text = text_of(get(lead, "/statements/ops/"))
    assert "November 2025" in text
    assert "$7.00" in text
    assert "October" not in text.replace("October 2025 to compare with", "")


def test_staff_drill_from_a_pool_to_its_lines(staff: Client) -> None:
    make(staff)
    give_nobodys_costs(staff)
    text = text_of(get(staff, "/pools/platform/why/"))
    assert "Everything no rule before it matched" in text
    assert "$7.00" in text
    assert get(staff, "/pools/moon/why/").status_code == 404


def test_a_pool_that_is_stopped_keeps_what_it_gets(staff: Client) -> None:
    make(staff)
    give_nobodys_costs(staff)
    refused = post(staff, "/pools/platform/off/", reason="  ")
    assert refused.status_code == 400
    assert "why it is stopped" in text_of(refused)
    assert totals()["pool:platform"] == 0
    assert 'id="stop"' in text_of(get(staff, "/pools/platform/edit/"))
    post(staff, "/pools/platform/off/", reason="Nobody uses it")
    assert totals() == {"payments": Decimal(30), "search": Decimal(5), "pool:platform": Decimal(7)}
    text = text_of(get(staff, "/pools/platform/edit/"))
    assert "Nobody uses it" in text
    assert 'id="stop"' not in text
    assert post(staff, "/pools/moon/off/", reason="x").status_code == 404


@pytest.mark.parametrize("path", ["/pools/", "/pools/platform/", "/pools/platform/edit/", "/new-pool/"])
def test_pages_keep_their_query_budget(
    staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries, path: str
) -> None:
    make(staff)
    give_nobodys_costs(staff)
    with django_assert_max_num_queries(QUERIES):
        assert get(staff, path).status_code == 200
