"""From the files to the owners, every total beside the one it must equal. Read only; for FinOps staff.

Answers as plain values (`as_dict`) and as a document (`as_markdown`) that can be filed with the month.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.money import ZERO, plain
from costs.periods import BillingPeriod
from costs.queries import dimension_label
from costs.scope import Scope
from costs.selectors import RawFiles
from costs.terms import CostMetric
from tagging import selectors as ownership
from tagging.results import Chargeback
from tagging.terms import SplitMethod

MOST_OWNERS = 60  # a key with more values is no dimension to book by
BASES = (CostMetric.BILLED, CostMetric.EFFECTIVE)


@dataclass(frozen=True)
class OwnerTable:
    """A month by one dimension on one basis; with `split` what nobody owns is split over the others."""

    month: Chargeback
    split: SplitMethod | None = None


@dataclass(frozen=True)
class Reconciliation:
    """What was compared. `is_sound` where every difference is zero that could be measured."""

    files: tuple[RawFiles, ...]
    tables: tuple[OwnerTable, ...]
    refused: tuple[tuple[str, str], ...] = ()  # (file, why): given and not taken
    tags: "TagStrings | None" = None

    @property
    def is_sound(self) -> bool:
        files = all(not item.difference for item in self.files)
        return files and all(not table.month.difference for table in self.tables)


@dataclass(frozen=True)
class TagStrings:
    """Tag strings of a list, parsed and judged by the policy: how many there are of each state."""

    strings: int
    pairs: int
    states: tuple[tuple[str, int], ...]


def reconcile(
    scope: Scope,
    *,
    periods: Collection[BillingPeriod] = (),
    by: Sequence[str] = (),
    split: SplitMethod | None = None,
    refused: Sequence[tuple[str, str]] = (),
) -> Reconciliation:
    """Compare files with imports and bills with owners, for months in force (default: all).

    `by` are the dimensions to add owners up by (default: team, and every tracked tag the month has values of). With
    `split` each is shown once more with what nobody owns split over the others.
    """
    scope.require_everything()
    known = intake.periods_with_costs(scope)
    if unknown := [str(period) for period in periods if period not in known]:
        raise InvalidRequestError(f"There are no costs for {', '.join(unknown)}. Import the bill first (import_bill).")
    tables: list[OwnerTable] = []
    for period in sorted(periods or known):
        for currency in ownership.currencies_of(scope, [period]):
            tables += _tables(scope, period, currency, by, split)
    return Reconciliation(intake.raw_files(scope), tuple(tables), tuple(refused))


def _tables(
    scope: Scope, period: BillingPeriod, currency: str, by: Sequence[str], split: SplitMethod | None
) -> list[OwnerTable]:
    dimensions = by or ("team", *(f"tag:{key}" for key in ownership.tracked_keys()))
    found: list[OwnerTable] = []
    for dimension in dimensions:
        for metric in BASES:
            month = ownership.chargeback(scope, period, by=dimension, metric=metric, currency=currency)
            if not by and dimension != "team" and not 0 < len(month.rows) <= MOST_OWNERS:
                continue
            found.append(OwnerTable(month))
            if split is not None and month.rows:
                shared = ownership.chargeback(
                    scope, period, by=dimension, metric=metric, currency=currency, split_unallocated=split
                )
                found.append(OwnerTable(shared, split))
    return found


def judge_tag_strings(rows: Sequence[tuple[str, str]], *, day: date) -> TagStrings:
    """Judge (key, value) pairs by the policy of that day; `Key=Value,…` under no key is parsed first."""
    judged = [state for key, value in rows for state in ownership.judge_tag_string(key, value, day=day)]
    return TagStrings(len(rows), len(judged), tuple(sorted(Counter(judged).items())))


def as_dict(found: Reconciliation) -> dict[str, Any]:
    """The comparison for machines: money as exact text."""
    answer: dict[str, Any] = {
        "is_sound": found.is_sound,
        "files": [
            {
                "files": list(item.names),
                "column": item.column,
                "file_total": None if item.raw_total is None else plain(item.raw_total),
                "why_not": item.why_not,
                "stored_total": plain(item.stored_total),
                "difference": None if item.difference is None else plain(item.difference),
            }
            for item in found.files
        ],
        "months": [_month_dict(table) for table in found.tables],
        "refused": [{"file": name, "why": why} for name, why in found.refused],
    }
    if found.tags is not None:
        answer["tags"] = {"strings": found.tags.strings, "pairs": found.tags.pairs, "states": dict(found.tags.states)}
    return answer


def _month_dict(table: OwnerTable) -> dict[str, Any]:
    month = table.month
    return {
        "billing_period": str(month.period),
        "currency": month.currency,
        "basis": month.metric.value,
        "by": month.by,
        "split_unallocated": None if table.split is None else table.split.value,
        "rows": [{"owner": row.owner, "total_cost": plain(row.total_cost)} for row in month.rows],
        "owners_total": plain(month.total_cost),
        "unallocated_cost": plain(month.unallocated_cost or ZERO),
        "bill_total": plain(month.bill_total or ZERO),
        "difference": plain(month.difference or ZERO),
    }


def as_markdown(found: Reconciliation, *, made_at: str) -> str:
    """The comparison as a document."""
    verdict = "Everything ties out." if found.is_sound else "**Something does not tie out**: see the differences."
    lines = ["# Reconciliation", "", f"Made {made_at} UTC. {verdict} Amounts are exact.", ""]
    lines += ["## Files", "", "Σ of the files' own column, by a bare scan, beside what the imports in force hold.", ""]
    lines += _table(
        ("Files", "Column", "Σ of the files", "Σ stored", "Difference"), [_file_row(item) for item in found.files]
    )
    if found.refused:
        lines += ["", "Given and refused:", "", *_table(("File", "Why"), found.refused)]
    for table in found.tables:
        lines += ["", *_month_lines(table)]
    if found.tags is not None:
        told = f"{found.tags.strings:,} strings, {found.tags.pairs:,} answers of the policy."
        lines += ["", "## Tag strings", "", told, ""]
        lines += _table(("State", "Count"), [(name, f"{count:,}") for name, count in found.tags.states])
    return "\n".join(lines) + "\n"


def _file_row(item: RawFiles) -> tuple[str, ...]:
    shown = ", ".join(item.names[:3]) + (f" and {len(item.names) - 3} more" if len(item.names) > 3 else "")
    if item.raw_total is None or item.difference is None:
        return (shown, item.column, f"not read again: {item.why_not}", plain(item.stored_total), "n/a")
    return (shown, item.column, plain(item.raw_total), plain(item.stored_total), plain(item.difference))


def _month_lines(table: OwnerTable) -> list[str]:
    month = table.month
    label = dimension_label(month.by)
    how = f", what nobody owns split ({table.split.value})" if table.split is not None else ""
    lines = [f"## {month.period.label} by {label}: {month.metric.value} cost, {month.currency}{how}", ""]
    rows = [(row.label, plain(row.total_cost)) for row in month.rows]
    rows += [
        ("**All owners**", plain(month.total_cost)),
        ("**Unallocated**", plain(month.unallocated_cost or ZERO)),
        ("**Bill**", plain(month.bill_total or ZERO)),
        ("**Bill − owners − unallocated**", plain(month.difference or Decimal(0))),
    ]
    return [*lines, *_table((label, "Cost"), rows)]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A Markdown table; what names hold cannot break out of their cell."""
    made = [header, ["---", *["---:"] * (len(header) - 1)], *([_cell(text) for text in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in made]


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
    return " ".join(escaped.split())
