"""The questions the explore page can be asked, as GET forms. Values offered are the reader's own."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from costs.periods import BillingPeriod
from costs.queries import DIMENSIONS, CostQuery, dimension_label
from tagging.forms.months import METRIC_CHOICES, MonthForm, set_choices

FILTERS = ("team", "service", "account", "region", "environment", "category")
TOPS = (5, 8, 15, 30)
Choices = Sequence[tuple[str, str]]


class ExploreForm(forms.Form):
    """Range, grouping, basis; the width of columns is chosen at the chart."""

    period_from = forms.ChoiceField(label="From")
    period_to = forms.ChoiceField(label="To")
    by = forms.ChoiceField(label="Group by")
    then = forms.ChoiceField(label="Then by", required=False)
    basis = forms.ChoiceField(label="Basis", choices=METRIC_CHOICES)
    top = forms.ChoiceField(label="Show", choices=[(str(n), f"Top {n}") for n in TOPS])
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(
        self,
        query: CostQuery,
        *,
        then: str,
        periods: Sequence[BillingPeriod],
        tag_keys: Sequence[str],
        currencies: Sequence[str],
    ) -> None:
        super().__init__(
            initial={
                "period_from": str(query.first),
                "period_to": str(query.last),
                "by": query.group_by,
                "then": then,
                "basis": query.metric.value,
                "top": str(query.top),
                "currency": query.currency,
            }
        )
        months = sorted({*periods, query.first, query.last}, reverse=True)
        set_choices(self, "period_from", [(str(month), month.label) for month in months])
        set_choices(self, "period_to", [(str(month), month.label) for month in months])
        dimensions = _dimensions(tag_keys, query.group_by, then)
        set_choices(self, "by", dimensions)
        set_choices(self, "then", [("", "Nothing else"), *dimensions])
        set_choices(self, "currency", [(name, name) for name in currencies])
        if len(currencies) < 2:
            del self.fields["currency"]

    def add_prefix(self, field_name: str) -> str:
        """`from` and `to` in the URL, which Python does not take as names of fields."""
        return field_name.removeprefix("period_")


class FilterForm(forms.Form):
    """One list of check boxes for each dimension that has something to choose from."""

    def __init__(self, query: CostQuery, offered: Mapping[str, Choices]) -> None:
        super().__init__(initial={name: list(query.values_of(name)) for name in offered})
        for name, choices in offered.items():
            chosen = query.values_of(name)
            known = {value for value, _ in choices}
            extra = [(value, value) for value in chosen if value not in known]
            if len(choices) + len(extra) < 2 and not chosen:
                continue
            self.fields[name] = forms.MultipleChoiceField(
                label=DIMENSIONS[name],
                choices=[*choices, *extra],
                widget=forms.CheckboxSelectMultiple,
                required=False,
                help_text=str(len(chosen)) if chosen else "",
            )


class ResourceForm(MonthForm):
    """What the list of resources can be narrowed by."""

    team = forms.ChoiceField(label="Team", required=False)
    service = forms.ChoiceField(label="Service", required=False)
    account = forms.ChoiceField(label="Account", required=False)
    region = forms.ChoiceField(label="Region", required=False)
    environment = forms.ChoiceField(label="Environment", required=False)
    state = forms.ChoiceField(
        label="Tags", required=False, choices=[("", "Any"), ("to_fix", "To fix"), ("compliant", "Compliant")]
    )
    missing = forms.ChoiceField(label="Missing", required=False)
    search = forms.CharField(label="Name or id", required=False, max_length=200)

    field_order = (
        "period", "team", "service", "account", "region", "environment", "state", "missing", "search", "basis",
        "currency",
    )  # fmt: skip

    def __init__(self, *args: Any, offered: Mapping[str, Choices], policy_keys: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        initial = self.initial or {}
        for name, choices in offered.items():
            chosen = str(initial.get(name, ""))
            extra = [(chosen, chosen)] if chosen and chosen not in {value for value, _ in choices} else []
            set_choices(self, name, [("", "All"), *choices, *extra])
        set_choices(self, "missing", [("", "Any"), *((key, key) for key in policy_keys)])


def _dimensions(tag_keys: Sequence[str], *shown: str) -> list[tuple[str, str]]:
    names = dict.fromkeys([*DIMENSIONS, *(f"tag:{key}" for key in tag_keys), *(name for name in shown if name)])
    return [(name, dimension_label(name)) for name in names]
