"""Rules meet slices: the first that matches decides, and says why."""

from collections.abc import Callable

import pytest

from costs.periods import BillingPeriod
from tagging.allocation import NOBODY, Rule, Verdict, compile_rules, cost_center_of
from tagging.conditions import Facts
from tagging.terms import RuleKind

NOVEMBER = BillingPeriod.parse("2025-11")


def tag(pk: int, owner: str, *values: str, key: str = "Team") -> Rule:
    return Rule(pk, RuleKind.TAG, owner, tag_key=key, tag_values=values)


def account(pk: int, owner: str, number: str) -> Rule:
    return Rule(pk, RuleKind.ACCOUNT, owner, sub_account_id=number)


def matcher(*rules: Rule) -> Callable[[str, dict[str, str]], Verdict]:
    match = compile_rules(rules, NOVEMBER)
    return lambda number, tags: match(Facts(account=number, tags=tags))


@pytest.mark.parametrize("value", ["BaseLoad", "baseload", " BASELOAD ", "Base Load", "base load"])
def test_a_tag_rule_matches_value_and_aliases_without_case_and_outer_space(value: str) -> None:
    verdict = matcher(tag(1, "data", "BaseLoad", "Base Load"))("111", {"Team": value})
    assert verdict.owner_key == "data"
    assert verdict.rule is not None
    assert verdict.rule.text == "Tag Team is BaseLoad or Base Load"
    assert verdict.matched_text == f"Team={value}"


def test_a_tag_rule_matches_its_key_in_other_case_and_punctuation() -> None:
    assert matcher(tag(1, "data", "x", key="CostCenter"))("111", {"cost_center": "x"}).owner_key == "data"


def test_the_first_matching_rule_decides_when_several_match() -> None:
    match = matcher(tag(1, "a", "x"), tag(2, "b", "prod", key="Env"), account(3, "c", "111"), Rule(4, RuleKind.DEFAULT))
    assert match("111", {"Team": "x", "Env": "prod"}).owner_key == "a"
    assert match("111", {"Env": "prod"}).owner_key == "b"
    assert match("111", {}).owner_key == "c"
    assert match("999", {}).owner_key == ""
    turned = matcher(account(3, "c", "111"), tag(1, "a", "x"))
    assert turned("111", {"Team": "x"}).owner_key == "c"
    assert turned("111", {"Team": "x"}).matched_text == "Account 111"


def test_ordered_rules_on_hand_worked_lines() -> None:
    # env=prod before the account, the account before the team tag, everything else to Other.
    match = matcher(
        tag(1, "prod", "prod", key="env"), account(2, "sandbox", "111"), tag(3, "b", "b", key="team"),
        Rule(4, RuleKind.DEFAULT, "other"),
    )  # fmt: skip
    lines = [
        ("111", {"env": "prod", "team": "a"}),
        ("111", {"env": "dev", "team": "a"}),
        ("222", {"team": "b"}),
        ("222", {}),
    ]
    assert [match(number, tags).owner_key for number, tags in lines] == ["prod", "sandbox", "b", "other"]


def test_nothing_matched_is_nobody_without_a_rule_and_a_default_without_a_team_is_nobody_with_one() -> None:
    assert matcher(tag(1, "a", "x"))("111", {"Team": "y"}) == NOBODY
    verdict = matcher(tag(1, "a", "x"), Rule(2, RuleKind.DEFAULT))("111", {})
    assert (verdict.owner_key, verdict.rule and verdict.rule.pk) == ("", 2)


@pytest.mark.parametrize(("period", "owner"), [("2025-09", ""), ("2025-10", "a"), ("2025-11", "a"), ("2025-12", "")])
def test_a_rule_holds_from_its_first_month_to_the_month_before_its_end(period: str, owner: str) -> None:
    rule = Rule(
        1, RuleKind.ACCOUNT, "a", sub_account_id="111",
        from_period=BillingPeriod.parse("2025-10"), to_period=BillingPeriod.parse("2025-12"),
    )  # fmt: skip
    assert compile_rules([rule], BillingPeriod.parse(period))(Facts("111")).owner_key == owner


def test_an_empty_tag_value_matches_no_rule() -> None:
    assert matcher(tag(1, "a", ""))("111", {"Team": ""}) == NOBODY


def test_the_cost_centre_is_the_tag_or_else_the_teams() -> None:
    assert cost_center_of({"cost_center": "CC-7"}, "CC-1") == "CC-7"
    assert cost_center_of({"CostCenter": "NULL"}, "CC-1") == "CC-1"


def test_two_hundred_rules_own_what_they_name_and_no_more() -> None:
    rules = [tag(n, f"team-{n % 20}", f"value-{n}", f"alias {n}") for n in range(180)]
    rules += [account(200 + n, "shared", f"{n:012d}") for n in range(20)]
    match = matcher(*rules)
    slices = [(f"{n % 50:012d}", {"Team": f"Value-{n % 200}", "Environment": "prod"}) for n in range(10_000)]
    owned = sum(bool(match(number, tags).owner_key) for number, tags in slices)
    assert owned == 9_000  # the 20 values without a rule fall on accounts 30 to 49, which have none either
