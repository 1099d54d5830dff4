"""Rules on names of resources: exact to the line, foreseen by the dry run, in force once months are read again."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User

from costs.services import prepare_imports
from finops_site import pipeline
from tagging.models import Team
from tagging.selectors.unread import unread_tags
from tagging.services import RuleInput, dry_run, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER
from tests.tagging.test_rules_on_unread_tags import ALL, moves, owners

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db]


@pytest.fixture
def november(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Payments has 3 by tag, though its name is web-1; 20 and 1 are named Web-2 and web_100%, 40 db-1, 5 nothing."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    lines = [
        Line("i-1", "3.0", day=1, tags=(("Team", "payments"), ("Name", "web-1"))),
        Line("i-2", "20.0", day=1, tags=(("Name", "Web-2"),)),
        Line("i-3", "1.0", day=1, tags=(("Name", "web_100%"),)),
        Line("i-4", "40.0", day=2, tags=(("Name", "db-1"),)),
        Line("i-5", "5.0", day=2),
    ]
    path = write_bill(tmp_path / "bill.csv", "2025-11", lines)
    for pk in prepare_imports([path], today=NOVEMBER.end):
        pipeline.run_import(pk)


def named(*patterns: str) -> RuleInput:
    return RuleInput(RuleKind.NAME, tag_values=patterns, team_key="search")


def test_a_rule_on_names_is_foreseen_and_then_in_force(november: None) -> None:
    """web-* is Web-2 alone: payments' own stays by its tag, and _ is no dash."""
    found = dry_run(lambda: save_rule(named("web-*"), allocate=False)).moves
    assert moves(found) == [("Nobody (unallocated)", -20), ("Search", 20)]
    save_rule(named("web-*"))
    assert [item.text for item in unread_tags(ALL)] == ["November 2025 is being re-read for names like web-*"]
    pipeline.retrack()
    assert owners() == {"payments": 3, "search": 20}
    assert unread_tags(ALL) == ()


def test_the_page_of_a_trial_names_the_pattern_and_not_how_it_is_kept(
    november: None, finops_lead: User, client_for: ClientFor
) -> None:
    given = {"tag_values": "web-*", "team_key": "search", "preview": "1"}
    page = client_for(finops_lead).post("/rules/new/?kind=name", given).content.decode()
    assert "November 2025 was not read for names like web-* yet." in page
    assert "namelike" not in page


def test_signs_of_sql_in_a_pattern_are_plain_text(november: None) -> None:
    """web_100% is itself alone; with ? for one letter db-? is db-1."""
    save_rule(named("web_100%", "db-?"))
    pipeline.retrack()
    assert owners()["search"] == 41


def test_a_condition_joins_names_with_other_fields(november: None) -> None:
    tree = {
        "all": [{"field": "name", "op": "like", "values": ["*-*"]}, {"not": {"field": "tag:Team", "op": "present"}}]
    }
    save_rule(RuleInput(RuleKind.CONDITION, condition=tree, team_key="search"))
    pipeline.retrack()
    assert owners() == {"payments": 3, "search": 60}
