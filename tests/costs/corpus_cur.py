"""The corpus of Cost and Usage Reports, legacy and CUR 2.0. Totals are worked out beside the lines."""

import zipfile
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa

from costs.billing_formats.detect import _READABLE as READABLE
from costs.services.currencies import _CURE as SAY
from tests.costs.bills import csv_text, cur2_line, cur2_text, line, snake
from tests.costs.corpus import Case, Counted, Refused, flipped, gzipped, one, parquet, several, zipped

AGAIN = "Correct it or export the file again."
SAVED = "Spreadsheets write dates so: give the file as it was delivered, not saved from one."
REPAIR = "Repair the line or export the file again."
EXPORT = "Export it again with these columns; without them it is no bill."
TWICE = "The header has this column 2 times; which one counts is a guess. Export the file again."
DAMAGED = "The compressed file ends early or is damaged. Transfer or export it again."
ZIP_DAMAGED = "The zip archive ends early or is damaged. Transfer or export it again."

TWO = [line(cost="1.5"), line(cost="2.25")]  # 3.75
TEXT = csv_text(TWO)
MORE = csv_text([line(cost="3.75")])
HEADER, BODY = TEXT.split("\n", 1)
CUR2 = [cur2_line(row, resource_tags='{"user_team": "a"}') for row in TWO]
PLAIN: dict[str, Any] = {
    "bill_payer_account_id": ["000000000001", "000000000001"],
    "bill_billing_period_start_date": ["2026-05-01T00:00:00Z", "2026-05-01T00:00:00Z"],
    "line_item_line_item_type": ["Usage", "Usage"],
    "line_item_currency_code": ["USD", "USD"],
    "line_item_unblended_cost": [1.5, 2.25],
}
SUM = Counted(2, "3.75")


def said(name: str, place: str, text: str) -> Refused:
    return Refused(f"{name}{', ' if place else ''}{place}: {text}")


def renamed(old: str, new: str) -> str:
    return TEXT.replace(old, new, 1)


def table(**columns: Any) -> dict[str, Any]:
    return PLAIN | columns


def both(**cells: str) -> str:
    """Two CUR 2.0 lines (1.5 and 2.25) with these cells."""
    return cur2_text([cur2_line(row, **cells) for row in TWO])


_HEADERS = {
    "headers in capitals": one("a.csv", HEADER.upper() + "\n" + BODY, SUM),
    "headers in small letters": one("a.csv", HEADER.lower() + "\n" + BODY, SUM),
    "snake-case headers in a CSV": one("a.csv", ",".join(map(snake, HEADER.split(","))) + "\n" + BODY, SUM),
    "quoted headers with a byte-order mark": one(
        "a.csv", "\ufeff" + ",".join(f'"{name}"' for name in HEADER.split(",")) + "\n" + BODY, SUM
    ),
    "spaces around headers": one("a.csv", HEADER.replace(",", " , ") + "\n" + BODY, SUM),
    "a column without a name": one("a.csv", HEADER + ",\n" + BODY.replace("\n", ",\n"), SUM),
    "an unknown column": one("a.csv", HEADER + ",lineItem/New\n" + BODY.replace("\n", ",x\n"), SUM),
    "a cost column twice in other letters": one(
        "a.csv",
        renamed("lineItem/Operation", "LINEITEM/unblended_cost"),
        said("a.csv", "line 1, column LINEITEM/unblended_cost", TWICE),
    ),
    "an unknown column twice": one("a.csv", HEADER + ",x,x\n" + BODY.replace("\n", ",1,2\n"), SUM),
    "a cost column twice": one(
        "a.csv",
        renamed("lineItem/Operation", "lineItem/UnblendedCost"),
        said("a.csv", "line 1, column lineItem/UnblendedCost", TWICE),
    ),
    "no period, type and currency in CUR 2.0": one(
        "a.csv",
        cur2_text(
            CUR2,
            leave_out=("bill_billing_period_start_date", "line_item_line_item_type", "line_item_currency_code"),
        ),
        said(
            "a.csv",
            "line 1, column bill_billing_period_start_date",
            "The file looks like AWS CUR 2.0 (snake-case columns with the map resource_tags) but has no column"
            f" bill_billing_period_start_date, line_item_line_item_type, line_item_currency_code. {EXPORT}",
        ),
    ),
    "no cost in CUR 2.0": one(
        "a.csv",
        cur2_text(CUR2, leave_out=("line_item_unblended_cost",)),
        said(
            "a.csv",
            "line 1, column line_item_unblended_cost",
            "The file looks like AWS CUR 2.0 (snake-case columns with the map resource_tags) but has no column"
            f" line_item_unblended_cost. {EXPORT}",
        ),
    ),
    "no account": one(
        "a.csv",
        csv_text(TWO, leave_out=("bill/PayerAccountId", "lineItem/UsageAccountId")),
        said(
            "a.csv",
            "line 1, column bill/PayerAccountId",
            "The file looks like AWS Cost and Usage Report (legacy) (slash headers, 7 of its 9 telling columns) but has"
            f" no column bill/PayerAccountId. {EXPORT}",
        ),
    ),
    "a line of a spreadsheet before the header": one(
        "a.csv",
        "sep=,\n" + TEXT,
        said(
            "a.csv",
            "line 1",
            f"The format is not known: its header begins with sep=, . {READABLE}",
        ),
    ),
}

