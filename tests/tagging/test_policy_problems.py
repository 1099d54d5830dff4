"""Every class of tag string in real bills, in strings of our own: what is said of each, and what was meant."""

from datetime import date

import pytest

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.tags import parse_tag_text
from tagging.policy import AllowedValue, KeyPolicy
from tagging.policy.checks import check_key
from tagging.policy.near import distance, meant_key, spellings_meant
from tagging.policy.problems import Found, problem_of
from tagging.terms import TagProblem, ValueKind, ValueMatch

DAY = date(2025, 11, 30)
ENVIRONMENT = KeyPolicy(
    "Environment",
    allowed=(AllowedValue("Prod", ("production", "live")), AllowedValue("Dev", ("development",)), AllowedValue("Test")),
)
EXACT = KeyPolicy("Environment", allowed=ENVIRONMENT.allowed, exact_key=True, exact_value=True)
CENTER = KeyPolicy("CostCenter", allowed=(AllowedValue("CC-100"), AllowedValue("CC-101")))
EXPIRES = KeyPolicy("ExpirationDate", kind=ValueKind.DATE, is_required=False)
OPEN = KeyPolicy("Team")


def said(policy: KeyPolicy, value: str, spelling: str = "") -> tuple[str, str, bool] | None:
    problem = problem_of(policy, Found(value, spelling), day=DAY)
    return None if problem is None else (problem.kind.value, problem.meant, problem.breaks)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Prod", None),
        ("Production", None),  # an alias, in another case
        ("PROD", ("value_case", "Prod", False)),
        ("prodd", ("near_miss", "Prod", True)),
        ("Prodution", ("near_miss", "Prod", True)),  # one letter short of the alias
        ("develpoment", ("near_miss", "Dev", True)),  # two letters swapped
        ("dev elopment", ("near_miss", "Dev", True)),
        ("tes", ("near_miss", "Test", True)),  # how it begins
        ("Shared Services", ("invalid", "", True)),
        ("Moon", ("invalid", "", True)),
        ("", ("missing", "", True)),
        ("Prod,Dev", ("invalid", "", True)),
        ("Prod=1", ("invalid", "", True)),
        ("=HYPERLINK(1)", ("invalid", "", True)),
        ("Продакшн", ("invalid", "", True)),
    ],
)
def test_each_class_of_value_gets_its_finding_and_the_value_meant(
    value: str, expected: tuple[str, str, bool] | None
) -> None:
    assert said(ENVIRONMENT, value) == expected


def test_letter_case_breaks_the_policy_only_where_that_is_exact() -> None:
    assert said(EXACT, "prod") == ("value_case", "Prod", True)
    assert said(EXACT, "Prod", "environment") == ("key_case", "Prod", True)
    assert said(ENVIRONMENT, "Prod", "environment") == ("key_case", "Prod", False)
    assert said(EXACT, "live") is None  # an alias as it is written


@pytest.mark.parametrize("value", ["CC-102", "CC-10", "CC-110", "cc 1000"])
def test_a_number_is_never_a_typing_error_of_another(value: str) -> None:
    assert said(CENTER, value) == ("invalid", "", True)


def test_two_values_equally_near_are_not_guessed_between() -> None:
    policy = KeyPolicy("Tier", allowed=(AllowedValue("front"), AllowedValue("frond")))
    assert said(policy, "fron") == ("invalid", "", True)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-01-31", None),
        ("2025-11-30", None),  # its last day
        ("2025-11-29", ("expired", "", False)),
        ("31.1.2026", ("near_miss", "2026-01-31", False)),
        ("2026/1/31", ("near_miss", "2026-01-31", False)),
        ("20260131", ("near_miss", "2026-01-31", False)),
        ("2026-01-31T00:00:00Z", ("near_miss", "2026-01-31", False)),
        ("01/02/2026", ("invalid", "", False)),  # the first or the second month
        ("2026-02-30", ("invalid", "", False)),
        ("never", ("invalid", "", False)),
        ("", None),  # optional
    ],
)
def test_a_day_is_read_in_one_way_only(value: str, expected: tuple[str, str, bool] | None) -> None:
    assert said(EXPIRES, value) == expected


def test_a_mistyped_key_is_named_with_the_key_it_means() -> None:
    keys = ["Owner", "Environment", "Team", "CostCenter", "Project"]
    assert meant_key("Enviroment", keys) == "Environment"
    assert meant_key("Cost-Centre", keys) == "CostCenter"  # two letters, of ten
    assert [meant_key(key, keys) for key in ("environment", "cost_center", "Name", "tier", "TeamSize")] == [""] * 5
    problem = problem_of(ENVIRONMENT, Found("", "", "Enviroment", "production"), day=DAY)
    assert problem is not None
    assert (problem.kind, problem.spelling, problem.meant) == (TagProblem.NEAR_MISS, "Enviroment", "Prod")


