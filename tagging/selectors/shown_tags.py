"""Which tags of a slice a reader is shown: what the slices keep says which keys the rules of others use."""

from collections.abc import Mapping
from dataclasses import dataclass

from costs.reading import read_once
from costs.scope import Scope
from costs.tags import canonical_key, key_label, name_pattern
from tagging.models import AllocationRule, TagKey
from tagging.selectors.policy import keys_of_rules, tag_policy, tracked_keys


@dataclass(frozen=True)
class ShownTags:
    """The keys a reader may know to be tracked, canonical form → spelling; None for all."""

    keys: Mapping[str, str] | None

    def knows(self, key: str) -> bool:
        """Whether the reader may be answered from the slices. From the lines every key is answered alike."""
        return self.keys is None or canonical_key(key) in self.keys

    def of(self, tags: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The tags of a slice that may be shown, in order."""
        if self.keys is None:
            return tuple(sorted((key_label(key), value) for key, value in tags.items()))
        known = ((self.keys.get(canonical_key(key)), value) for key, value in tags.items())
        return tuple(sorted((key, value) for key, value in known if key))


def shown_tags(scope: Scope) -> ShownTags:
    """Staff see all tags that are kept. A team sees the policy's keys and those of its own rules, nothing else."""
    return read_once(("shown tags", scope), lambda: _shown_tags(scope))


def offered_tag_keys(scope: Scope) -> tuple[str, ...]:
    """Keys for a list to choose from: for a team only the policy's."""
    if scope.everything:
        return tuple(key for key in tracked_keys() if not name_pattern(key))
    return tuple(key.key for key in tag_policy() if key.is_tracked)


def _shown_tags(scope: Scope) -> ShownTags:
    if scope.everything:
        return ShownTags(None)
    policy = TagKey.objects.filter(is_tracked=True).values_list("key", "key_aliases")
    names = [name for key, aliases in policy for name in (key, *aliases)]
    names += sorted(keys_of_rules(AllocationRule.objects.filter(team__key__in=scope.team_keys)))
    keys: dict[str, str] = {}
    for name in names:
        keys.setdefault(canonical_key(name), key_label(name))
    return ShownTags(keys)
