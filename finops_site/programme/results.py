"""What the programme's selectors answer: frozen values for pages, files, the API and commands.

`ref` is the row's number in addresses of upkeep, which only FinOps staff open.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from finops_site.programme.business_case import Assumptions, BusinessCase
from finops_site.programme.progress import Step
from finops_site.programme.risk import Exposure
from finops_site.programme.targets import Aim
from finops_site.programme.terms import RiskState, SavingSource


@dataclass(frozen=True)
class ScenarioRow:
    """A scenario as it was entered."""

    ref: int
    name: str
    annual_saving: Decimal
    basis: str


@dataclass(frozen=True)
class RiskRow:
    """A risk; `counts` says whether its expected loss is taken off the scenarios."""

    ref: int
    title: str
    exposure: Exposure
    mitigation: str
    owner: str
    state: RiskState

    @property
    def counts(self) -> bool:
        return self.state is not RiskState.CLOSED


@dataclass(frozen=True)
class ClaimRow:
    """What is claimed of a source; None where nothing is."""

    ref: int
    source: SavingSource
    amount: Decimal | None
    basis: str


@dataclass(frozen=True)
class TargetRow:
    """A target with its note."""

    ref: int
    aim: Aim
    note: str


@dataclass(frozen=True)
class Plan:
    """The programme as it is kept: assumptions, scenarios by amount, steps by due date, risks by expected loss."""

    name: str
    currency: str
    starts_on: date
    assumptions: Assumptions
    scenarios: tuple[ScenarioRow, ...]
    steps: tuple[Step, ...]
    targets: tuple[TargetRow, ...]
    risks: tuple[RiskRow, ...]
    claims: tuple[ClaimRow, ...]

    @property
    def counted_exposures(self) -> tuple[Exposure, ...]:
        return tuple(risk.exposure for risk in self.risks if risk.counts)

    @property
    def middle_scenario(self) -> ScenarioRow | None:
        """The one in the middle by amount, the smaller of two; None without any."""
        return self.scenarios[(len(self.scenarios) - 1) // 2] if self.scenarios else None


@dataclass(frozen=True)
class CaseRow:
    """A scenario worked out, as it stands and with the expected loss of the risks taken off."""

    scenario: ScenarioRow
    case: BusinessCase
    adjusted: BusinessCase


@dataclass(frozen=True)
class SavingRow:
    """A source of savings a year: what was claimed, what the data supports, what was measured.

    None stands where there is nothing: no claim, no advice, or nothing measured.
    """

    source: SavingSource
    claimed: Decimal | None
    claim_basis: str
    planned: Decimal | None
    planned_basis: str
    measured: Decimal | None
    measured_basis: str
    difference: str


@dataclass(frozen=True)
class Savings:
    """Savings by source with their sums over what there is; None where there is nothing to add."""

    rows: tuple[SavingRow, ...]
    claimed: Decimal | None
    planned: Decimal | None
    measured: Decimal | None
    currency: str