def test_wildcards_and_patterns_allow_what_they_say() -> None:
    # the vector of AWS's guide: 100, 200 and 3*
    listed = (AllowedValue("100"), AllowedValue("200"), AllowedValue("3*", (), ValueMatch.WILDCARD))
    policy = KeyPolicy("CostCenter", allowed=listed, exact_key=True, exact_value=True)
    assert [said(policy, value) is None for value in ("100", "310", "400")] == [True, True, False]
    assert said(policy, "100", "costcenter") == ("key_case", "100", True)
    pattern = KeyPolicy("CostCenter", allowed=(AllowedValue("CC-[0-9]{4}", (), ValueMatch.PATTERN),))
    assert [pattern.normalised(value) for value in ("CC-1234", "cc-1234")] == ["CC-1234", None]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Team=Pay=Roll,Environment=Prod", "Pay=Roll"),
        ("Team=Pay, Roll,Environment=Prod", "Pay, Roll"),
        ("Environment=Prod,Team= 支払い ", "支払い"),
        ("Team=-,Environment=Prod", ""),
        ("Environment=Prod", ""),
        ("Team=NULL", ""),
    ],
)
def test_commas_equal_signs_unicode_and_blanks_in_a_string_of_tags(text: str, value: str) -> None:
    assert OPEN.value_in(parse_tag_text(text)) == value


def test_rare_spellings_of_free_text_mean_the_common_one() -> None:
    counts = {"BaseLoad": 30, "Base Load": 2, "Bas eload": 1, "Baseloat": 1, "Daytime": 9, "CC-1": 50, "CC-2": 1}
    found = {value: (each.value, each.why) for value, each in spellings_meant(counts).items()}
    same = "only spaces, punctuation or case differ"
    assert found == {
        "Base Load": ("BaseLoad", same),
        "Bas eload": ("BaseLoad", same),
        "Baseloat": ("BaseLoad", "1 letter differs"),
    }


def test_ten_thousand_values_that_differ_mean_themselves() -> None:
    counts = {f"team-{chr(97 + at % 26)}{chr(97 + at // 26 % 26)}{at}": 5 for at in range(10_000)}
    assert spellings_meant(counts) == {}


def test_distance_counts_a_swap_as_one() -> None:
    assert [distance(*pair) for pair in (("team", "taem"), ("team", "teams"), ("team", "tier"), ("a", "bcdefg"))] == [
        1, 1, 3, 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        (KeyPolicy(" "), "must not be empty"),
        (KeyPolicy("n/a"), "must not be empty"),
        (KeyPolicy("k" * 129), "128 characters"),
        (KeyPolicy("a\nb"), "line breaks"),
        (KeyPolicy("OWNER"), "the same but for case and punctuation"),
        (KeyPolicy("Boss", ("own-er",)), "the same but for case and punctuation"),
        (KeyPolicy("X", allowed=(AllowedValue("a", ("b",)), AllowedValue("B"))), "stands for both 'a' and 'B'"),
        (KeyPolicy("X", allowed=(AllowedValue("a(", (), ValueMatch.PATTERN),)), "a bracket is not closed"),
        (KeyPolicy("X", allowed=(AllowedValue("ab", (), ValueMatch.WILDCARD),)), "needs one to 5 asterisks"),
        (KeyPolicy("X", allowed=(AllowedValue("a"),), kind=ValueKind.DATE), "cannot have a list"),
        (KeyPolicy("X", resource_types=("instance",)), "is no resource type"),
        (KeyPolicy("X", teams=("nobody-knows",)), "There is no team 'nobody-knows'"),
        (
            KeyPolicy("X", from_period=BillingPeriod.parse("2025-11"), to_period=BillingPeriod.parse("2025-11")),
            "would end before it begins",
        ),
        (KeyPolicy("X", allowed=tuple(AllowedValue(str(at)) for at in range(501))), "500 are the most"),
    ],
)
def test_what_cannot_be_a_key_is_refused_with_its_reason(policy: KeyPolicy, says: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        check_key(policy, others=[KeyPolicy("Owner")], teams={"payments"})
    assert says in str(caught.value)


def test_a_key_holds_in_its_months_and_applies_to_its_types_and_teams() -> None:
    november = BillingPeriod.parse("2025-11")
    policy = KeyPolicy(
        "X", resource_types=("ec2:*",), teams=("payments",), from_period=november, to_period=november.next()
    )
    assert [policy.holds_in(period) for period in (november.previous(), november, november.next())] == [
        False, True, False,
    ]  # fmt: skip
    assert policy.applies_to("ec2:volume", "payments")
    assert not policy.applies_to("s3:bucket", "payments")
    assert not policy.applies_to("ec2:volume", "search")
    assert not policy.applies_to("", "payments")
