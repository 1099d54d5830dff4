"""The five cost bases, one trap of AWS's bill per test. The working stands in the test."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from costs import charge_store
from costs.billing_formats import detect
from costs.charge_store import charges_in
from tests.costs.bills import line, write_csv, write_parquet

PLAN = "arn:aws:savingsplans::1:savingsplan/p"
RESERVATION = "arn:aws:ec2:us-east-1:1:reserved-instances/r"
COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost")


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def landed(duck: charge_store.Connection, path: Path, *fields: str, settle: bool = True) -> list[tuple[object, ...]]:
    """The file's charges, in order of their description."""
    file = charge_store.open_bill_file(path)
    mapping = detect(file.columns, file_name=path.name).module.mapping(file.columns)
    folder = path.parent / "landed"
    folder.mkdir()
    charge_store.land_file(duck, file, mapping, folder / "charges-00001.parquet", beat=lambda _: None)
    if settle:
        charge_store.settle(duck, folder)
    sql = f"SELECT {', '.join(fields)} FROM {charges_in(folder)} ORDER BY charge_description, unblended_cost"
    return duck.execute(sql).fetchall()


def costs_of(duck: charge_store.Connection, folder: Path, cells: dict[str, str]) -> dict[str, Decimal]:
    path = write_csv(folder / "bill.csv", [cells])
    return dict(zip(COSTS, landed(duck, path, *COSTS)[0], strict=True))  # type: ignore[arg-type]


def money(**amounts: str) -> dict[str, Decimal]:
    return {f"{name}_cost": Decimal(amount) for name, amount in amounts.items()}


