"""Patterns and wildcards of allowed values: what they match, that they end, and how mistakes are named."""

import pytest

from tagging.policy.patterns import Pattern, PatternError, wildcard_matches


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("CC-[0-9]{4}", "CC-1001", True),
        ("CC-[0-9]{4}", "CC-10015", False),
        ("CC-[0-9]{4}", "xCC-1001", False),
        ("^CC-\\d+$", "CC-7", True),
        ("(dev|prod)-\\w+", "prod-é_1", True),
        ("(dev|prod)-\\w+", "test-1", False),
        ("[^ ]{2,3}", "ab", True),
        ("[^ ]{2,3}", "abcd", False),
        ("a?b*c", "bbc", True),
        (".+@example\\.com", "jo@example.com", True),
        (".+@example\\.com", "jo@exampleXcom", False),
        ("[]x-]+", "]-x", True),
        ("x{0}", "", True),
        ("", "", None),
    ],
)
def test_a_pattern_matches_the_whole_value(pattern: str, value: str, matches: bool | None) -> None:
    if matches is None:
        with pytest.raises(PatternError):
            Pattern(pattern)
    else:
        assert Pattern(pattern).matches(value) is matches


@pytest.mark.parametrize("pattern", ["(a+)+b", "(a|a)*b", "(a|aa)+b", "a*a*a*a*a*a*b", "((a*)*)*b", "(.*)*(.*)*x"])
def test_a_pattern_that_ruins_others_ends(pattern: str) -> None:
    assert not Pattern(pattern).matches("a" * 500)  # with backtracking this takes longer than the universe


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        ("a**", "two repetitions after one another at character 3"),
        ("(a", "a bracket is not closed"),
        ("a)", "a bracket is closed that was not opened"),
        ("[a", "a square bracket is not closed"),
        ("*a", "'*' has nothing to stand for"),
        ("a{3", "{n} or {n,m} is expected"),
        ("a{5,2}", "the smaller number first"),
        ("a{101}", "at most 100"),
        ("(?:a)", "(?…) is not supported"),
        ("\\b", "\\b is not supported"),
        ("(x{50}){50}", "repeats too much"),
        ("[z-a]", "z-a is no range"),
        ("a" * 201, "200 characters; this one has 201"),
        ("(" * 30 + "a" + ")" * 30, "more than 20 brackets"),
    ],
)
def test_a_pattern_that_cannot_be_used_says_why_and_where(pattern: str, says: str) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("wildcard", "value", "matches"),
    [
        ("3*", "310", True),
        ("3*", "13", False),
        ("*", "", True),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*-prod-*", "x-prod-y", True),
        ("*-prod-*", "x-prod", False),
        ("plain", "plain", True),
        ("a*b*c", "abbc", True),
        ("a*b*c", "acb", False),
        ("[ab]*", "a", False),
    ],
)
def test_a_wildcard_stands_for_anything_and_nothing_else_is_special(wildcard: str, value: str, matches: bool) -> None:
    assert wildcard_matches(wildcard, value) is matches
