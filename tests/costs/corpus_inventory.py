"""Broken and odd inventories. They are read on 3 June 2026, and June has 30 days: an hourly rate counts 720 times."""

import gzip

from tests.costs.corpus import Case, Counted, Refused, one, parquet, several, zipped

HEAD = "InstanceId,InstanceType,Region,CostUSD,State,CPUUtilization,Tags\n"
BUCKETS = "BucketName,Region,CostUSD,StorageClass\n"
WITH_CURRENCY = HEAD.replace("Tags", "Currency")
WITH_ACCOUNT = HEAD.replace("Tags", "AccountId")
NAME = "i.csv"
HALF = Counted(30, "360")  # 0.5 × 720, on thirty days
NO_NUMBER = "is not a number. Write it with a point and without currency sign or thousands separator, like 1234.56."
UNKNOWN = (
    "Readable are: legacy Cost and Usage Reports, CUR 2.0 and FOCUS exports (CSV, gz, zip, Parquet) and inventories of "
    "instances or buckets."
)


def row(cost: str = "0.5", id: str = "i-1", *, state: str = "running", cpu: str = "40", last: str = "Team=a") -> str:
    """One instance; `last` is the cell of the last column."""
    return f"{id},m5.large,us-east-1,{cost},{state},{cpu},{last}\n"


def no_number(text: str, line: int = 2, column: str = "CostUSD") -> Refused:
    return Refused(f"{NAME}, line {line}, column {column}: '{text}' {NO_NUMBER}")


def twice(line: int, first: int) -> Refused:
    return Refused(
        f"{NAME}, line {line}, column InstanceId: i-1 is listed twice, first in line {first}, and the rows differ. "
        "Remove one of them: each would count."
    )


COSTS: dict[str, Case] = {
    "a rate below zero counts as it stands": one(NAME, HEAD + row("-0.5"), Counted(30, "-360")),
    "a rate with an exponent": one(NAME, HEAD + row("1e-3"), Counted(30, "0.72")),
    "a rate with a plus sign": one(NAME, HEAD + row("+0.5"), HALF),
    "a rate that begins with its point": one(NAME, HEAD + row(".5"), HALF),
    "a rate with space around it": one(NAME, HEAD + row(" 0.5 ", " i-1 "), HALF),
    "a blank rate is none": one(NAME, HEAD + row("") + row("0.5", "i-2"), Counted(60, "360")),
    "NULL, dash and n/a are no rates": one(
        NAME, HEAD + row("NULL") + row("-", "i-2") + row("n/a", "i-3") + row("NaN", "i-4"), Counted(120, "0")
    ),
    # 0.12345678901234567891 is cut to 18 decimals, × 24 = 2.962962936296296288 a day, × 30 = 88.88888808888888864.
    "a rate with twenty decimals": one(NAME, HEAD + row("0.12345678901234567891"), Counted(30, "88.8888880889")),
    "a rate too small to count": one(NAME, HEAD + row("1e-400"), Counted(30, "0")),
    "a rate in words": one(NAME, HEAD + row() + row("abc", "i-2"), no_number("abc", 3)),
    "a rate with its currency sign": one(NAME, HEAD + row("$0.50"), no_number("$0.50")),
    "a rate with a thousands separator": one(NAME, HEAD + row('"1,234.56"'), no_number("1,234.56")),
    "a rate with a decimal comma": one(NAME, HEAD + row('"0,5"'), no_number("0,5")),
    "a rate with an underscore": one(NAME, HEAD + row("1_000"), no_number("1_000")),
    "a rate in brackets": one(NAME, HEAD + row("(0.5)"), no_number("(0.5)")),
    "a rate without end": one(NAME, HEAD + row("inf"), no_number("inf")),
    "a rate in digits of another script": one(NAME, HEAD + row("５"), no_number("５")),
    "a rate no machine costs": one(NAME, HEAD + row("1e20"), no_number("1e20")),
    "a rate no number holds": one(NAME, HEAD + row("1e400"), no_number("1e400")),
    "a load with its per cent sign": one(NAME, HEAD + row(cpu="40%"), no_number("40%", column="CPUUtilization")),
    "a load no number holds": one(NAME, HEAD + row(cpu="1e400"), no_number("1e400", column="CPUUtilization")),
    "two columns that could be the rate: the first name counts": one(
        NAME, HEAD.replace("Tags", "MonthlyCost") + row(last="9"), HALF
    ),
}

