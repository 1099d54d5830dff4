"""The demo company's exports: exact identities, numbers worked by hand, the same bytes every time."""

import csv
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from finops_site.demo_data import (
    LARKFIELD,
    SMALL,
    Company,
    DemoExports,
    company_estate,
    month_lines,
    months_to,
    write_exports,
)
from finops_site.demo_data.company import Account, Fleet, Reservation, SavingsPlan, TeamSpec
from finops_site.demo_data.lines import Lines

TODAY = date(2026, 3, 10)
Row = dict[str, object]


def tiny(
    *, fleets: tuple[Fleet, ...] = (), reservations: tuple[Reservation, ...] = (), plans: tuple[SavingsPlan, ...] = ()
) -> Company:
    """One account that pays for itself, so that nothing random is used."""
    return Company(
        name="Tiny",
        slug="tiny",
        accounts=(Account("000000000001", "all"),),
        teams=(TeamSpec("core", "Core", "CC-1", ("ann",), ("app",), 1.0, ("Core",)),),
        fleets=fleets,
        databases=(),
        buckets=(),
        functions=(),
        networks=(),
        reservations=reservations,
        plans=plans,
    )


def fleet(instance_type: str, *, count: int, volume_gb: int = 0) -> Fleet:
    return Fleet("app", "core", "all", "us-east-1", instance_type, count, "Prod", volume_gb=volume_gb)


def bill_of(company: Company, month: int) -> list[Row]:
    """The lines of one month (0 is the oldest), money as exact decimals by column."""
    months = months_to(TODAY)
    found = list(month_lines(company_estate(company, months, seed=1), months, seed=1))
    return list(rows_of(found[month]))


def rows_of(lines: Lines) -> Iterator[Row]:
    arrays = lines.arrays()
    for place, meter in enumerate(arrays.meter):
        money = {name: Decimal(int(values[place])).scaleb(-10) for name, values in arrays.money.items()}
        cost = Decimal(int(arrays.cost[place])).scaleb(-10)
        columns = lines.meters[int(meter)].columns
        yield {"cost": cost, "hour": int(arrays.hour[place]), "usage": float(arrays.usage[place]), **columns, **money}


def total(rows: list[Row], kind: str, column: str = "cost") -> Decimal:
    amounts = [row[column] for row in rows if row["line_item_line_item_type"] == kind]
    return sum((amount for amount in amounts if isinstance(amount, Decimal)), Decimal(0))


def test_a_month_adds_up_by_hand_when_one_of_two_instances_is_reserved() -> None:
    reserved = Reservation("0000001-app", "m5.xlarge", "us-east-1", 1, "0", "0.121", "No Upfront", 200)
    rows = bill_of(tiny(fleets=(fleet("m5.xlarge", count=2, volume_gb=672),), reservations=(reserved,)), 1)

    # February 2026 has 672 hours; a 672 GB volume is one GB-month an hour at 0.08, on each instance
    assert total(rows, "Usage") == Decimal("0.192") * 672 + Decimal("0.08") * 672 * 2  # 129.024 + 107.52
    assert total(rows, "RIFee") == Decimal("81.312")  # 0.121 × 672
    assert total(rows, "DiscountedUsage") == 0
    assert total(rows, "DiscountedUsage", "reservation_effective_cost") == Decimal("81.312")
    assert total(rows, "DiscountedUsage", "pricing_public_on_demand_cost") == Decimal("129.024")
    assert total(rows, "RIFee", "reservation_unused_recurring_fee") == 0
    assert total(rows, "Tax") == Decimal("9.217824")  # 2.9 % of 317.856
    assert total(rows, "Fee") == Decimal("45.7856")  # support 10 % of 317.856, a domain 14
    assert sum(row["cost"] for row in rows if isinstance(row["cost"], Decimal)) == Decimal("372.859424")


def test_a_partial_upfront_reservation_splits_its_fee_into_used_and_unused_when_half_idle() -> None:
    reserved = Reservation("0000001-app", "m5.xlarge", "us-east-1", 2, "438", "0.05", "Partial Upfront", 200)
    rows = bill_of(tiny(fleets=(fleet("m5.xlarge", count=1),), reservations=(reserved,)), 1)

    # upfront 2 × 438 over 8,760 h: 0.05 an hour each; with 0.05 recurring an hour costs 0.10
    assert total(rows, "RIFee", "reservation_amortized_upfront_fee_for_billing_period") == Decimal("67.2")
    assert total(rows, "DiscountedUsage", "reservation_effective_cost") == Decimal("67.2")
    assert total(rows, "RIFee", "reservation_unused_amortized_upfront_fee_for_billing_period") == Decimal("33.6")
    assert total(rows, "RIFee", "reservation_unused_recurring_fee") == Decimal("33.6")


