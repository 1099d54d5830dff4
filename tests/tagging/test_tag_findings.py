"""Findings of tags from a bill to the page: spellings, mistyped keys, days, exemptions, what is set aside; scopes."""

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from costs.errors import InvalidRequestError
from costs.scope import Scope
from costs.services import prepare_imports
from finops_site.pipeline import run_import
from tagging.models import Exemption, TagKey, Team
from tagging.policy import AllowedValue, KeyPolicy
from tagging.results.tag_findings import TagFindings
from tagging.selectors import compliance, tag_findings
from tagging.services import (
    ExemptionInput,
    RuleInput,
    count_again,
    end_exemption,
    grant_exemption,
    save_key,
    save_rule,
    set_aside,
)
from tagging.terms import RuleKind, TagProblem, ValueKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL, PAYMENTS = Scope.all(), Scope.teams(frozenset({"payments"}))
EXTRA = ("cost-center", "Enviroment", "ExpirationDate")
WHOLE = (("Owner", "jo"), ("Environment", "Prod"), ("Team", "payments"), ("Project", "P"), ("CostCenter", "CC-1"))


def tags(**changed: str) -> tuple[tuple[str, str], ...]:
    """All five keys, some with another value; '' leaves one out. `cost_center` is the key cost-center."""
    found = {**dict(WHOLE), **changed}
    if "cost_center" in found:
        found["cost-center"] = found.pop("cost_center")
    return tuple((key, value) for key, value in found.items() if value)


LINES = (
    Line("i-good", "40", tags=WHOLE),
    Line("i-key", "20", tags=tags(CostCenter="", cost_center="CC-1")),
    Line("i-near", "10", tags=tags(Environment="Prodd")),
    Line("i-case", "8", tags=tags(Environment="PROD")),
    Line("i-typo", "6", tags=tags(Environment="", Enviroment="production")),
    Line("i-old", "4", day=20, tags=(*WHOLE, ("ExpirationDate", "2025-11-19"))),
    Line("i-bad", "2", tags=tags(Team="search", Environment="Moon", Project="")),
    Line("arn:aws:s3:::logs", "1", service="Amazon Simple Storage Service", usage_type="Requests-Tier1"),
    Line("", "9", kind="Tax", service="Tax"),
)


@pytest.fixture(autouse=True)
def _november(team: Team, other_team: Team, tmp_path: Path) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    path = write_bill(tmp_path / "bill.csv", "2025-11", LINES, extra_keys=EXTRA)
    for pk in prepare_imports([path], today=NOVEMBER.end):
        run_import(pk)


def by_resource(found: TagFindings) -> dict[str, list[tuple[str, str, str, bool]]]:
    rows: dict[str, list[tuple[str, str, str, bool]]] = {}
    for row in found.rows:
        rows.setdefault(row.resource_id, []).append((row.key, row.problem.value, row.wanted, row.breaks))
    return rows


def excuse(author: User | None = None, **given: Any) -> int:
    wanted = {"reason": "moves away", "since": date(2025, 11, 1), "until": date(2025, 11, 30), **given}
    return grant_exemption(ExemptionInput(**wanted), author=author, now=datetime(2025, 11, 5).astimezone())


def test_every_resource_and_key_gets_its_finding_dearest_first() -> None:
    found = tag_findings(ALL, NOVEMBER)
    assert by_resource(found) == {
        "i-key": [("CostCenter", "key_case", "CC-1", False)],
        "i-near": [("Environment", "near_miss", "Prod", True)],
        "i-case": [("Environment", "value_case", "Prod", False)],
        "i-typo": [("Environment", "near_miss", "Prod", True)],
        "i-old": [("ExpirationDate", "expired", "", False)],
        "i-bad": [("Environment", "invalid", "", True), ("Project", "missing", "", True)],
        "arn:aws:s3:::logs": [
            (key, "missing", "", True) for key in ("Owner", "Environment", "Team", "CostCenter", "Project")
        ],
    }
    assert [row.cost for row in found.rows][:4] == [Decimal(20), Decimal(10), Decimal(8), Decimal(6)]
    totals = {total.problem: (total.findings, total.resources, total.cost) for total in found.totals}
    assert totals[TagProblem.NEAR_MISS] == (2, 2, Decimal(16))
    assert totals[TagProblem.MISSING] == (6, 2, Decimal(3))  # 1 + 5 keys on resources of 2 and 1


