"""What a key of the policy must be before it is kept: every mistake is named with its cure."""

import re
from collections.abc import Collection, Sequence

from costs.errors import InvalidRequestError
from costs.tags import BLANKS, NO_TEXT
from tagging.policy.keys import AllowedValue, KeyPolicy
from tagging.policy.patterns import Pattern
from tagging.terms import ValueKind, ValueMatch

LONGEST_KEY, LONGEST_VALUE = 128, 256  # as AWS has them
MOST_VALUES, MOST_ALIASES, MOST_WILDCARDS = 500, 50, 5
_TYPE = re.compile(r"\*|[a-z0-9-]+:(\*|[a-z0-9/-]+)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def check_key(policy: KeyPolicy, *, others: Sequence[KeyPolicy], teams: Collection[str]) -> None:
    """Raise InvalidRequestError for the first thing that cannot be kept. `others` are all other keys of the policy."""
    for name in (policy.key, *policy.aliases):
        _check_text(name, "A tag key", LONGEST_KEY)
    for other in others:
        if both := sorted(policy.canonical_spellings & other.canonical_spellings):
            raise InvalidRequestError(
                f"'{policy.key}' and the key '{other.key}' are the same but for case and punctuation ({both[0]}),"
                " or share an alias. Change the one that is there."
            )
    if policy.from_period and policy.to_period and policy.to_period <= policy.from_period:
        raise InvalidRequestError(f"{policy.key} would end before it begins. Give a later month to end in, or none.")
    for kind in policy.resource_types:
        if not _TYPE.fullmatch(kind):
            raise InvalidRequestError(f"'{kind}' is no resource type. Write it like ec2:instance or s3:*.")
    if unknown := sorted(set(policy.teams) - set(teams)):
        raise InvalidRequestError(f"There is no team '{unknown[0]}'. Use the key of a team.")
    _check_values(policy)


def _check_values(policy: KeyPolicy) -> None:
    if policy.kind is not ValueKind.TEXT and policy.allowed:
        what = "a day" if policy.kind is ValueKind.DATE else "no value at all"
        raise InvalidRequestError(f"The value of {policy.key} is {what}, so it cannot have a list of allowed values.")
    if len(policy.allowed) > MOST_VALUES:
        raise InvalidRequestError(
            f"{policy.key} has {len(policy.allowed)} allowed values; {MOST_VALUES} are the most. Use a wildcard or a"
            " pattern."
        )
    taken: dict[str, str] = {}
    for allowed in policy.allowed:
        _check_value(policy, allowed)
        for spelling in (allowed.value, *allowed.aliases):
            plain = spelling.strip() if allowed.match is ValueMatch.PATTERN else spelling.strip().casefold()
            if taken.setdefault(plain, allowed.value) != allowed.value:
                raise InvalidRequestError(
                    f"'{spelling}' stands for both '{taken[plain]}' and '{allowed.value}'. Keep one of them."
                )


def _check_value(policy: KeyPolicy, allowed: AllowedValue) -> None:
    _check_text(allowed.value, f"A value of {policy.key}", LONGEST_VALUE)
    if allowed.aliases and allowed.match is not ValueMatch.EXACT:
        raise InvalidRequestError(f"'{allowed.value}' is a {allowed.match.value} and stands for itself: no aliases.")
    if len(allowed.aliases) > MOST_ALIASES:
        raise InvalidRequestError(f"'{allowed.value}' has {len(allowed.aliases)} aliases; {MOST_ALIASES} are the most.")
    for alias in allowed.aliases:
        _check_text(alias, f"An alias of {allowed.value}", LONGEST_VALUE)
    if allowed.match is ValueMatch.PATTERN:
        Pattern(allowed.value)
    if allowed.match is ValueMatch.WILDCARD and not 0 < allowed.value.count("*") <= MOST_WILDCARDS:
        raise InvalidRequestError(f"The wildcard '{allowed.value}' needs one to {MOST_WILDCARDS} asterisks (*).")


def _check_text(text: str, what: str, longest: int) -> None:
    if text.strip().casefold() in BLANKS:
        raise InvalidRequestError(f"{what} must not be empty or stand for nothing, like '{text}'.")
    if len(text) > longest:
        raise InvalidRequestError(f"{what} may have {longest} characters; '{text[:20]}…' has {len(text)}.")
    if _CONTROL.search(text) or NO_TEXT.search(text):
        raise InvalidRequestError(f"{what} must not hold line breaks or other control characters.")