def test_a_savings_plan_covers_part_of_an_hour_when_its_commitment_runs_out() -> None:
    plan = SavingsPlan("p-1", "r5", "us-east-1", "0.238", (("r5.xlarge", "0.159"),), 200)
    rows = [row for row in bill_of(tiny(fleets=(fleet("r5.xlarge", count=2),), plans=(plan,)), 1) if row["hour"] == 5]

    # (0.238 − 0.159) ÷ 0.159 = 0.496855 h of the second instance
    assert total(rows, "SavingsPlanCoveredUsage", "savings_plan_savings_plan_effective_cost") == Decimal("0.237999945")
    assert total(rows, "SavingsPlanCoveredUsage") == Decimal("0.37720746")  # 0.252 × 1.496855
    assert total(rows, "SavingsPlanNegation") == Decimal("-0.37720746")
    assert total(rows, "Usage") == Decimal("0.12679254")  # 0.252 × 0.503145
    assert total(rows, "SavingsPlanRecurringFee") == Decimal("0.238")
    assert total(rows, "SavingsPlanRecurringFee", "savings_plan_used_commitment") == Decimal("0.237999945")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DemoExports:
    return write_exports(tmp_path_factory.mktemp("demo"), today=TODAY, scale=SMALL)


def money(exports: DemoExports, month: int, kinds: set[str], column: str) -> int:
    """Sum of a column over lines of these types, in 1e-10 USD, from the written files."""
    units = 0
    for path in exports.bills[month][1]:
        table = pq.read_table(path, columns=["line_item_line_item_type", column])
        wanted = np.isin(np.array(table.column(0).to_pylist(), dtype=str), sorted(kinds))
        units += int(np.rint(table.column(1).to_numpy() * 1e10).astype(np.int64)[wanted].sum())
    return units


@pytest.mark.parametrize("month", [0, 1, 2])
def test_effective_and_unused_equal_the_fees_exactly_in_every_month(small: DemoExports, month: int) -> None:
    used = money(small, month, {"DiscountedUsage"}, "reservation_effective_cost")
    unused = money(small, month, {"RIFee"}, "reservation_unused_recurring_fee") + money(
        small, month, {"RIFee"}, "reservation_unused_amortized_upfront_fee_for_billing_period"
    )
    fees = money(small, month, {"RIFee"}, "line_item_unblended_cost") + money(
        small, month, {"RIFee"}, "reservation_amortized_upfront_fee_for_billing_period"
    )
    assert used > 0
    assert used + unused == fees

    covered = money(small, month, {"SavingsPlanCoveredUsage"}, "savings_plan_savings_plan_effective_cost")
    assert covered == money(small, month, {"SavingsPlanRecurringFee"}, "savings_plan_used_commitment")
    cancelled = {"SavingsPlanCoveredUsage", "SavingsPlanNegation"}
    assert money(small, month, cancelled, "line_item_unblended_cost") == 0


def test_files_lie_and_are_typed_as_aws_delivers_them(small: DemoExports) -> None:
    paths = [path for _month, files in small.bills for path in files]
    assert {path.parent.name for path in paths} == {"month=1", "month=2", "month=3"}
    first = paths[0]
    assert first.relative_to(first.parents[4]).as_posix() == (
        "larkfield-hourly/larkfield-hourly/year=2026/month=1/larkfield-hourly-1.snappy.parquet"
    )
    schema = pq.read_schema(first)
    assert str(schema.field("line_item_usage_start_date").type) == "timestamp[ms, tz=UTC]"
    assert str(schema.field("line_item_unblended_cost").type) == "double"
    assert str(schema.field("resource_tags_user_cost_center").type) == "string"


def test_open_months_have_no_invoice_and_no_support_fee(small: DemoExports) -> None:
    def columns(month: int) -> tuple[set[str], set[str]]:
        tables = [
            pq.read_table(path, columns=["bill_invoice_id", "line_item_product_code"]) for path in small.bills[month][1]
        ]
        return ({each for table in tables for each in table.column(0).to_pylist()}), (
            {each for table in tables for each in table.column(1).to_pylist()}
        )

    closed, still_open = columns(1), columns(2)
    assert "" not in closed[0]
    assert "AWSSupportBusiness" in closed[1]
    assert still_open[0] == {""}
    assert "AWSSupportBusiness" not in still_open[1]


