"""What lines say of the policy's keys beyond what slices keep: spellings, untracked keys, mistyped ones."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from costs import selectors as intake
from costs.scope import Scope
from costs.selectors import ActiveImport
from costs.tags import canonical_key
from tagging.policy import KeyPolicy
from tagging.policy.near import meant_key
from tagging.selectors.reach import Reach

_AWS = "aws"


@dataclass(frozen=True)
class Carried:
    """By (resource, slice, key of the policy): the key as spelled there with its value, and mistyped ones."""

    spelled: Mapping[tuple[int, int, str], tuple[str, str]]
    mistyped: Mapping[tuple[int, int, str], tuple[str, str]]

    def tells_nothing_of(self, at: tuple[int, int, str]) -> bool:
        """Whether what the slice keeps is all there is to know."""
        return at not in self.spelled and at not in self.mistyped


def carried(
    found: Reach, keys: Sequence[KeyPolicy], slices: Collection[int], *, unread: Collection[str] = ()
) -> Carried:
    """What the reader's own slices carry. `unread` are keys that slices do not keep: all their values are asked for.

    Files that have lost the letter case of their keys tell no spellings.
    """
    spelled: dict[tuple[int, int, str], tuple[str, str]] = {}
    mistyped: dict[tuple[int, int, str], tuple[str, str]] = {}
    for item in found.imports:
        present = intake.tag_spellings(Scope.all(), item)
        same, near = _asked(item, present, keys, unread)
        for tag in intake.carried_tags(Scope.all(), item, {*same, *near}):
            if tag.slice_key not in slices:
                continue
            if tag.spelling in near:
                place = (tag.resource_key, tag.slice_key, near[tag.spelling])
                mistyped.setdefault(place, (tag.spelling, tag.value))
                continue
            policy = same[tag.spelling]
            place = (tag.resource_key, tag.slice_key, policy.key)
            if place not in spelled or _rank(policy, tag.spelling) < _rank(policy, spelled[place][0]):
                spelled[place] = (tag.spelling, tag.value)
    return Carried(spelled, mistyped)


def _asked(
    item: ActiveImport, present: Sequence[str], keys: Sequence[KeyPolicy], unread: Collection[str]
) -> tuple[dict[str, KeyPolicy], dict[str, str]]:
    """Spellings to ask for, with the key they are; and mistyped ones, with the key they probably mean."""
    by_plain = {plain: key for key in keys for plain in key.canonical_spellings}
    same: dict[str, KeyPolicy] = {}
    near: dict[str, str] = {}
    odd = {
        canonical_key(name)
        for name in present
        if item.keeps_key_case and (key := by_plain.get(canonical_key(name))) and name not in (key.key, *key.aliases)
    }
    for name in present:
        policy = by_plain.get(canonical_key(name))
        if policy is not None and (policy.key in unread or canonical_key(name) in odd):
            same[name] = policy
        elif policy is None and not name.startswith(_AWS) and (meant := meant_key(name, [key.key for key in keys])):
            near[name] = meant
    return same, near


def _rank(policy: KeyPolicy, spelling: str) -> tuple[bool, bool, str]:
    """The policy's own spelling counts first, then its aliases: as slices are made."""
    return spelling != policy.key, spelling not in policy.aliases, spelling
