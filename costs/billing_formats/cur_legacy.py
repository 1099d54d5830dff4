"""Legacy Cost and Usage Report: slash headers in CSV, snake case in Parquet, one column for each tag key."""

import re

from costs.billing_formats import cur
from costs.billing_formats.base import ChargeMapping, Columns, tags_json
from costs.periods import BillingPeriod
from costs.terms import BillingFormat

FORMAT = BillingFormat.LEGACY_CUR
NAME = "AWS Cost and Usage Report (legacy)"

_TAG_COLUMN = re.compile(r"^resource_?tags[/_](?=.)", re.IGNORECASE)
_COST_CATEGORY_COLUMN = re.compile(r"^cost_?category[/_](?=.)", re.IGNORECASE)


def recognise(columns: Columns) -> str:
    """Why the file is a legacy CUR, or ''."""
    found = [name for name in cur.TELLING if columns.has(name)]
    if len(found) < 4:
        return ""
    style = "slash headers" if cur.has_slashes(columns) else "snake-case columns"
    return f"{style}, {len(found)} of its {len(cur.TELLING)} telling columns"


def missing(columns: Columns) -> list[str]:
    """Columns without which a line has no period, kind, amount or account."""
    return cur.missing(columns)


def mapping(columns: Columns, period: BillingPeriod | None = None) -> ChargeMapping:
    """The file's columns as canonical charges; the months come from the lines, not from `period`."""
    del period
    tags = [(cur.tag_key(name), sql) for name, sql in _named(columns, _TAG_COLUMN)]
    return cur.charge_mapping(
        columns,
        tags=tags_json(cur.joined_by_key(tags).items()),
        cost_categories=tags_json(cur.joined_by_key(_named(columns, _COST_CATEGORY_COLUMN)).items()),
    )


def _named(columns: Columns, pattern: re.Pattern[str]) -> list[tuple[str, str]]:
    """Columns of one family: what stands behind its name, with SQL of the value."""
    found = [column for column in columns.columns if pattern.match(column.name)]
    return [(pattern.sub("", column.name), columns.value(column)) for column in found]
