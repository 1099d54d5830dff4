"""Tables of the programme."""

from collections.abc import Callable
from datetime import date
from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures
from costs.exports import ColumnKind
from costs.tables import (
    NUMERIC,
    BadgeColumn,
    BarColumn,
    DayColumn,
    FinopsTable,
    LinkColumn,
    MoneyColumn,
    NumberColumn,
    PctColumn,
)
from finops_site.metrics.terms import Unit
from finops_site.programme.progress import value_text
from finops_site.programme.targets import Cell, MetricRow
from finops_site.programme.terms import StepState


def _total(name: str) -> Callable[[Any], str]:
    """A footer with the table's own total of a column."""
    return lambda table: table.total(name)


WRAPPED = {"td": {"class": "wrap"}}
STATE_TONES = {
    StepState.DONE_ON_TIME.value: "good",
    StepState.DONE_LATE.value: "warn",
    StepState.ON_TRACK.value: "info",
    StepState.LATE.value: "bad",
    StepState.GO.value: "good",
    StepState.NO_GO.value: "bad",
}
# What stands on the badge where the state's own name says more than is known.
NOT_DUE = {StepState.ON_TRACK.value: "Not yet due", StepState.NO_GO.value: "No go yet"}
NOT_YET = "not measured yet"


class StateColumn(BadgeColumn):
    """A step's state. One that is not due is nowhere said to be lost, or to be on its way."""

    def render(self, value: Any, record: Any = None) -> SafeString:
        if record["is_due"] or value not in NOT_DUE:
            return super().render(value)
        return format_html('<span class="badge badge-info">{}</span>', NOT_DUE[value])


class PlanTable(FinopsTable):
    """The plan by due date; go/no-go points stand out."""

    state = StateColumn("State", tones=STATE_TONES)
    title = LinkColumn(verbose_name="Step", url="url", attrs=WRAPPED)
    due_on = DayColumn("Due")
    phase = tables.Column("Phase", visible=False)
    owner = tables.Column("Owner")
    goal = tables.Column("Measure")
    reason = tables.Column("Measured", attrs=WRAPPED, orderable=False)

    class Meta:
        row_attrs = {"class": lambda record: "row-gate" if record["is_gate"] else ""}

    def render_due_on(self, value: date, record: dict[str, Any]) -> SafeString:
        return format_html('{}<br><span class="small muted">{}</span>', figures.day(value), record["phase"])

    def render_reason(self, value: str, record: dict[str, Any]) -> str:
        """What a go/no-go point misses stands above the table; files hold it whole."""
        return value.partition(" Missing:")[0] if record["is_gate"] else value


class MonthColumn(tables.Column):
    """One month: what was measured, and under it the target that holds."""

    empty_values = ()

    def __init__(self, label: str, *, at: int, currency: str) -> None:
        self.at, self.currency = at, currency
        super().__init__(label, attrs=NUMERIC, orderable=False, accessor="metric")

    def render(self, record: MetricRow) -> SafeString:
        cell = record.cells[self.at]
        aim = "" if cell.target is None else f"{_side(record)} {value_text(record.metric, cell.target, self.currency)}"
        text = actual_text(record, cell, self.currency)
        shown = format_html('<span class="badge badge-{}">{}</span>', cell.tone, text) if cell.tone else text
        under = format_html('<span class="small muted">{}</span>', aim)
        return format_html("{}<br>{}", shown, under) if shown else under


class FigureColumn(tables.Column):
    """A month's actual figure or target in a file, exact."""

    def __init__(self, label: str, *, at: int, name: str) -> None:
        self.at, self.name = at, name
        self.export_kind = ColumnKind.NUMBER
        super().__init__(label, orderable=False, accessor="metric")

    def export_value(self, _value: Any, record: MetricRow) -> Any:
        return getattr(record.cells[self.at], self.name)


class MetricTable(FinopsTable):
    """Success metrics over the months of the programme."""

    metric = tables.Column("Metric", orderable=False, accessor="metric__label", attrs=WRAPPED)
    basis = tables.Column("What it is", orderable=False, accessor="metric__basis", visible=False)

    def __init__(self, data: tuple[MetricRow, ...], *, currency: str, to_file: bool, **options: Any) -> None:
        cells = data[0].cells if data else ()
        columns: list[tuple[str, tables.Column]] = []
        for at, cell in enumerate(cells):
            label = f"{cell.period.start:%b %Y}"
            if to_file:
                columns.append((f"a{at}", FigureColumn(f"{label}, actual", at=at, name="actual")))
                columns.append((f"t{at}", FigureColumn(f"{label}, target", at=at, name="target")))
            else:
                columns.append((f"m{at}", MonthColumn(label, at=at, currency=currency)))
        super().__init__(data, extra_columns=columns, **options)
        if to_file:
            self.columns.show("basis")