ROWS: dict[str, Case] = {
    "the same row twice counts once": one(
        NAME, HEAD + row() + row("1", "i-2") + row(), Counted(60, "1080", findings=("repeated_rows",))
    ),
    "one instance with two rates": one(NAME, HEAD + row() + row("1"), twice(3, 2)),
    "one instance in two states": one(NAME, HEAD + row() + row("1", "i-2") + row(state="stopped"), twice(4, 2)),
    "one id in two accounts": one(NAME, WITH_ACCOUNT + row(last="1") + row(last="2"), Counted(60, "720")),
    "a line of totals": one(
        NAME,
        HEAD + row() + "Total,,,0.5,,,\n",
        Refused(
            f"{NAME}, line 3, column InstanceId: The line 'Total' sums up the others. Remove it: it would count them "
            "twice."
        ),
    ),
    "no id": one(
        NAME,
        HEAD + row() + row(id="NULL"),
        Refused(f"{NAME}, line 3, column InstanceId: The resource has no id. Fill it in or remove the row."),
    ),
    "an id of five thousand letters": one(NAME, HEAD + row(id="i" * 5000), HALF),
    "an account turned into a number": one(
        NAME,
        WITH_ACCOUNT + row(last="1.23457E+11"),
        Refused(
            f"{NAME}, line 2, column AccountId: The account 1.23457E+11 was turned into a number, as spreadsheets do."
            " Give the file as it was delivered, not saved from a spreadsheet."
        ),
    ),
    "an account of three hundred letters": one(
        NAME,
        WITH_ACCOUNT + row(last="a" * 300),
        Refused(f"{NAME}, line 2: The account's id has 300 characters, 255 are the most. Correct it."),
    ),
    "a state nobody knows": one(NAME, HEAD + row(state="hibernated"), HALF),
    "no state and no load": one(NAME, HEAD + row(state="", cpu=""), HALF),
    "a day that is none": one(NAME, HEAD.replace("Tags", "LaunchTime") + row(last="31/02/2025"), HALF),
    "cells missing at the end": one(NAME, HEAD + "i-1,m5.large,us-east-1,0.5\n", HALF),
    "cells too many": one(
        NAME,
        HEAD + row().strip() + ",x\n",
        Refused(
            f"{NAME}, line 2: The line has 8 columns, the header 7. Quote text that holds commas, or export again."
        ),
    ),
    "blank lines between and after": one(NAME, f"{HEAD}\n{row()}\n\n", HALF),
}

TAGS: dict[str, Case] = {
    "tags with a line break": one(NAME, HEAD + row(last='"Team=a\nb,Owner=x"'), HALF),
    "tags with blanks, commas and equals signs": one(NAME, HEAD + row(last='"A=1,,=2,B,C=x=y"'), HALF),
    "tags as JSON": one(NAME, HEAD + row(last='"{""Team"": ""a"", ""Size"": 3}"'), HALF),
    "tags as JSON pairs": one(NAME, HEAD + row(last='"[{""Key"": ""Team"", ""Value"": ""a""}]"'), HALF),
    "tags as JSON that is none": one(NAME, HEAD + row(last='"{""Team"": "'), HALF),
    "tags as JSON of another shape": one(NAME, HEAD + row(last='"[1, [2], {""x"": null}]"'), HALF),
    "tags with a NUL character": one(
        NAME,
        HEAD + row(last="a\0b"),
        Refused(f"{NAME}, line 2: The line holds a NUL character. Export it again as UTF-8 CSV."),
    ),
}

CURRENCIES: dict[str, Case] = {
    "euros": one(NAME, WITH_CURRENCY + row(last="EUR"), Counted(30, "360", currency="EUR")),
    "euros in small letters": one(NAME, WITH_CURRENCY + row(last=" eur "), Counted(30, "360", currency="EUR")),
    "a currency sign": one(
        NAME, WITH_CURRENCY + row(last="€"), Refused(f"{NAME}, line 2: '€' is no currency code. Write codes like USD.")
    ),
    "two currencies": one(
        NAME,
        WITH_CURRENCY + row(last="EUR") + row(id="i-2", last="USD"),
        Refused(f"{NAME}: The files hold EUR and USD. Give bills of different currencies as separate sources."),
    ),
    "a currency here and none there": one(
        NAME,
        WITH_CURRENCY + row(last="") + row(id="i-2", last="EUR"),
        Refused(f"{NAME}: The files hold EUR and USD. Give bills of different currencies as separate sources."),
    ),
}

