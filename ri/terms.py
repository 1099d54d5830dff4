"""Closed vocabularies of commitments, and the limits advice is given within."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from costs.terms import choices_for

__all__ = [
    "Assumptions",
    "Confidence",
    "Limits",
    "OfferingClass",
    "PaymentOption",
    "RunKind",
    "choices_for",
    "confidence_means",
]


class PaymentOption(StrEnum):
    NO_UPFRONT = "no_upfront"
    PARTIAL_UPFRONT = "partial_upfront"
    ALL_UPFRONT = "all_upfront"


class OfferingClass(StrEnum):
    STANDARD = "standard"
    CONVERTIBLE = "convertible"


class RunKind(StrEnum):
    """How a run came to its advice: steadiness screen of an inventory, or the optimum over hourly usage."""

    SCREEN = "screen"
    HOURLY = "hourly"


class Confidence(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True)
class Limits:
    """What a recommendation has to keep to. Ratios: 1 is all."""

    min_uptime: Decimal
    coverage_target: Decimal
    max_payback_months: Decimal  # 0: no limit
    falls: tuple[Decimal, ...]  # by how much usage may fall, for the regret
    min_usage_days: int
    confident_days: int
    confident_fall: Decimal


def confidence_means(limits: Limits) -> dict[Confidence, str]:
    """What each confidence stands for, with the figures it is judged by."""
    fall = f"usage falls by {limits.confident_fall * 100:.0f} %"
    return {
        Confidence.LOW: "The uptime is assumed from an instance's state, not measured.",
        Confidence.MEDIUM: f"Measured, but over less than {limits.confident_days} days, or nothing is saved if {fall}.",
        Confidence.HIGH: f"Measured over at least {limits.confident_days} days, and it still saves if {fall}.",
    }


@dataclass(frozen=True)
class Assumptions:
    """Uptime by state where there are too few snapshots to measure it. Ratios: 1 is all hours."""

    running: Decimal
    busy: Decimal  # running with its CPU above `busy_cpu`
    busy_cpu: float  # per cent
    stopped: Decimal
    terminated: Decimal
    min_snapshots: int
