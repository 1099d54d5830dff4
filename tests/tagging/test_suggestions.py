"""Suggestions: what is learned, how far it is trusted, and that they keep silent where they cannot know."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tagging.clues import ClueKind, KnownResource, clues_of, name_stem
from tagging.suggestions import Suggestion, TagLearner, suggest_all
from tests.tagging.plain_suggestions import PlainLearner


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Web-Prod-03", "web-prod"),
        ("web-prod-12", "web-prod"),
        ("web01", "web"),
        ("db_7", "db"),
        ("queue-0a1b2c3d4e", "queue"),
        ("2024", ""),
        ("café.log.5", "café.log"),
        ("", ""),
    ],
)
def test_a_name_without_its_numbers_is_its_stem(name: str, stem: str) -> None:
    assert name_stem(name) == stem


def test_clues_are_what_resources_can_share_and_never_a_made_up_id() -> None:
    resource = KnownResource(
        1,
        "i-0123456789abcdef0",
        "shop-web-2",
        "111111111111",
        "Compute",
        tags={
            "aws:autoscaling:groupName": "shop-web",
            "resource_tags_aws_created_by": "x",
            "aws:createdBy": "role:ann",
            "Project": "till",
            "Name": "shop-web-2",
        },
    )
    found = [(clue.kind, clue.text) for clue in clues_of(resource)]
    assert found == [
        (ClueKind.AUTO_SCALING, "shop-web"),
        (ClueKind.SIBLING, "i-0123456789abcdef0"),
        (ClueKind.NAME_STEM, "shop-web"),
        (ClueKind.NAME_WORD, "shop"),
        (ClueKind.NAME_WORD, "web"),
        (ClueKind.CREATOR, "role:ann"),
        (ClueKind.OTHER_TAG, "resource_tags_aws_created_by=x"),
        (ClueKind.OTHER_TAG, "Project=till"),
        (ClueKind.ACCOUNT_SERVICE, "111111111111, Compute"),
        (ClueKind.ACCOUNT, "111111111111"),
    ]
    assert ClueKind.NAME_STEM not in {clue.kind for clue in clues_of(KnownResource(2, "vol-0123456789abcdef0"))}
    bucket = clues_of(KnownResource(3, "arn:aws:s3:::Shop-Images-7"))
    assert (ClueKind.NAME_STEM, "shop-images") in [(clue.kind, clue.text) for clue in bucket]


def fleet(name: str, team: str, count: int, *, first: int = 0, account: str = "") -> list[KnownResource]:
    tags = {"Team": team} if team else {}
    return [KnownResource(first + n, f"i-{first + n:017x}", f"{name}-{n}", account, tags=tags) for n in range(count)]


def only(found: Sequence[Suggestion]) -> Suggestion:
    (one,) = found
    return one


def test_a_resource_is_suggested_what_others_of_its_name_carry() -> None:
    """40 known cases, all 40 right: Wilson's lower end is 40 ÷ (40 + 1.281552²) = 40 ÷ 41.642375 = 0.960560.

    20 of its name carry Team=Search. Nothing else speaks for another value.
    """
    known = fleet("search-index", "Search", 20) + fleet("shop-web", "Shop", 20, first=100)
    lost = KnownResource(500, "i-00000000000000abc", "search-index-77")
    found = only(suggest_all([*known, lost], ["Team"]))
    assert (found.resource_key, found.tag_key, found.value) == (500, "Team", "Search")
    assert found.confidence == pytest.approx(0.960560, abs=1e-6)
    stem = next(each for each in found.evidence if each.kind is ClueKind.NAME_STEM)
    assert (stem.agreeing, stem.known) == (20, 20)
    assert stem.sentence == "20 of 20 with the same name (search-index)"


def test_thirty_one_right_cases_prove_too_little_and_thirty_two_enough() -> None:
    """31 ÷ (31 + 1.642375) = 0.949686 < 0.95 ≤ 0.951182 = 32 ÷ (32 + 1.642375)."""
    lost = KnownResource(500, "i-00000000000000abc", "search-index-77")
    few = fleet("search-index", "Search", 16) + fleet("shop-web", "Shop", 15, first=100)
    assert suggest_all([*few, lost], ["Team"]) == []
    assert only(suggest_all([*few, *fleet("shop-web", "Shop", 1, first=200), lost], ["Team"])).value == "Search"


def test_a_group_that_does_not_agree_is_no_reason() -> None:
    mixed = fleet("batch", "Search", 20) + fleet("batch", "Shop", 20, first=100)
    lost = KnownResource(500, "i-00000000000000abc", "batch-77")
    assert suggest_all([*mixed, lost], ["Team"]) == []


def test_a_whole_group_without_tags_is_judged_by_groups_that_were_left_out_whole() -> None:
    """Each of 40 fleets has an account of its team; a fleet nobody tagged stands in Search's account.

    Its names are known nowhere, so it is judged like the 40 cases with their own fleet left out: all were
    right by the account alone.
    """
    known: list[KnownResource] = []
    for number in range(40):
        team, account = (("Search", "1"), ("Shop", "2"))[number % 2]
        known += fleet(
            f"fleet{chr(97 + number % 26)}{chr(97 + number // 26)}x", team, 3, first=number * 10, account=account
        )
    lost = KnownResource(9_000, "i-00000000000000abc", "never-seen-1", "1")
    found = only(suggest_all([*known, lost], ["Team"]))
    assert found.value == "Search"
    assert {each.kind for each in found.evidence} == {ClueKind.ACCOUNT, ClueKind.ACCOUNT_SERVICE}


def test_accounts_that_hold_several_teams_are_no_reason() -> None:
    known: list[KnownResource] = []
    for number in range(40):
        team = ("Search", "Shop")[number % 2]
        known += fleet(
            f"fleet{chr(97 + number % 26)}{chr(97 + number // 26)}x", team, 3, first=number * 10, account="1"
        )
    lost = KnownResource(9_000, "i-00000000000000abc", "never-seen-1", "1")
    assert suggest_all([*known, lost], ["Team"]) == []


def test_the_most_frequent_spelling_is_suggested_of_values_that_mean_the_same() -> None:
    known = fleet("index", "Search", 30) + fleet("index", "search", 12, first=100)
    lost = KnownResource(500, "i-00000000000000abc", "index-77")
    assert only(suggest_all([*known, lost], ["Team"])).value == "Search"


def test_values_the_policy_does_not_allow_are_not_learned() -> None:
    known = fleet("index", "tbd", 40)
    lost = KnownResource(500, "i-00000000000000abc", "index-77")
    assert suggest_all([*known, lost], ["Team"], spelled=lambda _, value: "" if value == "tbd" else value) == []


def test_what_hangs_on_a_tagged_resource_belongs_with_it() -> None:
    known = fleet("index", "Search", 40)
    volumes = [
        KnownResource(1_000 + n, f"vol-{n:017x}", attached_to=each.resource_id, tags={"Team": "Search"})
        for n, each in enumerate(known)
    ]
    lost = KnownResource(5_000, "vol-0000000000000fff1", attached_to=known[0].resource_id)
    found = only(suggest_all([*known, *volumes, lost], ["Team"]))
    assert next(each for each in found.evidence if each.kind is ClueKind.SIBLING).known == 2


def test_the_key_itself_is_never_its_own_clue_however_it_is_spelled() -> None:
    resource = KnownResource(1, "i-1", tags={"team": "Shop", "Owner": "ann"})
    learner = TagLearner("Team", [resource])
    assert learner.known == 1
    assert [clue.text for clue in learner._clues(resource) if clue.kind is ClueKind.OTHER_TAG] == ["Owner=ann"]


_values = st.sampled_from(["Search", "Shop", "", "=1+1", "Ünï, côde=", "tbd"])
_resources = st.lists(
    st.tuples(st.sampled_from(["web-1", "web-2", "db", "", "x" * 300]), _values, st.sampled_from(["1", "2", ""])),
    max_size=60,
)


@given(_resources)
def test_only_missing_tags_are_suggested_and_only_values_somebody_carries(rows: list[tuple[str, str, str]]) -> None:
    resources = [
        KnownResource(n, f"i-{n:09x}", name, account, tags={"Team": team} if team else {})
        for n, (name, team, account) in enumerate(rows)
    ]
    carried = {team for _, team, _ in rows if team}
    for found in suggest_all(resources, ["Team"], least_precision=0.5):
        assert not rows[found.resource_key][1]
        assert found.value in carried
        assert 0.5 <= found.confidence < 1
        assert all(0 < each.agreeing <= each.known for each in found.evidence)


_stems = ("web-prod", "web-dev", "db", "batch-prod-eu", "")
_odd = st.builds(
    lambda n, stem, account, service, tags, on: KnownResource(
        n, f"i-{n:017x}", f"{stem}-{n}", account, service, f"i-{on:017x}" if on else "", tags
    ),
    st.integers(0, 10_000),
    st.sampled_from(_stems),
    st.sampled_from(["1", "2", ""]),
    st.sampled_from(["Compute", "Storage"]),
    st.dictionaries(
        st.sampled_from(
            ["Team", "team", "Owner", "aws:createdBy", "aws:autoscaling:groupName", "Stack", "eks:cluster-name"]
        ),
        st.sampled_from(["Search", "search", "Shop", "Ünï, côde=", "n/a"]),
        max_size=4,
    ),
    st.sampled_from([0, 0, 1, 2]),
)


@given(st.lists(_odd, max_size=40, unique_by=lambda each: each.key), st.sampled_from([0.1, 0.5, 0.8]))
def test_what_is_remembered_changes_no_suggestion_no_confidence_and_no_reason(
    resources: list[KnownResource], least: float
) -> None:
    plain, learner = PlainLearner("Team", resources), TagLearner("Team", resources)
    for each in resources:
        assert learner.suggest(each, least_precision=least) == plain.suggest(each, least_precision=least)


def test_groups_of_many_cases_are_judged_as_one_by_one() -> None:
    known = [
        KnownResource(n, f"i-{n:017x}", f"{('web', 'db', 'batch')[n % 3]}-{('eu', 'us')[n % 2]}-{n}", str(n % 5),
                      tags={"Team": ("Search", "Shop", "Ops")[(n % 3 + (n % 17 == 0)) % 3], "Tier": str(n % 4)})
        for n in range(300)
    ]  # fmt: skip
    lost = [
        KnownResource(9_000 + n, f"i-{n:x}", f"{('web', 'db', 'new')[n % 3]}-eu-{n}", str(n % 5)) for n in range(30)
    ]
    plain, learner = PlainLearner("Team", known), TagLearner("Team", known)
    found = [learner.suggest(each, least_precision=0.5) for each in lost]
    assert found == [plain.suggest(each, least_precision=0.5) for each in lost]
    assert sum(each is not None for each in found) >= 10
