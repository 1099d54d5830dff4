"""The API of the programme, for FinOps staff."""

import re
from decimal import Decimal
from typing import Any, ClassVar

from rest_framework import serializers

from costs.api_base import CurrencyText, DocumentView, MoneyText, Parameters, PeriodText, RatioNumber, text
from costs.api_base.parameters import ParameterError
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.pages import current_moment
from costs.scope import Scope
from finops_site.metrics.terms import Metric, Unit
from finops_site.programme import selectors
from finops_site.programme.answers import programme_answer
from finops_site.programme.business_case import Assumptions
from finops_site.programme.terms import Comparator, Phase, RiskState, SavingSource, StepState

FIGURE = "Exact text: a share (1 is all of it), a count or money, as the metric's unit says."
AMOUNT, WHOLE = r"\d{1,9}(\.\d{1,10})?", r"\d{1,3}"


class PlanStepSerializer(serializers.Serializer[Any]):
    """A step with its state, worked out from its measure."""

    phase = serializers.CharField(help_text=", ".join(Phase))
    title = serializers.CharField()
    owner = serializers.CharField()
    due_on = serializers.DateField()
    is_gate = serializers.BooleanField(help_text="A go/no-go point over the steps of its phase.")
    metric = serializers.CharField(allow_null=True, help_text=", ".join(Metric))
    comparator = serializers.CharField(allow_null=True, help_text=", ".join(Comparator))
    threshold = MoneyText(allow_null=True, help_text=FIGURE)
    state = serializers.CharField(help_text=", ".join(StepState))
    value = MoneyText(allow_null=True, help_text=f"The newest reading since the start. {FIGURE}")
    measured_in = PeriodText(allow_null=True, help_text="The month of that reading.")
    reached_in = PeriodText(allow_null=True, help_text="The month since which every reading reaches the threshold.")
    reason = serializers.CharField()


class ProgrammeMonthSerializer(serializers.Serializer[Any]):
    """A metric in one month of the programme."""

    month_number = serializers.IntegerField()
    billing_period = PeriodText()
    target = MoneyText(allow_null=True, help_text="Of the last month that has one.")
    actual = MoneyText(allow_null=True, help_text="Null: not measured, or nothing to divide by.")
    is_measured = serializers.BooleanField()


class ProgrammeMetricSerializer(serializers.Serializer[Any]):
    """A success metric by month. Counts of what was bought and fixed are sums since the start."""

    metric = serializers.CharField(help_text=", ".join(Metric))
    title = serializers.CharField()
    unit = serializers.CharField(help_text=", ".join(Unit))
    basis = serializers.CharField(help_text="What the figure is, in words.")
    smaller_is_better = serializers.BooleanField()
    months = ProgrammeMonthSerializer(many=True)


class AssumptionsSerializer(serializers.Serializer[Any]):
    """What the business case takes for granted."""

    investment = MoneyText()
    discount_rate = RatioNumber(help_text="A year.")
    ramp_up_months = serializers.IntegerField()
    delay_months = serializers.IntegerField()
    horizon_years = serializers.IntegerField()


class CashYearSerializer(serializers.Serializer[Any]):
    """A year of cash; year 0 is the investment."""

    year = serializers.IntegerField()
    saving = MoneyText()
    cash = MoneyText()
    present_value = MoneyText()
    cumulated = MoneyText()
    cumulated_value = MoneyText()


class CaseSerializer(serializers.Serializer[Any]):
    """A saving a year worked out."""

    annual_saving = MoneyText()
    first_year_saving = MoneyText(help_text="Of the first 12 months, after delay and ramp-up.")
    saving_on_investment = RatioNumber(help_text="first_year_saving ÷ investment.")
    net_roi = RatioNumber(help_text="(first_year_saving − investment) ÷ investment.")
    payback_months = RatioNumber(help_text="Null where it does not come within the horizon.")
    npv = MoneyText()
    net_cash = MoneyText(help_text="Undiscounted, over the horizon.")
    years = CashYearSerializer(many=True)


class ScenarioSerializer(CaseSerializer):
    """A scenario as it stands and with the expected loss of the risks taken off."""

    name = serializers.CharField()
    basis = serializers.CharField()
    risk_adjusted = CaseSerializer()


