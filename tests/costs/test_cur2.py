"""CUR 2.0: its maps in every form they come in, what it means, and why a header is taken for it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from costs import charge_store
from costs.billing_formats import detect, module_of
from costs.billing_formats.base import UNREAD_MAP, Column, Columns
from costs.charge_store import charges_in
from costs.errors import ImportRejectedError
from costs.terms import BillingFormat
from tests.costs.bills import cur2_line, cur2_text, line, write_csv, write_cur2, write_parquet

COSTS = ("billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost", "commitment_cost")
REQUIRED = (
    "bill_payer_account_id",
    "bill_billing_period_start_date",
    "line_item_line_item_type",
    "line_item_currency_code",
    "line_item_unblended_cost",
)
STRINGS = pa.map_(pa.string(), pa.string())
PAIRS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.string())]))


@pytest.fixture
def duck() -> Iterator[charge_store.Connection]:
    with charge_store.connect() as connection:
        yield connection


def landed(duck: charge_store.Connection, path: Path, *fields: str) -> list[tuple[object, ...]]:
    """The file's charges after settling, in order of their description."""
    file = charge_store.open_bill_file(path)
    mapping = detect(file.columns, file_name=path.name).module.mapping(file.columns)
    folder = path.parent / f"{path.name}-landed"
    folder.mkdir()
    charge_store.land_file(duck, file, mapping, folder / "charges-00001.parquet", beat=lambda _: None)
    charge_store.settle(duck, folder)
    sql = f"SELECT {', '.join(fields)} FROM {charges_in(folder)} ORDER BY charge_description, unblended_cost"
    return duck.execute(sql).fetchall()


def header(*names: str) -> Columns:
    return Columns(tuple(Column(name, f"c{place}") for place, name in enumerate(names)))


def parquet_line(folder: Path, **columns: pa.Array) -> Path:
    """A Parquet file of one harmless line with these columns instead or as well."""
    cells = {name: [value] for name, value in cur2_line(line(cost="1")).items()}
    return write_parquet(folder / "bill.parquet", cells | columns)


@pytest.mark.parametrize(
    ("further", "reason"),
    [
        (("resource_tags",), "snake-case columns with the map resource_tags"),
        (("product", "discount"), "snake-case columns with the maps product, discount"),
        (("resource_tags['user:Team']",), "snake-case columns with keys of maps, as resource_tags['user:Team']"),
        (("product.tenancy",), "snake-case columns with keys of maps, as product.tenancy"),
        (("bill_payer_account_name",), "snake-case columns that only CUR 2.0 has, as bill_payer_account_name"),
    ],
)
def test_cur_2_is_told_from_its_header_with_the_reason(further: tuple[str, ...], reason: str) -> None:
    detected = detect(header(*REQUIRED, *further), file_name="x.csv")
    assert (detected.module.FORMAT, detected.reason) == (BillingFormat.CUR_2, reason)


@pytest.mark.parametrize("further", [("resource_tags_user_team",), (), ("product_tenancy",)])
def test_snake_case_columns_without_anything_of_cur_2_are_a_legacy_report(further: tuple[str, ...]) -> None:
    assert detect(header(*REQUIRED, *further), file_name="x.csv").module is module_of("legacy_cur")


def test_legacy_header_with_a_tag_called_like_a_map_stays_legacy() -> None:
    slashes = ("bill/PayerAccountId", "bill/BillingPeriodStartDate", "lineItem/LineItemType")
    columns = header(*slashes, "lineItem/CurrencyCode", "lineItem/UnblendedCost", "tags")
    assert detect(columns, file_name="x.csv").module.FORMAT is BillingFormat.LEGACY_CUR


def test_missing_columns_are_named_exactly_as_cur_2_spells_them() -> None:
    with pytest.raises(ImportRejectedError) as refused:
        detect(header("line_item_unblended_cost", "line_item_usage_account_id", "resource_tags"), file_name="x.csv")
    assert refused.value.problem == (
        "The file looks like AWS CUR 2.0 (snake-case columns with the map resource_tags) but has no column"
        " bill_billing_period_start_date, line_item_line_item_type, line_item_currency_code."
    )


