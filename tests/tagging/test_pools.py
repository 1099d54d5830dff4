"""Shared pools, worked by hand: every part to the tenth decimal, every case summing to what left the pool."""

from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from costs.errors import InvalidRequestError
from costs.money import from_units, to_units
from costs.terms import COST_COLUMNS
from tagging.pools import TO_OTHERS, Pool, Remark, Split, Target, Units, check_pool, in_order, split_pools
from tagging.terms import SplitMethod, Weighing

EVEN, FIXED, PROPORTIONAL, KEEP = SplitMethod.EVEN, SplitMethod.FIXED, SplitMethod.PROPORTIONAL, SplitMethod.KEEP


def same(amount: str) -> Units:
    """The same amount on every basis."""
    return (to_units(Decimal(amount)),) * len(COST_COLUMNS)


def pool(method: SplitMethod, *targets: Target | str, key: str = "platform", rest_to: str = "") -> Pool:
    taking = tuple(target if isinstance(target, Target) else Target(target) for target in targets)
    return Pool(key=key, name=key.title(), method=method, targets=taking, rest_to=rest_to)


def billed(split: Split) -> dict[str, Decimal]:
    return {share.owner_key: from_units(share.amounts[0]) for share in split.shares}


def one(split_pool: Pool, amount: str, weights: dict[str, str] | None = None) -> Split:
    weighed = {split_pool.key: {owner: same(weight) for owner, weight in (weights or {}).items()}}
    return split_pools([split_pool], {split_pool.owner_key: same(amount)}, weighed)[0]


def parts(*amounts: str) -> dict[str, Decimal]:
    return {owner: Decimal(amount) for owner, amount in zip("abc", amounts, strict=False)}


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        # 100 ÷ 3 is 33.33333333333…: one unit of the tenth decimal is left, the first has it
        pytest.param(one(pool(EVEN, "a", "b", "c"), "100"), ("33.3333333334", "33.3333333333", "33.3333333333"),
                     id="E1 even"),
        # 10.01 × 50 % = 5.005, × 30 % = 3.003, × 20 % = 2.002
        pytest.param(one(pool(FIXED, Target("a", Decimal(50)), Target("b", Decimal(30)), Target("c", Decimal(20))),
                         "10.01"), ("5.005", "3.003", "2.002"), id="E2 fixed"),
        # 100 × 1200/2000, 700/2000, 100/2000
        pytest.param(one(pool(PROPORTIONAL, "a", "b", "c"), "100", {"a": "1200", "b": "700", "c": "100"}),
                     ("60", "35", "5"), id="E3 proportional"),
        # -7 ÷ 3 = -2.33333333333…
        pytest.param(one(pool(EVEN, "a", "b", "c"), "-7"), ("-2.3333333334", "-2.3333333333", "-2.3333333333"),
                     id="E4 credit"),
        # two units over three: the first two have one each
        pytest.param(one(pool(EVEN, "a", "b", "c"), "0.0000000002"), ("0.0000000001", "0.0000000001", "0"),
                     id="E5 smallest"),
        # weights in thousandths: 1000 × 333.333 ÷ 1000 exactly
        pytest.param(one(pool(PROPORTIONAL, "a", "b", "c"), "1000", {"a": "333.333", "b": "333.333", "c": "333.334"}),
                     ("333.333", "333.333", "333.334"), id="E6 near thirds"),
        # no weight at all: even, and said so
        pytest.param(one(pool(PROPORTIONAL, "a", "b"), "9", {"a": "0"}), ("4.5", "4.5"), id="E7 no weight"),
        # -5 counts as 0, so all goes to b
        pytest.param(one(pool(PROPORTIONAL, "a", "b"), "9", {"a": "-5", "b": "1"}), ("0", "9"), id="negative weight"),
        # a target without costs that month gets nothing of a proportional split
        pytest.param(one(pool(PROPORTIONAL, "a", "b"), "9", {"b": "3"}), ("0", "9"), id="missing target"),
        # and its part of an even one
        pytest.param(one(pool(EVEN, "a", "b"), "9", {"b": "3"}), ("4.5", "4.5"), id="missing target, even"),
    ],
)  # fmt: skip
def test_a_pool_is_split_to_the_tenth_decimal(split: Split, expected: tuple[str, ...]) -> None:
    assert billed(split) == parts(*expected)
    assert (split.stays[0], from_units(split.left[0])) == (0, -sum(parts(*expected).values(), Decimal(0)))


