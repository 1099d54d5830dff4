"""FOCUS as providers really export it: older names of columns, tags in columns of their own, bills without a provider.

The lines are made by hand after what each provider documents; no line is anybody's.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from costs import charge_store
from costs.billing_formats import columns_by_field, detect
from costs.billing_formats.base import UNREAD_MAP
from costs.models import AccountName, Bill
from tests.costs.bills import bring_in, write_parquet
from tests.costs.focus_bills import DEFAULTS, focus_line, write_focus
from tests.costs.test_cost_bases import landed

RENAMED = {
    "ProviderName": "Provider",
    "RegionId": "Region",
    "ConsumedQuantity": "UsageQuantity",
    "ConsumedUnit": "UsageUnit",
    "CommitmentDiscountStatus": "ChargeSubcategory",
}


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def older(**cells: str) -> dict[str, str]:
    """A line with the column names from before version 1.0, as Oracle writes them."""
    return {RENAMED.get(name, name): value for name, value in focus_line(**cells).items()}


def write_older(path: Path, *lines: Mapping[str, str]) -> Path:
    return write_focus(path, *lines, leave_out=RENAMED)


# --- names of columns from before version 1.0 -----------------------------------------------------


def test_older_names_of_columns_are_read_and_shown_as_the_file_has_them(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    line = older(ProviderName="Oracle", RegionId="eu-frankfurt-1", ConsumedQuantity="3600", ConsumedUnit="OCPU Hours")
    path = write_older(tmp_path / "oracle.csv", line | {"ChargeSubcategory": "On-Demand"})
    file = charge_store.open_bill_file(path)
    found = detect(file.columns, file_name=path.name)
    mapping = found.module.mapping(file.columns)
    fields = ("region_id", "consumed_quantity", "pricing_unit", "commitment_discount_status")
    assert landed(duck, path, *fields) == [("eu-frankfurt-1", 3600.0, "OCPU Hours", "")]
    assert found.reason.endswith("version before 1.0 by ChargeSubcategory")
    assert columns_by_field(mapping, file.columns)["region_id"][0] == "Region"
    assert (mapping.read["RegionId"], mapping.read["ProviderName"]) == ("Region", "Provider")
    assert not {"RegionId", "ProviderName", "ConsumedQuantity"} & set(mapping.absent)


@pytest.mark.django_db(transaction=True)
def test_a_bill_with_older_names_is_its_provider_s(tmp_path: Path) -> None:
    oracle = older(cost="2", ProviderName="Oracle", BillingAccountId="20209880")
    bring_in(write_older(tmp_path / "f.csv", oracle, older(cost="3", ProviderName="Microsoft", BillingAccountId="7")))
    assert {bill.source.name for bill in Bill.objects.all()} == {"oracle-20209880-usd", "microsoft-7-usd"}


@pytest.mark.parametrize(
    ("told", "status", "kind"),
    [
        ("Used Commitment", "Used", "DiscountedUsage"),
        ("Unused Commitment", "Unused", "UnusedCommitment"),
        ("On-Demand", "", "Usage"),
    ],
)
def test_the_older_subcategory_tells_whether_a_commitment_was_used(
    duck: charge_store.Connection, tmp_path: Path, told: str, status: str, kind: str
) -> None:
    path = write_older(tmp_path / "f.csv", older(CommitmentDiscountCategory="Usage", CommitmentDiscountStatus=told))
    assert landed(duck, path, "commitment_discount_status", "line_kind") == [(status, kind)]


def test_the_newer_name_counts_where_a_file_has_both(duck: charge_store.Connection, tmp_path: Path) -> None:
    path = write_focus(
        tmp_path / "f.csv", focus_line(RegionId="us-1", ConsumedQuantity="2", UsageQuantity="x") | {"Region": "old"}
    )
    assert landed(duck, path, "region_id", "consumed_quantity") == [("us-1", 2.0)]


def test_version_0_5_has_other_names_for_what_is_needed(duck: charge_store.Connection, tmp_path: Path) -> None:
    names = {"ChargeCategory": "ChargeType", "BillingCurrency": "BilledCurrency", "EffectiveCost": "AmortizedCost"}
    line = {names.get(name, name): value for name, value in focus_line(BilledCost="8", EffectiveCost="7").items()}
    path = write_focus(tmp_path / "f.csv", line, leave_out=names)
    fields = ("billed_cost", "effective_cost", "charge_category", "billing_currency")
    assert landed(duck, path, *fields) == [(Decimal(8), Decimal(7), "Usage", "USD")]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-04T10:00Z", datetime(2026, 5, 4, 10)),  # Azure before 1.0r2, Oracle
        ("2026-05-04T10:00:00.5234447Z", datetime(2026, 5, 4, 10, 0, 0, 523444)),  # Azure's seven digits
        ("2026-05-04T12:00:45.123456789+02:00", datetime(2026, 5, 4, 10, 0, 45, 123456)),
        ("2026-05-04T10:00:00+0000", datetime(2026, 5, 4, 10)),
        ("2026-05-03T22:00-12:00", datetime(2026, 5, 4, 10)),
    ],
)
def test_clocks_of_providers_are_read_in_utc(
    duck: charge_store.Connection, tmp_path: Path, text: str, moment: datetime
) -> None:
    path = write_focus(tmp_path / "f.csv", focus_line(ChargePeriodStart=text))
    assert landed(duck, path, "charge_period_start") == [(moment,)]


# --- tags in columns of their own -----------------------------------------------------------------

PAIRS = pa.list_(pa.struct([("Key", pa.string()), ("Value", pa.string())]))
TAGS = pa.list_(
    pa.struct([("Key", pa.string()), ("Value", pa.string()), ("x_Inherited", pa.bool_()), ("x_Namespace", pa.string())])
)


def pairs(**members: str | None) -> list[dict[str, str | None]]:
    return [{"Key": key, "Value": value} for key, value in members.items()]


def google(path: Path, **labels: Any) -> Path:
    """A line of Google's own FOCUS export to BigQuery, saved as Parquet."""
    cells: dict[str, Any] = {name: [value] for name, value in DEFAULTS.items() if name != "Tags"}
    for name in ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost"):
        cells[name] = pa.array([Decimal("0.000000001")], pa.decimal128(38, 9))
    for name, month in (("BillingPeriodStart", 5), ("BillingPeriodEnd", 6)):  # its months begin in California
        cells[name] = pa.array([datetime(2026, month, 1, 7, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    for name, day in (("ChargePeriodStart", 1), ("ChargePeriodEnd", 2)):
        cells[name] = pa.array([datetime(2026, 6, day, 3, tzinfo=UTC)], pa.timestamp("us", tz="UTC"))
    kinds = {"x_Tags": TAGS, "x_Labels": PAIRS, "x_ProjectLabels": PAIRS, "x_SystemLabels": PAIRS}
    return write_parquet(path, cells | {name: pa.array([labels.get(name)], kind) for name, kind in kinds.items()})


def test_google_s_labels_are_tags_the_resource_s_own_before_its_project_s(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    path = google(
        tmp_path / "google.parquet",
        x_Tags=[{"Key": "team", "Value": "platform", "x_Inherited": False, "x_Namespace": "12"}],
        x_Labels=pairs(team="a label", system="checkout", empty="", none=None),
        x_ProjectLabels=pairs(system="the project's", cost_centre="eng"),
        x_SystemLabels=pairs(machine="n1"),
    )
    [(tags, unread, day, billed)] = landed(duck, path, "tags", "unread_cells", "charge_date", "billed_cost")
    assert json.loads(str(tags)) == {"cost_centre": "eng", "system": "checkout", "team": "platform"}
    assert list(json.loads(str(tags))) == ["cost_centre", "system", "team"]  # one order: lines of a kind are one group
    assert (unread, str(day), billed) == (0, "2026-05-31", Decimal("0.000000001"))  # June in UTC, May's bill


def test_lines_without_labels_are_without_tags(duck: charge_store.Connection, tmp_path: Path) -> None:
    assert landed(duck, google(tmp_path / "g.parquet", x_Labels=[]), "tags", "unread_cells") == [("{}", 0)]


def test_labels_saved_as_text_are_read_and_what_is_no_list_is_told(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    lines = [
        focus_line(ChargeDescription="a", Tags='{"team":"a"}') | {"x_Labels": '[{"Key":"env","Value":"prod"}]'},
        focus_line(ChargeDescription="b", Tags='{"team":"a"}') | {"x_Labels": "env=prod"},
    ]
    path = write_focus(tmp_path / "f.csv", *lines)
    assert landed(duck, path, "tags", "unread_cells") == [
        ('{"env":"prod","team":"a"}', 0),
        ('{"team":"a"}', UNREAD_MAP),
    ]


def test_a_column_for_one_tag_is_read_where_the_tags_do_not_have_it(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    line = focus_line(Tags='{"team":"a"}') | {"tags/Finance.CostCenter": "42", "tags/team": "b", "tags/empty": ""}
    path = write_focus(tmp_path / "f.csv", line)
    assert landed(duck, path, "tags") == [('{"Finance.CostCenter":"42","team":"a"}',)]


def test_maps_of_structs_are_read_as_json(duck: charge_store.Connection, tmp_path: Path) -> None:
    kind = pa.map_(pa.string(), pa.struct([("value", pa.string())]))
    cells: dict[str, Any] = {name: [value] for name, value in DEFAULTS.items()}
    path = write_parquet(tmp_path / "f.parquet", cells | {"Tags": pa.array([[("team", {"value": "a"})]], kind)})
    assert landed(duck, path, "tags", "unread_cells") == [('{"team":"{\\"value\\":\\"a\\"}"}', 0)]


# --- whose bill, where no line tells a provider ---------------------------------------------------


def sold_by(seller: str, issuer: str, cost: str, **cells: str) -> dict[str, str]:
    return focus_line(cost=cost, **cells) | {"ServiceProviderName": seller, "InvoiceIssuerName": issuer}


@pytest.mark.real_parts
@pytest.mark.django_db(transaction=True)
def test_a_bill_of_1_4_is_whole_whatever_was_bought_in_its_marketplace(tmp_path: Path) -> None:
    path = write_focus(
        tmp_path / "f.csv",
        sold_by("Amazon Web Services", "Amazon Web Services, Inc.", "10"),
        sold_by("Amazon Web Services", "Amazon Web Services, Inc.", "5"),
        sold_by("MongoDB", "Amazon Web Services EMEA SARL", "2"),
        sold_by("Microsoft", "Microsoft", "1", BillingAccountId="7"),
        leave_out=["ProviderName"],
    )
    bring_in(path)
    bills = {bill.source.name: bill for bill in Bill.objects.all()}
    assert {name: bill.import_in_force.billed_cost for name, bill in bills.items()} == {  # type: ignore[union-attr]
        "amazon-web-services-000000000001-usd": Decimal(17),
        "microsoft-7-usd": Decimal(1),
    }
    assert bills["amazon-web-services-000000000001-usd"].source.provider == "Amazon Web Services, Inc."


# --- names ----------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_what_stands_for_no_name_names_no_account(tmp_path: Path) -> None:
    account = {"ProviderName": "Microsoft", "BillingAccountId": "8611537", "BillingAccountName": "Contoso"}
    lines = [
        focus_line(SubAccountId="", SubAccountName="Unassigned") | account,
        focus_line(SubAccountId="/subscriptions/1", SubAccountName="Prod") | account,
        focus_line(SubAccountId="/subscriptions/2", SubAccountName="Unassigned") | account,
    ]
    bring_in(write_focus(tmp_path / "f.csv", *lines))
    names = dict(AccountName.objects.values_list("sub_account_id", "name"))
    assert names == {"8611537": "Contoso", "/subscriptions/1": "Prod", "/subscriptions/2": ""}


def test_purchases_without_a_service_are_called_after_what_was_bought(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    line = focus_line(ServiceName="") | {"x_SkuMeterSubcategory": "VM RI", "ServiceCategory": "Other"}
    assert landed(duck, write_focus(tmp_path / "f.csv", line), "service_name") == [("VM RI",)]


@pytest.mark.real_parts
@pytest.mark.django_db(transaction=True)
def test_list_costs_of_0_where_something_was_paid_are_told(tmp_path: Path) -> None:
    lines = [
        focus_line(cost="4"),
        focus_line(cost="3", ListCost="0", ResourceId="i-2"),
        focus_line(BilledCost="0", EffectiveCost="0.5", ListCost="0", ResourceId="i-3"),
        focus_line(cost="0", ResourceId="i-4"),
        focus_line(cost="-1", ListCost="0", ChargeCategory="Credit", ResourceId="i-5"),
        focus_line(cost="6", ListCost="0", ChargeCategory="Purchase", ResourceId=""),
        focus_line(BilledCost="0", EffectiveCost="2", ListCost="0", CommitmentDiscountStatus="Unused"),
    ]
    [made] = bring_in(write_focus(tmp_path / "f.csv", *lines))
    [told] = [finding for finding in made.findings if finding["code"] == "list_cost_is_zero"]
    assert (told["lines"], Decimal(told["difference"])) == (2, Decimal("3.5"))  # 3 + 0.5
    assert made.list_cost == Decimal(4)