_CELLS = {
    "line types and currency in another case": one(
        # Billed 10 − 10 + 6 = 6; in effect the plan's 4, nothing, and 6 − 4 = 2 unused.
        "a.csv",
        csv_text(
            [
                line(
                    {"savingsPlan/SavingsPlanEffectiveCost": "4"},
                    kind="SAVINGSPLANCOVEREDUSAGE",
                    cost="10",
                    currency="usd",
                ),
                line(kind="savingsplannegation", cost="-10"),
                line(
                    {"savingsPlan/TotalCommitmentToDate": "6", "savingsPlan/UsedCommitment": "4"},
                    kind="savingsPlanRecurringFee",
                    cost="6",
                ),
            ]
        ),
        Counted(3, "6", findings=("commitments_close", "amortisation_closes")),
    ),
    "a line type nobody knows": one(
        "a.csv", csv_text([line(kind="Levy", cost="3")]), Counted(1, "3", findings=("unknown_line_type",))
    ),
    "empty cells and the text NULL": one("a.csv", csv_text([line(cost=""), line(cost="NULL")]), Counted(2, "0")),
    "exponents and many digits": one(
        # 0.00000012 + 1.00000000005: the sum 1.00000012005 has eleven decimals, kept are ten, half up.
        "a.csv",
        csv_text([line(cost="1.2E-7"), line(cost="1.00000000005")]),
        Counted(2, "1.0000001201"),
    ),
    "spaces around an amount": one("a.csv", csv_text([line(cost=" 1.5 ")]), Counted(1, "1.5")),
    "an amount with a thousands separator": one(
        "a.csv",
        csv_text([line(cost="1"), line(cost="1,234.5")]),
        said("a.csv", "line 3, column lineItem/UnblendedCost", f"'1,234.5' is not a number. {AGAIN}"),
    ),
    "an infinite amount": one(
        "a.csv",
        csv_text([line(cost="inf")]),
        said("a.csv", "line 2, column lineItem/UnblendedCost", f"'inf' is not a number. {AGAIN}"),
    ),
    "an amount of 21 digits": one(
        "a.csv",
        csv_text([line(cost="1e20")]),
        said("a.csv", "line 2, column lineItem/UnblendedCost", f"'1e20' is not a number. {AGAIN}"),
    ),
    "amounts that overflow when added": one(
        "a.csv",
        csv_text([line(cost="9e19"), line(cost="9e19")]),
        Refused(
            "An amount is too large to be added up exactly. Check the amounts in the export; no bill is that large."
        ),
    ),
    "an account that was turned into a number": one(
        "a.csv",
        csv_text([line(cost="1"), line(account="1.23457E+11", cost="1")]),
        Refused(
            "a.csv, line 3, column lineItem/UsageAccountId: The account 1.23457E+11 was turned into a number, as"
            " spreadsheets do. Give the file as it was delivered, not saved from a spreadsheet."
        ),
    ),
    "dates as a spreadsheet writes them": one(
        "a.csv",
        csv_text([line(period="5/1/2026", cost="1")]),
        said("a.csv", "line 2, column bill/BillingPeriodStartDate", f"'5/1/2026' is not a date and time. {SAVED}"),
    ),
    "dates with a space, milliseconds or no time": one(
        "a.csv",
        csv_text(
            [line(period=day, cost="1") for day in ("2026-05-01 00:00:00", "2026-05-01T00:00:00.000Z", "2026-05-01")]
        ),
        Counted(3, "3"),
    ),
    "text in a plan's commitment": one(
        "a.csv",
        csv_text([line({"savingsPlan/TotalCommitmentToDate": "?"}, kind="SavingsPlanRecurringFee", cost="1")]),
        said("a.csv", "line 2, column savingsPlan/TotalCommitmentToDate", f"'?' is not a number. {AGAIN}"),
    ),
    "commas, quotes and line breaks in a text": one(
        "a.csv", csv_text([line({"lineItem/LineItemDescription": 'a "b", \n c'}, cost="2")]), Counted(1, "2")
    ),
    "a zero byte in a text": one(
        "a.csv", csv_text([line({"lineItem/LineItemDescription": "A\0B"}, cost="2")]), Counted(1, "2")
    ),
}

