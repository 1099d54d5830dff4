"""Ways from a budget's actual costs to the lines of the bill behind them."""

from datetime import date, timedelta

from budgets.results import AlertRow, BudgetRow
from budgets.spans import BudgetPeriod
from budgets.terms import ScopeKind, left_out
from costs.periods import DateRange
from costs.terms import ChargeCategory
from tagging.line_links import lines_of_days

OPEN_ENDED = date.max


def actual_lines(row: BudgetRow | AlertRow, period: BudgetPeriod, *, until: date = OPEN_ENDED) -> str:
    """The lines of a period that the budget counts, up to a day: the one it was measured on."""
    days = period.range
    if until < days.start:
        return ""
    days = DateRange(days.start, min(days.end, until + timedelta(days=1)) if until < days.end else days.end)
    filters = [] if row.scope_kind is ScopeKind.TOTAL else [(row.scope_kind.value, row.scope_key)]
    return lines_of_days(days, row.metric, currency=row.currency, filters=[*filters, *_categories(row.left_out)])


def _categories(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """The charge categories it counts, where it leaves some out."""
    counts = {name: name not in names for name in ("credits", "refunds", "tax")}
    out = left_out(credits_count=counts["credits"], refunds_count=counts["refunds"], tax_counts=counts["tax"])
    return [("category", each.value) for each in ChargeCategory if each.value not in out] if out else []