def test_what_is_odd_about_a_split_is_said() -> None:
    assert one(pool(PROPORTIONAL, "a", "b"), "9", {"a": "0"}).remarks == {Remark.EVEN_INSTEAD}
    odd = one(pool(PROPORTIONAL, "a", "b"), "9", {"a": "-5", "b": "1"})
    assert odd.remarks == {Remark.NEGATIVE_WEIGHT}
    nobody = one(pool(EVEN), "9")
    assert (set(nobody.remarks), nobody.shares, from_units(nobody.stays[0])) == ({Remark.NOBODY}, (), Decimal(9))


def test_an_empty_pool_has_no_shares_and_one_that_keeps_keeps() -> None:
    assert one(pool(EVEN, "a", "b"), "0").shares == ()
    kept = one(pool(KEEP, "a"), "12.5")
    assert (kept.shares, from_units(kept.stays[0]), kept.remarks) == ((), Decimal("12.5"), frozenset())


def test_business_units_of_e8() -> None:
    """E8: platform 2,000 by eng 6,000 and mkt 3,000: 4000/3 and 2000/3. Support 900 by 6,000, 3,000 and 1,000."""
    platform, support = pool(PROPORTIONAL, "a", "b"), pool(PROPORTIONAL, "a", "b", "c", key="support")
    direct = {"a": same("6000"), "b": same("3000"), "c": same("1000")}
    own = {**direct, platform.owner_key: same("2000"), support.owner_key: same("900")}
    first, second = split_pools([platform, support], own, {"platform": direct, "support": direct})
    assert billed(first) == parts("1333.3333333333", "666.6666666667")
    assert billed(second) == parts("540", "270", "90")


def test_caps_send_the_rest_where_the_pool_says() -> None:
    """100 even over three, a at most 10: the rest of 23.3333333334 stays, goes to z, or to b and c (45 each)."""
    capped = (Target("a", cap=Decimal(10)), "b", "c")
    stays = one(pool(EVEN, *capped), "100")
    assert billed(stays) == parts("10", "33.3333333333", "33.3333333333")
    assert (from_units(stays.stays[0]), set(stays.remarks)) == (Decimal("23.3333333334"), {Remark.REST_STAYS})
    sent = one(pool(EVEN, *capped, rest_to="z"), "100")
    assert billed(sent)["z"] == Decimal("23.3333333334")
    assert billed(one(pool(EVEN, *capped, rest_to=TO_OTHERS), "100")) == parts("10", "45", "45")


def test_caps_that_others_reach_in_turn_leave_a_rest() -> None:
    """100 over three: a ≤ 10, so 45 each; b ≤ 40, so c has 50, its cap 20: 30 is nobody's and stays."""
    full = (Target("a", cap=Decimal(10)), Target("b", cap=Decimal(40)), Target("c", cap=Decimal(20)))
    split = one(pool(EVEN, *full, rest_to=TO_OTHERS), "100")
    assert billed(split) == parts("10", "40", "20")
    assert (from_units(split.stays[0]), set(split.remarks)) == (Decimal(30), {Remark.REST_STAYS})


def test_a_cap_bounds_credits_too() -> None:
    """-100 even over two, a at most 10 either way: -10 and -90."""
    split = one(pool(EVEN, Target("a", cap=Decimal(10)), "b", rest_to=TO_OTHERS), "-100")
    assert billed(split) == parts("-10", "-90")