class BusinessCaseSerializer(serializers.Serializer[Any]):
    """Scenarios under the assumptions asked for."""

    assumptions = AssumptionsSerializer()
    expected_loss_annual = MoneyText(help_text="Of all risks that are not closed.")
    scenarios = ScenarioSerializer(many=True)


class RiskSerializer(serializers.Serializer[Any]):
    """A risk; a closed one loses nothing."""

    title = serializers.CharField()
    probability = RatioNumber(help_text="Within a year.")
    impact_annual = MoneyText()
    expected_loss_annual = MoneyText()
    mitigation = serializers.CharField()
    owner = serializers.CharField()
    state = serializers.CharField(help_text=", ".join(RiskState))


class SavingSourceSerializer(serializers.Serializer[Any]):
    """A source of savings; null where there is no claim, no advice, nothing measured."""

    kind = serializers.CharField(help_text=", ".join(SavingSource))
    title = serializers.CharField()
    claimed_annual = MoneyText(allow_null=True)
    claim_basis = serializers.CharField()
    planned_annual = MoneyText(allow_null=True)
    planned_basis = serializers.CharField()
    measured_annual = MoneyText(allow_null=True)
    measured_basis = serializers.CharField()
    difference = serializers.CharField()


class SavingsSerializer(serializers.Serializer[Any]):
    """Savings by source with their sums."""

    claimed_annual = MoneyText(allow_null=True)
    planned_annual = MoneyText(allow_null=True)
    measured_annual = MoneyText(allow_null=True)
    sources = SavingSourceSerializer(many=True)


class ProgrammeSerializer(serializers.Serializer[Any]):
    """The whole programme."""

    name = serializers.CharField()
    currency = CurrencyText()
    starts_on = serializers.DateField()
    as_of = serializers.DateField()
    plan = PlanStepSerializer(many=True)
    metrics = ProgrammeMetricSerializer(many=True)
    business_case = BusinessCaseSerializer()
    risks = RiskSerializer(many=True)
    savings = SavingsSerializer()


class ProgrammeOne(DocumentView):
    """The programme: plan with measured progress, success metrics by month, business case, risks, and savings by
    source. Other assumptions than its own may be given for looking only. FinOps staff only.
    """

    staff_only: ClassVar[bool] = True
    operation, title, section = "programme", "The programme", "Programme"
    serializer_class = ProgrammeSerializer
    parameters = (
        text("investment", "Instead of the programme's own.", pattern=f"^{AMOUNT}$"),
        text("discount_rate", "A year, as a share: 0.1 is 10 %.", pattern=f"^{AMOUNT}$"),
        text("ramp_up_months", "Months until the full saving.", pattern=f"^{WHOLE}$"),
        text("delay_months", "Months before anything is saved.", pattern=f"^{WHOLE}$"),
        text("horizon_years", "Years looked at, 1 to 10.", pattern=f"^{WHOLE}$"),
    )

    def document(self, scope: Scope, parameters: Parameters, **_: Any) -> Any:
        plan = selectors.programme(scope)
        if plan is None:
            raise NotFoundInScopeError("There is no programme yet. Start it on the page Programme.")
        assumed = assumptions_asked(parameters, plan.assumptions)
        return programme_answer(scope, plan, assumptions=assumed, today=current_moment().date())


def assumptions_asked(parameters: Parameters, own: Assumptions) -> Assumptions:
    """The programme's assumptions with those asked for in their place. Raises InvalidRequestError naming one."""
    found: dict[str, Any] = {}
    for name, value in vars(own).items():
        is_amount = isinstance(value, Decimal)
        given = parameters.one(name)
        if given and not re.fullmatch(AMOUNT if is_amount else WHOLE, given, re.ASCII):
            form = "an amount or share of at least 0, like 0.1" if is_amount else "a whole number of at least 0"
            raise ParameterError(name, f"'{given}' is not {form}.")
        found[name] = value if not given else Decimal(given) if is_amount else int(given)
        if given:
            _check_alone(name, found[name])
    return Assumptions(**found)


def _check_alone(name: str, value: Any) -> None:
    """Refuse a value that no assumptions can have, naming its parameter."""
    harmless: dict[str, Any] = {"investment": Decimal(1), "discount_rate": Decimal(0)}
    try:
        Assumptions(**{**harmless, name: value})
    except InvalidRequestError as error:
        raise ParameterError(name, str(error)) from error
