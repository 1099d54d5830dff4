"""Conditions of rules: what they match, how they read, and how a wrong one is refused."""

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.tags import name_key
from tagging.allocation import Rule, compile_rules
from tagging.conditions import Facts, Op, Test, as_tree, folded, look_of, parse_condition
from tagging.terms import RuleKind

NOVEMBER = BillingPeriod.parse("2025-11")
EC2 = {"field": "service", "op": "is", "values": ["AmazonEC2"]}
EUROPE = {"field": "region", "op": "starts", "values": ["eu-"]}
TAGGED = {"field": "tag:Team", "op": "present"}
SLICE = Facts(
    account="111", service="amazonec2 ", region="EU-west-1", usage_type="EU-BoxUsage:m5", category="Usage",
    tags={"team": "Straße, 1=2", "cost_center": "42"},
)  # fmt: skip


def rule(tree: Any, pk: int = 1, owner: str = "a") -> Rule:
    return Rule(pk, RuleKind.CONDITION, owner, condition=parse_condition(tree))


def matches(tree: Any, facts: Facts = SLICE) -> bool:
    return compile_rules([rule(tree)], NOVEMBER)(facts).owner_key == "a"


@pytest.mark.parametrize(
    ("tree", "expected"),
    [
        pytest.param(EC2, True, id="without case and outer space"),
        pytest.param({"all": [EC2, EUROPE]}, True, id="all hold"),
        pytest.param({"all": [EC2, {"field": "account", "op": "is", "values": ["222"]}]}, False, id="one does not"),
        pytest.param({"any": [{"field": "account", "op": "is", "values": ["222"]}, EUROPE]}, True, id="any holds"),
        pytest.param({"not": TAGGED}, False, id="not there, but it is"),
        pytest.param({"not": {"any": [{"field": "account", "op": "is", "values": ["222"]}]}}, True, id="not any"),
        pytest.param({"field": "tag:TEAM", "op": "is", "values": ["STRASSE, 1=2"]}, True, id="unicode, comma and ="),
        pytest.param({"field": "tag:CostCenter", "op": "is", "values": ["42"]}, True, id="canonical key"),
        pytest.param({"field": "tag:Owner", "op": "absent"}, True, id="tag missing"),
        pytest.param({"field": "usage_type", "op": "contains", "values": ["boxusage"]}, True, id="contains"),
        pytest.param({"field": "usage_type", "op": "like", "values": ["*boxusage:m?"]}, True, id="like"),
        pytest.param(
            {"field": "usage_type", "op": "like", "values": ["boxusage"]}, False, id="like is the whole value"
        ),
        pytest.param({"field": "usage_type", "op": "ends", "values": [":m4", ":m5"]}, True, id="ends with either"),
        pytest.param({"field": "usage_type", "op": "like", "values": ["EU.BoxUsage*"]}, False, id="a dot is a dot"),
    ],
)
def test_a_condition_matches(tree: Any, expected: bool) -> None:
    assert matches(tree) is expected


