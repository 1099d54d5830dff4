"""A pool's settings over time: money beside the one in force, planned ones that stay, said where they are dropped."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import CommitmentBenefit, SharedPool, Team
from tagging.selectors.pool_pages import pool_setting
from tagging.services import CloseStep, PoolInput, close_month, save_pool
from tagging.services.charge_policies import set_charge_policy
from tagging.terms import ChargeKind, ChargePolicy, SplitMethod
from tests.conftest import ClientFor
from tests.tagging.builders import Spend, month
from tests.tagging.page_world import text_of, two_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
MARCH, JUNE, DECEMBER = (BillingPeriod.parse(text) for text in ("2026-03", "2026-06", "2025-12"))
EDIT = "/pools/platform/edit/"


@pytest.fixture
def staff(finops_lead: User, client_for: ClientFor, team: Team, other_team: Team) -> Client:
    """October and November; what nobody owns, 7 in November, goes into a pool that is split evenly from March on."""
    two_months()
    save_pool(PoolInput("Platform", SplitMethod.PROPORTIONAL, reason="Agreed in May"))
    save_pool(PoolInput("Platform", SplitMethod.EVEN, "platform", from_period=MARCH, reason="New year"))
    client = client_for(finops_lead)
    post(client, "/rules/new/?kind=default", team_key="pool:platform", reason="x")
    return client


def post(client: Client, path: str, **data: object) -> HttpResponse:
    given = {"name": "Platform", "method": "keep", "weighing": "direct", "reason": "Budget frozen"}
    response: HttpResponse = client.post(path, {**given, **data}, follow=True)  # type: ignore[assignment]
    return response


def get(client: Client, path: str) -> str:
    response: HttpResponse = client.get(path)  # type: ignore[assignment]
    assert response.status_code == 200, path
    return text_of(response)


def stored() -> list[tuple[str, str, str]]:
    rows = sorted(SharedPool.objects.filter(is_active=True), key=lambda row: str(row.from_period or ""))
    return [
        (
            row.method,
            f"{row.from_period:%Y-%m}" if row.from_period else "",
            f"{row.to_period:%Y-%m}" if row.to_period else "",
        )
        for row in rows
    ]


def test_what_a_pool_got_stands_beside_the_setting_in_force_alone(staff: Client) -> None:
    page = get(staff, "/pools/?period=2025-11").split('id="pools-title"')[1].split("</section>")[0]
    assert page.count("$7.00") == 2  # got and left, once
    assert "until before March 2026" in page
    planned = page.split("Planned")[1]
    assert "from March 2026" in planned
    assert "$" not in planned
    later = get(staff, "/pools/?period=2026-04").split('id="pools-title"')[1].split("</section>")[0]
    assert "Ended" in later
    assert "Planned" not in later


def test_a_planned_setting_stays_where_an_earlier_one_is_changed_and_is_told(staff: Client) -> None:
    said = "From March 2026 on the setting planned for then holds (even: All"
    form = get(staff, f"{EDIT}?setting=2025-11")
    for text in ("Settings of this pool", "Until before March 2026", "From March 2026", "?setting=2026-03"):
        assert text in form
    assert said in text_of(post(staff, f"{EDIT}?setting=2025-11", preview="1", from_period="2025-12"))
    assert said in text_of(post(staff, f"{EDIT}?setting=2025-11", from_period="2025-12"))
    assert stored() == [("proportional", "", "2025-12"), ("keep", "2025-12", "2026-03"), ("even", "2026-03", "")]
    assert said not in text_of(post(staff, f"{EDIT}?setting=2026-03", from_period="2026-03", method="proportional"))
    assert stored()[-1] == ("proportional", "2026-03", "")


def test_without_a_month_the_setting_in_force_is_changed_and_the_planned_one_stays(staff: Client) -> None:
    post(staff, f"{EDIT}?setting=2025-11")
    assert stored() == [("keep", "", "2026-03"), ("even", "2026-03", "")]


def test_a_planned_setting_that_is_moved_does_not_stay_beside_itself(staff: Client) -> None:
    post(staff, f"{EDIT}?setting=2026-03", from_period="2026-01", method="even")
    assert stored() == [("proportional", "", "2026-01"), ("even", "2026-01", "")]
    save_pool(PoolInput("Platform", SplitMethod.KEEP, "platform", from_period=JUNE, reason="x"))
    post(staff, f"{EDIT}?setting=2026-02", from_period="2026-03", method="proportional")
    assert stored() == [
        ("proportional", "", "2026-01"),
        ("even", "2026-01", "2026-03"),
        ("proportional", "2026-03", "2026-06"),
        ("keep", "2026-06", ""),
    ]


def test_the_form_opens_the_setting_of_the_month_else_the_newest(staff: Client) -> None:
    assert pool_setting(Scope.all(), "platform").pool.method is SplitMethod.EVEN
    assert pool_setting(Scope.all(), "platform", DECEMBER).pool.method is SplitMethod.PROPORTIONAL
    assert pool_setting(Scope.all(), "platform", JUNE).pool.method is SplitMethod.EVEN
    assert "/pools/platform/edit/?setting=2025-11" in get(staff, "/pools/platform/?period=2025-11")
    assert staff.get(f"{EDIT}?setting=moon").status_code == 400


def test_stopping_says_that_later_settings_go_as_well(staff: Client) -> None:
    assert "Settings that begin later are dropped." in get(staff, EDIT)
    post(staff, "/pools/platform/off/", reason="No longer")
    assert stored() == []


def test_a_planned_policy_that_an_earlier_one_replaces_is_named(staff: Client) -> None:
    said = "What was planned from March 2026 on is dropped."
    setting = {"kind": "taxes", "reason": "CFO"}
    assert said not in text_of(
        post(staff, "/pool-policies/charges/", policy="central", from_period="2026-03", **setting)
    )
    assert said in text_of(post(staff, "/pool-policies/charges/", policy="users", from_period="2025-12", **setting))
    price = {"benefit_reason": "x", "benefit": "list"}
    assert said not in text_of(post(staff, "/pool-policies/benefit/", benefit_from="2026-03", **price))
    assert said in text_of(post(staff, "/pool-policies/benefit/", benefit_from="2025-12", **price))
    assert [f"{row.from_period:%Y-%m}" for row in CommitmentBenefit.objects.all()] == ["2025-12"]


DROP = "/pools/platform/drop/2026-03/"


def test_a_planned_setting_is_dropped_and_the_one_before_holds_on(
    staff: Client, team_lead: User, client_for: ClientFor
) -> None:
    """Proportional until before March, even from then on: without that, proportional for good."""
    assert f'href="{DROP}"' in get(staff, "/pools/?period=2025-11")
    assert f'href="{DROP}"' not in get(staff, "/pools/?period=2026-03")  # it holds there: it is changed, not dropped
    page = get(staff, DROP)
    assert "From March 2026: even: All who have direct costs in the month" in page
    assert "the setting before holds on from March 2026: in proportion to direct cost" in page
    assert "planned from March 2026 on is dropped" in text_of(post(staff, DROP, reason="Not this year"))
    assert stored() == [("proportional", "", "")]
    assert SharedPool.objects.get(is_active=True).reason == "Agreed in May"
    history = get(staff, EDIT)
    assert history.count("Not this year") == 2  # the one dropped, and the one that holds on for it
    assert "Agreed in May" in history
    assert staff.get(DROP).status_code == 404
    assert client_for(team_lead).post(DROP, {"reason": "x"}).status_code == 404


def test_between_two_settings_a_dropped_one_leaves_its_months_to_the_one_before(staff: Client) -> None:
    save_pool(PoolInput("Platform", SplitMethod.KEEP, "platform", from_period=JUNE, reason="Summer"))
    post(staff, DROP, reason="Not this year")
    assert stored() == [("proportional", "", "2026-06"), ("keep", "2026-06", "")]


def test_where_nothing_ends_before_it_the_page_says_that_nothing_splits_the_pool(staff: Client) -> None:
    """Proportional ended with November by itself: its end stays."""
    SharedPool.objects.filter(method="proportional").update(to_period=DECEMBER.start)
    assert "Without it nothing splits the pool from March 2026 on" in get(staff, DROP)
    post(staff, DROP, reason="Not this year")
    assert stored() == [("proportional", "", "2025-12")]


def test_a_drop_without_reason_of_a_policy_and_of_a_closed_month_is_refused(staff: Client) -> None:
    refused = post(staff, DROP, reason=" ")
    assert (refused.status_code, len(stored())) == (400, 2)
    assert "Say in up to 300 letters why it is dropped" in text_of(refused)
    set_charge_policy(ChargeKind.TAXES, ChargePolicy.CENTRAL, from_period=MARCH)
    (taxes,) = SharedPool.objects.filter(charge_kind="taxes")
    of_taxes = f"/pools/{taxes.key}/drop/2026-03/"
    assert of_taxes not in get(staff, "/pools/?period=2025-11")
    assert "is of a policy on charges" in text_of(post(staff, of_taxes, reason="x"))
    month([Spend("1")], period=MARCH)
    step = CloseStep("Fiona", datetime(2026, 4, 2, 10, tzinfo=UTC), "early", force=True)
    close_month(MARCH, step, metric=CostMetric.BILLED)
    assert DROP not in get(staff, "/pools/?period=2025-11")
    refused = post(staff, DROP, reason="Too late")
    assert refused.status_code == 400
    assert "March 2026 is closed" in text_of(refused)
    assert SharedPool.objects.filter(key="platform", is_active=True).count() == 2
