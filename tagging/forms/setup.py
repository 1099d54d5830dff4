"""The set-up proposal as a form: one row per proposed team, kept or not, under a name of choice."""

from collections.abc import Iterable
from typing import Any

from django import forms

from costs.errors import InvalidRequestError
from tagging.inputs import ProposalChoices, TeamChoice
from tagging.results import ProposedTeam, SetupProposal


class SetupRowForm(forms.Form):
    """One proposed team: keep it, its name and cost centre, the tag values and accounts that are its own."""

    keep = forms.BooleanField(required=False, label="Keep")
    name = forms.CharField(max_length=120, required=False, label="Team")
    cost_center = forms.CharField(max_length=60, required=False, label="Cost centre")
    tag_values = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label="Tag values")
    accounts = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple, label="Accounts")

    def __init__(
        self, data: Any = None, *, prefix: str, proposed: ProposedTeam, tag_key: str, account_names: dict[str, str]
    ) -> None:
        initial = {
            "keep": True,
            "name": proposed.name,
            "tag_values": proposed.tag_values,
            "accounts": proposed.sub_account_ids,
        }
        super().__init__(data, prefix=prefix, initial=initial)
        self.proposed = proposed
        values, accounts = self.fields["tag_values"], self.fields["accounts"]
        assert isinstance(values, forms.MultipleChoiceField)
        assert isinstance(accounts, forms.MultipleChoiceField)
        values.choices = [(value, f"{tag_key} = {value}") for value in proposed.tag_values]
        accounts.choices = [(key, account_label(key, account_names)) for key in proposed.sub_account_ids]
        for name in ("keep", "name", "cost_center"):
            self.fields[name].widget.attrs["aria-label"] = f"{self.fields[name].label}: {proposed.name}"

    def choice(self) -> TeamChoice | None:
        """The team as it was left in a valid form; None where it is not kept."""
        data = self.cleaned_data
        if not data["keep"]:
            return None
        if not data["name"].strip():
            raise InvalidRequestError(f"Give the team '{self.proposed.name}' a name, or do not keep it.")
        return TeamChoice(
            name=data["name"].strip(),
            tag_values=each_spelling_once(data["tag_values"]),
            sub_account_ids=tuple(data["accounts"]),
            cost_center=data["cost_center"].strip(),
        )


def setup_rows(proposal: SetupProposal, data: Any = None) -> list[SetupRowForm]:
    """A form for every proposed team, in the proposal's order."""
    names = dict(proposal.account_names)
    return [
        SetupRowForm(data, prefix=f"team-{place}", proposed=team, tag_key=proposal.tag_key, account_names=names)
        for place, team in enumerate(proposal.teams)
    ]


def chosen(proposal: SetupProposal, rows: list[SetupRowForm]) -> ProposalChoices:
    """What was kept of the proposal. Teams given the same name become one. Raises InvalidRequestError."""
    if not all(row.is_valid() for row in rows):
        raise InvalidRequestError("The proposal has changed since this page was loaded. Look at it again.")
    merged: dict[str, TeamChoice] = {}
    for choice in (row.choice() for row in rows):
        if choice is None:
            continue
        same = merged.get(choice.name.casefold())
        merged[choice.name.casefold()] = choice if same is None else joined(same, choice)
    return ProposalChoices(tag_key=proposal.tag_key, teams=tuple(merged.values()))


def joined(first: TeamChoice, second: TeamChoice) -> TeamChoice:
    """Two proposed teams as one."""
    return TeamChoice(
        name=first.name,
        tag_values=each_spelling_once((*first.tag_values, *second.tag_values)),
        sub_account_ids=(*first.sub_account_ids, *second.sub_account_ids),
        cost_center=first.cost_center or second.cost_center,
    )


def each_spelling_once(values: Iterable[str]) -> tuple[str, ...]:
    """Values that differ by more than case: rules do not tell upper from lower."""
    return tuple({value.strip().casefold(): value for value in reversed(tuple(values))}.values())[::-1]


def account_label(account: str, names: dict[str, str]) -> str:
    """`Payments prod (1111…)`, or the number alone."""
    return f"Account {names[account]} ({account})" if names.get(account) else f"Account {account}"
