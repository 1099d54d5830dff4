"""Which findings to list, and what somebody decides of one."""

from collections.abc import Sequence
from typing import Any

from django import forms

from costs.terms import FindingKind
from tagging.forms.months import set_choices
from tagging.terms import FindingState

TO_ACT_ON = "to_act_on"
STATE_CHOICES = [
    (TO_ACT_ON, "To act on"),
    *((state.value, state.value.capitalize()) for state in FindingState),
    ("all", "All"),
]
STATES: dict[str, tuple[FindingState, ...]] = {
    TO_ACT_ON: (FindingState.OPEN, FindingState.ACCEPTED),
    "all": (),
    **{state.value: (state,) for state in FindingState},
}


class FindingFilterForm(forms.Form):
    """Kind, state, team and text."""

    kind = forms.ChoiceField(
        label="Kind", required=False, choices=[("", "All"), *((kind.value, kind.heading) for kind in FindingKind)]
    )
    state = forms.ChoiceField(label="State", required=False, choices=STATE_CHOICES)
    team = forms.ChoiceField(label="Team", required=False)
    search = forms.CharField(label="Name, id or reason", required=False, max_length=200)
    currency = forms.ChoiceField(label="Currency", required=False)

    def __init__(self, *args: Any, teams: Sequence[tuple[str, str]], currencies: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        chosen = str((self.initial or {}).get("team", ""))
        extra = [(chosen, chosen)] if chosen and chosen not in {key for key, _ in teams} else []
        set_choices(self, "team", [("", "All"), *teams, *extra])
        set_choices(self, "currency", [(name, name) for name in currencies])
        if len(teams) < 2 and not chosen:
            del self.fields["team"]
        if len(currencies) < 2:
            del self.fields["currency"]


class DecisionForm(forms.Form):
    """The state somebody puts a finding into, having looked at `version` of it."""

    state = forms.ChoiceField(choices=[(state.value, state.value) for state in FindingState])
    until = forms.DateField(required=False)
    note = forms.CharField(required=False, max_length=500)
    version = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
