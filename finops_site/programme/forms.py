"""Forms of the programme: what if, its settings, and its parts."""

from decimal import Decimal
from typing import Any

from django import forms

from costs.errors import InvalidRequestError
from finops_site.metrics.terms import Metric, Unit
from finops_site.models import PlanStep, Risk, SavingClaim, Scenario, Target
from finops_site.programme.business_case import LONGEST_HORIZON_YEARS, LONGEST_WAIT_MONTHS, Assumptions
from finops_site.programme.terms import Comparator, Phase, RiskState, SavingSource

LARGEST_AMOUNT = 900_000_000  # what every database holds
LAST_TARGET_MONTH = 24
METRICS = [(metric.value, metric.label) for metric in Metric]
PERCENT = Decimal(100)


def amount_field(label: str, **options: Any) -> forms.DecimalField:
    """Money of at least zero, to the cent."""
    return forms.DecimalField(
        label=label, min_value=0, max_value=LARGEST_AMOUNT, max_digits=12, decimal_places=2, **options
    )


class AssumptionsForm(forms.Form):
    """Assumptions of the business case."""

    investment = amount_field("Investment")
    discount_pct = forms.DecimalField(
        label="Discount rate, % a year", min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    ramp_up_months = forms.IntegerField(label="Ramp-up, months", min_value=0, max_value=LONGEST_WAIT_MONTHS)
    delay_months = forms.IntegerField(label="Delay, months", min_value=0, max_value=LONGEST_WAIT_MONTHS)
    horizon_years = forms.IntegerField(label="Horizon, years", min_value=1, max_value=LONGEST_HORIZON_YEARS)

    def as_assumptions(self) -> Assumptions:
        """The assumptions that a valid form describes."""
        data = self.cleaned_data
        return Assumptions(
            investment=data["investment"],
            discount_rate=data["discount_pct"] / PERCENT,
            ramp_up_months=data["ramp_up_months"],
            delay_months=data["delay_months"],
            horizon_years=data["horizon_years"],
        )


class WhatIfForm(AssumptionsForm):
    """Other assumptions than the programme's, for looking only."""

    scenario = forms.ChoiceField(label="Scenario of the chart", required=False)

    def __init__(self, *args: Any, scenarios: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["scenario"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(name, name) for name in scenarios]


class ProgrammeForm(AssumptionsForm):
    """Name, start and assumptions of the programme."""

    name = forms.CharField(label="Name", max_length=120)
    starts_on = forms.DateField(
        label="Starts on",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Due dates of the plan count from this day.",
    )
    currency = forms.RegexField(
        label="Currency", regex="^[A-Z]{3}$", error_messages={"invalid": "Three capital letters, like USD."}
    )
    field_order = ("name", "starts_on", "currency", "investment", "discount_pct")


def assumptions_as_initial(assumptions: Assumptions) -> dict[str, str]:
    """The form's fields filled from assumptions."""
    return {
        "investment": f"{assumptions.investment.quantize(Decimal('0.01')):f}",
        "discount_pct": _short(assumptions.discount_rate * PERCENT),
        "ramp_up_months": str(assumptions.ramp_up_months),
        "delay_months": str(assumptions.delay_months),
        "horizon_years": str(assumptions.horizon_years),
    }


class PartForm(forms.ModelForm):  # type: ignore[type-arg]
    """A row of the programme. `alone_by` are the fields that no other row may have the same."""

    alone_by: tuple[str, ...] = ()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.alone_by and all(data.get(name) not in (None, "") for name in self.alone_by):
            same = type(self.instance).objects.filter(**{name: data[name] for name in self.alone_by})
            if same.exclude(pk=self.instance.pk).exists():
                self.add_error(self.alone_by[-1], "There is one already. Change that one instead.")
        return data


class ScenarioForm(PartForm):
    """A scenario needs to say where its amount comes from."""

    alone_by = ("name",)
    annual_saving = amount_field("Saving a year, once under way")

    class Meta:
        model = Scenario
        fields = ("name", "annual_saving", "basis")


class StepForm(PartForm):
    """A step of the plan. There is nothing to tick: the measure decides."""

    phase = forms.ChoiceField(label="Phase", choices=[(phase.value, phase.label) for phase in Phase])
    metric = forms.ChoiceField(label="Measured by", choices=[("", "No measure"), *METRICS], required=False)
    comparator = forms.ChoiceField(label="has to be", choices=[(item.value, item.label) for item in Comparator])

    class Meta:
        model = PlanStep
        fields = ("title", "phase", "due_offset_days", "owner", "is_gate", "metric", "comparator", "threshold")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        phase, due = data.get("phase"), data.get("due_offset_days")
        if phase and due is not None:
            span = Phase(phase)
            if not span.first_day <= due <= span.last_day:
                text = f"{span.label} has the days {span.first_day} to {span.last_day} after the start."
                self.add_error("due_offset_days", text)
        metric, threshold = data.get("metric"), data.get("threshold")
        if metric and threshold is None and "threshold" not in self.errors:
            self.add_error("threshold", "A measure needs its threshold.")
        elif not metric and threshold is not None:
            self.add_error("metric", "A threshold needs its measure.")
        elif metric and threshold is not None and (error := unfit_value(metric, threshold)):
            self.add_error("threshold", error)
        return data


class TargetForm(PartForm):
    """A target from a month of the programme on."""

    alone_by = ("metric", "month_number")
    metric = forms.ChoiceField(label="Metric", choices=METRICS)
    month_number = forms.IntegerField(label="Month of the programme", min_value=1, max_value=LAST_TARGET_MONTH)

    class Meta:
        model = Target
        fields = ("metric", "month_number", "value", "note")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        metric, value = data.get("metric"), data.get("value")
        if metric and value is not None and (error := unfit_value(metric, value)):
            self.add_error("value", error)
        return data


class RiskForm(PartForm):
    """A risk with its probability from 0 to 1."""

    probability = forms.DecimalField(
        label="Probability within a year",
        min_value=0,
        max_value=1,
        max_digits=4,
        decimal_places=3,
        help_text="0 is never, 0.25 once in four years, 1 certain.",
    )
    impact_amount = amount_field("Impact a year", help_text="What it would cost if it happened.")
    state = forms.ChoiceField(
        label="State",
        choices=[(state.value, state.value.capitalize()) for state in RiskState],
        help_text="A closed risk no longer counts; an accepted one does.",
    )

    class Meta:
        model = Risk
        fields = ("title", "probability", "impact_amount", "mitigation", "owner", "state")


class ClaimForm(PartForm):
    """What somebody promised; an amount has to say where it comes from."""

    alone_by = ("source",)
    source = forms.ChoiceField(label="Source", choices=[(source.value, source.label) for source in SavingSource])
    claimed_amount = amount_field("Claimed a year", required=False, help_text="Empty: nothing is claimed.")

    class Meta:
        model = SavingClaim
        fields = ("source", "claimed_amount", "basis")

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if data.get("claimed_amount") is not None and not (data.get("basis") or "").strip():
            self.add_error("basis", "A claim needs its basis: who says so, from which figures.")
        return data


PartForms = ClaimForm | RiskForm | ScenarioForm | StepForm | TargetForm


def unfit_value(metric: str, value: Decimal) -> str:
    """Why this cannot be a value of the metric; empty where it can."""
    if value < 0:
        return "It cannot be below zero."
    if Metric(metric).unit is Unit.RATIO and value > 1:
        return "A share lies between 0 and 1: 0.95 is 95 %."
    return ""


def error_text(form: forms.Form) -> str:
    """All errors of a form in one line, for messages."""
    texts = [f"{form.fields[name].label}: {' '.join(map(str, found))}" for name, found in form.errors.items()]
    return " ".join(texts)


def assumptions_of(form: AssumptionsForm) -> Assumptions:
    """The assumptions of a form. Raises InvalidRequestError naming what is wrong."""
    if not form.is_valid():
        raise InvalidRequestError(error_text(form))
    return form.as_assumptions()


def _short(value: Decimal) -> str:
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
