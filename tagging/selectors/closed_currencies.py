"""In which currencies a month is open, closed or final: each is closed by itself."""

from dataclasses import dataclass
from typing import Any

from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import Statement
from tagging.selectors.closed import closed_months
from tagging.selectors.closes import counting
from tagging.selectors.trust import currencies_of


@dataclass(frozen=True)
class MonthCurrencies:
    """What the month is in the currency shown and in each other one of the reader's: open, closed or final."""

    period: BillingPeriod
    shown: str
    states: dict[str, str]

    @property
    def has_costs(self) -> bool:
        """Whether the month is anything in the currency shown: without costs it is neither a draft nor closed."""
        return self.shown in self.states or not self.states

    @property
    def is_closed(self) -> bool:
        """Whether the month is closed in the currency shown: who has no statement in it then is charged nothing."""
        return self.states.get(self.shown, "open") != "open"

    @property
    def others(self) -> tuple[str, ...]:
        """Currencies to look at instead, where the month's state differs there."""
        own = self.states.get(self.shown, "")
        return tuple(name for name, state in self.states.items() if name != self.shown and state != own)

    @property
    def text(self) -> str:
        """`October 2025 has no costs in EUR. It is final in USD.`; '' where the state shown says all."""
        if not self.others:
            return ""
        rest = _listed([f"{self.states[name]} in {name}" for name in self.others])
        if not self.has_costs:
            return f"{self.period.label} has no costs in {self.shown}. It is {rest}."
        here = f"{self.states[self.shown]} in {self.shown}"
        return f"{self.period.label} is {here} and {rest}: each currency is closed by itself."

    @property
    def title_rows(self) -> list[tuple[str, str]]:
        """What a file says of it."""
        return [("Currencies", self.text)] if self.text else []


def month_currencies(scope: Scope, period: BillingPeriod, currency: str) -> MonthCurrencies:
    """The month's state in every currency the reader has costs or a statement in."""
    states = dict.fromkeys(currencies_of(scope, (period,)), "open")
    if any(month == period for month, _ in closed_months()):
        rows: Any = counting().filter(period=period.start).order_by("currency")
        if not scope.everything:
            own = Statement.objects.filter(close__period=period.start, owner_key__in=scope.team_keys)
            rows = rows.filter(currency__in={*states, *own.values_list("close__currency", flat=True)})
        states |= dict(rows.values_list("currency", "state"))
    return MonthCurrencies(period, currency, states)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
