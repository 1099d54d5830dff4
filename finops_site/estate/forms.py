"""Forms of accounts and resources."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from costs.selectors import EXACT, ResourceQuestion
from tagging.forms.months import MonthForm, set_choices
from tagging.views.months import Month

LABELS = {"account": "Account", "service": "Service", "region": "Region", "type": "Type", "state": "State"}
MORE = ("tag_key", "tag_value", "cost_from", "cost_to", "seen_from", "seen_to", "tags", "show", "basis", "currency")
LARGEST = 900_000_000
DAY = {"type": "date"}


class AmountField(forms.DecimalField):
    """An amount every database can compare with."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "size": "8"})
        super().__init__(min_value=-LARGEST, max_value=LARGEST, decimal_places=10, widget=widget, **kwargs)


class DisplayNameForm(forms.Form):
    """What an account is called here."""

    display_name = forms.CharField(
        label="Name on pages",
        required=False,
        max_length=200,
        help_text="Bills do not change it. Left empty, the name in the bills is shown.",
    )


class ResourceForm(MonthForm):
    """What the list of resources can be narrowed by; `primary` and `more` are its two rows."""

    search = forms.CharField(label="Name or id", required=False, max_length=200)
    account = forms.ChoiceField(label="Account", required=False)
    service = forms.ChoiceField(label="Service", required=False)
    region = forms.ChoiceField(label="Region", required=False)
    type = forms.ChoiceField(label="Type", required=False)
    state = forms.ChoiceField(label="State", required=False)
    tag_key = forms.ChoiceField(label="Tag", required=False)
    tag_value = forms.CharField(
        label="Tag value", required=False, max_length=256, widget=forms.TextInput(attrs={"placeholder": "any value"})
    )
    cost_from = AmountField(label="Cost from", required=False)
    cost_to = AmountField(label="Cost to", required=False)
    seen_from = forms.DateField(label="Seen from", required=False, widget=forms.DateInput(attrs=DAY))
    seen_to = forms.DateField(label="Seen to", required=False, widget=forms.DateInput(attrs=DAY))
    tags = forms.ChoiceField(label="Tags", required=False, choices=[("", "Any"), ("none", "Without any tag")])
    show = forms.ChoiceField(
        label="Show", required=False, choices=[("", "With costs in the month"), ("all", "Every one ever seen")]
    )

    field_order = ("search", "period", *EXACT, *MORE)

    def offer(self, choices: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """The values there are, and the chosen one even where it is none of them."""
        for name in (*EXACT, "tag_key"):
            chosen = str(self.data.get(name, ""))
            found = list(choices[name])
            extra = [(chosen, chosen)] if chosen and chosen not in {value for value, _ in found} else []
            set_choices(self, name, [("", "Any" if name == "tag_key" else "All"), *found, *extra])

    @property
    def primary(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in MORE]

    @property
    def more(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name in MORE]

    @property
    def is_narrowed(self) -> bool:
        """Whether a filter of the second row is in use."""
        return any(self.data.get(name) for name in MORE if name not in ("basis", "currency"))

    def question(self, month: Month) -> ResourceQuestion:
        """What is asked, of a valid form."""
        data: dict[str, Any] = self.cleaned_data
        return ResourceQuestion(
            period=month.period,
            metric=month.metric,
            currency=month.currency,
            exact={name: data[name] for name in EXACT if data[name]},
            search=data["search"],
            tag_key=data["tag_key"],
            tag_value=data["tag_value"] if data["tag_key"] else "",
            untagged=data["tags"] == "none",
            cost_from=data["cost_from"],
            cost_to=data["cost_to"],
            seen_from=data["seen_from"],
            seen_to=data["seen_to"],
            every=data["show"] == "all",
        )
