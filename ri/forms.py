"""Forms of commitments: which month, and what a run of recommendations is asked for."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from costs.periods import BillingPeriod
from ri.services import Choices
from ri.terms import Limits

PERCENT = 100
LONGEST_PAYBACK = 1200


class PeriodForm(forms.Form):
    """The month, source of advice and (where there are several) currency, as a GET form."""

    period = forms.ChoiceField(label="Month")
    source = forms.ChoiceField(label="Advice on")
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(
        self,
        *args: Any,
        periods: Sequence[BillingPeriod],
        sources: Sequence[str],
        currencies: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "period", [(str(period), period.label) for period in periods])
        _choose(self, "source", [(name, name) for name in sources])
        _choose(self, "currency", [(name, name) for name in currencies])
        if len(sources) < 2:
            del self.fields["source"]
        if len(currencies) < 2:
            del self.fields["currency"]


class RunForm(forms.Form):
    """Ask again, within other limits or with other prices."""

    source = forms.ChoiceField(label="Source")
    as_of = forms.DateField(
        label="As of",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Left empty, the newest day there is.",
    )
    price_book = forms.ChoiceField(label="Prices")
    max_payback = forms.DecimalField(
        label="Longest payback, months", min_value=0, max_value=LONGEST_PAYBACK, help_text="0 for no limit."
    )
    min_uptime = forms.DecimalField(
        label="Least uptime, per cent", min_value=0, max_value=PERCENT, help_text="Inventories: steady from here on."
    )
    target = forms.DecimalField(
        label="Coverage target, per cent",
        min_value=0,
        max_value=PERCENT,
        help_text="Inventories: of steady instances. Hourly usage gets its optimum.",
    )

    def __init__(self, *args: Any, sources: Sequence[str], books: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _choose(self, "source", [(name, name) for name in sources])
        _choose(self, "price_book", [(name, name) for name in books])

    def as_choices(self) -> Choices:
        """What the service takes; only after `is_valid`."""
        data = self.cleaned_data
        return Choices(
            min_uptime=data["min_uptime"] / PERCENT,
            coverage_target=data["target"] / PERCENT,
            max_payback_months=data["max_payback"],
            price_book=data["price_book"],
        )


def limits_as_initial(limits: Limits) -> dict[str, Decimal]:
    """The limits as the form shows them."""
    return {
        "max_payback": limits.max_payback_months.normalize() + 0,
        "min_uptime": (limits.min_uptime * PERCENT).normalize() + 0,
        "target": (limits.coverage_target * PERCENT).normalize() + 0,
    }


def _choose(form: forms.Form, name: str, choices: Sequence[tuple[str, str]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = list(choices)
