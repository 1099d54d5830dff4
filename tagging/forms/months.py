"""The filters that every page of a month has."""

from collections.abc import Sequence
from typing import Any

from django import forms

from costs.periods import BillingPeriod
from costs.terms import CostMetric

METRIC_CHOICES = [(metric.value, f"{metric.value.capitalize()} cost") for metric in CostMetric]


class MonthForm(forms.Form):
    """Month, basis and (where there are several) currency, as a GET form."""

    period = forms.ChoiceField(label="Month")
    basis = forms.ChoiceField(label="Basis", choices=METRIC_CHOICES)
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(
        self, *args: Any, periods: Sequence[BillingPeriod], currencies: Sequence[str] = (), **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "period", [(str(period), period.label) for period in periods])
        set_choices(self, "currency", [(name, name) for name in currencies])
        if len(currencies) < 2:
            del self.fields["currency"]


class BilledMonthForm(MonthForm):
    """The month of a page that is of billed cost, whatever else is asked for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        del self.fields["basis"]


class ChargebackForm(MonthForm):
    """The month by owner of any kind; a key that is not in the list is typed in."""

    by = forms.ChoiceField(label="By")
    tag_key = forms.CharField(label="Other tag key", required=False, max_length=128)

    field_order = ("period", "by", "tag_key", "basis", "currency")

    def __init__(self, *args: Any, dimensions: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "by", dimensions)


class GroupForm(MonthForm):
    """The month with one grouping."""

    group = forms.ChoiceField(label="Group by")

    def __init__(self, *args: Any, groups: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "group", groups)


def set_choices(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    """Give a choice field the values that this reader has."""
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
