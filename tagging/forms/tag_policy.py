"""Forms of the tag policy: a key, documents to import, exemptions, charges that cannot be tagged."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django import forms

from costs.errors import InvalidRequestError
from tagging.forms.months import set_choices
from tagging.forms.rules import PeriodField
from tagging.policy import AllowedValue, KeyPolicy
from tagging.services import ExemptionInput
from tagging.terms import ValueKind, ValueMatch

PATTERN_MARK, ALIAS_MARK, WILD = "~", "|", "*"
VALUES_HELP = (
    "One on a line; none at all allows any text. <code>Prod | production | prd</code> takes the others as spellings of"
    " the first, <code>CC-*</code> is a wildcard, <code>~ CC-[0-9]{4}</code> a pattern that the whole value must match."
)
LINES = forms.Textarea(attrs={"rows": 3})
KIND_CHOICES = [
    (ValueKind.TEXT.value, "Text"),
    (ValueKind.DATE.value, "A day, as 2027-03-31"),
    (ValueKind.NONE.value, "No value is allowed"),
]


class KeyForm(forms.Form):
    """A key of the policy."""

    key = forms.CharField(label="Key", max_length=128, strip=True)
    aliases = forms.CharField(
        label="Other spellings",
        required=False,
        widget=LINES,
        help_text="One on a line. Case and punctuation never need one: cost_center is found for CostCenter.",
    )
    is_required = forms.BooleanField(label="Required: a resource without it does not comply", required=False)
    is_tracked = forms.BooleanField(
        label="Tracked: kept on every cost, for rules and groups", required=False, initial=True
    )
    kind = forms.ChoiceField(label="Its values are", choices=KIND_CHOICES)
    values = forms.CharField(
        label="Allowed values", required=False, widget=forms.Textarea(attrs={"rows": 6}), help_text=VALUES_HELP
    )
    exact_key = forms.BooleanField(label="Another letter case of the key breaks the policy", required=False)
    exact_value = forms.BooleanField(label="Another letter case of a value breaks the policy", required=False)
    resource_types = forms.CharField(
        label="Only these resource types",
        required=False,
        widget=LINES,
        help_text="One on a line, like <code>ec2:instance</code> or <code>s3:*</code>. None means all.",
    )
    teams = forms.MultipleChoiceField(
        label="Only these teams", required=False, help_text="None chosen means all, and costs of nobody."
    )
    from_period = PeriodField(label="From month", required=False, help_text="Left empty, from the beginning.")
    to_period = PeriodField(label="Until before", required=False, help_text="The first month it no longer holds.")

    def __init__(self, *args: Any, teams: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["teams"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = list(teams)

    def as_policy(self) -> KeyPolicy:
        """The key that a valid form describes."""
        data = self.cleaned_data
        return KeyPolicy(
            key=data["key"],
            aliases=_lines(data["aliases"]),
            allowed=tuple(map(allowed_value, _lines(data["values"]))),
            kind=ValueKind(data["kind"]),
            exact_key=data["exact_key"],
            exact_value=data["exact_value"],
            is_required=data["is_required"],
            is_tracked=data["is_tracked"],
            resource_types=_lines(data["resource_types"]),
            teams=tuple(data["teams"]),
            from_period=data["from_period"],
            to_period=data["to_period"],
        )


def allowed_value(line: str) -> AllowedValue:
    """A value as it stands on a line of the form."""
    if line.startswith(PATTERN_MARK):
        return AllowedValue(line.removeprefix(PATTERN_MARK).strip(), (), ValueMatch.PATTERN)
    value, *aliases = (part.strip() for part in line.split(ALIAS_MARK))
    match = ValueMatch.WILDCARD if WILD in value else ValueMatch.EXACT
    return AllowedValue(value, tuple(alias for alias in aliases if alias), match)


def value_line(allowed: AllowedValue) -> str:
    """A value as a line of the form."""
    if allowed.match is ValueMatch.PATTERN:
        return f"{PATTERN_MARK} {allowed.value}"
    return f" {ALIAS_MARK} ".join((allowed.value, *allowed.aliases))


def fits_form(policy: KeyPolicy) -> bool:
    """Whether its values come back from the form as they are; if not, the admin is where they are changed."""
    return all(allowed_value(value_line(each)) == each for each in policy.allowed)


def initial_of(policy: KeyPolicy) -> dict[str, Any]:
    """What the form shows of a key."""
    return {
        "key": policy.key,
        "aliases": "\n".join(policy.aliases),
        "is_required": policy.is_required,
        "is_tracked": policy.is_tracked,
        "kind": policy.kind.value,
        "values": "\n".join(map(value_line, policy.allowed)),
        "exact_key": policy.exact_key,
        "exact_value": policy.exact_value,
        "resource_types": "\n".join(policy.resource_types),
        "teams": list(policy.teams),
        "from_period": str(policy.from_period or ""),
        "to_period": str(policy.to_period or ""),
    }


class DocumentsForm(forms.Form):
    """Tag-policy documents of AWS Organizations."""

    documents = forms.CharField(
        label="Documents",
        required=False,
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        help_text="JSON as AWS shows it. Several: one after the other, the one nearest to the root first.",
    )
    file = forms.FileField(label="Or a file", required=False)

    def text(self) -> str:
        """The documents, from the file where one was given. Raises InvalidRequestError."""
        given = self.cleaned_data["file"]
        if given is None:
            found: str = self.cleaned_data["documents"]
        else:
            try:
                found = given.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise InvalidRequestError(f"{given.name} is no text in UTF-8. Save the policy as JSON.") from error
        if not found.strip():
            raise InvalidRequestError("Paste a tag policy or choose a file.")
        return found


class ExemptionForm(forms.Form):
    """Who is excused from which keys until when. Empty places take everything."""

    resource = forms.CharField(
        label="Resource", required=False, max_length=512, help_text="An id, or many: <code>i-legacy-*</code>."
    )
    account = forms.CharField(label="Account number", required=False, max_length=255)
    service = forms.CharField(label="Service", required=False, max_length=200)
    team = forms.ChoiceField(label="Team", required=False)
    keys = forms.MultipleChoiceField(label="Keys", required=False, help_text="None chosen means all of them.")
    since = forms.DateField(
        label="From",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="What the bill charges on this day or later is excused.",
    )
    until = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))
    reason = forms.CharField(label="Reason", max_length=300)

    def __init__(self, *args: Any, teams: Sequence[tuple[str, str]], keys: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "team", [("", "Any"), *teams])
        field = self.fields["keys"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = [(key, key) for key in keys]

    def as_input(self) -> ExemptionInput:
        """The exemption that a valid form describes."""
        data = self.cleaned_data
        since: date = data["since"]
        return ExemptionInput(
            reason=data["reason"],
            until=data["until"],
            since=since,
            resource=data["resource"],
            account=data["account"],
            service=data["service"],
            team_key=data["team"],
            keys=tuple(data["keys"]),
        )


class UntaggableForm(forms.Form):
    """Charges that nobody can tag."""

    service_name = forms.CharField(
        label="Service", max_length=200, help_text="Or a wildcard, like <code>*Config</code>."
    )
    usage_type = forms.CharField(
        label="Usage type", required=False, max_length=200, help_text="Or a wildcard; left empty, all of them."
    )
    why = forms.CharField(label="Reason", max_length=300)


BREAKS = (("", "Any"), ("yes", "Yes"), ("no", "No"))


class FindingsForm(forms.Form):
    """Which findings of tags to list."""

    period = forms.ChoiceField(label="Month")
    problem = forms.ChoiceField(label="Finding", required=False)
    key = forms.ChoiceField(label="Key", required=False)
    breaks = forms.ChoiceField(label="Breaks the policy", required=False, choices=BREAKS)
    search = forms.CharField(label="Resource id", required=False, max_length=200)

    def __init__(
        self,
        *args: Any,
        periods: Sequence[tuple[str, str]],
        problems: Sequence[tuple[str, str]],
        keys: Sequence[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        set_choices(self, "period", periods)
        set_choices(self, "problem", [("", "All"), *problems])
        set_choices(self, "key", [("", "All"), *((key, key) for key in keys)])


def _lines(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))
