"""Months counted by the database: worked by hand, the same as counted line by line, and no more queries for more."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from costs.models import Resource
from costs.reading import read_by_version
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import AllocationRule, Exemption, TagKey, Team, UntaggableCharge, VirtualTag
from tagging.policy import TaggableLines, deciding_slices, group_lines, tally
from tagging.selectors import compliance, resources, tag_findings
from tagging.selectors.judged import judged_month
from tagging.selectors.month_sums import PLACES, decided, group_tallies, month_tally
from tagging.selectors.taggable import taggable_month
from tagging.services import RuleInput, reallocate, save_rule
from tagging.terms import RuleKind, TagProblem, TagState
from tests.conftest import ClientFor
from tests.tagging.builders import NOVEMBER, Spend, month

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL = Scope.all()
SCOPES = (ALL, Scope.teams(frozenset({"payments"})), Scope.teams(frozenset({"search"})))
GOOD = {"Owner": "jo", "Environment": "Dev", "Team": "payments", "CostCenter": "CC-100", "Project": "P1"}
BARE = {"Team": "payments"}
SEARCH = {**GOOD, "Team": "search"}
# i-1 was tagged on day 9; i-2 went to another team; i-3 has two services, the dearer one decides on the same day;
# i-4 is excused by id from the 10th, and has lines before and after; i-5 stands in an excused account; i-6 cannot be
# tagged; i-7 got money back; i-8 is worth nothing, as i-9.
SPENDS = (
    Spend("10", day=1, tags=BARE, resource="i-1"),
    Spend("5", day=9, tags=GOOD, resource="i-1"),
    Spend("7", day=2, tags=GOOD, resource="i-2"),
    Spend("3", day=8, tags=SEARCH, resource="i-2"),
    Spend("4", day=3, tags=GOOD, resource="i-3"),
    Spend("6", day=3, tags=BARE, resource="i-3", service="Transfer"),
    Spend("2", day=4, tags=BARE, resource="i-4"),
    Spend("1", day=20, tags=BARE, resource="i-4", usage_type="Disk"),
    Spend("8", day=5, tags={"Team": "search"}, resource="i-5", account="333333333333"),
    Spend("9", day=6, tags=SEARCH, resource="i-6", service="Nobody"),
    Spend("-2.5", day=7, tags={**SEARCH, "Environment": "Moon"}, resource="i-7", region="us-east-1"),
    Spend("0", day=7, tags=GOOD, resource="i-8"),
    Spend("0", day=7, tags=GOOD, resource="i-9"),
)
# Beside instances in their slices: a volume, and what has no kind, also in a slice of its own.
MIXED = (
    *SPENDS,
    Spend("11", day=1, tags=BARE, resource="vol-1"),
    Spend("12", day=9, tags=GOOD, resource="vol-1"),
    Spend("13", day=2, tags=GOOD, resource="vol-2"),
    Spend("14", day=3, tags=BARE, resource="queue", service="Transfer"),
    Spend("15", day=8, tags=SEARCH, resource="queue"),
    Spend("16", day=8, tags=SEARCH, resource="vol-3", usage_type="Disk"),
)


@pytest.fixture
def world(team: Team, other_team: Team, finops_lead: User) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    month(SPENDS)
    UntaggableCharge.objects.create(service_name="nobody", reason="Nobody can.")
    _excuse(finops_lead, NOVEMBER.start, sub_account_id="333333333333")
    _excuse(finops_lead, date(2025, 11, 10), resource="I-4*", keys=["Owner"])


def _excuse(author: User, since: date, **where: object) -> None:
    until, reason = NOVEMBER.end + timedelta(days=90), "Agreed."
    Exemption.objects.create(
        since=since, until=until, reason=reason, author=author, created_at="2025-11-01T00:00Z", **where
    )


def test_a_month_is_counted_as_by_hand(world: None) -> None:
    # Judged: i-1 15, i-2 10, i-3 10, i-4 3, i-7 −2.5, i-8 and i-9 0 = 35.5. i-5 (8) is excused, i-6 (9) set aside.
    # Compliant money: i-1's 5, i-2's 7 + 3, i-3's 4 = 19. Last tags comply on i-1, i-2, i-8, i-9; not on i-3 (6 > 4).
    found = compliance(ALL, NOVEMBER, metric=CostMetric.BILLED)
    assert (found.taggable_cost, found.compliant_cost) == (Decimal("35.5"), Decimal(19))
    assert (found.resources, found.compliant_resources) == (7, 4)
    assert (found.exempt_resources, found.exempt_cost, found.untaggable_cost) == (1, Decimal(8), Decimal(9))
    # Owner: i-4 is excused of it by its line of the 20th (1), not by that of the 4th (2): 35.5 − 1 are judged.
    owner = next(key for key in found.by_key if key.key == "Owner")
    assert (owner.exempt, owner.present, owner.missing, owner.judged_cost) == (1, 5, 1, Decimal("34.5"))
    # i-2 is in both teams' rows: payments 15 + 7 + 10 + 3 + 0 + 0, search 3 − 2.5.
    rows = {row.key: (row.resources, row.taggable_cost) for row in found.by_team}
    assert rows == {"payments": (6, Decimal(35)), "search": (2, Decimal("0.5"))}
    assert [row.resource_id for row in found.fixes] == ["i-3", "i-4"]


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("metric", [CostMetric.BILLED, CostMetric.EFFECTIVE])
@pytest.mark.parametrize("changed", ["", "exact", "types", "teams"])
def test_the_database_counts_as_line_by_line(world: None, scope: Scope, metric: CostMetric, changed: str) -> None:
    _change_policy(changed)
    whole, judged = taggable_month(scope, NOVEMBER, metric, ""), judged_month(scope, NOVEMBER, "")
    keys = len(whole.policy)
    assert month_tally(judged, metric) == tally(whole.lines, whole.said.judged, keys, whole.said.exceptions)
    assert {each.resource_key: each.slice_key for each in decided(judged, metric)} == deciding_slices(whole.lines)
    for name in PLACES:
        by_hand = group_lines(whole.lines, lambda line, name=name: getattr(whole.slices[line.slice_key], name))  # type: ignore[misc]
        expected = {
            value: tally(TaggableLines(lines), whole.said.judged, keys, whole.said.exceptions)
            for value, lines in by_hand.items()
        }
        assert group_tallies(judged, metric, name) == expected, name
    for line in whole.lines:
        place = (line.resource_key, line.slice_key)
        assert judged.judgement(*place) == whole.judgement(*place)


@pytest.mark.parametrize("scope", SCOPES)
@pytest.mark.parametrize("changed", ["types", "volumes", "both", "optional", "virtual"])
def test_kinds_and_virtual_tags_count_as_line_by_line(
    world: None, finops_lead: User, scope: Scope, changed: str
) -> None:
    month(MIXED)
    _change_policy(changed)
    if changed == "virtual":
        for name in ("i-3", "vol-1", "queue"):
            _virtual_tag(finops_lead, name)
    metric = CostMetric.BILLED
    whole, judged = taggable_month(scope, NOVEMBER, metric, ""), judged_month(scope, NOVEMBER, "")
    keys = len(whole.policy)
    assert month_tally(judged, metric) == tally(whole.lines, whole.said.judged, keys, whole.said.exceptions)
    for line in whole.lines:
        assert judged.judgement(*line[:2]) == whole.judgement(*line[:2])
    for name in PLACES:
        by_hand = group_lines(whole.lines, lambda line, name=name: getattr(whole.slices[line.slice_key], name))  # type: ignore[misc]
        expected = {
            value: tally(TaggableLines(lines), whole.said.judged, keys, whole.said.exceptions)
            for value, lines in by_hand.items()
        }
        assert group_tallies(judged, metric, name) == expected, name
    missing = {
        (key, rule.key)
        for key, slice_key in deciding_slices(whole.lines).items()
        for rule, state in zip(whole.policy, whole.judgement(key, slice_key).states, strict=True)
        if state is TagState.MISSING
    }
    found = [row for row in tag_findings(scope, NOVEMBER, metric=metric).rows if row.problem is TagProblem.MISSING]
    assert {(row.resource_key, row.key) for row in found if row.breaks} == missing
    assert changed == "virtual" or not any(row.wanted for row in found)


def test_kinds_by_hand(world: None) -> None:
    # Project holds for volumes alone. Resources it is missing on by their last tags: none of vol-1 and vol-2 (good),
    # nor vol-3; all others are excused of it: i-1, i-2, i-3, i-4, i-7, i-8, i-9 and queue.
    month(MIXED)
    _change_policy("volumes")
    project = next(key for key in compliance(ALL, NOVEMBER, metric=CostMetric.BILLED).by_key if key.key == "Project")
    assert (project.present, project.missing, project.exempt) == (3, 0, 8)
    # vol-1's 11 + 12, vol-2's 13, vol-3's 16; without it: vol-1's 11.
    assert (project.judged_cost, project.compliant_cost) == (Decimal(52), Decimal(41))


def _virtual_tag(author: User, name: str) -> None:
    key = Resource.objects.get(resource_id=name).key
    VirtualTag.objects.create(
        resource_key=key, resource_id=name, tag_key="Project", value="P1", from_period=NOVEMBER.start,
        origin="suggestion", confidence=0.96, author=author, created_at="2025-11-20T08:00Z",
    )  # fmt: skip


def _change_policy(changed: str) -> None:
    if changed in ("volumes", "both"):
        TagKey.objects.filter(key="Project").update(resource_types=["ec2:volume"])
    if changed == "both":
        TagKey.objects.filter(key="Project").update(team_keys=["search"])
        TagKey.objects.filter(key="Owner").update(resource_types=["ec2:instance"])
    if changed == "optional":
        TagKey.objects.filter(key="Project").update(resource_types=["ec2:volume"], is_required=False)
    if changed == "exact":
        TagKey.objects.filter(key="Owner").update(is_key_exact=True)
    if changed == "types":
        TagKey.objects.filter(key="Project").update(resource_types=["ec2:*"])
    if changed == "teams":
        TagKey.objects.filter(key="Project").update(team_keys=["search"])


def test_resources_come_dearest_first_and_ties_by_id(world: None) -> None:
    table = resources(ALL, NOVEMBER, metric=CostMetric.BILLED)
    assert [row.resource_id for row in table.rows] == ["i-1", "i-2", "i-3", "i-5", "i-4", "i-8", "i-9", "i-7"]
    assert (table.total, table.rows.to_fix) == (Decimal("43.5"), 3)
    by_service = table.rows.ordered([("service_name", True), ("cost", False)])
    assert [row.resource_id for row in by_service[:3]] == ["i-3", "i-7", "i-8"]
    assert [row.cost for row in table.rows[1:3]] == [Decimal(10), Decimal(10)]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ((("team", "search"),), {"i-2": "3", "i-5": "8", "i-7": "-2.5"}),
        ((("service", "Transfer"),), {"i-3": "6"}),
        (
            (("service", "Compute"), ("state", "compliant"), ("search", "I-")),
            {"i-1": "15", "i-2": "10", "i-3": "4", "i-5": "8", "i-8": "0", "i-9": "0"},
        ),
        ((("missing", "Owner"),), {"i-3": "10"}),
        ((("invalid", "Environment"),), {"i-7": "-2.5"}),
        ((("search", "I-4"),), {"i-4": "3"}),
        ((("search", "é"),), {}),
    ],
)
def test_filters_cut_resources_and_their_costs(
    world: None, filters: tuple[tuple[str, str], ...], expected: dict[str, str]
) -> None:
    table = resources(ALL, NOVEMBER, metric=CostMetric.BILLED, filters=filters)
    assert {row.resource_id: row.cost for row in table.rows} == {name: Decimal(cost) for name, cost in expected.items()}
    assert table.total == sum(map(Decimal, expected.values()), Decimal(0))


def test_a_new_version_and_new_owners_are_seen_at_once(world: None) -> None:
    before = compliance(ALL, NOVEMBER).taggable_cost
    month([*SPENDS, Spend("100", tags=GOOD, resource="i-10")])
    assert compliance(ALL, NOVEMBER).taggable_cost == before + 100
    AllocationRule.objects.filter(team__key="payments").update(is_active=False)
    reallocate()
    found = compliance(ALL, NOVEMBER)
    assert {row.key for row in found.by_team} == {"(none)", "search"}
    TagKey.objects.filter(key="Environment").update(is_required=False)
    assert len(compliance(ALL, NOVEMBER).by_key) == len(found.by_key) - 1


def test_what_is_held_by_version_is_read_once() -> None:
    read = iter([1, 2])
    assert [read_by_version("question", lambda: next(read)) for _ in range(3)] == [1, 1, 1]
    assert read_by_version("another", lambda: next(read)) == 2


@pytest.mark.parametrize(
    "path",
    [
        "/tags/",
        "/resources/",
        "/resources/?search=i-1",
        "/tags/findings/",
        "/tags/fixes/",
        "/api/v1/resources/?page_size=5",
        "/api/v1/tag-findings/?page_size=5",
    ],
)
def test_more_resources_ask_no_more_queries(world: None, finops_lead: User, client_for: ClientFor, path: str) -> None:
    few = _queries(client_for(finops_lead), path)
    month([*SPENDS, *(Spend("1", tags=BARE, resource=f"i-1{n}") for n in range(40))])
    # One more at most: for the ids of resources that cost the same, in whatever number.
    assert _queries(client_for(finops_lead), path) <= few + 1 <= 25


def _queries(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


def test_findings_are_made_of_those_shown(world: None) -> None:
    found = tag_findings(ALL, NOVEMBER, metric=CostMetric.BILLED)
    assert found.count == len(found.rows)
    first = found.rows[:2]
    assert [row.resource_id for row in first] == ["i-3", "i-3"]
    broken = found.rows.breaking()
    # i-3 lacks four keys, i-4 three (Owner is excused), i-7 has Moon: 10 + 3 − 2.5
    assert len(broken) == 8
    assert sum(broken.resources.values()) == Decimal("10.5")
