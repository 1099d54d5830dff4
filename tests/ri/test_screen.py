"""Which instances of an inventory are steady, and how many to reserve."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ri.screen import Candidate, Uptime, screened, target_quantity, uptime_of
from ri.usage import Pool
from tests.ri.builders import ASSUMED, limits

D = Decimal
POOL = Pool("us-east-1", "m5.large")
DAY = date(2025, 11, 5)


def states(*found: str) -> list[tuple[date, str]]:
    return [(DAY + timedelta(days=at), state) for at, state in enumerate(found)]


@pytest.mark.parametrize(
    ("state", "cpu", "share"),
    [
        ("running", 60.0, "0.95"),
        ("running", 60.1, "0.98"),
        ("running", None, "0.95"),
        ("stopped", 90.0, "0.45"),
        ("terminated", None, "0.10"),
    ],
)
def test_one_snapshot_lets_uptime_be_assumed(state: str, cpu: float | None, share: str) -> None:
    assert uptime_of(states(state), cpu_pct=cpu, assumptions=ASSUMED) == Uptime(D(share), is_measured=False)


def test_a_state_nobody_knows_lets_nothing_be_assumed() -> None:
    assert uptime_of(states("pending"), cpu_pct=None, assumptions=ASSUMED).share is None


def test_enough_snapshots_measure_uptime() -> None:
    # running on 12 of 15 days
    found = uptime_of(states(*["running"] * 12, *["stopped"] * 3), cpu_pct=99, assumptions=ASSUMED)
    assert found == Uptime(D("0.8"), is_measured=True)


@pytest.mark.parametrize(
    ("steady", "quantity"),
    [(0, 0), (1, 1), (2, 1), (3, 2), (4, 3), (5, 4), (6, 4), (8, 6), (9, 6), (15, 10), (25, 18)],
)
def test_the_target_is_rounded_half_to_even_and_at_least_one(steady: int, quantity: int) -> None:
    # 5 × 0.7 = 3.5 → 4; 15 × 0.7 = 10.5 → 10; 25 × 0.7 = 17.5 → 18; 1 × 0.7 → 1
    assert target_quantity(steady, D("0.7")) == quantity


def test_a_target_of_nothing_reserves_nothing() -> None:
    assert target_quantity(5, D(0)) == 0


def test_groups_speak_of_their_steady_instances() -> None:
    def candidate(name: str, share: str | None) -> Candidate:
        return Candidate(name, POOL, "running", None, Uptime(D(share) if share else None, is_measured=share == "0.8"))

    (group,) = screened(
        [candidate("a", "0.8"), candidate("b", "1"), candidate("c", "0.79"), candidate("d", None)], limits()
    )
    assert [each.resource_id for each in group.steady] == ["a", "b"]
    assert (group.mean_uptime, group.quantity, group.is_measured) == (D("0.9"), 1, False)
    assert group.highest_uptime == 1
