"""Teams read from tags and accounts."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from costs.money import ZERO
from tagging.proposals import SliceCost, draft_teams, rank_keys


def spent(cost: int, account: str = "111", **tags: str) -> SliceCost:
    return SliceCost(account, tags, Decimal(cost))


def test_the_team_key_goes_first_while_it_covers_half_of_the_best() -> None:
    slices = [spent(60, Team="a", Project="x"), spent(40, Team="b", Project="y"), spent(50, Project="z")]
    assert [item.key for item in rank_keys(slices, ["Project", "Team"])] == ["Team", "Project"]
    thin = [spent(10, Team="a"), spent(5, Team="b"), spent(50, Project="x"), spent(50, Project="y")]
    assert [item.key for item in rank_keys(thin, ["Team", "Project"])] == ["Project", "Team"]


def test_environments_names_and_keys_with_one_value_never_name_teams() -> None:
    slices = [spent(60, Environment="Prod", Name="i-1", Owner="a"), spent(40, Environment="Dev", Name="i-2", Owner="a")]
    assert rank_keys(slices, ["Environment", "Name", "Owner"]) == ()


def test_spellings_of_one_value_are_one_team_named_by_the_dearest() -> None:
    draft = draft_teams([spent(70, Team="BaseLoad"), spent(30, Team="Base Load"), spent(5, Team="Peak")], "Team", {})
    assert [(team.name, team.tag_values, team.tag_cost) for team in draft.teams] == [
        ("BaseLoad", ("BaseLoad", "Base Load"), Decimal(100)),
        ("Peak", ("Peak",), Decimal(5)),
    ]


def test_untagged_costs_follow_the_account_of_one_team_and_stay_unallocated_in_a_shared_one() -> None:
    slices = [
        spent(90, "111", Team="a"), spent(10, "111", Team="b"), spent(20, "111"),  # 90 % a: the account is a's
        spent(50, "222", Team="a"), spent(50, "222", Team="b"), spent(7, "222"),  # shared
    ]  # fmt: skip
    draft = draft_teams(slices, "Team", {})
    assert [(team.name, team.sub_account_ids, team.account_cost) for team in draft.teams] == [
        ("a", ("111",), Decimal(20)),
        ("b", (), ZERO),
    ]
    assert (draft.unallocated_cost, draft.total) == (Decimal(7), Decimal(227))


def test_a_named_account_without_tags_becomes_a_team_or_joins_the_one_it_names() -> None:
    slices = [spent(10, "111", Team="Data"), spent(5, "222"), spent(3, "333"), spent(2, "444")]
    draft = draft_teams(slices, "Team", {"222": "data", "333": "Web shop"})
    assert [(team.name, team.sub_account_ids) for team in draft.teams] == [
        ("Data", ("111", "222")),
        ("Web shop", ("333",)),
    ]
    assert draft.unallocated_cost == Decimal(2)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["111", "222", ""]),
            st.sampled_from(["", "A", "a ", "B", "b-b", "Bb"]),
            st.integers(min_value=-50, max_value=500),
        ),
        max_size=30,
    )
)
def test_teams_and_unallocated_sum_to_the_whole(rows: list[tuple[str, str, int]]) -> None:
    slices = [spent(cost, account, **({"Team": value} if value else {})) for account, value, cost in rows]
    draft = draft_teams(slices, "Team", {"111": "A", "222": "Zed"})
    given_out = sum((team.tag_cost + team.account_cost for team in draft.teams), ZERO)
    assert given_out + draft.unallocated_cost == draft.total == sum((item.cost for item in slices), ZERO)