_FILES = {
    "lines end with CR alone": one("a.csv", TEXT.replace("\n", "\r"), SUM),
    "no line end after the last line": one("a.csv", TEXT.rstrip("\n"), SUM),
    "empty lines at the end": one("a.csv", TEXT + "\n\n", SUM),
    "a name that looks like a pattern": several({"a[1]*.csv": TEXT, "a1x.csv": csv_text([])}, SUM),
    "one cell too many": one(
        "a.csv",
        HEADER + "\n" + BODY.split("\n", 1)[0] + ",x\n",
        said("a.csv", "line 2", f"The line has 29 columns, the header 28. {REPAIR}"),
    ),
    "a quote that does not end": one(
        "a.csv", TEXT + '"abc', said("a.csv", "line 4", f"A quoted text does not end. {REPAIR}")
    ),
    "a line of nine million characters": one(
        "a.csv",
        csv_text([line({"lineItem/LineItemDescription": "x" * 9_000_000}, cost="1")]),
        said("a.csv", "line 2", f"The line is longer than 8,000,000 characters. {REPAIR}"),
    ),
    "UTF-16": one(
        "a.csv",
        b"\xff\xfe" + TEXT.encode("utf-16-le"),
        said("a.csv", "", "The text is UTF-16, not UTF-8. Save or export it as UTF-8."),
    ),
    "Latin-1": one(
        "a.csv",
        csv_text([line({"lineItem/LineItemDescription": "é"}, cost="1")]).encode("latin-1"),
        said("a.csv", "line 2", f"The text is not UTF-8. {REPAIR}"),
    ),
    "a picture": one(
        "a.csv",
        b"\x89PNG\r\n\x1a\n" + bytes(50),
        said("a.csv", "line 1", f"The format is not known: its header begins with \ufffdPNG. {READABLE}"),
    ),
    "gzip of several members, the second with a header only": several(
        {"a.csv.gz": gzipped(TEXT), "b.csv.gz": gzipped(csv_text([]))}, SUM
    ),
    "gzip of three members": one("a.csv.gz", gzipped(HEADER + "\n", BODY, BODY), Counted(4, "7.5")),
    "gzip with a wrong checksum": one("a.csv.gz", flipped(gzipped(TEXT), -6), said("a.csv.gz", "", DAMAGED)),
    "gzip with rubbish after it": one("a.csv.gz", gzipped(TEXT) + b"rubbish", said("a.csv.gz", "", DAMAGED)),
}

