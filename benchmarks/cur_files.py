"""CUR-like files for benchmarks: the same lines every time, of any length, width, form and order."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

HOURS = 744
NARROW, WIDE = 40, 120
_STEP = 1_000_003  # a prime: line n of a shuffled file is line n × this, modulo the number of lines
_SECOND_STEP = 1_000_033

_START = "strftime(begins_at, '%Y-%m-%dT%H:%M:%SZ')"
_END = "strftime(begins_at + INTERVAL 1 HOUR, '%Y-%m-%dT%H:%M:%SZ')"
_COST = "CAST(CAST((hash(r, h) % 100000000) / 1e9 AS DECIMAL(20,10)) AS VARCHAR)"
_TYPE = "['m5','c5','r5','t3'][1 + r % 4] || '.' || ['large','xlarge','2xlarge'][1 + (r // 4) % 3]"
# 40 columns as AWS writes them: r is a resource (some 1,300 for each million lines), h the hour; 8 accounts, 6 teams.
_COLUMNS = {
    "identity/LineItemId": "substr(md5(CAST(r * 1000 + h AS VARCHAR)) || md5(CAST(r * 7 + h AS VARCHAR)), 1, 52)",
    "identity/TimeInterval": f"{_START} || '/' || {_END}",
    "bill/InvoiceId": "'20260512'",
    "bill/InvoicingEntity": "'Amazon Web Services, Inc.'",
    "bill/BillingEntity": "'AWS'",
    "bill/BillType": "'Anniversary'",
    "bill/PayerAccountId": "'100000000001'",
    "bill/BillingPeriodStartDate": "'2026-05-01T00:00:00Z'",
    "bill/BillingPeriodEndDate": "'2026-06-01T00:00:00Z'",
    "lineItem/UsageAccountId": "CAST(100000000001 + r % 8 AS VARCHAR)",
    "lineItem/LineItemType": "CASE WHEN r % 10 = 0 THEN 'DiscountedUsage' ELSE 'Usage' END",
    "lineItem/UsageStartDate": _START,
    "lineItem/UsageEndDate": _END,
    "lineItem/ProductCode": "CASE WHEN r % 3 = 2 THEN 'AmazonS3' ELSE 'AmazonEC2' END",
    "lineItem/UsageType": f"CASE r % 3 WHEN 2 THEN 'Requests-Tier' || r % 2 WHEN 1 THEN 'EBS:VolumeUsage.gp' || r % 4"
    f" ELSE 'BoxUsage:' || {_TYPE} END",
    "lineItem/Operation": "CASE r % 3 WHEN 2 THEN 'GetObject' WHEN 1 THEN 'CreateVolume-Gp2' ELSE 'RunInstances' END",
    "lineItem/AvailabilityZone": "['us-east-1', 'eu-west-1'][1 + r % 2] || 'a'",
    "lineItem/ResourceId": "'i-0' || substr(md5(CAST(r AS VARCHAR)), 1, 16)",
    "lineItem/UsageAmount": "CAST(1 + (hash(r, h) % 1000) / 1000 AS VARCHAR)",
    "lineItem/NormalizationFactor": "'4'",
    "lineItem/NormalizedUsageAmount": "'4'",
    "lineItem/CurrencyCode": "'USD'",
    "lineItem/UnblendedRate": "'0.096'",
    "lineItem/UnblendedCost": f"CASE WHEN r % 10 = 0 THEN '0' ELSE {_COST} END",
    "lineItem/BlendedRate": "'0.096'",
    "lineItem/BlendedCost": _COST,
    "lineItem/LineItemDescription": "'$0.096 per On Demand Linux ' || r % 50 || ' Instance Hour'",
    "product/ProductName": "CASE WHEN r % 3 = 2 THEN 'Amazon Simple Storage Service'"
    " ELSE 'Amazon Elastic Compute Cloud' END",
    "product/instanceType": f"CASE WHEN r % 3 = 0 THEN {_TYPE} END",
    "product/operatingSystem": "CASE WHEN r % 3 = 0 THEN 'Linux' END",
    "product/tenancy": "CASE WHEN r % 3 = 0 THEN 'Shared' END",
    "product/region": "['us-east-1', 'eu-west-1'][1 + r % 2]",
    "product/sku": "upper(substr(md5(CAST(r % 50 AS VARCHAR)), 1, 16))",
    "pricing/publicOnDemandCost": _COST,
    "pricing/term": "'OnDemand'",
    "pricing/unit": "CASE WHEN r % 3 = 0 THEN 'Hrs' ELSE 'GB-Mo' END",
    "reservation/EffectiveCost": f"CASE WHEN r % 10 = 0 THEN {_COST} END",
    "reservation/ReservationARN": "CASE WHEN r % 10 = 0"
    " THEN 'arn:aws:ec2:us-east-1:100000000001:reserved-instances/' || r % 9 END",
    "resourceTags/user:Team": "CASE WHEN r % 7 > 0"
    " THEN ['payments', 'search', 'data', 'web', 'ops', 'core'][1 + r % 6] END",
    "resourceTags/user:Name": "'host-' || r",
}
# What widens a file to 120 columns: attributes of products, most of them empty on most lines, and more tags.
_FILLED = {
    "product/productFamily": "CASE WHEN r % 3 = 0 THEN 'Compute Instance' ELSE 'Storage' END",
    "product/location": "['US East (N. Virginia)', 'EU (Ireland)'][1 + r % 2]",
    "product/servicecode": "CASE WHEN r % 3 = 2 THEN 'AmazonS3' ELSE 'AmazonEC2' END",
    "product/vcpu": "CASE WHEN r % 3 = 0 THEN CAST(2 * (1 + r % 4) AS VARCHAR) END",
    "product/memory": "CASE WHEN r % 3 = 0 THEN 8 * (1 + r % 4) || ' GiB' END",
    "pricing/publicOnDemandRate": "'0.0960000000'",
    "pricing/RateId": "CAST(r % 50 * 7919 AS VARCHAR)",
    "reservation/UnusedRecurringFee": "NULL",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "NULL",
    "savingsPlan/SavingsPlanARN": "NULL",
    "savingsPlan/SavingsPlanEffectiveCost": "NULL",
    "resourceTags/aws:createdBy": "'IAMUser:AIDA' || r % 20",
    "resourceTags/user:Environment": "['prod', 'staging', 'dev'][1 + r % 3]",
    "resourceTags/user:CostCenter": "CASE WHEN r % 5 > 0 THEN 'cc-' || 100 + r % 12 END",
    "resourceTags/user:Project": "CASE WHEN r % 2 = 0 THEN 'project ' || r % 30 END",
    "resourceTags/user:Owner": "CASE WHEN r % 4 = 0 THEN 'someone' || r % 40 || '@example.com' END",
}
_EMPTY_PRODUCT, _EMPTY_TAG = "product/attribute", "resourceTags/user:unused"
_NUMBERS = ("UsageAmount", "NormalizationFactor", "NormalizedUsageAmount", "Cost", "RecurringFee", "BillingPeriod")
_MOMENTS = ("StartDate", "EndDate")


@dataclass(frozen=True)
class Shape:
    """What a file is like."""

    lines: int = 1_000_000
    columns: int = NARROW
    form: str = "csv.gz"  # or "parquet": snake case, numbers and times typed, as AWS writes it
    is_shuffled: bool = False

    @property
    def name(self) -> str:
        order = "shuffled" if self.is_shuffled else "ordered"
        return f"{self.lines // 1000}k-{self.columns}-{self.form.split('.')[0]}-{order}"

    @property
    def cost_column(self) -> str:
        return "lineItem/UnblendedCost" if self.form == "csv.gz" else "line_item_unblended_cost"

    @property
    def relation(self) -> str:
        """How a bare scan reads it; the file's path goes into it."""
        return "read_csv('{}', all_varchar=true)" if self.form == "csv.gz" else "read_parquet('{}')"


