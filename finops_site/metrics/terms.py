"""The figures success is judged by: what each is called, what it rests on, which way is better."""

from dataclasses import dataclass
from enum import StrEnum


class Unit(StrEnum):
    """What a figure counts: a share (1 is all of it), things, or money."""

    RATIO = "ratio"
    COUNT = "count"
    MONEY = "money"


class Metric(StrEnum):
    """Every figure that is measured by month. The values are stored and stand in the API."""

    COVERAGE = "coverage"
    UTILIZATION = "utilization"
    EFFECTIVE_SAVINGS_RATE = "effective_savings_rate"
    COMPLIANCE = "compliance"
    COMPLIANCE_BY_MONEY = "compliance_by_money"
    VARIANCE = "variance"
    ACTIVE_BUDGETS = "active_budgets"
    RESERVATIONS_BOUGHT = "reservations_bought"
    ADOPTION = "adoption"
    STATEMENTS = "statements"
    RESOURCES_FIXED = "resources_fixed"
    SAVING_COMMITMENTS = "saving_commitments"
    SAVING_FINDINGS = "saving_findings"

    @property
    def label(self) -> str:
        return _ABOUT[self].label

    @property
    def unit(self) -> Unit:
        return _ABOUT[self].unit

    @property
    def basis(self) -> str:
        """What the figure is, in words."""
        return _ABOUT[self].basis

    @property
    def smaller_is_better(self) -> bool:
        return self is Metric.VARIANCE


@dataclass(frozen=True)
class _About:
    label: str
    unit: Unit
    basis: str


_ABOUT = {
    Metric.COVERAGE: _About(
        "Commitment coverage", Unit.RATIO, "normalized units under reservations ÷ those reserved and on demand"
    ),
    Metric.UTILIZATION: _About(
        "Commitment utilisation", Unit.RATIO, "1 − unused cost of commitments ÷ their whole cost; full months only"
    ),
    Metric.EFFECTIVE_SAVINGS_RATE: _About(
        "Effective savings rate",
        Unit.RATIO,
        "(list − effective cost with what commitments left unused) ÷ list cost of instances; full months only",
    ),
    Metric.COMPLIANCE: _About(
        "Tag compliance", Unit.RATIO, "taggable resources with all required tags ÷ all taggable resources"
    ),
    Metric.COMPLIANCE_BY_MONEY: _About(
        "Tag compliance by money", Unit.RATIO, "effective cost of compliant resources ÷ of all taggable resources"
    ),
    Metric.VARIANCE: _About(
        "Budget variance",
        Unit.RATIO,
        "|actual, or forecast while the month runs, − plan| ÷ plan of the monthly budget of all spend, else of all"
        " monthly team budgets together",
    ),
    Metric.ACTIVE_BUDGETS: _About("Active budgets", Unit.COUNT, "budgets in use that began by the end of the month"),
    Metric.RESERVATIONS_BOUGHT: _About(
        "Commitments bought",
        Unit.COUNT,
        "pieces of reservations and plans in the month's bill that the bill of the month before does not hold",
    ),
    Metric.ADOPTION: _About(
        "Adoption", Unit.RATIO, "people who lead a team and signed in during the month ÷ all who lead one"
    ),
    Metric.STATEMENTS: _About(
        "Statements ready", Unit.COUNT, "teams with costs whose statement of the month ties out to the bill"
    ),
    Metric.SAVING_COMMITMENTS: _About(
        "Saved by commitments",
        Unit.MONEY,
        "on-demand value of what reservations and plans covered − all they cost, used or not; full months only",
    ),
    Metric.RESOURCES_FIXED: _About("Resources fixed", Unit.COUNT, "resources whose finding was done in the month"),
    Metric.SAVING_FINDINGS: _About(
        "Saved by findings", Unit.MONEY, "what findings that are done save, verified on the bill of the month"
    ),
}