def test_what_only_is_pointed_out_changes_no_figure() -> None:
    found = compliance(ALL, NOVEMBER)
    # taggable 40 + 20 + 10 + 8 + 6 + 4 + 2 + 1 = 91; compliant: i-good, i-key, i-case, i-old = 72
    assert (found.taggable_cost, found.compliant_cost) == (Decimal(91), Decimal(72))
    assert (found.resources, found.compliant_resources) == (8, 4)
    assert (found.untaggable_cost, found.exempt_cost) == (Decimal(9), Decimal(0))  # the tax


def test_exact_case_of_key_and_value_breaks_the_policy_once_it_says_so() -> None:
    for key, exact in (("CostCenter", {"exact_key": True}), ("Environment", {"exact_value": True})):
        stored = TagKey.objects.get(key=key)
        allowed = tuple(AllowedValue(item["value"], tuple(item["aliases"])) for item in stored.allowed_values)
        save_key(KeyPolicy(key, allowed=allowed, **exact), pk=stored.pk)  # type: ignore[arg-type]
    found = compliance(ALL, NOVEMBER)
    assert found.compliant_cost == Decimal(44)  # i-good and i-old; no longer i-key (20) and i-case (8)
    center = next(key for key in found.by_key if key.key == "CostCenter")
    assert (center.present, center.missing, center.invalid) == (7, 1, 1)
    broken = {row.resource_id: row.breaks for row in tag_findings(ALL, NOVEMBER).rows}
    assert broken["i-key"]
    assert broken["i-case"]


def test_an_excused_key_is_shown_as_such_among_the_resources(finops_lead: User, client_for: ClientFor) -> None:
    excuse(resource="*logs", keys=("Owner",))
    response = client_for(finops_lead).get("/resources/?period=2025-11&search=logs")
    assert '<span class="muted" title="Owner: exempt">exempt</span>' in response.content.decode()


def test_an_exemption_takes_a_key_out_and_a_whole_resource_aside() -> None:
    excuse(resource="i-near", keys=("environment",))
    excuse(resource="*logs")
    found = compliance(ALL, NOVEMBER)
    # i-near (10) complies without the key; the bucket (1) is in no figure but its own
    assert (found.taggable_cost, found.compliant_cost) == (Decimal(90), Decimal(82))
    assert (found.exempt_cost, found.exempt_resources, found.resources) == (Decimal(1), 1, 7)
    environment = next(key for key in found.by_key if key.key == "Environment")
    assert (environment.present, environment.missing, environment.exempt) == (5, 1, 1)
    assert environment.judged_cost == Decimal(80)
    exempt = [row for row in tag_findings(ALL, NOVEMBER).rows if row.problem is TagProblem.EXEMPT]
    assert {(row.resource_id, row.key) for row in exempt} >= {("i-near", "Environment"), ("arn:aws:s3:::logs", "Owner")}
    assert exempt[0].why == "excused until 2025-11-30: moves away"


def test_an_exemption_that_has_ended_excuses_what_was_charged_before_and_nothing_after() -> None:
    excuse(resource="i-*", until=date(2025, 11, 19))  # i-old was last charged on the 20th
    rows = tag_findings(ALL, NOVEMBER, filters=(("problem", "exempt"),)).rows
    assert "i-old" not in {row.resource_id for row in rows}
    assert "i-good" in {row.resource_id for row in rows}


