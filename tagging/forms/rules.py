"""The form of one allocation rule; what it asks depends on the rule's kind."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod
from tagging.conditions import as_tree, parse_condition
from tagging.forms.months import set_choices
from tagging.inputs import RuleInput
from tagging.owners import cost_center_owner
from tagging.terms import RuleKind

NOBODY = ("", "Nobody (stays unallocated)")
# What each kind of rule asks for.
ASKED: dict[RuleKind, tuple[str, ...]] = {
    RuleKind.CONDITION: ("condition",),
    RuleKind.TAG: ("tag_key", "tag_values"),
    RuleKind.NAME: ("tag_values",),
    RuleKind.ACCOUNT: ("sub_account_id",),
    RuleKind.DEFAULT: (),
}


class PeriodField(forms.CharField):
    """A month as `2025-11`; cleans to a BillingPeriod or None."""

    widget = forms.TextInput(attrs={"type": "month", "placeholder": "2025-11"})

    def clean(self, value: Any) -> Any:
        """The month, or None where the field is empty."""
        text = super().clean(value)
        try:
            return BillingPeriod.parse(text) if text else None
        except InvalidRequestError as error:
            raise ValidationError(str(error)) from error


class RuleForm(forms.Form):
    """A rule of one kind. Values stand one on a line: the first is the name, the others mean the same.

    A cost centre that is typed in goes before the owner that is chosen.
    """

    condition = forms.CharField(
        label="Condition",
        widget=forms.Textarea(attrs={"rows": 8, "class": "mono", "spellcheck": "false"}),
        help_text="A tree of all, any and not over tests; examples stand below.",
    )

    tag_key = forms.CharField(label="Tag key", max_length=128, help_text="Upper and lower case are the same.")
    tag_values = forms.CharField(
        label="Values",
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="One on a line: the value and every other spelling that means the same.",
    )
    sub_account_id = forms.CharField(label="Account number", max_length=64)
    team_key = forms.ChoiceField(label="Owner", required=False)
    cost_center = forms.CharField(
        label="Or a cost centre", required=False, max_length=60, help_text="Costs are booked there without a team."
    )
    name = forms.CharField(
        label="Name", required=False, max_length=160, help_text="Left empty, it is made from what the rule does."
    )
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="Why it is so, for whoever reads it next. It stays in the history.",
    )
    from_period = PeriodField(label="From month", required=False, help_text="Left empty, from the beginning.")
    version = forms.CharField(required=False, widget=forms.HiddenInput)  # of the rule as it was opened
    to_period = PeriodField(label="Until before", required=False, help_text="The first month it no longer holds.")

    def __init__(
        self,
        *args: Any,
        kind: RuleKind,
        teams: Sequence[tuple[str, str]],
        is_trial: bool = False,
        before: str = "",
        **kwargs: Any,
    ) -> None:
        """`is_trial` asks no reason: nothing is kept. `before` is the reason of the rule that is changed."""
        super().__init__(*args, **kwargs)
        self.fields["reason"].required = not is_trial
        if before:
            self.fields["reason"].help_text = f"Why you change it; it stays in the history. Before: {before}"
        self.kind = kind
        asked = ASKED[kind]
        for name in ("tag_key", "tag_values", "sub_account_id", "condition"):
            if name not in asked:
                del self.fields[name]
        if kind is RuleKind.TAG:
            self.fields["tag_key"].widget.attrs["list"] = "tag-keys"
        if kind is RuleKind.ACCOUNT:
            self.fields["sub_account_id"].widget.attrs["list"] = "accounts"
        if kind is RuleKind.NAME:
            self.fields["tag_values"].label = "Names"
            self.fields["tag_values"].help_text = "One on a line: * is any text, ? one letter. Case does not matter."
        set_choices(self, "team_key", [NOBODY, *teams])

    def clean_condition(self) -> dict[str, Any]:
        """The tree of the condition, with the branch named that is wrong."""
        try:
            tree = json.loads(self.cleaned_data["condition"])
            return as_tree(parse_condition(tree))
        except json.JSONDecodeError as error:
            raise ValidationError(
                f"This is no JSON: {error.msg} in line {error.lineno}, column {error.colno}."
            ) from error
        except RecursionError as error:
            raise ValidationError("The condition is nested too deep. Make it several rules.") from error
        except InvalidRequestError as error:
            raise ValidationError(str(error)) from error

    def as_input(self, *, is_active: bool = True) -> RuleInput:
        """The rule that a valid form describes."""
        data = self.cleaned_data
        return RuleInput(
            kind=self.kind,
            name=data["name"],
            tag_key=data.get("tag_key", ""),
            tag_values=tuple(data.get("tag_values", "").splitlines()),
            sub_account_id=data.get("sub_account_id", ""),
            team_key=cost_center_owner(data["cost_center"]) if data["cost_center"] else data["team_key"],
            condition=data.get("condition", {}),
            from_period=data["from_period"],
            to_period=data["to_period"],
            is_active=is_active,
            reason=data["reason"],
        )
