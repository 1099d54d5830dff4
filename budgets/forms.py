"""Forms of budgets and their steps."""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from budgets.evaluation import AlertStep
from budgets.inputs import BudgetInput
from budgets.terms import SCOPE_NAMES, Cadence, ScopeKind, Severity, ThresholdKind
from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from costs.terms import CostMetric

CADENCES = [(Cadence.MONTHLY.value, "Month"), (Cadence.QUARTERLY.value, "Quarter"), (Cadence.ANNUAL.value, "Year")]
KINDS = [(ThresholdKind.ACTUAL.value, "spent"), (ThresholdKind.FORECAST.value, "expected (forecast)")]
STEP_ROWS = 8
Choices = Sequence[tuple[ScopeKind, str, str]]


class BudgetForm(forms.Form):
    """A budget without its steps. What it is for and its period cannot be changed later."""

    name = forms.CharField(label="Name", max_length=120)
    scope = forms.ChoiceField(label="For")
    cadence = forms.ChoiceField(label="Period", choices=CADENCES)
    amount = forms.DecimalField(
        label="Plan for a period", min_value=0, max_digits=18, decimal_places=2, help_text="In the currency below."
    )
    planned = forms.CharField(
        label="Other plans from a month on",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "2027-01 12000"}),
        help_text="One on a line: the first month and the amount. It holds until the next.",
    )
    currency = forms.ChoiceField(label="Currency")
    metric = forms.ChoiceField(
        label="Cost basis", choices=[(metric.value, f"{metric.value.capitalize()} cost") for metric in CostMetric]
    )
    with_credits = forms.BooleanField(label="Count credits", required=False)
    with_refunds = forms.BooleanField(label="Count refunds", required=False)
    with_tax = forms.BooleanField(label="Count tax", required=False)
    owner = forms.ChoiceField(label="Answers for it", required=False, help_text="Gets the alerts, with a team's leads.")
    is_active = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(
        self,
        *args: Any,
        choices: Choices,
        people: Sequence[tuple[str, str]],
        currencies: Iterable[str],
        exists: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._set("scope", scope_groups(choices))
        self._set("owner", [("", "FinOps staff"), *people])
        self._set("currency", [(name, name) for name in currencies])
        if exists:
            for name in ("scope", "cadence"):
                self.fields[name].disabled = True
                self.fields[name].help_text = "Stays as it is; history and alerts belong to it."
        else:
            del self.fields["is_active"]

    def _set(self, name: str, choices: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean_planned(self) -> tuple[tuple[date, Decimal], ...]:
        """Lines of `2027-01 12000`."""
        return tuple(_planned(line) for line in self.cleaned_data["planned"].splitlines() if line.strip())

    def as_input(self, steps: tuple[AlertStep, ...]) -> BudgetInput:
        """The budget that a valid form describes."""
        data = self.cleaned_data
        kind, _, key = data["scope"].partition(":")
        return BudgetInput(
            name=data["name"],
            scope_kind=ScopeKind(kind),
            scope_key=key,
            cadence=Cadence(data["cadence"]),
            amount=data["amount"],
            planned=data["planned"],
            currency=data["currency"],
            metric=CostMetric(data["metric"]),
            with_credits=data["with_credits"],
            with_refunds=data["with_refunds"],
            with_tax=data["with_tax"],
            owner=data["owner"],
            is_active=data.get("is_active", True),
            steps=steps,
        )


class StepForm(forms.Form):
    """One step; a row without a percentage is none."""

    percent = forms.DecimalField(label="Per cent of the plan", required=False, max_digits=7, decimal_places=2)
    kind = forms.ChoiceField(label="of what is", choices=KINDS, required=False)
    severity = forms.ChoiceField(
        label="Severity", required=False, choices=[(item.value, item.value.capitalize()) for item in Severity]
    )
    recipients = forms.CharField(label="To (instead of who answers for it)", required=False, max_length=600)

    def clean_percent(self) -> Decimal | None:
        """Above zero, or empty."""
        percent: Decimal | None = self.cleaned_data["percent"]
        if percent is not None and percent <= 0:
            raise ValidationError("Give a share above 0.")
        return percent

    def clean_recipients(self) -> tuple[str, ...]:
        """Mail addresses with commas or spaces between them."""
        addresses = self.cleaned_data["recipients"].replace(",", " ").replace(";", " ").split()
        for address in addresses:
            validate_email(address)
        return tuple(addresses)

    def as_step(self) -> AlertStep | None:
        """The step of a valid row, None of an empty one."""
        data = self.cleaned_data
        if not data or data.get("percent") is None:
            return None
        return AlertStep(
            ThresholdKind(data["kind"] or ThresholdKind.ACTUAL),
            data["percent"],
            Severity(data["severity"] or Severity.WARNING),
            data["recipients"],
        )


StepFormSet = forms.formset_factory(StepForm, extra=2, max_num=STEP_ROWS)


def step_initial(steps: Iterable[AlertStep]) -> list[dict[str, Any]]:
    """Rows for these steps."""
    return [
        {
            "percent": f"{step.percent.normalize():f}",
            "kind": step.kind.value,
            "severity": step.severity.value,
            "recipients": ", ".join(step.recipients),
        }
        for step in steps
    ]


def scope_groups(choices: Choices) -> list[Any]:
    """Choices for a select, one group for each kind."""
    groups: list[Any] = [(f"{ScopeKind.TOTAL.value}:", SCOPE_NAMES[ScopeKind.TOTAL])]
    for kind in ScopeKind:
        values = [(f"{kind.value}:{key}", label) for found, key, label in choices if found is kind]
        if values:
            groups.append((SCOPE_NAMES[kind], values))
    return groups


def _planned(line: str) -> tuple[date, Decimal]:
    month, _, amount = line.strip().partition(" ")
    try:
        return BillingPeriod.parse(month.rstrip(":")).start, Decimal(amount.replace(",", "").strip())
    except (InvalidRequestError, InvalidOperation) as error:
        raise ValidationError(f"'{line.strip()}' is not a month and an amount, like 2027-01 12000.") from error
