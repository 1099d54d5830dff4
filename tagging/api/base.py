"""What the endpoints of ownership share: their parameters, and what their answers to staff depend on."""

from dataclasses import dataclass
from typing import Any

from rest_framework import serializers
from rest_framework.request import Request

from costs.api_base import (
    CurrencyText,
    DocumentView,
    ListView,
    MoneyText,
    Parameters,
    PeriodText,
    api_scope,
    choice,
    last,
    month,
    text,
)
from costs.pages import current_moment
from costs.periods import BillingPeriod
from costs.queries import DIMENSIONS, TAG_PREFIX, check_dimension, parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.selectors.answers import answer_state
from tagging.selectors.closed_basis import usual_basis

PERIOD = month("period", "The month, YYYY-MM; the newest with costs you may see where not given.")
BASIS = choice("basis", CostMetric, "The cost basis of every figure.", default=CostMetric.BILLED.value)
CURRENCY = text(
    "currency",
    "One currency; your main one where not given. Others are never added, only named.",
    pattern="^[A-Za-z]{3}$",
)
VERSION = text(
    "version",
    "A version that the month was closed in, as it was stored; where not given, the month as it counts today.",
    pattern="^[0-9]{1,4}$",
)
CURRENCY_STATES = (
    "The month in each of your currencies: open, closed or final. Each is closed by itself;"
    " where `currency` is not among them, the month has no costs in it."
)
MONTH = (PERIOD, BASIS, CURRENCY)
CHARGED_BASIS = choice(
    "basis",
    CostMetric,
    "The cost basis of every figure. Not given: billed, and of a closed month what it was closed on.",
)
CHARGED_MONTH = (PERIOD, CHARGED_BASIS, CURRENCY)
TAG_BASIS = choice("basis", CostMetric, "The cost basis of every figure.", default=CostMetric.EFFECTIVE.value)
TAG_MONTH = (PERIOD, TAG_BASIS, CURRENCY)
FILTERS = tuple(
    text(name, f"Only this {label.lower()}; may be repeated. `(none)` is what has no value.", many=True)
    for name, label in DIMENSIONS.items()
)
DIMENSION_PATTERN = f"^({'|'.join(DIMENSIONS)}|{TAG_PREFIX}.+)$"
TAGS_NOTE = "Any tag filters too: `tag:department=payments`, repeatable."


@dataclass(frozen=True)
class Month:
    """The month, basis and currency asked for; `currency` is empty for the reader's main one."""

    period: BillingPeriod
    metric: CostMetric
    currency: str


def month_of(
    scope: Scope,
    parameters: Parameters,
    *,
    basis: CostMetric = CostMetric.BILLED,
    as_charged: bool = False,
    version: int | None = None,
) -> Month:
    """Read `period`, `basis` (where not given: this one, or what a closed month or version was charged on) and
    `currency`.
    """
    period, currency = parameters.period("period") or default_period(scope), parameters.currency()
    usual = usual_basis(scope, period, currency, version) if as_charged else basis
    return Month(period, parameters.read("basis", parse_metric, usual), currency)


def default_period(scope: Scope) -> BillingPeriod:
    """The newest month the reader has costs in, else the current one."""
    return selectors.latest_period(scope) or BillingPeriod.of(current_moment().date())


def by_dimension(parameters: Parameters, default: str) -> str:
    """Read `by`: a dimension or `tag:KEY`."""
    return parameters.read("by", check_dimension, default)


class OwnershipState:
    """Answers to staff depend on imports in force, owners, rules, teams and the policy, and on nothing else."""

    def state(self, request: Request) -> str:
        return answer_state(api_scope(request))


class OwnershipList(OwnershipState, ListView):
    """A list of the reader's own costs."""


class OwnershipDocument(OwnershipState, DocumentView):
    """One thing of the reader's own."""


class RowSerializer(serializers.Serializer[Any]):
    """A row: every figure has its basis and currency beside it."""

    basis = serializers.CharField(help_text="The cost basis of the figures of this row.")
    currency = CurrencyText()

    def get_fields(self) -> dict[str, Any]:
        figures = (name for name, field in self._declared_fields.items() if isinstance(field, MoneyText))
        return last(super().get_fields(), *figures, "basis", "currency")


class MonthSerializer(serializers.Serializer[Any]):
    """What stands above the rows of a month."""

    billing_period = PeriodText(source="period")
    basis = serializers.CharField(help_text="The cost basis of every figure.")
    currency = CurrencyText()
    other_currencies = serializers.ListField(
        child=serializers.CharField(), help_text="Currencies that hold costs too; ask for each apart."
    )