def columns(count: int) -> dict[str, str]:
    """Names of that many columns, as the CSV has them, with the SQL that makes them."""
    found = dict(_COLUMNS)
    if count > len(found):
        found |= _FILLED
    empty = count - len(found)
    found |= {f"{_EMPTY_PRODUCT}{number}": "NULL" for number in range(empty - empty // 3)}
    found |= {f"{_EMPTY_TAG}{number}": "NULL" for number in range(empty // 3)}
    return found


def generate(path: Path, shape: Shape) -> None:
    """Write the file. Lines go by resource and hour, or are strewn over the file."""
    fields = columns(shape.columns)
    if shape.form == "parquet":
        listed = ", ".join(f'{_typed(name, sql)} AS "{_snake(name)}"' for name, sql in fields.items())
        form = "(FORMAT parquet, COMPRESSION snappy)"
    else:
        listed = ", ".join(f'{sql} AS "{name}"' for name, sql in fields.items())
        form = "(FORMAT csv, HEADER, COMPRESSION gzip)"
    step = _STEP if shape.lines % _STEP else _SECOND_STEP
    place = f"(n * {step}) % {shape.lines}" if shape.is_shuffled else "n"
    with duckdb.connect(config={"preserve_insertion_order": True}) as duck:
        duck.execute(
            f"COPY (SELECT {listed} FROM (SELECT p % {HOURS} AS h, p // {HOURS} AS r,"
            f" TIMESTAMP '2026-05-01' + (p % {HOURS}) * INTERVAL 1 HOUR AS begins_at FROM (SELECT {place} AS p"
            f" FROM range({shape.lines}) AS lines(n)))) TO '{path}' {form}"
        )


def _typed(name: str, sql: str) -> str:
    if name.endswith(_MOMENTS):
        return f"CAST({sql} AS TIMESTAMP)"
    return f"CAST({sql} AS {'DOUBLE' if name.endswith(_NUMBERS) else 'VARCHAR'})"


def _snake(name: str) -> str:
    """`lineItem/UsageAccountId` as `line_item_usage_account_id`."""
    text = name.replace("/", "_").replace(":", "_")
    pairs = zip(text, f"_{text}", strict=False)
    return "".join(f"_{c.lower()}" if c.isupper() and before != "_" else c.lower() for c, before in pairs)