@pytest.mark.parametrize(
    ("cell", "tags"),
    [
        ('{"user_Team":"a","aws_created_by":"x"}', '{"Team":"a","aws:created_by":"x"}'),
        ('{"user:Team": "a", "aws:createdBy": "x"}', '{"Team": "a", "aws:createdBy": "x"}'),
        ('{"user_Team":"user_b"}', '{"Team":"user_b"}'),
        ('{ "user:a,b" : "c,\'d" }', '{ "a,b" : "c,\'d" }'),
        ('{"user:Team":"say \\"hi\\" ü"}', '{"Team":"say \\"hi\\" ü"}'),
        ('{"user_b":"2","user_a":"","user_c":null,"user_d":"NULL"}', '{"b":"2"}'),
        ('{"user:Team":"a","user_Team":"b"}', '{"Team":"a"}'),
        ('{"Team":"a","user_Team":"b"}', '{"Team":"a"}'),
        ('{"user_n":3,"user_o":{"p":1}}', '{"n":"3","o":"{\\"p\\":1}"}'),
        ('[{"key":"user_k","value":"v"}]', '{"k":"v"}'),
        ("{}", "{}"),
        ("", "{}"),
        ("NULL", "{}"),
    ],
)
def test_tags_as_json_text_lose_the_prefix_in_both_spellings_and_nothing_else(
    duck: charge_store.Connection, tmp_path: Path, cell: str, tags: str
) -> None:
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), resource_tags=cell)])
    assert landed(duck, path, "tags", "unread_cells") == [(tags, 0)]


@pytest.mark.parametrize(
    "cell", ["user_team=a", '{"user_team":"a\tb"}', '{"user_team": "a', '"team"', "3", "null", "[1]"]
)
def test_tags_that_cannot_be_read_are_left_out_and_told(
    duck: charge_store.Connection, tmp_path: Path, cell: str
) -> None:
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), resource_tags=cell)])
    assert landed(duck, path, "tags", "unread_cells") == [("{}", 2)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([[("user_Team", 'a"'), ("aws:createdBy", "x"), ("user:Empty", "")]], STRINGS),
        pa.array([[{"key": "user:Team", "value": 'a"'}, {"key": "aws:createdBy", "value": "x"}]], PAIRS),
        pa.array([{"user_Team": 'a"', "aws:createdBy": "x", "user_empty": None}]),
        pa.array(['{"user_Team":"a\\"","aws:createdBy":"x"}']),
    ],
    ids=["map", "list of pairs", "struct", "JSON text"],
)
def test_tags_are_read_from_every_type_parquet_keeps_them_in(
    duck: charge_store.Connection, tmp_path: Path, column: pa.Array
) -> None:
    rows = landed(duck, parquet_line(tmp_path, resource_tags=column), "tags")
    assert rows == [('{"Team":"a\\"","aws:createdBy":"x"}',)]


@pytest.mark.parametrize(
    "column",
    [
        pa.array([["a"]]),
        pa.array([[{"k": "a", "v": "b"}]]),
        pa.array([3]),
        pa.array([[[("a", "b")]]], pa.list_(STRINGS)),
    ],
    ids=["list of texts", "list of other structs", "number", "list of maps"],
)
def test_tags_of_a_type_that_is_no_map_are_left_out_and_told(
    duck: charge_store.Connection, tmp_path: Path, column: pa.Array
) -> None:
    path = parquet_line(tmp_path, resource_tags=column, product=column)
    assert landed(duck, path, "tags", "unread_cells", "billed_cost") == [("{}", 2, Decimal(1))]


@pytest.mark.parametrize("kind", [STRINGS, PAIRS, pa.struct([("user_a", pa.string())]), pa.string()], ids=str)
def test_line_without_tags_has_none_whatever_the_type(
    duck: charge_store.Connection, tmp_path: Path, kind: pa.DataType
) -> None:
    path = parquet_line(tmp_path, resource_tags=pa.array([None], kind))
    assert landed(duck, path, "tags", "unread_cells") == [("{}", 0)]


