"""One key of the tag policy: its spellings, what its values may be, and what it applies to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from costs.periods import BillingPeriod
from costs.tags import canonical_key, clean_value, tag_value
from tagging.policy.near import Meant, meant_value
from tagging.policy.patterns import pattern_matches, wildcard_matches
from tagging.terms import TagState, ValueKind, ValueMatch

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
# Days that can be read in one way only; what is meant is the same day as YYYY-MM-DD.
_OTHER_DAYS = (
    re.compile(r"(?P<y>\d{4})[-/. ](?P<m>\d{1,2})[-/. ](?P<d>\d{1,2})(?:[T ].*)?"),
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})"),
    re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
)


@dataclass(frozen=True)
class AllowedValue:
    """A value as the policy writes it, with other spellings that mean it; or a wildcard or pattern of values."""

    value: str
    aliases: tuple[str, ...] = ()
    match: ValueMatch = ValueMatch.EXACT

    def takes(self, value: str, *, exact: bool) -> bool:
        """Whether it allows this value; unless `exact`, case does not matter (in a pattern it always does)."""
        if self.match is ValueMatch.PATTERN:
            return pattern_matches(self.value, value)
        if self.match is ValueMatch.WILDCARD:
            return wildcard_matches(*((self.value, value) if exact else (self.value.casefold(), value.casefold())))
        spellings = (self.value.strip(), *(alias.strip() for alias in self.aliases))
        return value in spellings if exact else value.casefold() in (text.casefold() for text in spellings)


@dataclass(frozen=True)
class KeyPolicy:
    """A key of the policy. No allowed values: any text that is not empty.

    `exact_key` and `exact_value` make other letter case a breach; without them it is only pointed out.
    """

    key: str
    aliases: tuple[str, ...] = ()
    allowed: tuple[AllowedValue, ...] = ()
    kind: ValueKind = ValueKind.TEXT
    exact_key: bool = False
    exact_value: bool = False
    is_required: bool = True
    is_tracked: bool = True
    resource_types: tuple[str, ...] = ()  # ec2:instance, s3:*; none: all
    teams: tuple[str, ...] = ()  # their keys; none: all
    from_period: BillingPeriod | None = None  # first month, inclusive
    to_period: BillingPeriod | None = None  # first month it no longer holds

    def holds_in(self, period: BillingPeriod) -> bool:
        """Whether it is in force in this month."""
        begun = self.from_period is None or self.from_period <= period
        return begun and (self.to_period is None or period < self.to_period)

    @property
    def is_limited(self) -> bool:
        """Whether it applies to some resources only."""
        return bool(self.resource_types or self.teams)

    def applies_to(self, resource_type: str, team: str) -> bool:
        """Whether a resource of this type and owner has to follow it."""
        if self.teams and team not in self.teams:
            return False
        return not self.resource_types or any(wildcard_matches(each, resource_type) for each in self.resource_types)

    @cached_property
    def canonical_spellings(self) -> frozenset[str]:
        """The key and its aliases in the form they are compared under."""
        return frozenset(map(canonical_key, (self.key, *self.aliases)))

    def value_in(self, tags: Mapping[str, str]) -> str:
        """The raw value under this key or one of its aliases; '' where there is none."""
        return tag_value(tags, self.key, *self.aliases)

    def normalised(self, raw: str) -> str | None:
        """The policy's own spelling of a value (case does not matter), or None where it is not allowed."""
        return self._reading(clean_value(raw), exact=False)

    def accepts(self, raw: str) -> bool:
        """Whether the policy allows this value, by its own rule on case."""
        return self._reading(clean_value(raw), exact=self.exact_value) is not None

    def state(self, tags: Mapping[str, str]) -> TagState:
        """Compliant, invalid (there, but not allowed) or missing."""
        raw = self.value_in(tags)
        if not raw:
            return TagState.MISSING
        return TagState.COMPLIANT if self.accepts(raw) else TagState.INVALID

    def meant(self, raw: str) -> Meant | None:
        """What a value that is not allowed probably means; never for patterns, which have no spelling."""
        if self.kind is ValueKind.DATE:
            day = other_day(raw)
            return Meant(day.isoformat(), "the same day, written as year-month-day") if day else None
        exact = [each for each in self.allowed if each.match is ValueMatch.EXACT]
        by_spelling = {text: each.value for each in exact for text in (*each.aliases, each.value)}
        return meant_value(raw, by_spelling)

    def _reading(self, value: str, *, exact: bool) -> str | None:
        if not value or self.kind is ValueKind.NONE:
            return None
        if self.kind is ValueKind.DATE:
            day = iso_day(value)
            return day.isoformat() if day else None
        if not self.allowed:
            return value
        for allowed in self.allowed:
            if allowed.takes(value, exact=exact):
                return allowed.value if allowed.match is ValueMatch.EXACT else value
        return None


def iso_day(value: str) -> date | None:
    """The day written as YYYY-MM-DD, or None."""
    if not _ISO_DAY.fullmatch(value):
        return None
    return _day(value[:4], value[5:7], value[8:])


def other_day(value: str) -> date | None:
    """The day in another way of writing that has one meaning only, or None."""
    for form in _OTHER_DAYS:
        if found := form.fullmatch(value.strip()):
            return _day(found["y"], found["m"], found["d"])
    return None


def environment_of(tags: Mapping[str, str], policy: KeyPolicy | None) -> str:
    """The environment as the policy spells it; a value it does not know stays as written; '' for none."""
    if policy is None:
        return tag_value(tags, "Environment")
    raw = policy.value_in(tags)
    return policy.normalised(raw) or raw


def _day(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None
