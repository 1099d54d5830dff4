"""Closed vocabularies of budgets and alerts, as plain strings."""

from enum import StrEnum

from costs.terms import ChargeCategory, choices_for

__all__ = [
    "SCOPE_NAMES", "Cadence", "DeliveryState", "ForecastMethod", "ScopeKind", "Severity", "ThresholdKind",
    "choices_for", "left_out",
]  # fmt: skip


class ScopeKind(StrEnum):
    """What a budget is for. Everything but `total` has a key: a team key or a value of that dimension."""

    TOTAL = "total"
    TEAM = "team"
    SERVICE = "service"
    REGION = "region"
    ACCOUNT = "account"
    ENVIRONMENT = "environment"


SCOPE_NAMES = {
    ScopeKind.TOTAL: "All spend",
    ScopeKind.TEAM: "Team",
    ScopeKind.SERVICE: "Service",
    ScopeKind.REGION: "Region",
    ScopeKind.ACCOUNT: "Account",
    ScopeKind.ENVIRONMENT: "Environment",
}


class Cadence(StrEnum):
    """How long one period is; calendar periods in UTC."""

    MONTHLY = "monthly"
    QUARTERLY = "quarterly"
    ANNUAL = "annual"

    @property
    def months(self) -> int:
        return {"monthly": 1, "quarterly": 3, "annual": 12}[self.value]


class ThresholdKind(StrEnum):
    """What is compared with the plan: what has been spent, or what the period is expected to come to."""

    ACTUAL = "actual"
    FORECAST = "forecast"


class Severity(StrEnum):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class DeliveryState(StrEnum):
    """The life of one mail. `waiting` is tried (again) at its time; the others are ends, except `sending`."""

    WAITING = "waiting"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"
    EXPIRED = "expired"


class ForecastMethod(StrEnum):
    """How a forecast was made; chosen by the length of the history."""

    NONE = "none"
    RUN_RATE = "run rate"
    WEEKDAYS = "weekday means"
    WEEKDAYS_TREND = "weekday means with trend"


def left_out(*, credits_count: bool, refunds_count: bool, tax_counts: bool) -> frozenset[str]:
    """Charge categories that a budget does not count."""
    flags = {
        ChargeCategory.CREDIT: credits_count,
        ChargeCategory.ADJUSTMENT: refunds_count,
        ChargeCategory.TAX: tax_counts,
    }
    return frozenset(category.value for category, counts in flags.items() if not counts)