def test_map_of_all_tags_gives_resource_tags_categories_and_others_under_their_own_prefix(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    cell = '{"resourceTags/user:Team":"a","costCategory/Env":"prod","accountTag/Owner":"o"}'
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), tags=cell)])
    assert landed(duck, path, "tags", "cost_categories") == [('{"Team":"a","accountTag/Owner":"o"}', '{"Env":"prod"}')]


def test_map_of_resource_tags_goes_before_the_map_of_all_tags(duck: charge_store.Connection, tmp_path: Path) -> None:
    cells = {"resource_tags": '{"user_Team":"own"}', "tags": '{"resourceTags/user:Team":"x","accountTag/Owner":"o"}'}
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), **cells)])
    assert landed(duck, path, "tags") == [('{"Team":"own","accountTag/Owner":"o"}',)]


@pytest.mark.parametrize(
    "name",
    [
        "resource_tags['user:Team']",
        'resource_tags["user_Team"]',
        "resource_tags[user_Team]",
        "resource_tags.user_Team",
        "resource_tags_user_Team",
        "tags['resourceTags/user:Team']",
    ],
)
def test_tag_that_a_select_took_out_of_the_map_is_a_tag(
    duck: charge_store.Connection, tmp_path: Path, name: str
) -> None:
    further = {name: "a", "cost_category['Env']": "prod", "bill_payer_account_name": "Payer"}
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), **further)])
    assert landed(duck, path, "tags", "cost_categories") == [('{"Team":"a"}', '{"Env":"prod"}')]


def test_file_without_any_map_counts_and_has_no_tags(duck: charge_store.Connection, tmp_path: Path) -> None:
    path = write_cur2(tmp_path / "bill.csv", [cur2_line(line(cost="1"), line_item_usage_account_name="Prod")])
    rows = landed(duck, path, "billed_cost", "tags", "cost_categories", "sub_account_name")
    assert rows == [(Decimal(1), "{}", "{}", "Prod")]


@pytest.mark.parametrize(
    "product",
    [
        {"product": '{"product_name":"My EC2","tenancy":"Dedicated","operating_system":"Linux","database_engine":""}'},
        {"product['product_name']": "My EC2", "product['tenancy']": "Dedicated"},
        {"product.product_name": "My EC2", "product.tenancy": "Dedicated"},
        {"product_product_name": "My EC2", "product_tenancy": "Dedicated", "product": "{}"},
    ],
    ids=["map", "keys in brackets", "keys after a dot", "columns beside an empty map"],
)
def test_product_attributes_are_read_from_the_map_or_what_a_select_made_of_it(
    duck: charge_store.Connection, tmp_path: Path, product: Mapping[str, str]
) -> None:
    cells = cur2_line(line(cost="1"), resource_tags="{}")
    del cells["product_product_name"]
    path = write_cur2(tmp_path / "bill.csv", [cells | dict(product)])
    rows = landed(duck, path, "service_name", "tenancy", "platform", "unread_cells")
    assert rows == [("My EC2", "Dedicated", "Linux/UNIX", 0)]


def test_product_attributes_are_read_from_a_parquet_map(duck: charge_store.Connection, tmp_path: Path) -> None:
    product = pa.array([[("tenancy", "Host"), ("operating_system", "")]], STRINGS)
    discount = pa.array([[("edp", 1.5)]], pa.map_(pa.string(), pa.float64()))
    path = parquet_line(tmp_path, product=product, discount=discount)
    assert landed(duck, path, "tenancy", "unread_cells") == [("Host", 0)]


