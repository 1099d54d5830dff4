"""What is wrong with the tags of a month's resources, key by key."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from costs.periods import BillingPeriod
from costs.terms import CostMetric
from tagging.results.made_rows import MadeRows
from tagging.terms import TagProblem

PROBLEM_NAMES = {
    TagProblem.MISSING: "Missing",
    TagProblem.INVALID: "Value not allowed",
    TagProblem.NEAR_MISS: "Near miss",
    TagProblem.KEY_CASE: "Key written otherwise",
    TagProblem.VALUE_CASE: "Value in other case",
    TagProblem.EXPIRED: "Expired",
    TagProblem.EXEMPT: "Exempt",
}


@dataclass(frozen=True)
class TagFindingRow:
    """One key on one resource. `wanted` is the value to set, '' where nobody can know it.

    `breaks` says whether it makes the resource non-compliant. `announced_on` is the day somebody was told or exported
    it; `fixed_in` the month whose bill showed it mended before it broke again.
    """

    resource_key: int  # never shown
    resource_id: str
    name: str
    service_name: str
    sub_account_id: str
    sub_account_name: str
    region_id: str
    team_key: str
    team_name: str
    key: str
    problem: TagProblem
    value: str
    spelling: str
    wanted: str
    why: str
    breaks: bool
    cost: Decimal
    announced_on: date | None = None

    @property
    def title(self) -> str:
        """The problem in words."""
        return PROBLEM_NAMES[self.problem]


@dataclass(frozen=True)
class ProblemTotal:
    """One kind of problem: how many keys on how many resources, and what these cost."""

    problem: TagProblem
    findings: int
    resources: int
    cost: Decimal
    breaking: int

    @property
    def title(self) -> str:
        """The problem in words."""
        return PROBLEM_NAMES[self.problem]


class FindingRows(MadeRows[TagFindingRow]):
    """Findings in order."""

    @abstractmethod
    def order_of(self) -> Callable[[Any], tuple[Any, ...]]:
        """What an entry is put in order by where rows are cut by their content: a key of its own for each."""

    @abstractmethod
    def breaking(self) -> "FindingRows":
        """Those that make a resource non-compliant."""

    @property
    @abstractmethod
    def resources(self) -> Mapping[int, Decimal]:
        """What each resource of them costs."""

    @property
    @abstractmethod
    def known(self) -> int:
        """For how many of them the value to set is known."""


@dataclass(frozen=True)
class TagFindings:
    """Findings, dearest resource first. `count` and `totals` are of all that were asked for, on whatever page.

    `totals` leaves the wanted problems aside, so that it can offer the others.
    """

    period: BillingPeriod
    metric: CostMetric
    currency: str
    rows: FindingRows
    count: int
    totals: tuple[ProblemTotal, ...]
    keys: tuple[str, ...]
