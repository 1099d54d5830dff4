"""Cells of a FOCUS file as providers and people really write them, made plain before anything reads them.

Text `null`, money as `$10,000.00 ` and dates as `4/1/25` come from spreadsheets; clocks with another zone than UTC and
tags without braces come from providers. What can be read in two ways is left as it stands, so that reading it fails
with line and column.
"""

from collections.abc import Iterable
from dataclasses import replace

from costs.billing_formats import base
from costs.billing_formats.base import Column, Columns, account_text, literal, squash

_GROUPED = r"[0-9]{1,3}(,[0-9]{3})+[.][0-9]+"  # a comma alone may be a decimal comma: it is not guessed
_PLAIN = r"[0-9]+([.][0-9]*)?"
_WRITTEN_NUMBER = rf"-?[$]?{_GROUPED}|-?[$]{_PLAIN}|[(][$]?({_GROUPED}|{_PLAIN})[)]"
_FIRST_OF_MONTH = r"[0-9]{1,2}/0?1/[0-9]{2}([0-9]{2})?( .*)?"
_AMERICAN = ("%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M", "%m/%d/%y %H:%M", "%m/%d/%y", "%m/%d/%Y")
_ZONE = r".*:[0-9.]+ ?[+-][0-9]{2}(:?[0-9]{2})?"

NUMBERS = (
    "BilledCost",
    "EffectiveCost",
    "ListCost",
    "ContractedCost",
    "PricingCurrencyEffectiveCost",
    "ConsumedQuantity",
    "PricingQuantity",
    "CommitmentDiscountQuantity",
    "UsageQuantity",
    "AmortizedCost",
)
MOMENTS = ("BillingPeriodStart", "BillingPeriodEnd", "ChargePeriodStart", "ChargePeriodEnd")
ACCOUNTS = ("BillingAccountId", "SubAccountId")
_TELL_AWS = ("ProviderName", "Provider", "ServiceProviderName", "InvoiceIssuerName", "InvoiceIssuer")
# Names of columns → what versions before 1.0 called them, and Oracle still does.
OLD_NAMES = {
    "ProviderName": "Provider",
    "InvoiceIssuerName": "InvoiceIssuer",
    "RegionId": "Region",
    "ConsumedQuantity": "UsageQuantity",
    "ConsumedUnit": "UsageUnit",
    "CommitmentDiscountStatus": "ChargeSubcategory",
    "ChargeCategory": "ChargeType",
    "BillingCurrency": "BilledCurrency",
    "EffectiveCost": "AmortizedCost",
}


def lost(columns: Columns, names: Iterable[str]) -> list[str]:
    """Which of these columns a file has under neither of their names."""
    return [name for name in names if not columns.has(name) and not columns.has(OLD_NAMES.get(name, name))]


def plain_cells(columns: Columns) -> Columns:
    """The same columns, their text trimmed, with nothing for `null`, and with plain numbers and ISO dates."""
    texts = [column for column in reversed(columns.columns) if column.type.startswith("VARCHAR")]
    filled = {squash(column.name): _filled(columns, column) for column in texts}
    is_american = _is_american(filled)
    numbers, moments, accounts = (set(map(squash, names)) for names in (NUMBERS, MOMENTS, ACCOUNTS))
    is_aws = _is_aws(filled)
    plain = []
    for column in columns.columns:
        sql, kind = column.sql, column.type
        if squash(column.name) in accounts and kind in base.NUMBERS:
            sql, kind = account_text(f"CAST(CAST({sql} AS HUGEINT) AS VARCHAR)", is_aws), "VARCHAR"
        elif column.type.startswith("VARCHAR"):
            sql = _filled(columns, column)
            if squash(column.name) in numbers:
                sql = _plain_number(sql)
            elif squash(column.name) in moments:
                sql = _plain_moment(sql, is_american=is_american)
            elif squash(column.name) in accounts:
                sql = account_text(sql, is_aws)
        plain.append(Column(column.name, sql, kind))
    found = Columns(tuple(plain), nulls_are_read=columns.nulls_are_read)
    for name, old_name in OLD_NAMES.items():
        found.call(old_name, name)
    return found


def braced(column: Column) -> Column:
    """A column of JSON objects whose text may lack its braces, as Azure writes tags."""
    if not column.type.startswith("VARCHAR"):
        return column
    text = column.sql
    is_whole = f"starts_with({text}, '{{') OR starts_with({text}, '[')"
    return replace(column, sql=f"CASE WHEN {is_whole} THEN {text} ELSE '{{' || {text} || '}}' END")


def _filled(columns: Columns, column: Column) -> str:
    text = f"nullif(nullif(trim({column.sql}), ''), 'null')"
    return text if columns.nulls_are_read else f"nullif({text}, 'NULL')"


def _plain_number(text: str) -> str:
    """`$10,000.00` and `(5.00)` as 10000.00 and -5.00; anything else as it stands."""
    digits = f"regexp_replace({text}, '[$,()]', '', 'g')"
    is_written = f"regexp_full_match({text}, {literal(_WRITTEN_NUMBER)})"
    has_signs = f"contains({text}, '$') OR contains({text}, ',') OR starts_with({text}, '(')"
    negative = f"CASE WHEN starts_with({text}, '(') THEN '-' ELSE '' END"
    return f"CASE WHEN ({has_signs}) AND {is_written} THEN {negative} || {digits} ELSE {text} END"


def _is_aws(filled: dict[str, str]) -> str:
    """Whether the line is AWS's, whose accounts have twelve digits; programs that take them for numbers drop zeros."""
    told = [sql for name in _TELL_AWS if (sql := filled.get(squash(name)))]
    names = f"lower(coalesce({', '.join(told)}))"
    return f"coalesce(regexp_matches({names}, '\\b(aws|amazon)\\b'), false)" if told else "false"


def _is_american(filled: dict[str, str]) -> str:
    """Whether the line's billing period, read as month/day/year, runs from a first of a month to another one.

    Read as day/month/year it then would not: so the order is known and need not be guessed.
    """
    bounds = [filled.get(squash(name)) for name in ("BillingPeriodStart", "BillingPeriodEnd")]
    if not all(bounds):
        return "false"
    return " AND ".join(f"regexp_full_match({sql}, {literal(_FIRST_OF_MONTH)})" for sql in bounds)


def _plain_moment(text: str, *, is_american: str) -> str:
    """ISO text in UTC; a date with slashes that is none as month/day/year gets a mark no date has."""
    formats = ", ".join(map(literal, _AMERICAN))
    american = f"strftime(try_strptime({text}, [{formats}]), '%Y-%m-%d %H:%M:%S')"
    marked = f"{text} || ' (month/day/year?)'"
    zoned = f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE 'UTC' AS VARCHAR)"
    return (
        f"CASE WHEN contains({text}, '/') AND NOT regexp_full_match({text}, '[0-9]{{4}}/.*')"
        f" THEN CASE WHEN {is_american} THEN coalesce({american}, {marked}) ELSE {marked} END"
        f" WHEN regexp_full_match({text}, {literal(_ZONE)}) THEN coalesce({zoned}, {text}) ELSE {text} END"
    )
