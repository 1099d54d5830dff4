"""Forms of shared pools: how one is split, who bears taxes and the like, drivers as files."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from tagging.forms.months import set_choices
from tagging.forms.rules import PeriodField
from tagging.inputs import PoolInput
from tagging.pools import STAYS, TO_OTHERS, Target
from tagging.terms import BenefitPolicy, ChargeKind, ChargePolicy, SplitMethod, Weighing

METHODS = [
    (SplitMethod.PROPORTIONAL.value, "In proportion"),
    (SplitMethod.EVEN.value, "Evenly"),
    (SplitMethod.FIXED.value, "By fixed percentages"),
    (SplitMethod.KEEP.value, "Not at all: kept centrally"),
]
WEIGHINGS = [
    (Weighing.DIRECT.value, "direct cost"),
    (Weighing.SERVICES.value, "cost of the services named below"),
    (Weighing.DRIVER.value, "a driver uploaded by month"),
    (Weighing.COMMITMENTS.value, "use of commitments"),
]
POLICIES = [
    (ChargePolicy.BUYER.value, "Whoever bought them: the rules decide"),
    (ChargePolicy.USERS.value, "All users, pro rata"),
    (ChargePolicy.CENTRAL.value, "Central: nobody is charged"),
]
BENEFITS = [
    (BenefitPolicy.EFFECTIVE.value, "Effective cost: whoever is covered saves"),
    (BenefitPolicy.LIST.value, "List cost: savings go to a central pot"),
    (BenefitPolicy.AVERAGE.value, "Average rate: all who use a service save alike"),
]
MAX_FILE = 2_000_000


class PoolForm(forms.Form):
    """How a pool is split. `owners` are asked one by one: whether it takes part, its percentage, its cap."""

    name = forms.CharField(label="Name", max_length=120)
    method = forms.ChoiceField(label="Split", choices=METHODS)
    weighing = forms.ChoiceField(
        label="In proportion to", choices=WEIGHINGS, required=False, help_text="Of proportional splits only."
    )
    services = forms.CharField(
        label="Services",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One on a line, as bills spell them.",
    )
    driver_key = forms.ChoiceField(label="Driver", required=False)
    rest_to = forms.ChoiceField(
        label="Where the rest goes", required=False, help_text="What is left over once caps are reached."
    )
    is_open = forms.BooleanField(
        label="Teams see its total, weights and lines",
        required=False,
        help_text="Else a team sees the pool's name, how it is split and its own part.",
    )
    from_period = PeriodField(
        label="From month", required=False, help_text="Left empty, in every month that is not closed."
    )
    to_period = PeriodField(label="Until before", required=False, help_text="The first month it no longer holds.")
    reason = forms.CharField(label="Reason", max_length=300, help_text="Why it is split so; it stays in the history.")

    def __init__(
        self,
        *args: Any,
        owners: Sequence[tuple[str, str]],
        drivers: Sequence[tuple[str, str]],
        targets: Mapping[str, Target] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.owners = list(owners)
        set_choices(self, "driver_key", [("", "None"), *drivers])
        set_choices(self, "rest_to", [(STAYS, "Stays in the pool"), (TO_OTHERS, "To those below their caps"), *owners])
        for key, label in owners:
            known = (targets or {}).get(key)
            self.fields[f"takes {key}"] = forms.BooleanField(
                label=f"{label} takes part", required=False, initial=known is not None
            )
            for name, word, largest in (("pct", "percent", 100), ("cap", "cap", 10**12)):
                self.fields[f"{name} {key}"] = forms.DecimalField(
                    label=f"{label}, {word}",
                    required=False,
                    min_value=0,
                    max_value=largest,
                    initial=getattr(known, name, None),
                    widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
                )

    @property
    def settings(self) -> list[forms.BoundField]:
        """The fields that are not of one owner."""
        return [self[name] for name in self.base_fields]

    @property
    def owner_rows(self) -> list[dict[str, Any]]:
        """One row for each owner: its three fields."""
        return [
            {"label": label, "takes": self[f"takes {key}"], "pct": self[f"pct {key}"], "cap": self[f"cap {key}"]}
            for key, label in self.owners
        ]

    def as_input(self, *, key: str = "", charge_kind: str = "") -> PoolInput:
        """The pool that a valid form describes."""
        data = self.cleaned_data
        method = SplitMethod(data["method"])
        return PoolInput(
            name=data["name"],
            method=method,
            key=key,
            weighing=Weighing(data["weighing"] or Weighing.DIRECT.value),
            services=tuple(data["services"].splitlines()),
            driver_key=data["driver_key"],
            targets=tuple(self._targets(method)),
            rest_to=data["rest_to"],
            is_open=data["is_open"],
            from_period=data["from_period"],
            to_period=data["to_period"],
            reason=data["reason"],
            charge_kind=charge_kind,
        )

    def _targets(self, method: SplitMethod) -> list[Target]:
        data = self.cleaned_data
        found = []
        for key, _ in self.owners:
            pct: Decimal | None = data[f"pct {key}"]
            # A percentage says as well as the tick that the owner takes part.
            if data[f"takes {key}"] or (method is SplitMethod.FIXED and pct is not None):
                found.append(Target(key, pct if method is SplitMethod.FIXED else None, data[f"cap {key}"]))
        return found


class ChargePolicyForm(forms.Form):
    """Who bears one kind of charges from a month on."""

    kind = forms.ChoiceField(choices=[(kind.value, kind.value) for kind in ChargeKind])
    policy = forms.ChoiceField(choices=POLICIES)
    from_period = PeriodField(required=False)
    reason = forms.CharField(max_length=300)


class BenefitForm(forms.Form):
    """At which price commitments are charged from a month on."""

    benefit = forms.ChoiceField(label="Teams are charged", choices=BENEFITS)
    benefit_from = PeriodField(label="From month")
    benefit_reason = forms.CharField(label="Reason", max_length=300)


class DriverForm(forms.Form):
    """Values of a driver as a CSV file."""

    driver_name = forms.CharField(label="Driver", max_length=120, help_text="Like headcount or requests.")
    file = forms.FileField(label="CSV file", help_text="Columns month, team, value. The months in it are replaced.")

    def text(self) -> str:
        """The file as text. Raises ValidationError for what is none or too large."""
        upload = self.cleaned_data["file"]
        if upload.size > MAX_FILE:
            raise forms.ValidationError("The file is larger than 2 MB. Upload fewer months at once.")
        try:
            return str(upload.read().decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise forms.ValidationError("The file is not UTF-8 text. Save it as CSV UTF-8.") from error