_ARCHIVES = {
    "zip of one CSV": one("a.zip", zipped({"r/a-1.csv": TEXT}), SUM),
    "zip of several CSVs beside a manifest": one(
        "a.zip",
        zipped({"r/a-1.csv": TEXT, "r/a-2.csv": MORE, "r/a-Manifest.json": "{}", "__MACOSX/r/._a-1.csv": "x"}),
        Counted(3, "7.5"),
    ),
    "zip without compression": one("a.zip", zipped({"a.csv": TEXT}, how=zipfile.ZIP_STORED), SUM),
    "zip of a gzip": one("a.zip", zipped({"a.csv.gz": gzipped(TEXT)}), SUM),
    "zip with bzip2 inside": one("a.zip", zipped({"a.csv": TEXT}, how=zipfile.ZIP_BZIP2), SUM),
    "zip without a table": one(
        "a.zip",
        zipped({"readme.md": "x"}),
        said("a.zip", "", "The zip archive holds no CSV or Parquet file. Give the bill's own files."),
    ),
    "an Excel workbook": one(
        "a.xlsx",
        zipped({"xl/workbook.xml": "<x/>"}),
        said("a.xlsx", "", "The file is an Excel workbook. Save the sheet as CSV (UTF-8)."),
    ),
    "zip cut short": one("a.zip", zipped({"a.csv": TEXT})[:-30], said("a.zip", "", ZIP_DAMAGED)),
    "zip with a damaged member": one("a.zip", flipped(zipped({"a.csv": TEXT}), 60), said("a.zip/a.csv", "", DAMAGED)),
    "zip in a zip": one(
        "a.zip",
        zipped({"a.csv.gz": zipped({"a.csv": TEXT})}),
        said("a.zip/a.csv.gz", "", "A zip archive inside another is not read. Unpack the outer one."),
    ),
    "a bad cell in a zip": one(
        "a.zip",
        zipped({"a.csv": TEXT, "b.csv": csv_text([line(cost="x")])}),
        said("a.zip/b.csv", "line 2, column lineItem/UnblendedCost", f"'x' is not a number. {AGAIN}"),
    ),
    "zip of two payers": one(
        "a.zip",
        zipped({"a.csv": TEXT, "b.csv": csv_text([line({"bill/PayerAccountId": "7"}, cost="1")])}),
        said("a.zip", "", "The zip archive holds bills of the payers 000000000001, 000000000007. Give them apart."),
    ),
    "zip of two formats": one(
        "a.zip",
        zipped({"a.csv": TEXT, "b.csv": cur2_text(CUR2)}),
        said("a.zip", "", "The zip archive holds AWS CUR 2.0 and AWS Cost and Usage Report (legacy). Give them apart."),
    ),
}

