"""What the page of lines can be narrowed by, as a GET form."""

from collections.abc import Sequence
from typing import Any

from django import forms

from costs.line_filters import LINE_FIELDS, SORTS
from costs.periods import BillingPeriod
from tagging.forms.months import METRIC_CHOICES, set_choices

SORT_NAMES = {name: LINE_FIELDS[name][0] if name in LINE_FIELDS else "Cost" for name in SORTS}
SORT_CHOICES = [
    (f"{sign}{name}", f"{label}, {word}")
    for name, label in SORT_NAMES.items()
    for sign, word in (
        (("-", "largest first"), ("", "smallest first"))
        if name in {"cost", "consumed_quantity"}
        else (("", "first to last"), ("-", "last to first"))
    )
]


class LinesForm(forms.Form):
    """Months, basis, days, a text, and the order."""

    period_from = forms.ChoiceField(label="From")
    period_to = forms.ChoiceField(label="To")
    basis = forms.ChoiceField(label="Basis", choices=METRIC_CHOICES)
    day = forms.DateField(label="First day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label="Last day", required=False, widget=forms.DateInput(attrs={"type": "date"}))
    text = forms.CharField(label="Resource, usage or text", required=False, max_length=200)
    sort = forms.ChoiceField(label="Sorted by", choices=SORT_CHOICES)
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(self, *args: Any, periods: Sequence[BillingPeriod], currencies: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("period_from", "period_to"):
            set_choices(self, name, [(str(month), month.label) for month in periods])
        set_choices(self, "currency", [(name, name) for name in currencies])
        if len(currencies) < 2:
            del self.fields["currency"]

    def add_prefix(self, field_name: str) -> str:
        """`from` and `to` in the URL, which Python does not take as names of fields."""
        return field_name.removeprefix("period_")
