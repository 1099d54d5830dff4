"""Every tag of resources from the lines themselves: as asked for key by key, and what suggestions learn from it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from costs.models import Resource
from costs.scope import Scope
from costs.selectors import active_imports, carried_tags, tag_spellings, tags_on_resources
from costs.services import prepare_imports
from finops_site.pipeline import run_import
from tagging.models import TagKey, TagSuggestion, Team
from tagging.selectors.suggestible import suggestible_month
from tagging.services import RuleInput, make_suggestions, save_rule
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL = Scope.all()
EXTRA = ("Tier", "tier", "Note", "Odd", "Stage")
# i-a changes its tier in mid-month and loses what only stands for nothing; i-b has the key in two spellings; i-c is in
# two slices, the later one is its team's; i-d carries nothing.
LINES = (
    Line("i-a", "10", tags=(("Tier", "gold"), ("Name", "web-1"))),
    Line("i-a", "1", day=9, tags=(("Tier", "silver"), ("Name", "web-1"), ("Note", "n/a"))),
    Line("i-b", "5", tags=(("Tier", "gold"), ("tier", "bronze"), ("Odd", "a=b, ü"))),
    Line("i-c", "3", tags=(("Team", "search"), ("Stage", "late"))),
    Line("i-c", "2", day=4, tags=(("Team", "payments"), ("Stage", "early"))),
    Line("i-d", "4"),
)


@pytest.fixture
def bill(team: Team, other_team: Team, tmp_path: Path) -> None:
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    _import(tmp_path, LINES)


def _import(folder: Path, lines: tuple[Line, ...]) -> None:
    path = write_bill(folder / "bill.csv", "2025-11", lines, extra_keys=EXTRA)
    for pk in prepare_imports([path], today=NOVEMBER.end):
        run_import(pk)


def test_all_tags_of_a_resource_are_those_asked_for_key_by_key(bill: None) -> None:
    (item,) = active_imports(ALL)
    expected: dict[tuple[int, int], dict[str, str]] = {}
    for tag in carried_tags(ALL, item, tag_spellings(ALL, item)):
        expected.setdefault((tag.resource_key, tag.slice_key), {})[tag.spelling] = tag.value
    pairs = {*expected, (1, 2)}
    found = {(key, slice_key): tags for key, slice_key, tags in tags_on_resources(ALL, item, pairs)}
    assert found == expected
    assert {pair: list(tags) for pair, tags in found.items()} == {pair: sorted(tags) for pair, tags in found.items()}
    some = next(iter(expected))
    assert [row[:2] for row in tags_on_resources(ALL, item, {some})] == [some]
    assert list(tags_on_resources(ALL, item, ())) == []


def test_an_audience_learns_from_its_own_lines_alone(bill: None) -> None:
    month = suggestible_month(ALL, NOVEMBER, "USD")
    keys = dict(Resource.objects.values_list("resource_id", "key"))
    staff = {each.resource_id: each for each in month.of("").resources}
    # i-a's silver is of day 9, and both its days are in one slice; i-c was charged last as payments'.
    assert (staff["i-a"].name, staff["i-a"].tags) == ("web-1", {"Tier": "silver"})
    assert staff["i-c"].tags == {"Team": "payments", "Stage": "early"}
    assert staff["i-d"].tags == {}
    assert month.of("").costs[keys["i-c"]] == 5
    assert month.teams == ("payments", "search")
    for team, cost, stage in (("payments", Decimal(2), "early"), ("search", Decimal(3), "late")):
        (own,) = (mine := month.of(team)).resources
        assert (own.resource_id, mine.costs[own.key], dict(own.tags)) == ("i-c", cost, {"Team": team, "Stage": stage})


def test_suggestions_of_a_real_bill_come_from_tags_that_slices_do_not_keep(team: Team, tmp_path: Path) -> None:
    """32 of each tier carry a project: 64 cases, all right. Wilson leaves 64 ÷ 65.642375 = 0.97498."""
    TagKey.objects.exclude(key="Project").update(is_required=False)
    tiers = (("gold", "till"), ("tin", "stock"))
    known = [
        Line(f"i-{tier}{n:017x}", "1", tags=(("Tier", tier), ("Project", project)))
        for tier, project in tiers
        for n in range(32)
    ]
    lost = [Line(f"i-{at:016x}f", "7", tags=(("Tier", tier),)) for at, (tier, _) in enumerate(tiers)]
    _import(tmp_path, (*known, *lost))
    make_suggestions(now=datetime(2025, 11, 20, tzinfo=UTC), least_precision=0.95)
    found = TagSuggestion.objects.filter(audience="", tag_key="Project").order_by("resource_id")
    assert [(row.resource_id, row.value, row.monthly_cost) for row in found] == [
        ("i-0000000000000000f", "till", Decimal(7)),
        ("i-0000000000000001f", "stock", Decimal(7)),
    ]
    assert found[0].confidence == pytest.approx(0.97498, abs=1e-5)
    assert any("same tag (Tier=gold)" in reason for reason in found[0].evidence)
