"""Rules on tags that a month was not read for: the preview tells the truth, the month follows."""

from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from costs.scope import Scope
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site import pipeline
from tagging.models import AllocationRule, Team
from tagging.results import UnreadKey
from tagging.selectors import statements
from tagging.selectors.unread import unread_tags
from tagging.services import Moves, RuleInput, save_rule, what_moves
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER
from tests.tagging.page_world import text_of

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db]
ALL = Scope.all()


@pytest.fixture
def november(team: Team, other_team: Team, tmp_path: Path) -> Path:
    """Payments has 3.00 and search 7.00 by their Team tag; nobody has 100.00 of workload Peak and 4.00 of none."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    lines = [
        Line("i-1", "3.0", day=1, tags=(("Team", "payments"), ("Workload", "Peak"))),
        Line("i-2", "7.0", day=2, tags=(("Team", "search"), ("Workload", "night"))),
        Line("i-3", "100.0", day=2, tags=(("Workload", "peak"),)),
        Line("i-4", "4.0", day=2),
    ]
    path = write_bill(tmp_path / "bill.csv", "2025-11", lines, extra_keys=["Workload"])
    for pk in prepare_imports([path], today=NOVEMBER.end):
        pipeline.run_import(pk)
    return path


def add_rule() -> int:
    return save_rule(RuleInput(RuleKind.TAG, tag_key="Workload", tag_values=("peak",), team_key="search"))


def moves(found: Moves) -> list[tuple[str, int]]:
    return [(row.owner, int(row.change)) for row in found.rows]


def owners() -> dict[str, int]:
    return {row.team_key: int(row.total_cost) for row in statements(ALL, NOVEMBER, metric=CostMetric.BILLED).rows}


def test_preview_counts_what_the_charges_carry(november: Path) -> None:
    found = what_moves(add_rule, keep=False)
    # Payments' 3.00 stays: the Team rules stand before the new one.
    assert moves(found) == [("Nobody (unallocated)", -100), ("Search", 100)]
    assert found.unread == (UnreadKey("Workload", NOVEMBER, found.unread[0].reason),)
    assert found.unread[0].reason == "pending"
    assert AllocationRule.objects.count() == 2
    assert unread_tags(ALL) == ()


def test_month_follows_the_rule_as_the_preview_said(november: Path) -> None:
    kept = what_moves(add_rule, keep=True)
    assert moves(kept) == [("Nobody (unallocated)", -100), ("Search", 100)]
    assert owners()["search"] == 7
    assert [item.text for item in unread_tags(ALL)] == ["November 2025 is being re-read for tag Workload"]
    pipeline.retrack()
    assert owners()["search"] == 107
    assert unread_tags(ALL) == ()


def test_rule_that_is_changed_before_the_month_is_read_moves_only_its_change(november: Path) -> None:
    pk = add_rule()
    changed = RuleInput(RuleKind.TAG, tag_key="Workload", tag_values=("peak",), team_key="payments")
    found = what_moves(lambda: save_rule(changed, pk=pk), keep=False)
    assert moves(found) == [("Search", -100), ("Payments", 100)] or moves(found) == [
        ("Payments", 100),
        ("Search", -100),
    ]
    assert [(row.owner, row.before, row.after) for row in found.rows if row.owner == "Search"] == [
        ("Search", Decimal(107), Decimal(7))
    ]


def test_rule_on_a_tag_with_too_many_values_moves_nothing_and_says_how_many(november: Path, settings: Settings) -> None:
    settings.TRACKED_TAG_VALUES_LIMIT = 2  # Peak, peak and night are three
    found = what_moves(add_rule, keep=False)
    assert found.rows == ()
    text = "Tag Workload has 3 values in November 2025, too many to be tracked"
    assert [item.text for item in found.unread] == [text]
    add_rule()
    pipeline.retrack()
    assert [item.text for item in unread_tags(ALL)] == [text]
    assert what_moves(lambda: None, keep=False).rows == ()


def test_pages_say_what_is_still_to_be_read(november: Path, finops_lead: User, client_for: ClientFor) -> None:
    client = client_for(finops_lead)
    form = {"tag_key": "Workload", "tag_values": "peak", "team_key": "search"}
    text = text_of(_post(client, "/rules/new/?kind=tag", **form, preview="1"))
    assert "This would move" in text
    assert ">$100.00<" in text
    assert "November 2025 was not read for tag Workload yet." in text
    _post(client, "/rules/new/?kind=tag", **form, reason="x")
    text = text_of(client.get("/rules/"))  # type: ignore[arg-type]
    assert "November 2025 is being re-read for tag Workload; the figures below are those after that." in text
    pipeline.retrack()
    assert "re-read" not in text_of(client.get("/rules/"))  # type: ignore[arg-type]


def _post(client: Client, path: str, **data: str) -> HttpResponse:
    response: HttpResponse = client.post(path, data)  # type: ignore[assignment]
    return response