def plainly_like(pattern: str, text: str) -> bool:
    """The meaning of a pattern, letter by letter."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(plainly_like(pattern[1:], text[at:]) for at in range(len(text) + 1))
    return bool(text) and pattern[0] in ("?", text[0]) and plainly_like(pattern[1:], text[1:])


@given(st.lists(st.text("ab?*.\n", min_size=1, max_size=7), min_size=1, max_size=3), st.text("ab.\n", max_size=8))
def test_like_means_any_text_for_a_star_and_one_letter_for_a_question_mark(patterns: list[str], text: str) -> None:
    like = look_of(Test("service", Op.LIKE, tuple(patterns)))
    assert like(text) is any(plainly_like(folded(pattern), text) for pattern in patterns)


def test_no_pattern_takes_long_however_many_stars_it_has() -> None:
    """20 stars over 256 letters: 256 over 20 ways to place them, of which none may be tried twice."""
    like = look_of(Test("tag:Team", Op.LIKE, ("*a" * 20 + "*b", "*" * 60 + "c")))
    begun = time.process_time()
    assert not any(like("a" * length) for length in range(200, 256))
    assert like("a" * 256 + "b")
    assert time.process_time() - begun < 2


def test_a_name_pattern_is_answered_by_what_slices_keep_of_names() -> None:
    web = {"field": "name", "op": "like", "values": ["web-*", "www"]}
    assert matches(web, Facts(tags={name_key("WWW"): "yes"}))
    assert not matches(web, Facts(tags={name_key("db-*"): "yes", "Name": "web-1"}))
    assert rule({"all": [web, TAGGED]}).tag_keys == (name_key("web-*"), name_key("www"), "Team")


def test_the_first_rule_in_order_decides_among_conditions_and_simple_rules() -> None:
    """E13 with a condition first: production of Europe, then an account, then a tag."""
    rules = [
        rule({"all": [{"field": "tag:env", "op": "is", "values": ["prod"]}, EUROPE]}, 1, "prod"),
        Rule(2, RuleKind.ACCOUNT, "sandbox", sub_account_id="111"),
        rule({"not": TAGGED}, 3, "untagged"),
        Rule(4, RuleKind.TAG, "b", tag_key="team", tag_values=("b",)),
        Rule(5, RuleKind.DEFAULT, "other"),
    ]
    match = compile_rules(rules, NOVEMBER)
    lines = [
        (Facts("111", region="eu-1", tags={"env": "prod", "team": "a"}), "prod"),
        (Facts("111", region="us-1", tags={"env": "prod", "team": "a"}), "sandbox"),
        (Facts("222", tags={}), "untagged"),
        (Facts("222", tags={"team": "b"}), "b"),
        (Facts("222", tags={"team": "c"}), "other"),
    ]
    assert [match(facts).owner_key for facts, _ in lines] == [owner for _, owner in lines]


def test_a_condition_says_in_words_what_it_wants_and_what_it_found() -> None:
    tree = {"all": [EC2, {"any": [EUROPE, TAGGED]}, {"not": {"field": "tag:x", "op": "present"}}]}
    found = compile_rules([rule(tree)], NOVEMBER)(SLICE)
    wanted = "Service is AmazonEC2 and (Region starts with eu- or Tag Team is there) and not Tag x is there"
    assert found.rule is not None
    assert (found.rule.text, found.matched_text) == (wanted, "Service amazonec2 , Region EU-west-1")


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        ({}, 'branch at the top: it needs exactly one of "all", "any", "not" and "field", it has none'),
        ([], "branch at the top: it must be an object"),
        ({"all": [EC2, {"any": []}]}, "branch all › 2 › any: it must be a list with at least one condition"),
        ({"all": [EC2], "any": [EC2]}, 'it has "all" and "any"'),
        ({"all": [{"not": {"field": "team"}}]}, "branch all › 1 › not: 'team' is not a field. Use account, payer"),
        ({"field": "service", "op": "equals", "values": ["x"]}, "'equals' is not a comparison. Use is, starts"),
        ({"field": "service", "op": "is", "values": []}, '"is" needs at least one value'),
        ({"field": "service", "op": "present", "values": ["x"]}, '"present" takes no values'),
        ({"field": "service", "values": [1]}, "values must be a list of texts"),
        ({"field": "service", "value": ["x"]}, '"value" is not part of a test'),
        ({"field": "name", "op": "is", "values": ["x"]}, 'names are compared with "like" only'),
        ({"field": "name", "op": "like", "values": ["x" * 61]}, "longer than 60 letters"),
        ({"field": "service", "op": "is", "values": ["a\x00b"]}, "holds a character that no text of a bill has"),
        ({"field": "tag:a\ud800", "op": "present"}, "holds a character that no text of a bill has"),
        ({"field": "tag: ", "op": "present"}, "'tag: ' is not a field"),
        ({"all": [EC2], "note": ""}, '"note" does not belong beside "all"'),
    ],
)  # fmt: skip
def test_a_wrong_condition_is_refused_with_its_branch(tree: Any, words: str) -> None:
    with pytest.raises(InvalidRequestError) as error:
        parse_condition(tree)
    assert words in str(error.value)


def test_a_condition_nested_without_end_is_refused() -> None:
    tree: Any = EC2
    for _ in range(5_000):
        tree = {"not": tree}
    with pytest.raises(InvalidRequestError, match="more than 8 levels deep"):
        parse_condition(tree)
    with pytest.raises(InvalidRequestError, match="more than 200 tests"):
        parse_condition({"any": [EC2] * 201})


def written(name: str, op: Op, value: str) -> dict[str, Any]:
    values = {} if op in (Op.PRESENT, Op.ABSENT) else {"values": [value]}
    return {"field": name, "op": op.value, **values}


def slice_of(account: str, service: str, region: str, team: str) -> Facts:
    return Facts(account, service=service, region=region, tags={"team": team} if team else {})


tests = st.builds(
    written, st.sampled_from(["account", "service", "region", "tag:Team"]), st.sampled_from(list(Op)),
    st.sampled_from(["a", "b", "ab", "*b"]),
)  # fmt: skip
trees = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=8,
)
slices = st.builds(slice_of, *[st.sampled_from(["", "a", "b", "ab"])] * 4)


def plainly(tree: Any, facts: Facts) -> bool:
    """The meaning of a tree, written down without any of the shortcuts."""
    if "all" in tree:
        return all(plainly(part, facts) for part in tree["all"])
    if "any" in tree:
        return any(plainly(part, facts) for part in tree["any"])
    if "not" in tree:
        return not plainly(tree["not"], facts)
    name, op = tree["field"], tree["op"]
    seen = facts.tags.get("team", "") if name == "tag:Team" else getattr(facts, name)
    wanted = tree.get("values", [""])[0]
    meaning = {
        "is": seen == wanted, "starts": seen.startswith(wanted), "ends": seen.endswith(wanted),
        "contains": wanted in seen, "present": bool(seen), "absent": not seen,
        "like": seen.endswith("b") if wanted == "*b" else seen == wanted,
    }  # fmt: skip
    return bool(meaning[op])


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no defect
@given(st.lists(trees, min_size=1, max_size=6), slices)
def test_many_conditions_decide_as_if_each_were_tried_in_turn(found: list[Any], facts: Facts) -> None:
    match = compile_rules([rule(tree, pk, f"o{pk}") for pk, tree in enumerate(found)], NOVEMBER)
    expected = next((f"o{pk}" for pk, tree in enumerate(found) if plainly(tree, facts)), "")
    assert match(facts).owner_key == expected
    assert [parse_condition(as_tree(parse_condition(tree))) for tree in found] == list(map(parse_condition, found))


def test_each_of_two_hundred_conditions_takes_its_own_slices() -> None:
    rules = [
        rule({"all": [{"field": "service", "op": "is", "values": [f"S{n % 20}"]},
                      {"field": "tag:app", "op": "like", "values": [f"app-{n}-*"]}]}, n, f"o{n}")
        for n in range(200)
    ]  # fmt: skip
    match = compile_rules(rules, NOVEMBER)
    facts = [Facts("1", service=f"S{n % 20}", tags={"app": f"app-{n % 200}-{n % 7}"}) for n in range(1_400)]
    assert [match(one).owner_key for one in facts] == [f"o{n % 200}" for n in range(1_400)]
    assert match(Facts("1", service="S1", tags={"app": "app-2-0"})).owner_key == ""
