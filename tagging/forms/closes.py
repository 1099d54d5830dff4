"""Forms of the month close and of disputes."""

from typing import Any

from django import forms

from costs.terms import CostMetric
from tagging.forms.months import METRIC_CHOICES

TEXT_LIMIT = 1000


class StepForm(forms.Form):
    """One step of a month: why, and whether to overrule what may be overruled."""

    basis = forms.ChoiceField(
        label="Basis charged",
        choices=METRIC_CHOICES,
        initial=CostMetric.BILLED.value,
        help_text="What documents and the journal are made of. All five bases are kept.",
    )
    reason = forms.CharField(label="Reason", required=False, max_length=TEXT_LIMIT, widget=forms.Textarea({"rows": 2}))
    force = forms.BooleanField(label="Go on although something stands in the way", required=False)

    def __init__(self, *args: Any, step: str, may_be_forced: bool, before: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if before:
            self.fields["basis"].help_text += f" {before} Another basis breaks the sum over the months."
        if step != "close":
            del self.fields["basis"]
        if step == "reopen":
            self.fields["reason"].required = True
            self.fields["reason"].help_text = "Stays with the month for good."
        if not may_be_forced:
            del self.fields["force"]


class DisputeForm(forms.Form):
    """What is wrong with a line."""

    text = forms.CharField(label="What is wrong", max_length=TEXT_LIMIT, widget=forms.Textarea({"rows": 4}))


class AnswerForm(forms.Form):
    """The FinOps lead's answer."""

    answer = forms.CharField(label="Answer", max_length=TEXT_LIMIT, widget=forms.Textarea({"rows": 2}))
    accept = forms.BooleanField(required=False)
