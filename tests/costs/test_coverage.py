"""Coverage, utilisation and savings rates, worked by hand."""

from decimal import Decimal

import pytest

from costs.coverage import coverage, effective_savings_rate, net_savings, utilization, utilization_by_cost

D = Decimal


@pytest.mark.parametrize(
    ("purchased", "used", "on_demand_value", "cost", "saved", "share"),
    [(100, 50, "200", "150", "50", "0.5"), (100, 75, "300", "150", "150", "0.75"), (50, 50, "200", "75", "125", "1")],
)
def test_net_savings_count_the_unused_part_as_cost(
    purchased: int, used: int, on_demand_value: str, cost: str, saved: str, share: str
) -> None:
    # on demand 4.00 an hour, reserved 1.50
    assert net_savings(D(on_demand_value), D(cost)) == D(saved)
    assert utilization(used, purchased) == D(share)
    unused = (purchased - used) * D("1.5")
    assert utilization_by_cost(unused, D(cost)) == D(share)
    realised, potential = used * D("2.5"), purchased * 4 - D(cost)
    assert realised - unused == D(saved)
    assert potential - realised == (purchased - used) * D("2.5")


def test_coverage_in_hours_misleads_where_sizes_differ() -> None:
    # 100 h of m5.large reserved, 100 h of m5.2xlarge on demand: 400 of 2,000 units, 9.60 of 48.00
    assert coverage(100, 100) == D("0.5")
    assert coverage(400, 1600) == D("0.2")
    assert coverage(9.6, 38.4) == D("0.2")


def test_a_plan_s_utilisation_and_coverage_are_in_money() -> None:
    assert utilization_by_cost(D("0.20"), D("10.00")) == D("0.98")
    assert coverage(9, 1) == D("0.9")


@pytest.mark.parametrize(
    ("list_cost", "effective", "rate"),
    [
        ("1000", "700", "0.3"),
        ("295.68", "253.676712", "0.142057"),
        ("100", "70", "0.3"),  # all covered and used
        ("70", "70", "0"),  # 30 % off, 70 % used
        ("100", "85", "0.15"),  # half covered
    ],
)
def test_the_effective_savings_rate_is_against_list_price(list_cost: str, effective: str, rate: str) -> None:
    found = effective_savings_rate(D(list_cost), D(effective))
    assert found is not None
    assert round(found, 6) == D(rate)


def test_nothing_to_divide_by_is_not_available() -> None:
    assert coverage(0, 0) is None
    assert utilization(0, 0) is None
    assert utilization_by_cost(D(0), D(0)) is None
    assert effective_savings_rate(D(0), D(0)) is None


def test_rounding_of_the_bill_never_shows_more_than_all_used() -> None:
    assert utilization(744.000001, 744) == 1
