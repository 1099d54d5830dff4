"""What the policy says of tags, and how a month is counted."""

from datetime import date
from decimal import Decimal

import pytest

from tagging.policy import AllowedValue, KeyPolicy, TaggableLine, TaggableLines, environment_of, judge, tally
from tagging.terms import TagState

ENVIRONMENT = KeyPolicy(
    "Environment", allowed=(AllowedValue("Prod", ("production",)), AllowedValue("Dev", ("development",)))
)
TEAM = KeyPolicy("Team")


@pytest.mark.parametrize(
    ("tags", "state"),
    [
        ({"Environment": "Prod"}, TagState.COMPLIANT),
        ({"Environment": "PROD"}, TagState.COMPLIANT),
        ({"Environment": "Production"}, TagState.COMPLIANT),
        ({"environment": " dev "}, TagState.COMPLIANT),
        ({"Environment": "Moon"}, TagState.INVALID),
        ({"Environment": ""}, TagState.MISSING),
        ({"Environment": "NULL"}, TagState.MISSING),
        ({}, TagState.MISSING),
    ],
)
def test_a_key_with_allowed_values_is_compliant_invalid_or_missing(tags: dict[str, str], state: TagState) -> None:
    assert ENVIRONMENT.state(tags) is state


def test_a_free_key_takes_any_text_that_is_not_empty() -> None:
    assert TEAM.state({"Team": "anything"}) is TagState.COMPLIANT
    assert TEAM.state({"Team": " "}) is TagState.MISSING


def test_environments_are_spelled_as_the_policy_does_and_unknown_ones_stay_as_written() -> None:
    assert environment_of({"Environment": "PRODUCTION"}, ENVIRONMENT) == "Prod"
    assert environment_of({"Environment": "Moon"}, ENVIRONMENT) == "Moon"
    assert environment_of({}, ENVIRONMENT) == ""


def test_a_month_counts_resources_by_their_last_slice_and_money_line_by_line() -> None:
    policy = (ENVIRONMENT, TEAM)
    judged = {
        1: judge(policy, {}),
        2: judge(policy, {"Environment": "Prod", "Team": "a"}),
        3: judge(policy, {"Environment": "Moon", "Team": "a"}),
    }
    # Resource 10 cost 30 without tags, then 70 with them; resource 20 cost 100 with an unknown environment.
    lines = [
        TaggableLine(10, 1, Decimal(30), date(2025, 11, 9)),
        TaggableLine(10, 2, Decimal(70), date(2025, 11, 30)),
        TaggableLine(20, 3, Decimal(100), date(2025, 11, 30)),
    ]
    counted = tally(TaggableLines(lines), judged, 2)
    assert (counted.resources, counted.compliant_resources) == (2, 1)
    assert (counted.present, counted.invalid) == ([2, 2], [1, 0])
    assert (counted.taggable_cost, counted.compliant_cost) == (Decimal(200), Decimal(70))
    assert counted.key_costs == [Decimal(70), Decimal(170)]


def test_a_tie_between_slices_goes_to_the_dearer_one() -> None:
    judged = {1: judge((TEAM,), {}), 2: judge((TEAM,), {"Team": "a"})}
    day = date(2025, 11, 30)
    lines = [TaggableLine(10, 1, Decimal(1), day), TaggableLine(10, 2, Decimal(2), day)]
    assert tally(TaggableLines(lines), judged, 1).compliant_resources == 1