BILL = [
    # Plan: fees 6 of which 4 used; covered usage of 10 is taken back. Reservation: fee 40 with 10 of upfront share,
    # 3 unused, so 47 used.
    line(
        {"savingsPlan/SavingsPlanEffectiveCost": "4", "lineItem/LineItemDescription": "1"},
        kind="SavingsPlanCoveredUsage",
        cost="10",
        public="10",
    ),
    line({"lineItem/LineItemDescription": "2"}, kind="SavingsPlanNegation", cost="-10"),
    line(
        {
            "savingsPlan/TotalCommitmentToDate": "6",
            "savingsPlan/UsedCommitment": "4",
            "lineItem/LineItemDescription": "3",
        },
        kind="SavingsPlanRecurringFee",
        cost="6",
    ),
    line(
        {
            "reservation/ReservationARN": "arn:r",
            "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "1",
            "reservation/UnusedRecurringFee": "2",
            "reservation/AmortizedUpfrontFeeForBillingPeriod": "10",
            "lineItem/LineItemDescription": "4",
        },
        kind="RIFee",
        cost="40",
    ),
    line(
        {
            "reservation/EffectiveCost": "47",
            "reservation/ReservationARN": "arn:r",
            "lineItem/LineItemDescription": "5",
        },
        kind="DiscountedUsage",
        public="60",
    ),
]


def test_same_bill_costs_the_same_as_a_legacy_report_and_as_cur_2(
    duck: charge_store.Connection, tmp_path: Path
) -> None:
    legacy = landed(duck, write_csv(tmp_path / "legacy.csv", BILL), *COSTS, "commitment_discount_status")
    cur2 = [cur2_line(row, resource_tags="{}", product="{}") for row in BILL]
    assert landed(duck, write_cur2(tmp_path / "cur2.csv.gz", cur2), *COSTS, "commitment_discount_status") == legacy
    columns: dict[str, Sequence[object]] = {name: [row[name] for row in cur2] for name in cur2[0]}
    path = write_parquet(tmp_path / "cur2.parquet", columns)
    assert landed(duck, path, *COSTS, "commitment_discount_status") == legacy
    # Billed 10 − 10 + 6 + 40 = 46; in effect 4 + 0 + 2 + 3 + 47 = 56, which is 46 and the 10 of upfront share.
    assert [sum(row[place] for row in legacy) for place in (0, 1)] == [46, 56]  # type: ignore[misc]


def test_account_kept_as_a_number_gets_its_zeros_back(duck: charge_store.Connection, tmp_path: Path) -> None:
    path = parquet_line(
        tmp_path,
        bill_payer_account_id=pa.array([1234]),
        line_item_usage_account_id=pa.array([56789.0]),
        resource_tags=pa.array([None], STRINGS),
    )
    rows = landed(duck, path, "billing_account_id", "sub_account_id")
    assert rows == [("000000001234", "000000056789")]
    file = charge_store.open_bill_file(path)
    assert charge_store.first_account(file, "bill_payer_account_id") == "000000001234"


@pytest.mark.parametrize(
    ("text", "tags", "unread"),
    [
        ("{user_team=alpha, user_cost_center=7 b}", '{"cost_center":"7 b","team":"alpha"}', 0),
        ("{user_team=it's ü}", '{"team":"it\'s ü"}', 0),
        ("{user_team=}", "{}", 0),
        ("{user_team=a, b}", "{}", UNREAD_MAP),  # one value with a comma, or a key without a value
        ("{user_url=x?a=b}", "{}", UNREAD_MAP),
    ],
)
def test_maps_as_athena_saves_them_are_read_where_they_can_be_read_in_one_way(
    duck: charge_store.Connection, tmp_path: Path, text: str, tags: str, unread: int
) -> None:
    lines = [cur2_line(line(cost="1"), resource_tags=text, product="{product_name=Amazon EC2, region=eu-west-1}")]
    path = tmp_path / "cur2.csv"
    path.write_text(cur2_text(lines, leave_out=["product_product_name"]), encoding="utf-8")
    got = landed(duck, path, "tags", "unread_cells", "service_name")
    assert [(json.loads(str(found)), count, name) for found, count, name in got] == [
        (json.loads(tags), unread, "Amazon EC2")
    ]
