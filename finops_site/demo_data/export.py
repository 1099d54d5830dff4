"""A month's lines as AWS delivers an hourly cost and usage report: snappy Parquet, several files, its own folders."""

import hashlib
from datetime import UTC, datetime, time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finops_site.demo_data.company import Company
from finops_site.demo_data.lines import MONEY_COLUMNS, Arrays, Lines
from finops_site.demo_data.meters import TAG_COLUMNS
from finops_site.demo_data.rates import UNIT
from finops_site.demo_data.schedules import IntArray, Month

LINES_PER_FILE = 60_000
ID_LENGTH = 52
ID_ALPHABET = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
TIMESTAMP = pa.timestamp("ms", tz="UTC")

# text columns that a meter may fill, in the order of the file
TEXT_COLUMNS = (
    "bill_bill_type",
    "line_item_usage_account_id",
    "line_item_line_item_type",
    "line_item_product_code",
    "line_item_usage_type",
    "line_item_operation",
    "line_item_availability_zone",
    "line_item_resource_id",
    "line_item_unblended_rate",
    "line_item_blended_rate",
    "line_item_line_item_description",
    "line_item_tax_type",
    "line_item_legal_entity",
    "product_product_name",
    "product_capacitystatus",
    "product_database_engine",
    "product_deployment_option",
    "product_instance_family",
    "product_instance_type",
    "product_instance_type_family",
    "product_license_model",
    "product_location",
    "product_location_type",
    "product_memory",
    "product_normalization_size_factor",
    "product_operating_system",
    "product_operation",
    "product_pre_installed_sw",
    "product_product_family",
    "product_region",
    "product_servicecode",
    "product_tenancy",
    "product_usagetype",
    "product_vcpu",
    "product_volume_type",
    "pricing_lease_contract_length",
    "pricing_offering_class",
    "pricing_purchase_option",
    "pricing_public_on_demand_rate",
    "pricing_term",
    "pricing_unit",
    "reservation_end_time",
    "reservation_modification_status",
    "reservation_normalized_units_per_reservation",
    "reservation_number_of_reservations",
    "reservation_reservation_a_r_n",
    "reservation_start_time",
    "reservation_subscription_id",
    "reservation_total_reserved_normalized_units",
    "reservation_total_reserved_units",
    "reservation_units_per_reservation",
    "savings_plan_end_time",
    "savings_plan_instance_type_family",
    "savings_plan_offering_type",
    "savings_plan_payment_option",
    "savings_plan_purchase_term",
    "savings_plan_region",
    "savings_plan_savings_plan_a_r_n",
    "savings_plan_savings_plan_rate",
    "savings_plan_start_time",
    *sorted(TAG_COLUMNS.values()),
)


def write_month(folder: Path, lines: Lines, company: Company, *, seed: int) -> tuple[Path, ...]:
    """Write the month's files under `…/year=2026/month=9/` and return their paths. Files there are replaced."""
    report = f"{company.slug}-hourly"
    start = lines.month.period.start
    target = folder / report / report / f"year={start.year}" / f"month={start.month}"
    target.mkdir(parents=True, exist_ok=True)
    table = bill_table(lines, company, seed=seed)
    paths = []
    for number, offset in enumerate(range(0, table.num_rows, LINES_PER_FILE), start=1):
        path = target / f"{report}-{number}.snappy.parquet"
        pq.write_table(table.slice(offset, LINES_PER_FILE), path, compression="snappy", store_schema=False)
        paths.append(path)
    for stale in set(target.glob("*.parquet")) - set(paths):
        stale.unlink()
    return tuple(paths)


def bill_table(lines: Lines, company: Company, *, seed: int) -> pa.Table:
    """The month as one table with the report's columns and types."""
    arrays, month = lines.arrays(), lines.month
    count = len(arrays.meter)
    columns: dict[str, pa.Array] = {
        "identity_line_item_id": _line_ids(count, seed, month),
        "identity_time_interval": _intervals(arrays, month),
        "bill_invoice_id": _same(_invoice_id(month, seed), count),
        "bill_billing_entity": _same("AWS", count),
        "bill_payer_account_id": _same(company.payer.account_id, count),
        "bill_payer_account_name": _same(company.payer.name, count),
        "bill_billing_period_start_date": _times(month, np.zeros(count, dtype=np.int64)),
        "bill_billing_period_end_date": _times(month, np.full(count, month.hours_in_all)),
        "line_item_usage_start_date": _times(month, arrays.hour),
        "line_item_usage_end_date": _times(month, arrays.hour + arrays.span),
        "line_item_currency_code": _same("USD", count),
    }
    columns.update(_text_columns(lines, company, arrays.meter))
    columns.update(_number_columns(lines, arrays))
    return pa.table(columns)


def _same(text: str, count: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), [text])


def _invoice_id(month: Month, seed: int) -> str:
    """Nine digits once the month is complete; open months have none."""
    digest = hashlib.sha256(f"{seed} {month.period}".encode()).digest()
    return str(100_000_000 + int.from_bytes(digest[:6], "big") % 900_000_000) if month.is_complete else ""


def _line_ids(count: int, seed: int, month: Month) -> pa.Array:
    draw = np.random.default_rng([seed, month.period.start.toordinal()])
    letters = ID_ALPHABET[draw.integers(0, 32, (count, ID_LENGTH), dtype=np.uint8)]
    offsets = np.arange(0, (count + 1) * ID_LENGTH, ID_LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(letters.tobytes()))


def _times(month: Month, hours: IntArray) -> pa.Array:
    start = int(datetime.combine(month.period.start, time(), tzinfo=UTC).timestamp() * 1000)
    return pa.array(start + hours * 3_600_000, type=pa.int64()).cast(TIMESTAMP)


def _intervals(arrays: Arrays, month: Month) -> pa.Array:
    keys, codes = np.unique(arrays.hour * 10_000 + arrays.span, return_inverse=True)
    starts = np.datetime64(month.period.start, "s")
    texts = []
    for key in keys:
        hour, span = divmod(int(key), 10_000)
        texts.append(f"{starts + np.timedelta64(hour, 'h')}Z/{starts + np.timedelta64(hour + span, 'h')}Z")
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), texts)


def _text_columns(lines: Lines, company: Company, meter: IntArray) -> dict[str, pa.Array]:
    names = {account.account_id: account.name for account in company.accounts}
    per_meter = {name: [each.columns.get(name, "") for each in lines.meters] for name in TEXT_COLUMNS}
    per_meter["line_item_usage_account_name"] = [names[text] for text in per_meter["line_item_usage_account_id"]]
    columns = {}
    for name, texts in per_meter.items():
        values, codes = np.unique(np.array(texts, dtype=object), return_inverse=True)
        columns[name] = pa.DictionaryArray.from_arrays(codes.astype(np.int32)[meter], list(values))
    return columns


def _number_columns(lines: Lines, arrays: Arrays) -> dict[str, pa.Array]:
    factor = np.array([each.factor for each in lines.meters])[arrays.meter]
    cost = arrays.cost / UNIT
    return {
        "line_item_usage_amount": pa.array(arrays.usage),
        "line_item_normalization_factor": pa.array(factor),
        "line_item_normalized_usage_amount": pa.array(arrays.usage * factor),
        "line_item_unblended_cost": pa.array(cost),
        "line_item_blended_cost": pa.array(cost),
        **{name: pa.array(arrays.money[name] / UNIT) for name in MONEY_COLUMNS},
    }
