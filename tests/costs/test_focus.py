"""FOCUS lines as canonical charges, one trap of the format or of a provider per test, worked by hand."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from costs import charge_store
from costs.billing_formats import Column, Columns, columns_by_field, detect
from costs.billing_formats.base import UNREAD_MAP
from tests.costs.bills import write_parquet
from tests.costs.focus_bills import DEFAULTS, focus_line, write_focus
from tests.costs.test_cost_bases import landed

COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost")


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def of_line(duck: charge_store.Connection, folder: Path, *fields: str, **cells: str) -> tuple[Any, ...]:
    return landed(duck, write_focus(folder / "focus.csv", focus_line(**cells)), *fields)[0]


def tags_of(duck: charge_store.Connection, folder: Path, text: str) -> dict[str, str]:
    tags: dict[str, str] = json.loads(of_line(duck, folder, "tags", Tags=text)[0])
    return tags


def columns(*names: str) -> Columns:
    return Columns(tuple(Column(name, f"c{place}") for place, name in enumerate(names)))


def reason_of(*names: str) -> str:
    return detect(columns(*DEFAULTS, *names), file_name="f.csv").reason


# --- which file it is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("x_Other", "version 1.0, as it has no column of a later one"),
        ("BillingAccountType", "version 1.0, as it has no column of a later one"),  # Azure has it in its 1.0
        ("SkuPriceDetails", "version 1.1 by SkuPriceDetails"),
        ("InvoiceId", "version 1.2 by InvoiceId"),
        ("ServiceProviderName", "version 1.3 or later by ServiceProviderName"),
    ],
)
def test_version_is_told_by_its_own_columns(column: str, told: str) -> None:
    assert reason_of(column) == f"its columns BilledCost and ChargePeriodStart; {told}"


def test_columns_in_snake_case_are_the_same_columns() -> None:
    snake = ("billed_cost", "charge_period_start", "billing_period_start", "charge_category", "billing_currency")
    assert detect(columns(*snake, "billing_account_id"), file_name="f.csv").module.NAME == "a FOCUS export"


def test_every_field_knows_the_columns_it_was_made_from() -> None:
    names = (*DEFAULTS, "x_Discounts")
    found = columns(*names)
    fields = columns_by_field(detect(found, file_name="f.csv").module.mapping(found), found)
    assert fields["billed_cost"] == ["BilledCost"]
    assert fields["list_cost"] == ["ListCost", "ContractedCost", "BilledCost"]
    assert fields["consumed_quantity"] == [
        "ChargeCategory",
        "CommitmentDiscountStatus",
        "ConsumedQuantity",
        "PricingQuantity",
    ]
    assert fields["tags"] == ["Tags"]
    assert "commitment_ends_at" not in fields
    assert not any("x_Discounts" in used for used in fields.values())


# --- costs ----------------------------------------------------------------------------------------


def test_costs_are_the_files_own_and_unblended_is_billed(duck: charge_store.Connection, tmp_path: Path) -> None:
    cells = {"BilledCost": "8", "EffectiveCost": "7.5", "ListCost": "10", "ContractedCost": "9"}
    assert of_line(duck, tmp_path, *COSTS, **cells) == tuple(map(Decimal, ("8", "7.5", "10", "9", "8")))


def test_an_empty_list_cost_is_the_contracted_one_and_both_empty_are_billed(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    path = write_focus(
        tmp_path / "focus.csv",
        focus_line(ChargeDescription="a", BilledCost="8", ListCost="NULL", ContractedCost="9"),
        focus_line(ChargeDescription="b", BilledCost="8", ListCost="10", ContractedCost=""),
        focus_line(ChargeDescription="c", BilledCost="8", ListCost="null", ContractedCost="null", EffectiveCost="null"),
    )
    got = landed(duck, path, "list_cost", "contracted_cost", "effective_cost")
    assert got == [tuple(map(Decimal, row)) for row in (("9", "9", "1"), ("10", "10", "1"), ("8", "8", "8"))]


def test_files_without_effective_and_list_cost_count_billed_and_say_so(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    path = write_focus(
        tmp_path / "focus.csv",
        focus_line(BilledCost="8"),
        leave_out=("EffectiveCost", "ListCost", "ContractedCost"),
    )
    file = charge_store.open_bill_file(path)
    told = detect(file.columns, file_name=path.name).module.mapping(file.columns).findings
    assert landed(duck, path, *COSTS) == [tuple(Decimal(8) for _ in COSTS)]
    assert [finding.code for finding in told] == ["no_unblended_cost", "no_amortisation_columns", "no_list_cost"]


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("$10,000.00 ", "10000"),
        ("-$1.50", "-1.5"),
        ("($1,234.50)", "-1234.5"),
        ("(5.00)", "-5"),
        ("1,234,567.25", "1234567.25"),
        ("1.2E-7", "0.00000012"),
        (" 3 ", "3"),
    ],
)
def test_money_as_spreadsheets_write_it_is_read(
    duck: charge_store.Connection, tmp_path: Path, text: str, amount: str
) -> None:
    assert of_line(duck, tmp_path, "billed_cost", BilledCost=text) == (Decimal(amount),)


def test_binary_floats_of_parquet_are_the_shortest_decimals_that_read_as_them(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    cells: dict[str, list[object]] = {name: [value] for name, value in DEFAULTS.items()}
    cells |= {"BilledCost": [0.1 + 0.2], "BillingAccountId": [1234567890123], "EffectiveCost": [None]}
    path = write_parquet(tmp_path / "focus.parquet", cells)
    got = landed(duck, path, "billed_cost", "effective_cost", "billing_account_id")
    assert got == [(Decimal("0.30000000000000004"), Decimal("0.30000000000000004"), "1234567890123")]


# --- time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-04T10:00:00Z", datetime(2026, 5, 4, 10)),
        ("2026-05-04 10:00:00", datetime(2026, 5, 4, 10)),
        ("2026-05-04 10:00:00 UTC", datetime(2026, 5, 4, 10)),
        ("2026-05-04T12:00:00+02:00", datetime(2026, 5, 4, 10)),
        ("2026-05-03T22:30:00.000-11:30", datetime(2026, 5, 4, 10)),
        ("2026-05-04", datetime(2026, 5, 4)),
    ],
)
def test_moments_are_read_in_utc(duck: charge_store.Connection, tmp_path: Path, text: str, moment: datetime) -> None:
    assert of_line(duck, tmp_path, "charge_period_start", ChargePeriodStart=text) == (moment,)


@pytest.mark.parametrize("style", [("5/1/26", "6/1/26", "5/13/26"), ("05/01/2026", "06/01/2026", "05/13/2026 00:00")])
def test_dates_with_slashes_are_month_day_year_where_the_billing_period_shows_it(
    duck: charge_store.Connection, tmp_path: Path, style: tuple[str, str, str]
) -> None:
    start, end, charged = style
    got = of_line(
        duck,
        tmp_path,
        "billing_period",
        "charge_date",
        BillingPeriodStart=start,
        BillingPeriodEnd=end,
        ChargePeriodStart=charged,
        ChargePeriodEnd=end,
    )
    assert [str(day) for day in got] == ["2026-05-01", "2026-05-13"]


def test_a_charge_of_another_month_counts_on_the_nearest_day_of_its_bill(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    got = of_line(duck, tmp_path, "billing_period", "charge_date", ChargePeriodStart="2026-04-30T22:00:00Z")
    assert [str(day) for day in got] == ["2026-05-01", "2026-05-01"]


def test_timestamps_of_parquet_are_utc_on_every_machine(duck: charge_store.Connection, tmp_path: Path) -> None:
    duck.execute("SET TimeZone = 'Asia/Tokyo'")
    cells: dict[str, Any] = {name: [value] for name, value in DEFAULTS.items()}
    for name, day in (("BillingPeriodStart", 1), ("BillingPeriodEnd", 31), ("ChargePeriodStart", 4)):
        cells[name] = pa.array([datetime(2026, 5, day, tzinfo=UTC)], pa.timestamp("ms", tz="UTC"))
    path = write_parquet(tmp_path / "focus.parquet", cells)
    assert landed(duck, path, "charge_period_start") == [(datetime(2026, 5, 4),)]


# --- tags -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        '{"env": "prod", "Cost Center": "7"}',
        '"env": "prod","Cost Center": "7"',
        '{"user:env": "prod", "resourceTags/user:Cost Center": 7}',
        '[{"key":"env","value":"prod","type":"label"},{"key":"Cost Center","value":"7","inherited":true}]',
        '{"env":"prod","Cost Center":"7","empty":"","none":null}',
    ],
)
def test_tags_are_read_however_they_are_written(duck: charge_store.Connection, tmp_path: Path, text: str) -> None:
    assert tags_of(duck, tmp_path, text) == {"env": "prod", "Cost Center": "7"}


@pytest.mark.parametrize("text", ["", "NULL", "null", "{}", "[]"])
def test_no_tags_are_no_tags(duck: charge_store.Connection, tmp_path: Path, text: str) -> None:
    assert of_line(duck, tmp_path, "tags", "unread_cells", Tags=text) == ("{}", 0)


def test_odd_keys_and_values_of_tags_survive(duck: charge_store.Connection, tmp_path: Path) -> None:
    odd = {'a"b': "c\\d", "x/y~z": "ü, =", "nested": {"k": 1}, "aws:createdBy": "me"}
    expected = {'a"b': "c\\d", "x/y~z": "ü, =", "nested": '{"k":1}', "aws:createdBy": "me"}
    assert tags_of(duck, tmp_path, json.dumps(odd, ensure_ascii=False)) == expected


def test_of_a_key_given_twice_one_value_counts(duck: charge_store.Connection, tmp_path: Path) -> None:
    assert tags_of(duck, tmp_path, '{"user:env":"prod","env":"dev"}') == {"env": "dev"}


def test_tags_that_are_no_json_leave_the_line_untagged_and_are_counted(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    assert of_line(duck, tmp_path, "tags", "unread_cells", Tags="env=prod") == ("{}", UNREAD_MAP)


@pytest.mark.parametrize(
    "tags",
    [
        pa.array([[("env", "prod")]], pa.map_(pa.string(), pa.string())),
        pa.array([{"env": "prod", "team": None}]),
        pa.array([[{"key": "env", "value": "prod", "inherited": False}]]),
        pa.array(['{"env":"prod"}']),
    ],
    ids=["map", "struct", "list of pairs", "text"],
)
def test_tags_of_parquet_are_read_in_every_type(duck: charge_store.Connection, tmp_path: Path, tags: pa.Array) -> None:
    cells: dict[str, Any] = {name: [value] for name, value in DEFAULTS.items()} | {"Tags": tags}
    assert landed(duck, write_parquet(tmp_path / "focus.parquet", cells), "tags") == [('{"env":"prod"}',)]


# --- categories and commitments -------------------------------------------------------------------


def test_allowed_values_are_read_in_any_spelling(duck: charge_store.Connection, tmp_path: Path) -> None:
    got = of_line(
        duck,
        tmp_path,
        "charge_category",
        "charge_frequency",
        "pricing_category",
        ChargeCategory="usage",
        ChargeFrequency="Usage-based",
        PricingCategory="STANDARD",
    )
    assert got == ("Usage", "Usage-Based", "Standard")


def test_a_category_nobody_has_told_us_about_is_an_adjustment_named_as_it_stands(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    assert of_line(duck, tmp_path, "charge_category", "line_kind", ChargeCategory="Bonus") == ("Adjustment", "Bonus")


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ({"ChargeCategory": "Tax"}, "Tax"),
        ({"ChargeCategory": "Credit"}, "Credit"),
        ({"ChargeCategory": "Purchase", "ChargeFrequency": "One-Time"}, "Fee"),
        ({"ChargeCategory": "Purchase", "CommitmentDiscountId": "c", "ChargeFrequency": "One-Time"}, "UpfrontFee"),
        ({"ChargeCategory": "Purchase", "CommitmentDiscountId": "c", "ChargeFrequency": "Recurring"}, "RecurringFee"),
        ({"CommitmentDiscountStatus": "Used", "CommitmentDiscountCategory": "Spend"}, "SavingsPlanCoveredUsage"),
        ({"CommitmentDiscountStatus": "used", "CommitmentDiscountCategory": "Usage"}, "DiscountedUsage"),
        ({"CommitmentDiscountStatus": "Unused", "CommitmentDiscountCategory": "Usage"}, "UnusedCommitment"),
        ({"PricingCategory": "Dynamic"}, "SpotUsage"),
        ({"PricingCategory": ""}, "Usage"),
    ],
)
def test_kind_of_a_line_follows_from_its_categories(
    duck: charge_store.Connection, tmp_path: Path, cells: dict[str, str], kind: str
) -> None:
    assert of_line(duck, tmp_path, "line_kind", **cells) == (kind,)


COMMITTED = {"CommitmentDiscountId": "ri-1", "CommitmentDiscountCategory": "Usage", "PricingCategory": "Committed"}


def committed(name: str, effective: str, **cells: str) -> dict[str, str]:
    """A line of one reservation, as much of its hour as of its cost."""
    hours = {"CommitmentDiscountUnit": "Hours", "CommitmentDiscountQuantity": effective}
    return focus_line(**COMMITTED, **hours, ChargeDescription=name, EffectiveCost=effective, **cells)


def test_use_and_unused_part_add_up_to_the_commitment(duck: charge_store.Connection, tmp_path: Path) -> None:
    path = write_focus(
        tmp_path / "focus.csv",
        committed("a fee", "0", ChargeCategory="Purchase", ChargeFrequency="Recurring"),
        committed("unused", "0.25", BilledCost="0", CommitmentDiscountStatus="Unused", ConsumedQuantity="null"),
        committed("used", "0.75", BilledCost="0", CommitmentDiscountStatus="Used"),
    )
    fields = ("commitment_discount_status", "commitment_cost", "commitment_hours", "consumed_quantity", "is_taggable")
    assert landed(duck, path, *fields) == [
        ("", Decimal(0), 0.0, 0.0, False),  # the fee: what it pays for stands on the other two
        ("Unused", Decimal("0.25"), 0.25, 0.0, False),
        ("Used", Decimal("0.75"), 0.75, 1.0, True),
    ]


def test_normalized_hours_of_a_commitment_are_units(duck: charge_store.Connection, tmp_path: Path) -> None:
    got = of_line(
        duck,
        tmp_path,
        "commitment_hours",
        "commitment_normalized_units",
        CommitmentDiscountStatus="Used",
        CommitmentDiscountCategory="Usage",
        CommitmentDiscountQuantity="4",
        CommitmentDiscountUnit="Normalized Hours",
    )
    assert got == (0.0, 4.0)