class ScenarioTable(FinopsTable):
    """Scenarios as they stand and with the expected loss of the risks taken off."""

    name = LinkColumn(verbose_name="Scenario", url="url")
    annual_saving = MoneyColumn("Saving a year", currency_of="currency")
    first_year = MoneyColumn("First 12 months", currency_of="currency")
    saving_on_investment = PctColumn("Saving ÷ investment")
    net_roi = PctColumn("Net ROI")
    payback_months = NumberColumn("Payback, months", places=1, empty_values=())
    cash = MoneyColumn("Net cash, undiscounted", currency_of="currency")
    npv = MoneyColumn("NPV", currency_of="currency")
    basis = tables.Column("Basis", orderable=False)

    class Meta:
        row_attrs = {"class": lambda record: "row-adjusted" if record["is_adjusted"] else ""}

    def render_payback_months(self, value: Any) -> str:
        return "never within it" if value is None else figures.number(value, 1)

    def render_saving_on_investment(self, value: Any) -> str:
        return figures.pct(value, 0)

    def render_net_roi(self, value: Any) -> str:
        return figures.pct(value, 0)


class YearTable(FinopsTable):
    """Cash of one scenario, year by year."""

    year = NumberColumn("Year", attrs={})
    saving = MoneyColumn("Saving", currency_of="currency")
    cash = MoneyColumn("Cash", currency_of="currency")
    present_value = MoneyColumn("Present value", currency_of="currency")
    cumulated = MoneyColumn("Cash so far", currency_of="currency")
    cumulated_value = MoneyColumn("Present value so far", currency_of="currency")


class RiskTable(FinopsTable):
    """The risk register."""

    title = LinkColumn(verbose_name="Risk", url="url", attrs=WRAPPED)
    probability = BarColumn("Probability")
    impact_amount = MoneyColumn("Impact a year", currency_of="currency")
    expected_loss = MoneyColumn("Expected loss a year", currency_of="currency")
    state = BadgeColumn("State", tones={"open": "warn", "accepted": "info"})
    owner = tables.Column("Owner")
    mitigation = tables.Column("Done against it", attrs=WRAPPED, orderable=False)


class SavingTable(FinopsTable):
    """Savings a year by source: claimed, planned, measured."""

    source = LinkColumn(verbose_name="Source", url="url", footer="Total")
    claimed = MoneyColumn("Claimed", currency_of="currency", empty_values=(), footer=_total("claimed"))
    planned = MoneyColumn("Planned", currency_of="currency", empty_values=(), footer=_total("planned"))
    measured = MoneyColumn("Measured", currency_of="currency", empty_values=(), footer=_total("measured"))
    difference = tables.Column("How they compare", attrs=WRAPPED, orderable=False)
    claim_basis = tables.Column("Basis of the claim", attrs=WRAPPED, orderable=False)
    planned_basis = tables.Column("Planned from", attrs=WRAPPED, orderable=False)
    measured_basis = tables.Column("Measured from", attrs=WRAPPED, orderable=False)

    def __init__(self, data: Any, *, totals: dict[str, str], **options: Any) -> None:
        self.totals = totals
        super().__init__(data, **options)

    def total(self, name: str) -> str:
        """A sum as text, for the footer."""
        return self.totals[name]

    def render_claimed(self, value: Any, record: Any) -> str:
        return "no claim" if value is None else figures.money(value, record["currency"])

    def render_planned(self, value: Any, record: Any) -> str:
        return "none" if value is None else figures.money(value, record["currency"])

    def render_measured(self, value: Any, record: Any) -> str:
        return "none yet" if value is None else figures.money(value, record["currency"])


def actual_text(row: MetricRow, cell: Cell, currency: str) -> str:
    """What a month's cell says: the figure, `n/a`, `not measured yet`, or nothing of a month ahead."""
    if cell.actual is not None:
        places_known = row.metric.unit is Unit.MONEY
        return figures.short_money(cell.actual, currency) if places_known else value_text(row.metric, cell.actual)
    if cell.is_measured:
        return figures.NOT_AVAILABLE
    return "" if cell.is_ahead else NOT_YET


def _side(row: MetricRow) -> str:
    return "at most" if row.metric.smaller_is_better else "target"
