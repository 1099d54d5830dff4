"""Forms of teams, members and people."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django import forms
from django.utils.html import escape

from tagging.forms.months import set_choices
from tagging.inputs import PersonInput, TeamInput
from tagging.results import TeamView
from tagging.terms import MemberRole

ROLES = [(MemberRole.VIEWER.value, "Viewer"), (MemberRole.LEAD.value, "Lead")]


def team_choices(teams: Iterable[TeamView], *, chosen: Collection[str] = ()) -> list[tuple[str, str]]:
    """Teams to choose from: those in use, and of the others what is chosen already, marked as such."""
    return [
        (team.key, team.name if team.is_active else f"{team.name} (inactive)")
        for team in teams
        if team.is_active or team.key in chosen
    ]


class TeamForm(forms.Form):
    """A team: its name, cost centre and place among the others."""

    name = forms.CharField(label="Name", max_length=120)
    cost_center = forms.CharField(
        label="Cost centre", required=False, max_length=60, help_text="Finance's code, printed on the statement."
    )
    parent_key = forms.ChoiceField(
        label="Part of", required=False, help_text="Members of the team above see this team too."
    )
    is_active = forms.BooleanField(label="In use", required=False, initial=True)

    def __init__(self, *args: Any, parents: Sequence[tuple[str, str]], given: str = "", **kwargs: Any) -> None:
        """`given` says what goes on when the team is taken out of use."""
        super().__init__(*args, **kwargs)
        set_choices(self, "parent_key", [("", "No other team"), *parents])
        self.fields["is_active"].help_text = escape(given)  # it holds what rules say, tag values among it

    def as_input(self) -> TeamInput:
        """The team that a valid form describes; its key is made from the name."""
        data = self.cleaned_data
        return TeamInput(
            name=data["name"],
            cost_center=data["cost_center"],
            parent_key=data["parent_key"],
            is_active=data["is_active"],
        )


class MemberForm(forms.Form):
    """Somebody and their role in a team."""

    username = forms.ChoiceField(label="Person")
    role = forms.ChoiceField(label="Role", choices=ROLES)

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "username", people)


class PersonForm(forms.Form):
    """An account to make."""

    username = forms.CharField(label="User name", max_length=150)
    full_name = forms.CharField(label="Full name", required=False, max_length=150)
    email = forms.EmailField(label="Mail address", required=False)
    team_key = forms.ChoiceField(label="Team", required=False)
    role = forms.ChoiceField(label="Role in the team", choices=ROLES)
    is_finops = forms.BooleanField(
        label="FinOps staff: sees everything and keeps rules, teams and bills", required=False
    )

    def __init__(self, *args: Any, teams: Sequence[tuple[str, str]], mail_works: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "team_key", [("", "No team yet"), *teams])
        if mail_works:
            self.fields["email"].required = True
            self.fields["email"].help_text = "A link to set a password is sent there."

    def as_input(self) -> PersonInput:
        """The account that a valid form describes."""
        data = self.cleaned_data
        return PersonInput(
            username=data["username"],
            email=data["email"],
            full_name=data["full_name"],
            is_finops=data["is_finops"],
            team_key=data["team_key"],
            role=MemberRole(data["role"]),
        )
