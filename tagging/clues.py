"""What resources can share: clues that two of them belong together. No clock, no database.

See docs/algorithms/tag-suggestions.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import NamedTuple

from costs.tags import canonical_key, tag_value

_MOST_WORDS = 6
_SHORTEST_WORD = 2


class ClueKind(StrEnum):
    """What two resources can share."""

    AUTO_SCALING = "auto_scaling"
    STACK = "stack"
    SIBLING = "sibling"
    NAME_STEM = "name_stem"
    NAME_WORD = "name_word"
    CREATOR = "creator"
    OTHER_TAG = "other_tag"
    ACCOUNT_SERVICE = "account_service"
    ACCOUNT = "account"


CLUE_NAMES: dict[ClueKind, str] = {
    ClueKind.AUTO_SCALING: "Auto Scaling group",
    ClueKind.STACK: "stack or cluster",
    ClueKind.SIBLING: "attached to",
    ClueKind.NAME_STEM: "name",
    ClueKind.NAME_WORD: "word in the name",
    ClueKind.CREATOR: "created by",
    ClueKind.OTHER_TAG: "tag",
    ClueKind.ACCOUNT_SERVICE: "account and service",
    ClueKind.ACCOUNT: "account",
}
_GROUP_KEY = "aws:autoscaling:groupName"
_STACK_KEYS = (
    "aws:cloudformation:stack-name",
    "aws:cloudformation:stack-id",
    "elasticbeanstalk:environment-name",
    "aws:ecs:clusterName",
    "aws:eks:cluster-name",
    "eks:cluster-name",
    "alpha.eksctl.io/cluster-name",
)
_CREATOR_KEYS = ("aws:createdBy", "CreatedBy", "Creator")
_NUMBERS = re.compile(r"[-_./ ]*(?:\d+|(?<=[-_./ ])[a-f0-9]{6,})(?=$|[-_./ ])", re.IGNORECASE)
_WORDS = re.compile(r"[A-Za-z][A-Za-z0-9]*")
_PROVIDERS_OWN = re.compile(r"aws[:_]", re.IGNORECASE)
_MADE_ID = re.compile(r"^(?:[a-z]+-)?[0-9a-f]{8,}$", re.IGNORECASE)


@dataclass(frozen=True)
class KnownResource:
    """A resource as far as suggestions look at it. `attached_to` is the id of what it hangs on, if anything."""

    key: int
    resource_id: str
    name: str = ""
    sub_account_id: str = ""
    service_name: str = ""
    attached_to: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def clues(self) -> tuple["Clue", ...]:
        """Everything it may share with others, strongest kinds first."""
        return clues_of(self)

    @cached_property
    def stem(self) -> str:
        """What its name, or else its id, is without numbers."""
        return name_stem(self.name or self.resource_id)


class Clue(NamedTuple):
    """Something a resource shares with others."""

    kind: ClueKind
    text: str  # what is shared, as people read it
    about: str = ""  # of OTHER_TAG, the canonical key


def clues_of(resource: KnownResource) -> tuple[Clue, ...]:
    """Everything this resource may share with others, strongest kinds first."""
    clues: list[Clue] = []
    by_provider = {key: value for key, value in resource.tags.items() if canonical_key(key) in _PROVIDERS_KEYS}
    if group := tag_value(by_provider, _GROUP_KEY):
        clues.append(Clue(ClueKind.AUTO_SCALING, group))
    if by_provider:
        clues += [Clue(ClueKind.STACK, found) for key in _STACK_KEYS if (found := tag_value(by_provider, key))]
    clues.append(Clue(ClueKind.SIBLING, resource.attached_to or resource.resource_id))
    if stem := name_stem(resource.name or _spoken_id(resource.resource_id)):
        clues.append(Clue(ClueKind.NAME_STEM, stem))
        clues += [Clue(ClueKind.NAME_WORD, word) for word in _words(stem)]
    if creator := tag_value(by_provider, *_CREATOR_KEYS):
        clues.append(Clue(ClueKind.CREATOR, creator))
    clues += [
        Clue(ClueKind.OTHER_TAG, f"{key}={value}", about=canonical_key(key))
        for key, value in resource.tags.items()
        if canonical_key(key) not in _NOT_TELLING and not _PROVIDERS_OWN.match(key)
    ]
    if resource.sub_account_id:
        clues.append(Clue(ClueKind.ACCOUNT_SERVICE, f"{resource.sub_account_id}, {resource.service_name}"))
        clues.append(Clue(ClueKind.ACCOUNT, resource.sub_account_id))
    return tuple(clues)


_NOT_TELLING = frozenset(map(canonical_key, ("Name", *_CREATOR_KEYS, *_STACK_KEYS)))
_PROVIDERS_KEYS = frozenset(map(canonical_key, (_GROUP_KEY, *_CREATOR_KEYS, *_STACK_KEYS)))


@lru_cache(maxsize=50_000)
def name_stem(name: str) -> str:
    """The name without numbers, hex ids and case: `Web-Prod-03` → `web-prod`."""
    return _NUMBERS.sub("", name.strip()).strip("-_./ ").casefold()


def _spoken_id(resource_id: str) -> str:
    """The last part of an id where somebody chose it, as of buckets and functions; '' where a machine did."""
    last = re.split(r"[/:]", resource_id)[-1]
    return "" if _MADE_ID.match(last) else last


def _words(stem: str) -> list[str]:
    found = [word.casefold() for word in _WORDS.findall(stem)]
    return list(dict.fromkeys(word for word in found if len(word) >= _SHORTEST_WORD))[:_MOST_WORDS]