def test_a_chain_gives_first_and_takes_later() -> None:
    """Network 30: half to a, half to the platform; platform 70 + 15 = 85 even over a and b."""
    network = pool(EVEN, "a", "pool:platform", key="network")
    platform = pool(EVEN, "a", "b")
    own = {network.owner_key: same("30"), platform.owner_key: same("70")}
    given, taken = split_pools([platform, network], own, {})
    assert (given.pool.key, billed(given)) == ("network", {"a": Decimal(15), "pool:platform": Decimal(15)})
    assert billed(taken) == parts("42.5", "42.5")
    assert from_units(taken.received[0]) == 15


def test_a_circle_is_refused_with_its_way() -> None:
    ring = [
        pool(EVEN, "pool:two", key="one"),
        pool(EVEN, "pool:three", key="two"),
        pool(EVEN, "pool:two", "a", key="three"),
    ]
    with pytest.raises(InvalidRequestError, match="circle: Three → Two → Three") as error:
        in_order(ring)
    assert "Take one of these steps out" in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (pool(FIXED, Target("a", Decimal(50)), Target("b", Decimal("49.5"))), "to 99.5, not to 100: 0.5 too little"),
        (pool(FIXED, Target("a", Decimal(100)), Target("b", Decimal("0.1"))), "100.1, not to 100: 0.1 too much"),
        (pool(FIXED, Target("a", Decimal(100)), Target("b")), "Give b a percentage"),
        (pool(FIXED, Target("a", Decimal(120)), Target("b", Decimal(-20))), "cannot be below zero"),
        (pool(FIXED), "needs those who share it"),
        (pool(EVEN, "a", "a"), "a stands twice"),
        (pool(EVEN, "a", Target("b", Decimal(5))), "belong to a fixed split only"),
        (pool(EVEN, Target("a", cap=Decimal(-1))), "cap cannot be below zero"),
        (pool(EVEN, "pool:platform"), "cannot give to itself"),
        (Pool("p", "P", PROPORTIONAL, Weighing.SERVICES), "at least one service"),
        (Pool("p", "P", PROPORTIONAL, Weighing.DRIVER), "Choose the driver"),
    ],
)  # fmt: skip
def test_what_cannot_be_split_is_refused_with_the_cure(wrong: Pool, words: str) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        check_pool(wrong)


amounts = st.integers(min_value=-(10**14), max_value=10**14)
every_basis = st.tuples(*[amounts] * len(COST_COLUMNS))
targets = st.lists(
    st.builds(Target, st.sampled_from("abcdef"), cap=st.none() | st.integers(0, 5000).map(Decimal)),
    max_size=6,
    unique_by=lambda target: target.owner_key,
)
methods = st.sampled_from([EVEN, PROPORTIONAL, KEEP])
rests = st.sampled_from(["", TO_OTHERS, "z"])
weighed = st.dictionaries(st.sampled_from("abcdefgh"), every_basis, max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(methods, targets, rests, every_basis, weighed), min_size=1, max_size=4), st.booleans())
def test_nothing_is_lost_or_made_whatever_is_split(
    made: list[tuple[SplitMethod, list[Target], str, Units, dict[str, Units]]], chained: bool
) -> None:
    pools, own, weights = [], {}, {}
    for at, (method, taking, rest, direct, weight) in enumerate(made):
        after = [Target(f"pool:p{at + 1}")] if chained and at + 1 < len(made) else []
        pools.append(Pool(f"p{at}", f"P{at}", method, targets=(*taking, *after), rest_to=rest))
        own[f"pool:p{at}"], weights[f"p{at}"] = direct, weight
    splits = split_pools(pools, own, weights)
    for place in range(len(COST_COLUMNS)):
        given_to = sum(share.amounts[place] for split in splits for share in split.shares)
        left = sum(split.left[place] for split in splits)
        assert given_to + left == 0
        whole = sum(direct[place] for direct in own.values())
        people = sum(s.amounts[place] for x in splits for s in x.shares if not s.owner_key.startswith("pool:"))
        assert people + sum(split.stays[place] for split in splits) == whole
    for split in splits:
        caps = {target.owner_key: target.cap for target in split.pool.targets if target.cap is not None}
        over = [
            s for s in split.shares if s.owner_key in caps and max(map(abs, s.amounts)) > to_units(caps[s.owner_key])
        ]
        assert over == []