FILES: dict[str, Case] = {
    "a byte-order mark": one(NAME, "\ufeff" + HEAD + row(), HALF),
    "lines that end as on Windows": one(NAME, (HEAD + row()).replace("\n", "\r\n"), HALF),
    "lines that end as on an old Mac": one(NAME, (HEAD + row()).replace("\n", "\r"), HALF),
    "gzip": one(NAME, gzip.compress((HEAD + row()).encode()), HALF),
    "a zip archive": one("i.zip", zipped({NAME: HEAD + row()}), HALF),
    "columns spelled otherwise": one(
        NAME, HEAD.replace("InstanceId", "INSTANCE ID").replace("CostUSD", "cost_usd") + row(), HALF
    ),
    "semicolons": one(
        NAME,
        (HEAD + row()).replace(",", ";"),
        Refused(
            f"{NAME}, line 1: The columns are separated by semicolons, not by commas. Export the file with commas."
        ),
    ),
    "tabs": one(
        NAME,
        (HEAD + row()).replace(",", "\t"),
        Refused(f"{NAME}, line 1: The columns are separated by tabs, not by commas. Export the file with commas."),
    ),
    "UTF-16": one(
        NAME,
        (HEAD + row()).encode("utf-16"),
        Refused(f"{NAME}: The text is UTF-16, not UTF-8. Save or export it as UTF-8."),
    ),
    "another code page": one(
        NAME,
        (HEAD + row(last="Team=é")).encode("latin-1"),
        Refused(
            f"{NAME}: The file cannot be read ('utf-8' codec can't decode byte 0xe9 in position 108: invalid "
            "continuation byte). Export it again as UTF-8 CSV."
        ),
    ),
    "a quote that is never closed": one(
        NAME,
        HEAD + row(last='"Team=a') + row(id="i-2"),
        Refused(
            f"{NAME}: The file cannot be read (Error tokenizing data. C error: EOF inside string starting at row 1). "
            "Export it again as UTF-8 CSV."
        ),
    ),
    "nothing but a header": one(NAME, HEAD, Refused(f"{NAME}: There are no lines, only headers. Export it again.")),
    "nothing": one(NAME, "", Refused(f"{NAME}: The file is empty. Export it again.")),
    "no header": one(
        NAME,
        row() + row(id="i-2"),
        Refused(
            f"{NAME}, line 1: The format is not known: its header begins with i-1, m5.large, us-east-1, 0.5, running, "
            f"40. {UNKNOWN}"
        ),
    ),
    "a page of a web server": one(
        NAME,
        "<html><body>Log in</body></html>",
        Refused(
            f"{NAME}, line 1: The format is not known: its header begins with <html><body>Log in</body></html>. "
            f"{UNKNOWN}"
        ),
    ),
    "no rate": one(
        NAME,
        "InstanceId,InstanceType\ni-1,m5\n",
        Refused(
            f"{NAME}, line 1, column CostUSD: The file looks like an inventory of instances (resources with an "
            "instance type) but has no column CostUSD. Export it again with these columns; without them it is no bill."
        ),
    ),
    "no ids": one(
        NAME,
        "InstanceType,CostUSD\nm5,1\n",
        Refused(f"{NAME}, line 1: The format is not known: its header begins with InstanceType, CostUSD. {UNKNOWN}"),
    ),
    "one column twice": one(
        NAME,
        HEAD.replace("Tags", "CostUSD") + row(last="9"),
        Refused(
            f"{NAME}, line 1, column CostUSD: The header has this column 2 times; which one counts is a guess. Export "
            "the file again."
        ),
    ),
    "two inventories of instances": several(
        {"a.csv": HEAD + row(), "b.csv": HEAD + row(id="i-2")},
        Refused("b.csv: Two inventories of one kind were given together. Give one at a time."),
    ),
    "two inventories in an archive": one(
        "i.zip",
        zipped({"a.csv": HEAD + row(), "b.csv": HEAD + row(id="i-2")}),
        Refused("i.zip: The zip archive holds several inventories. Give one at a time."),
    ),
    "Parquet": parquet(
        "i.parquet",
        {"InstanceId": ["i-1"], "InstanceType": ["m5.large"], "CostUSD": [0.5]},
        Refused("i.parquet: An inventory is read from CSV, not from Parquet. Export it as CSV."),
    ),
    # 100 over 30 days; the tenth decimals of the odd ten go to the first days, so that 100 is the sum.
    "buckets": one(NAME, BUCKETS + "b,eu-west-1,100,STANDARD\n", Counted(30, "100")),
    "a bucket that pays back": one(NAME, BUCKETS + "b,eu-west-1,-100,STANDARD\n", Counted(30, "-100")),
    "ten thousand instances": one(
        NAME, HEAD + "".join(row("0.01", f"i-{at}") for at in range(10_000)), Counted(300_000, "72000")
    ),
}

CASES: dict[str, Case] = COSTS | ROWS | TAGS | CURRENCIES | FILES
