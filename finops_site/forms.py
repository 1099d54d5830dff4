"""Choices of the dashboards, read from and written to the URL."""

from collections.abc import Sequence
from typing import Any

from django import forms

from costs.periods import BillingPeriod
from costs.terms import CostMetric
from finops_site.panels.parts import MonthChoice


class MonthForm(forms.Form):
    """Month, basis and, where there is more than one, currency."""

    period = forms.ChoiceField(label="Month")
    basis = forms.ChoiceField(label="Basis", choices=[(m.value, m.value.capitalize()) for m in CostMetric])
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(self, month: MonthChoice, currencies: Sequence[str], **options: Any) -> None:
        shown: dict[str, str] = {"period": str(month.period), "basis": month.metric.value, "currency": month.currency}
        super().__init__(initial=shown, **options)
        months = month.periods if month.period in month.periods else (month.period, *month.periods)
        self._choose("period", [(str(period), _label(period)) for period in months])
        if len(currencies) > 1:
            self._choose("currency", [(code, code) for code in currencies])
        else:
            del self.fields["currency"]

    def _choose(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices


def _label(period: BillingPeriod) -> str:
    return period.label
