"""What a new programme starts with. Every amount is a default to be replaced by somebody's own figure, and says so."""

from dataclasses import dataclass
from decimal import Decimal

from finops_site.metrics.terms import Metric
from finops_site.programme.business_case import Assumptions
from finops_site.programme.terms import Comparator, Phase, SavingSource

NAME = "FinOps programme"
ASSUMPTIONS = Assumptions(investment=Decimal(70_000), discount_rate=Decimal("0.1"))
REPLACE = "Default: replace it with your own basis."

SCENARIOS = (
    ("Conservative", Decimal(150_000), f"Assumption of the first business case, not worked out from data. {REPLACE}"),
    ("Likely", Decimal(225_000), f"Halfway between the other two. {REPLACE}"),
    ("Optimistic", Decimal(300_000), f"Assumption of the first business case, not worked out from data. {REPLACE}"),
)
NO_CLAIM = "No claim yet: enter what was promised a year, who says so and from which figures."
CLAIMS = tuple((source, NO_CLAIM) for source in SavingSource)


@dataclass(frozen=True)
class DefaultStep:
    """A step with its day and measure; without a metric it is a go/no-go point."""

    phase: Phase
    due_offset_days: int
    title: str
    owner: str
    metric: Metric | None = None
    threshold: str = ""
    comparator: Comparator = Comparator.AT_LEAST


LEAD, PLATFORM, TEAMS, FINANCE = "FinOps lead", "Platform team", "Team leads", "Finance"
STEPS = (
    DefaultStep(Phase.WEEK_1, 3, "Import the bill and read its tags", PLATFORM, Metric.COMPLIANCE, "0"),
    DefaultStep(Phase.WEEK_1, 5, "Set a budget for all spend", LEAD, Metric.ACTIVE_BUDGETS, "1"),
    DefaultStep(Phase.WEEK_1, 7, "Fix the first five findings", TEAMS, Metric.RESOURCES_FIXED, "5"),
    DefaultStep(Phase.WEEK_1, 7, "Go/no-go: costs are seen and the first money is found", LEAD),
    DefaultStep(Phase.WEEKS_2_3, 14, "Five budgets in use, with alerts", LEAD, Metric.ACTIVE_BUDGETS, "5"),
    DefaultStep(Phase.WEEKS_2_3, 21, "Half of all resources carry every required tag", TEAMS, Metric.COMPLIANCE, "0.5"),
    DefaultStep(Phase.WEEKS_2_3, 21, "Most team leads have looked at their costs", TEAMS, Metric.ADOPTION, "0.8"),
    DefaultStep(Phase.WEEKS_2_3, 21, "Go/no-go: teams know and own their costs", LEAD),
    DefaultStep(Phase.WEEK_4, 28, "Buy the first five commitments", PLATFORM, Metric.RESERVATIONS_BOUGHT, "5"),
    DefaultStep(Phase.WEEK_4, 28, "Statements of a month tie out for every team", FINANCE, Metric.STATEMENTS, "1"),
    DefaultStep(Phase.WEEK_4, 28, "Go/no-go: buying commitments pays off", FINANCE),
    DefaultStep(Phase.MONTHS_2_3, 60, "Twenty findings fixed", TEAMS, Metric.RESOURCES_FIXED, "20"),
    DefaultStep(Phase.MONTHS_2_3, 75, "Commitments are used", PLATFORM, Metric.UTILIZATION, "0.95"),
    DefaultStep(Phase.MONTHS_2_3, 90, "Coverage of at least 40 %", PLATFORM, Metric.COVERAGE, "0.4"),
    DefaultStep(Phase.MONTHS_2_3, 90, "Every resource carries its tags, but for one in twenty", TEAMS,
                Metric.COMPLIANCE, "0.95"),
    DefaultStep(Phase.MONTHS_2_3, 90, "Budgets are met within 5 %", FINANCE, Metric.VARIANCE, "0.05",
                Comparator.AT_MOST),
    DefaultStep(Phase.MONTHS_2_3, 90, "Go/no-go: carry on to 70 % coverage by month 6", LEAD),
)  # fmt: skip

# Metric, month of the programme, target, note.
TARGETS = (
    (Metric.COVERAGE, 3, "0.45", "between 40 and 50 %"),
    (Metric.COVERAGE, 6, "0.7", ""),
    (Metric.UTILIZATION, 3, "0.95", ""),
    (Metric.COMPLIANCE, 1, "0.5", ""),
    (Metric.COMPLIANCE, 3, "0.95", ""),
    (Metric.VARIANCE, 3, "0.05", "at most"),
    (Metric.ACTIVE_BUDGETS, 1, "5", ""),
    (Metric.RESERVATIONS_BOUGHT, 3, "20", "since the start"),
    (Metric.RESOURCES_FIXED, 3, "20", "since the start"),
    (Metric.ADOPTION, 1, "0.8", ""),
    (Metric.ADOPTION, 3, "1", ""),
    (Metric.STATEMENTS, 2, "1", ""),
)


@dataclass(frozen=True)
class DefaultRisk:
    """A risk of such a programme; probability within a year, impact a year."""

    title: str
    probability: str
    impact: int
    mitigation: str
    owner: str


RISKS = (
    DefaultRisk("Usage falls after commitments are bought", "0.25", 30_000,
                "Buy below the steady part of usage, in steps; look at the worst case of every purchase.", PLATFORM),
    DefaultRisk("Tags are not adopted", "0.4", 15_000,
                "Statements by team from the first month; accounts as owners where tags are missing.", LEAD),
    DefaultRisk("Teams have no time to fix what is found", "0.35", 20_000,
                "Few findings at a time, those worth most first; every finding has one owner.", TEAMS),
    DefaultRisk("Alerts are no longer read", "0.3", 10_000,
                "One message for each step and period; budgets that alert every month are planned anew.", LEAD),
    DefaultRisk("Prices fall or a newer instance type is cheaper", "0.15", 20_000,
                "Terms of one year where the payback allows it; convertible where the type may change.", PLATFORM),
    DefaultRisk("Bills come late or incomplete", "0.2", 5_000,
                "Imports that do not tie out are refused; late ones are shown on the overview.", FINANCE),
)  # fmt: skip