def test_usage_counts_alike_in_every_basis_and_at_its_public_price(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    got = costs_of(duck, tmp_path, line(cost="0.096", public="0.12"))
    assert got == money(billed="0.096", effective="0.096", list="0.12", contracted="0.12", unblended="0.096")


def test_plan_covered_usage_costs_the_plan_rate_in_effect_and_its_public_price_when_billed(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    cells = line(
        {"savingsPlan/SavingsPlanEffectiveCost": "0.07"}, kind="SavingsPlanCoveredUsage", cost="0.10", public="0.10"
    )
    assert costs_of(duck, tmp_path, cells) == money(
        billed="0.10", effective="0.07", list="0.10", contracted="0.10", unblended="0.10"
    )


def test_plan_negation_takes_back_what_covered_lines_billed_and_nothing_else(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    got = costs_of(duck, tmp_path, line(kind="SavingsPlanNegation", cost="-0.10", public="0.10", quantity="-1"))
    assert got == money(billed="-0.10", effective="0", list="0", contracted="0", unblended="-0.10")


def test_plan_fee_keeps_only_its_unused_part_in_effect(duck: charge_store.Connection, tmp_path: Path) -> None:
    # Committed 1.50 (0.50 paid upfront, 1.00 recurring), 1.20 used: 0.30 unused.
    cells = line(
        {"savingsPlan/TotalCommitmentToDate": "1.50", "savingsPlan/UsedCommitment": "1.20"},
        kind="SavingsPlanRecurringFee",
        cost="1.00",
    )
    assert costs_of(duck, tmp_path, cells)["effective_cost"] == Decimal("0.30")


def test_plan_fees_that_tell_no_use_keep_fees_minus_covered_lines(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # Fees 3 × 1.00, covered at plan rates 2.00: 1.00 unused, spread evenly over equal fees, the odd 1e-18 first.
    fees = [
        line({"lineItem/LineItemDescription": f"fee {n}"}, kind="SavingsPlanRecurringFee", cost="1.00") for n in "123"
    ]
    covered = line(
        {"savingsPlan/SavingsPlanEffectiveCost": "2.00", "lineItem/LineItemDescription": "used"},
        kind="SavingsPlanCoveredUsage",
        cost="2.50",
    )
    rows = landed(duck, write_csv(tmp_path / "bill.csv", [*fees, covered]), "effective_cost")
    third = Decimal("0.333333333333333333")
    assert sorted(row[0] for row in rows) == [third, third, third + Decimal("1e-18"), Decimal(2)]  # type: ignore[type-var]


@pytest.mark.parametrize(
    ("kind", "extra"),
    [
        ("SavingsPlanUpfrontFee", {}),
        ("Fee", {"reservation/ReservationARN": RESERVATION}),
        (
            "Refund",
            {
                "lineItem/ProductCode": "ComputeSavingsPlans",
                "lineItem/LineItemDescription": "Refund for one-time fee for Savings Plan ID x",
            },
        ),
    ],
)
def test_upfront_fees_are_billed_and_have_no_effect_of_their_own(
    duck: charge_store.Connection, tmp_path: Path, kind: str, extra: dict[str, str]
) -> None:
    got = costs_of(duck, tmp_path, line(extra, kind=kind, cost="100"))
    assert (got["billed_cost"], got["effective_cost"]) == (Decimal(100), Decimal(0))


def test_reserved_usage_costs_nothing_billed_and_its_share_in_effect(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    cells = line({"reservation/EffectiveCost": "0.06"}, kind="DiscountedUsage", cost="0", public="0.10")
    assert costs_of(duck, tmp_path, cells) == money(
        billed="0", effective="0.06", list="0.10", contracted="0.10", unblended="0"
    )


def test_reservation_fee_keeps_its_unused_parts_in_effect(duck: charge_store.Connection, tmp_path: Path) -> None:
    # Unused: 2.00 of the upfront share and 1.50 of the recurring fee.
    cells = line(
        {
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "2.00",
            "reservation/UnusedRecurringFee": "1.50",
        },
        kind="RIFee",
        cost="40",
    )
    got = costs_of(duck, tmp_path, cells)
    assert (got["billed_cost"], got["effective_cost"], got["list_cost"]) == (Decimal(40), Decimal("3.50"), Decimal(40))


@pytest.mark.parametrize(
    ("kind", "cost", "category"),
    [
        ("Tax", "5.00", "Tax"),
        ("Credit", "-10", "Credit"),
        ("Refund", "-3", "Adjustment"),
        ("Fee", "29", "Purchase"),
        ("EdpDiscount", "-1", "Usage"),
        ("BundledDiscount", "-1", "Usage"),
        ("SomethingNew", "7", "Usage"),
    ],
)
def test_line_that_is_no_usage_counts_its_amount_in_every_basis_and_no_quantity(
    duck: charge_store.Connection, tmp_path: Path, kind: str, cost: str, category: str
) -> None:
    path = write_csv(tmp_path / "bill.csv", [line(kind=kind, cost=cost, quantity="744")])
    (row,) = landed(duck, path, *COSTS, "charge_category", "consumed_quantity", "is_taggable")
    assert row == (*[Decimal(cost)] * 5, category, 0.0, False)


def test_rows_of_containers_keep_their_share_of_the_parent_they_name(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    # Used 0.30 and idle 0.10 of a machine's hour; at public prices 0.45 and 0.15.
    cells = {
        "splitLineItem/ParentResourceId": "i-1",
        "splitLineItem/SplitCost": "0.30",
        "splitLineItem/UnusedCost": "0.10",
        "splitLineItem/PublicOnDemandSplitCost": "0.45",
        "splitLineItem/PublicOnDemandUnusedCost": "0.15",
    }
    path = write_csv(tmp_path / "bill.csv", [line(cells, operation="ekspod-ec2", resource="pod/a")])
    fields = ("is_split_row", "parent_resource_id", "billed_cost", "effective_cost", "list_cost")
    assert landed(duck, path, *fields) == [(True, "i-1", Decimal(0), Decimal("0.40"), Decimal("0.60"))]


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("USAGE", "Usage"),
        ("discountedusage", "DiscountedUsage"),
        (" RIFee ", "RIFee"),
        ("tax", "Tax"),
        ("EDPDISCOUNT", "EdpDiscount"),
        ("newdiscount", "newdiscount"),
        ("Levy", "Levy"),
    ],
)
def test_line_types_are_known_in_any_case_and_new_ones_stay_as_they_are(
    duck: charge_store.Connection, tmp_path: Path, told: str, kind: str
) -> None:
    path = write_csv(tmp_path / "bill.csv", [line(kind=told, cost="1")])
    assert landed(duck, path, "line_kind") == [(kind,)]


def test_cost_categories_stand_apart_from_tags(duck: charge_store.Connection, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [line({"costCategory/Charge type": "a"}, team="x")])
    assert landed(duck, path, "tags", "cost_categories") == [('{"Team":"x"}', '{"Charge type":"a"}')]


def test_two_columns_of_one_tag_key_give_the_first_that_is_filled(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "bill.csv", [line({"resourceTags/Team": "b"}, team="")])
    assert landed(duck, path, "tags") == [('{"Team":"b"}',)]


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1.2E-7", "0.00000012"), ("-0.5", "-0.5"), ("", "0"), ("NULL", "0"), ("0.0", "0"), ("1e3", "1000")],
)
def test_amounts_are_read_exactly_from_text(
    duck: charge_store.Connection, tmp_path: Path, text: str, amount: str
) -> None:
    assert costs_of(duck, tmp_path, line(cost=text))["unblended_cost"] == Decimal(amount)


def test_binary_numbers_of_parquet_become_the_decimals_they_stand_for(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    columns: dict[str, list[object]] = {
        "bill_payer_account_id": ["1", "1"],
        "bill_billing_period_start_date": ["2026-05-01T00:00:00Z"] * 2,
        "line_item_usage_account_id": ["2", "2"],
        "line_item_line_item_type": ["Usage", "Usage"],
        "line_item_usage_start_date": ["2026-05-02T00:00:00Z", "2026-05-03T00:00:00Z"],
        "line_item_currency_code": ["USD", "USD"],
        "line_item_unblended_cost": [0.1, 0.2],
        "line_item_resource_id": ["", "i-1"],
        "resource_tags_user_cost_center": ["", "4711"],
        "resource_tags_aws_created_by": ["root", "NULL"],
    }
    path = write_parquet(tmp_path / "bill.parquet", columns)
    rows = landed(duck, path, "unblended_cost", "tags", "is_taggable")
    assert rows == [
        (Decimal("0.1"), '{"aws:created_by":"root"}', False),
        (Decimal("0.2"), '{"cost_center":"4711"}', True),
    ]


def test_tags_lose_the_prefix_and_keep_case_quotes_and_commas(duck: charge_store.Connection, tmp_path: Path) -> None:
    cells = line(
        {"resourceTags/user:Team": 'a,"b"=ü', "resourceTags/user:team": "x", "resourceTags/aws:createdBy": "r"}
    )
    (row,) = landed(duck, write_csv(tmp_path / "bill.csv", [cells]), "tags")
    assert row == ('{"Team":"a,\\"b\\"=ü","aws:createdBy":"r","team":"x"}',)


def test_charge_outside_its_month_stands_on_the_month_s_edge(duck: charge_store.Connection, tmp_path: Path) -> None:
    starts = ["2026-03-01T00:00:00Z", "2026-05-09T23:59:59Z", "2026-07-01T00:00:00Z", ""]
    lines = [line({"lineItem/LineItemDescription": str(n)}, start=start) for n, start in enumerate(starts)]
    rows = landed(duck, write_csv(tmp_path / "bill.csv", lines), "CAST(charge_date AS VARCHAR)")
    assert [row[0] for row in rows] == ["2026-05-01", "2026-05-09", "2026-05-31", "2026-05-01"]


def test_instance_is_read_from_usage_type_and_operation_where_product_columns_are_absent(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    lines = [
        line({"lineItem/LineItemDescription": "1"}),
        line(
            {"lineItem/LineItemDescription": "2", "lineItem/UsageType": "EUC1-DedicatedUsage:c5.xlarge"},
            operation="RunInstances:0002",
        ),
        line({"lineItem/LineItemDescription": "3", "lineItem/UsageType": "EBS:VolumeUsage.gp3"}),
        line({"lineItem/LineItemDescription": "4", "lineItem/UsageType": "SpotUsage:m5.large"}),
    ]
    rows = landed(
        duck, write_csv(tmp_path / "bill.csv", lines), "instance_type", "platform", "tenancy", "pricing_category"
    )
    assert rows == [
        ("m5.large", "Linux/UNIX", "Shared", "Standard"),
        ("c5.xlarge", "Windows", "Dedicated", "Standard"),
        ("", "", "", "Standard"),
        ("m5.large", "Linux/UNIX", "Shared", "Dynamic"),
    ]


def test_plan_lines_name_their_commitment_and_whether_it_was_used(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    plan = {"savingsPlan/SavingsPlanARN": PLAN}
    lines = [
        line(plan | {"lineItem/LineItemDescription": "1"}, kind="SavingsPlanCoveredUsage", resource="i-1"),
        line(plan | {"lineItem/LineItemDescription": "2"}, kind="SavingsPlanRecurringFee"),
        line({"reservation/ReservationARN": RESERVATION, "lineItem/LineItemDescription": "3"}, kind="RIFee"),
    ]
    rows = landed(
        duck,
        write_csv(tmp_path / "bill.csv", lines),
        *("commitment_discount_id", "commitment_discount_category", "commitment_discount_status", "is_taggable"),
    )
    assert rows == [
        (PLAN, "Spend", "Used", True),
        (PLAN, "Spend", "Unused", False),
        (RESERVATION, "Usage", "Unused", False),
    ]


@pytest.mark.parametrize(
    ("number", "amount"),
    [
        (4e-11, "0.00000000004"),  # cut at ten decimals it would be nothing
        (0.00014516129032258065, "0.000145161290322581"),
        (1234.000000000012, "1234.000000000012"),
        (4064.4831315379, "4064.4831315379"),
        (-0.0960000001, "-0.0960000001"),
        (None, "0"),
    ],
)
def test_binary_numbers_keep_the_digits_they_were_written_with(
    duck: charge_store.Connection, tmp_path: Path, number: float | None, amount: str
) -> None:
    columns: dict[str, list[object]] = {
        "bill_payer_account_id": ["1"],
        "bill_billing_period_start_date": ["2026-05-01T00:00:00Z"],
        "line_item_line_item_type": ["Usage"],
        "line_item_currency_code": ["USD"],
        "line_item_unblended_cost": pa.array([number], pa.float64()),
    }
    path = write_parquet(tmp_path / "bill.parquet", columns)
    assert landed(duck, path, "unblended_cost") == [(Decimal(amount),)]
