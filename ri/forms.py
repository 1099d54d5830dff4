"""Forms of commitments: which month, and what a run of recommendations is asked for."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from ri.selectors import OfferFilter
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


class PriceFileForm(forms.Form):
    """A price book as a file."""

    price_file = forms.FileField(
        label="CSV file",
        error_messages={"required": "Choose a file.", "empty": "The file is empty. Export it again."},
        widget=forms.ClearableFileInput(attrs={"accept": ".csv,text/csv"}),
    )
    name = forms.CharField(
        label="Name of the book",
        required=False,
        max_length=80,
        help_text="Left empty, the file's. A book of the same name is replaced whole.",
    )


class OfferForm(forms.Form):
    """Which offers of a book, as a GET form."""

    region = forms.ChoiceField(label="Region", required=False)
    type = forms.CharField(label="Type starts with", required=False, max_length=64)
    platform = forms.ChoiceField(label="Platform", required=False)
    offering = forms.ChoiceField(label="Class", required=False)
    term = forms.ChoiceField(label="Term", required=False)
    payment = forms.ChoiceField(label="Payment", required=False)

    def __init__(self, *args: Any, values: Mapping[str, Sequence[str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in OFFER_FIELDS.items():
            texts = values[field]
            _choose(self, name, [("", "All"), *((text, _offer_label(field, text)) for text in texts)])

    def as_filter(self) -> OfferFilter:
        """What the selector takes. Raises InvalidRequestError for a value no offer of the book has."""
        if not self.is_valid():
            texts = [f"{self.fields[name].label}: {' '.join(map(str, texts))}" for name, texts in self.errors.items()]
            raise InvalidRequestError(" ".join(texts))
        data = self.cleaned_data
        return OfferFilter(instance_type=data["type"], **{field: data[name] for name, field in OFFER_FIELDS.items()})


OFFER_FIELDS = {
    "region": "region_id",
    "platform": "platform",
    "offering": "offering_class",
    "term": "term_years",
    "payment": "payment_option",
}


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


def _offer_label(field: str, text: str) -> str:
    if field == "term_years":
        return "1 year" if text == "1" else f"{text} years"
    return text.replace("_", " ").capitalize() if field in {"payment_option", "offering_class"} else text