_PARQUET = {
    "costs as binary numbers": parquet("a.parquet", table(), SUM),
    "costs as whole numbers": parquet("a.parquet", table(line_item_unblended_cost=[3, 4]), Counted(2, "7")),
    "costs as decimals of twelve places": parquet(
        "a.parquet",
        table(
            line_item_unblended_cost=pa.array([Decimal("0.000000000051"), Decimal(1)], pa.decimal128(30, 12)),
        ),
        Counted(2, "1.0000000001"),
    ),
    "a cost that is no number": parquet(
        "a.parquet",
        table(line_item_unblended_cost=[1.0, float("nan")]),
        said("a.parquet", "line 2, column line_item_unblended_cost", f"'nan' is not a number. {AGAIN}"),
    ),
    "costs as lists": parquet(
        "a.parquet",
        table(line_item_unblended_cost=[[3], [4]]),
        said("a.parquet", "line 1, column line_item_unblended_cost", f"'[3]' is not a number. {AGAIN}"),
    ),
    "periods as whole numbers": parquet(
        "a.parquet",
        table(bill_billing_period_start_date=[20260501, 20260501]),
        said(
            "a.parquet",
            "line 1, column bill_billing_period_start_date",
            f"'20260501' is not a date and time. {AGAIN}",
        ),
    ),
    "periods as dates": parquet("a.parquet", table(bill_billing_period_start_date=[date(2026, 5, 1)] * 2), SUM),
    "periods with a time zone": parquet(
        "a.parquet", table(bill_billing_period_start_date=[datetime(2026, 5, 1, tzinfo=UTC)] * 2), SUM
    ),
    "text with a dictionary": parquet(
        "a.parquet", table(line_item_line_item_type=pa.array(["Usage", "Usage"]).dictionary_encode()), SUM
    ),
    "no currency on any line": parquet(
        "a.parquet",
        table(line_item_currency_code=pa.array([None, None], pa.string())),
        said(
            "a.parquet",
            "line 1, column line_item_currency_code",
            f"This line and maybe more have no currency. {SAY}",
        ),
    ),
    "no rows": parquet(
        "a.parquet",
        {name: values[:0] for name, values in PLAIN.items()},
        said(
            "a.parquet",
            "",
            "The file has a header and no lines. Give the bill's other files with it, or export it again.",
        ),
    ),
}

_MAPS = {
    "CUR 2.0 in a CSV": one("a.csv", cur2_text(CUR2), SUM),
    "CUR 2.0 in a CSV.gz of two members": one(
        "a.csv.gz", gzipped(cur2_text(CUR2[:1]), cur2_text(CUR2[1:]).split("\n", 1)[1]), SUM
    ),
    "CUR 2.0 in a zip": one("a.zip", zipped({"a.csv": cur2_text(CUR2)}), SUM),
    "tags that are no JSON": one(
        "a.csv", both(resource_tags="user_team=a"), Counted(2, "3.75", findings=("unread_map",))
    ),
    "tags that are a JSON text": one(
        "a.csv", both(resource_tags='"team"'), Counted(2, "3.75", findings=("unread_map",))
    ),
    "tags cut short": one(
        "a.csv", both(resource_tags='{"user_team": "a'), Counted(2, "3.75", findings=("unread_map",))
    ),
    "tags with a key twice": one("a.csv", both(resource_tags='{"user_team": "a", "user_team": "b"}'), SUM),
    "a product that is no JSON": one(
        "a.csv", both(resource_tags="{}", product="x"), Counted(2, "3.75", findings=("unread_map",))
    ),
    "tags as a Parquet map": parquet(
        "a.parquet",
        table(resource_tags=pa.array([[("user_team", "a")], None], pa.map_(pa.string(), pa.string()))),
        SUM,
    ),
    "net columns that no line fills": one(
        # 10 − 1 (the discount's own line) = 9 in every basis.
        "a.csv",
        cur2_text(
            [
                cur2_line(row, resource_tags="{}", line_item_net_unblended_cost="")
                for row in (line(cost="10"), line(kind="EdpDiscount", cost="-1"))
            ]
        ),
        Counted(2, "9", findings=("discounts_counted",)),
    ),
    "net columns that lines fill": one(
        # 9 net; the discount's own line is inside it and counts nothing.
        "a.csv",
        cur2_text(
            [
                cur2_line(line(cost="10"), resource_tags="{}", line_item_net_unblended_cost="9"),
                cur2_line(line(kind="EdpDiscount", cost="-1"), resource_tags="{}", line_item_net_unblended_cost=""),
            ]
        ),
        Counted(2, "9"),
    ),
}

CASES: dict[str, Case] = {**_HEADERS, **_CELLS, **_FILES, **_ARCHIVES, **_PARQUET, **_MAPS}