def test_ending_an_exemption_keeps_its_history_and_counts_again(finops_lead: User) -> None:
    pk = excuse(finops_lead, team_key="payments")
    assert compliance(ALL, NOVEMBER).taggable_cost == Decimal(3)  # i-bad and the bucket
    end_exemption(pk, today=date(2025, 11, 1))
    assert compliance(ALL, NOVEMBER).taggable_cost == Decimal(91)
    assert [item.history_type for item in Exemption.history.order_by("history_id")] == ["+", "-"]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({}, "everything cannot be excused"),
        ({"resource": "*"}, "everything cannot be excused"),
        ({"resource": "***"}, "everything cannot be excused"),
        ({"resource": "x", "reason": " "}, "Give the reason"),
        ({"resource": "x", "until": date(2025, 10, 1)}, "before it begins"),
        ({"resource": "x", "until": date(2029, 10, 1)}, "may last 2 years"),
        ({"resource": "x", "until": date.max}, "may last 2 years"),
        ({"resource": "x", "keys": ("Colour",)}, "no key of the policy"),
        ({"team_key": "nobody"}, "There is no team"),
    ],
)
def test_an_exemption_that_makes_no_sense_is_refused(given: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        excuse(**given)
    assert says in str(caught.value)


def test_an_exemption_at_the_end_of_the_calendar_is_granted() -> None:
    assert Exemption.objects.get(pk=excuse(resource="x", since=date.max, until=date.max)).until == date.max


def test_charges_nobody_can_tag_are_set_aside_and_counted_again() -> None:
    pk = set_aside("amazon simple*", "requests*", reason="requests carry no tags", author=None)
    found = compliance(ALL, NOVEMBER)
    assert (found.taggable_cost, found.untaggable_cost) == (Decimal(90), Decimal(10))
    count_again(pk)
    assert compliance(ALL, NOVEMBER).taggable_cost == Decimal(91)
    with pytest.raises(InvalidRequestError):
        set_aside("*", "*", reason="all", author=None)


def test_a_key_for_some_types_teams_or_months_is_judged_there_only() -> None:
    project = TagKey.objects.get(key="Project")
    save_key(KeyPolicy("Project", resource_types=("ec2:*",), teams=("search",)), pk=project.pk)
    found = next(key for key in compliance(ALL, NOVEMBER).by_key if key.key == "Project")
    assert (found.missing, found.exempt) == (1, 7)  # of search's one instance, i-bad
    save_key(KeyPolicy("Project", from_period=NOVEMBER.next()), pk=project.pk)
    assert "Project" not in {key.key for key in compliance(ALL, NOVEMBER).by_key}


def test_a_team_gets_findings_of_its_own_lines_alone(finops_lead: User) -> None:
    excuse(finops_lead, account="111111111111", keys=("Owner",), reason="search moves away")
    found = tag_findings(PAYMENTS, NOVEMBER)
    assert {row.resource_id for row in found.rows} == {
        "i-good", "i-key", "i-near", "i-case", "i-typo", "i-old",
    }  # fmt: skip
    assert "search" not in repr(found)


def test_what_breaks_nothing_can_be_asked_for_by_itself() -> None:
    harmless = tag_findings(ALL, NOVEMBER, filters=(("breaks", "no"),))
    assert {row.resource_id for row in harmless.rows} == {"i-key", "i-case", "i-old"}
    # 3 near and invalid values, 1 + 5 missing
    assert tag_findings(ALL, NOVEMBER, filters=(("breaks", "yes"),)).count == 9


def test_filters_narrow_rows_and_leave_the_totals_whole() -> None:
    asked = (("problem", "near_miss"), ("key", "Environment"), ("search", "TYPO"))
    found = tag_findings(ALL, NOVEMBER, filters=asked, limit=1)
    assert ([row.resource_id for row in found.rows], found.count) == (["i-typo"], 1)
    assert {total.problem for total in found.totals if total.findings} == {TagProblem.NEAR_MISS}
    assert tag_findings(ALL, NOVEMBER, filters=(("team", "(none)"),)).rows[0].resource_id == "arn:aws:s3:::logs"


def test_an_optional_key_that_slices_do_not_keep_is_judged_on_the_lines() -> None:
    expires = TagKey.objects.get(key="ExpirationDate")
    assert (expires.is_tracked, expires.is_required, expires.value_kind) == (False, False, ValueKind.DATE.value)
    (row,) = tag_findings(ALL, NOVEMBER, filters=(("key", "ExpirationDate"),)).rows
    assert (row.resource_id, row.value) == ("i-old", "2025-11-19")
    assert row.why == "the day has passed, and it was still charged on 2025-11-20"


def test_ten_thousand_values_of_two_keys_are_judged_and_the_tracked_one_is_refused(tmp_path: Path) -> None:
    """Owner is tracked: over 2,000 values are refused, so it is in no figure. ExpirationDate stays on the lines."""
    days = [f"20{30 + at // 336}-{at // 28 % 12 + 1:02d}-{at % 28 + 1:02d}" for at in range(10_000)]
    lines = [Line(f"i-{at}", "1", tags=tags(Owner=f"owner {at}", ExpirationDate=day)) for at, day in enumerate(days)]
    lines.append(Line("i-odd", "1", tags=tags(ExpirationDate="31.12.2030")))
    path = write_bill(tmp_path / "many.csv", "2025-12", lines, extra_keys=EXTRA)
    for pk in prepare_imports([path], today=NOVEMBER.next().end):
        run_import(pk)
    found = compliance(ALL, NOVEMBER.next())
    assert [(key.key, key.values) for key in found.unread_keys] == [("Owner", 10_001)]
    assert (found.resources, found.compliant_resources) == (10_001, 10_001)
    (row,) = tag_findings(ALL, NOVEMBER.next()).rows
    assert (row.resource_id, row.wanted) == ("i-odd", "2030-12-31")
