"""What is to be said of one key on one resource: the problem, the value meant, and why."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from costs.tags import canonical_key
from tagging.policy.keys import KeyPolicy, iso_day
from tagging.terms import TagProblem, TagState, ValueKind, ValueMatch


@dataclass(frozen=True)
class Problem:
    """`key` is the policy's; `spelling` the key found where it is another; `meant` the value to set, '' where unknown.

    `breaks` says whether it makes the resource non-compliant; what does not is only pointed out.
    """

    kind: TagProblem
    key: str
    value: str = ""
    spelling: str = ""
    meant: str = ""
    why: str = ""
    breaks: bool = True


@dataclass(frozen=True)
class Found:
    """What a resource carries under one key of the policy: the value, and how the key is spelled there.

    `spelling` is empty where the bill does not tell; `near_key` is a key that is none of the policy's but probably
    means this one, with its value.
    """

    value: str
    spelling: str = ""
    near_key: str = ""
    near_value: str = ""


def problem_of(policy: KeyPolicy, found: Found, *, day: date) -> Problem | None:
    """The gravest problem of this key, or None. `day` is the last day the resource was charged on."""
    problem = _problem_of(policy, found, day)
    if problem is None or policy.is_required:
        return problem
    return replace(problem, breaks=False)  # an optional key makes nothing non-compliant


def _problem_of(policy: KeyPolicy, found: Found, day: date) -> Problem | None:
    if not found.value:
        return _missing(policy, found)
    if not policy.accepts(found.value):
        return _refused(policy, found)
    if found.spelling and not spelled_as_told(policy, found.spelling):
        return Problem(
            TagProblem.KEY_CASE,
            policy.key,
            found.value,
            found.spelling,
            policy.normalised(found.value) or found.value,
            f"the key is written {found.spelling}; the policy has {policy.key}",
            breaks=policy.exact_key,
        )
    return _noted(policy, found, day)


def spelled_as_told(policy: KeyPolicy, spelling: str) -> bool:
    """Whether a key is written as the policy has it, or as one of its aliases."""
    return spelling == policy.key or spelling in policy.aliases


def state_with_spelling(policy: KeyPolicy, state: TagState, spelling: str) -> TagState:
    """The state once it is known how the key is spelled: under an exact key another spelling is invalid."""
    if policy.exact_key and state is TagState.COMPLIANT and spelling and not spelled_as_told(policy, spelling):
        return TagState.INVALID
    return state


def wanted_value(policy: KeyPolicy, value: str) -> str:
    """The value a resource should carry in place of this one; '' where nobody can know it."""
    if policy.accepts(value):
        return policy.normalised(value) or value
    normalised = policy.normalised(value)
    if normalised:
        return normalised
    meant = policy.meant(value) if value else None
    return meant.value if meant else ""


def near_keys(policy_keys: Mapping[str, KeyPolicy], spelling: str) -> str:
    """The key of the policy that has this spelling in another case or punctuation, or ''."""
    plain = canonical_key(spelling)
    return next((name for name, policy in policy_keys.items() if plain in policy.canonical_spellings), "")


def _missing(policy: KeyPolicy, found: Found) -> Problem | None:
    if found.near_value:
        return Problem(
            TagProblem.NEAR_MISS,
            policy.key,
            found.near_value,
            found.near_key,
            wanted_value(policy, found.near_value),
            f"the key {found.near_key} probably means {policy.key}",
        )
    return Problem(TagProblem.MISSING, policy.key) if policy.is_required else None


def _refused(policy: KeyPolicy, found: Found) -> Problem:
    normalised = policy.normalised(found.value)
    if normalised is not None:  # allowed but for its case, and the policy is exact about case
        return Problem(
            TagProblem.VALUE_CASE, policy.key, found.value, found.spelling, normalised, "only the letter case differs"
        )
    if meant := policy.meant(found.value):
        return Problem(TagProblem.NEAR_MISS, policy.key, found.value, found.spelling, meant.value, meant.why)
    return Problem(TagProblem.INVALID, policy.key, found.value, found.spelling, "", _why_refused(policy))


def _why_refused(policy: KeyPolicy) -> str:
    if policy.kind is ValueKind.NONE:
        return "the policy allows no value for this key"
    if policy.kind is ValueKind.DATE:
        return "not a day written as year-month-day, like 2027-03-31"
    return f"not among the {len(policy.allowed)} allowed"


def _noted(policy: KeyPolicy, found: Found, day: date) -> Problem | None:
    """What does not break the policy and is worth a word."""
    value = found.value.strip()
    if policy.kind is ValueKind.DATE:
        until = iso_day(value)
        if until is not None and until < day:
            why = f"the day has passed, and it was still charged on {day.isoformat()}"
            return Problem(TagProblem.EXPIRED, policy.key, value, found.spelling, "", why, breaks=False)
        return None
    for allowed in policy.allowed:
        if (
            allowed.match is ValueMatch.EXACT
            and value != allowed.value
            and value.casefold() == allowed.value.casefold()
        ):
            why = "only the letter case differs"
            return Problem(TagProblem.VALUE_CASE, policy.key, value, found.spelling, allowed.value, why, breaks=False)
    return None