def test_the_same_day_and_seed_write_the_same_bytes_and_another_seed_others(tmp_path: Path, small: DemoExports) -> None:
    again = write_exports(tmp_path / "again", today=TODAY, scale=SMALL)
    other = write_exports(tmp_path / "other", today=TODAY, scale=SMALL, seed=5)

    def contents(exports: DemoExports) -> list[bytes]:
        files = [path for _month, paths in exports.bills for path in paths]
        files += [path for _day, paths in exports.inventories for path in paths]
        return [path.read_bytes() for path in files]

    assert contents(again) == contents(small)
    assert contents(other) != contents(small)


def test_months_that_are_over_stay_as_they_are_when_the_day_moves_on(tmp_path: Path, small: DemoExports) -> None:
    later = write_exports(tmp_path, today=date(2026, 3, 20), scale=SMALL)
    for month in (0, 1):
        assert [path.read_bytes() for path in later.bills[month][1]] == [
            path.read_bytes() for path in small.bills[month][1]
        ]


def test_the_search_team_jumps_in_the_latest_full_month_by_gpus_in_oregon() -> None:
    months = months_to(TODAY)
    found = list(month_lines(company_estate(LARKFIELD, months, seed=1), months, seed=1))
    gpus = [lines.cost_by("line_item_usage_type").get("USW2-BoxUsage:g5.4xlarge", 0) for lines in found]
    account = LARKFIELD.account("search-production").account_id
    search = [lines.cost_by("line_item_usage_account_id")[account] for lines in found]

    # six g5.4xlarge from 9 February: 20 days × 24 h × 6 × 1.624
    assert gpus[:2] == [0, 46_771_200_000_000]
    assert search[1] > 2 * search[0]


def test_the_first_of_a_month_reports_three_full_months() -> None:
    assert [(str(month.period), month.is_complete) for month in months_to(date(2026, 12, 1))] == [
        ("2026-09", True),
        ("2026-10", True),
        ("2026-11", True),
    ]


def test_the_inventory_lists_stopped_instances_with_what_their_volumes_cost(small: DemoExports) -> None:
    (before, _), (day, (compute, storage)) = small.inventories
    assert (before, day) == (date(2026, 1, 31), date(2026, 3, 9))
    rows = inventory_rows(compute)
    stopped = [row for row in rows if row["State"] == "stopped"]
    assert {row["InstanceType"] for row in stopped} == {"m5.2xlarge", "r5.4xlarge"}
    assert stopped[0]["CostUSD"] == "0.1096"  # 1,000 GB × 0.08 ÷ 730 h
    assert storage.read_text().count("\n") == len(LARKFIELD.buckets) + 1


def test_the_inventory_names_volumes_and_tells_who_idles(small: DemoExports) -> None:
    rows = inventory_rows(small.inventories[1][1][0])
    idle = [row for row in rows if row["State"] == "running" and float(row["CPUUtilization"]) <= 5]
    assert {row["InstanceType"] for row in idle} == {"t3.xlarge", "t3.large"}
    volumes = {volume.volume_id for volume in small.estate.instances}
    assert {row["Volumes"] for row in rows} - {""} <= volumes


def test_an_earlier_inventory_has_nothing_that_came_later(small: DemoExports) -> None:
    before, now = (inventory_rows(files[0]) for _day, files in small.inventories)
    missing = {row["ResourceId"] for row in now} - {row["ResourceId"] for row in before}
    later = {each.instance_id for each in small.estate.instances if each.fleet.ran == "jump"}
    assert missing == later


def test_gp2_volumes_cost_a_quarter_more_than_gp3_ones() -> None:
    kinds = {
        volume: replace(fleet("m5.xlarge", count=1, volume_gb=672), volume_type=volume) for volume in ("gp2", "gp3")
    }
    costs = {
        kind: [row["cost"] for row in bill_of(tiny(fleets=(each,)), 1) if f"VolumeUsage.{kind}" in str(row)]
        for kind, each in kinds.items()
    }
    # 672 GB in 672 hours are a GB-month an hour, at 0.10 and 0.08
    assert {kind: set(found) for kind, found in costs.items()} == {"gp2": {Decimal("0.1")}, "gp3": {Decimal("0.08")}}


def inventory_rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))
