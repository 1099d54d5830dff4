"""Tiny bills made in code: legacy CUR lines with harmless defaults, written as CSV, gzip or Parquet."""

import csv
import gzip
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from costs import services as intake
from costs.models import BillImport
from finops_site import pipeline

TODAY = date(2026, 6, 3)

DEFAULTS: dict[str, str] = {
    "bill/InvoiceId": "",
    "bill/PayerAccountId": "000000000001",
    "bill/BillingPeriodStartDate": "2026-05-01T00:00:00Z",
    "lineItem/UsageAccountId": "000000000002",
    "lineItem/LineItemType": "Usage",
    "lineItem/UsageStartDate": "2026-05-04T10:00:00Z",
    "lineItem/UsageEndDate": "2026-05-04T11:00:00Z",
    "lineItem/ProductCode": "AmazonEC2",
    "lineItem/UsageType": "BoxUsage:m5.large",
    "lineItem/Operation": "RunInstances",
    "lineItem/ResourceId": "",
    "lineItem/UsageAmount": "1",
    "lineItem/CurrencyCode": "USD",
    "lineItem/UnblendedCost": "0",
    "lineItem/LineItemDescription": "",
    "product/ProductName": "Amazon Elastic Compute Cloud",
    "product/region": "us-east-1",
    "pricing/publicOnDemandCost": "",
    "pricing/unit": "Hrs",
    "reservation/ReservationARN": "",
    "reservation/EffectiveCost": "",
    "reservation/AmortizedUpfrontFeeForBillingPeriod": "",
    "reservation/UnusedAmortizedUpfrontFeeForBillingPeriod": "",
    "reservation/UnusedRecurringFee": "",
    "savingsPlan/SavingsPlanARN": "",
    "savingsPlan/SavingsPlanEffectiveCost": "",
    "savingsPlan/TotalCommitmentToDate": "",
    "savingsPlan/UsedCommitment": "",
}
SHORT = {
    "kind": "lineItem/LineItemType",
    "cost": "lineItem/UnblendedCost",
    "net": "lineItem/NetUnblendedCost",
    "public": "pricing/publicOnDemandCost",
    "resource": "lineItem/ResourceId",
    "start": "lineItem/UsageStartDate",
    "period": "bill/BillingPeriodStartDate",
    "currency": "lineItem/CurrencyCode",
    "team": "resourceTags/user:Team",
    "quantity": "lineItem/UsageAmount",
    "invoice": "bill/InvoiceId",
    "account": "lineItem/UsageAccountId",
    "operation": "lineItem/Operation",
}


def line(cells: Mapping[str, str] | None = None, **short: str) -> dict[str, str]:
    """One line: defaults, then cells under their own names, then cells under short names."""
    return DEFAULTS | dict(cells or {}) | {SHORT[name]: value for name, value in short.items()}


def snake(header: str) -> str:
    """A CSV header as Parquet and CUR 2.0 spell it, by AWS's own rule."""
    spaced = re.sub(r"([A-Z])", r"_\1", header).lower()
    return re.sub(r"_+", "_", re.sub(r"[^a-z0-9]", "_", spaced)).strip("_")


def cur2_line(cells: Mapping[str, str], **columns: str) -> dict[str, str]:
    """A line of `line` under the names of CUR 2.0, with further columns such as its maps."""
    return {snake(name): value for name, value in cells.items()} | columns


def cur2_text(lines: Sequence[Mapping[str, str]], *, leave_out: Iterable[str] = ()) -> str:
    """Lines of `cur2_line` as CSV."""
    names = [name for name in dict.fromkeys(name for row in lines for name in row) if name not in set(leave_out)]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def write_cur2(path: Path, lines: Sequence[Mapping[str, str]]) -> Path:
    """Lines of `cur2_line` as a plain CSV, or gzip where the name ends in .gz."""
    content = cur2_text(lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def csv_text(lines: Sequence[Mapping[str, str]], *, leave_out: Iterable[str] = ()) -> str:
    """The lines as CSV with every column any of them has."""
    names = list(dict.fromkeys(name for row in (DEFAULTS, *lines) for name in row))
    names = [name for name in names if name not in set(leave_out)]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, restval="", extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return out.getvalue()


def write_csv(path: Path, lines: Sequence[Mapping[str, str]], *, leave_out: Iterable[str] = ()) -> Path:
    """A plain CSV, or gzip where the name ends in .gz."""
    text = csv_text(lines, leave_out=leave_out)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def write_parquet(path: Path, columns: Mapping[str, Sequence[object]]) -> Path:
    """A Parquet file of these columns."""
    pq.write_table(pa.table(dict(columns)), path)
    return path


def bring_in(*paths: Path, source: str | None = None, snapshot_on: date | None = None) -> list[BillImport]:
    """The files all the way into force; the imports they became."""
    queued = intake.prepare_imports(list(paths), source_name=source, snapshot_on=snapshot_on, today=TODAY)
    made = [pk for import_pk in queued for pk in pipeline.run_import(import_pk)]
    return [BillImport.objects.get(pk=pk) for pk in made]


def bring_in_lines(folder: Path, *lines: Mapping[str, str], name: str = "bill.csv") -> BillImport:
    """One bill of these lines into force."""
    (made,) = bring_in(write_csv(folder / name, lines))
    return made
