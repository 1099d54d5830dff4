"""Tags that a month was not read for: asked for since it came in, or refused for having too many values."""

from collections.abc import Iterable, Sequence

from costs import selectors as intake
from costs.scope import Scope
from costs.selectors import ActiveImport
from costs.tags import canonical_key
from tagging.policy import KeyPolicy
from tagging.results import UnreadKey
from tagging.selectors.policy import tracked_keys
from tagging.terms import UnreadReason


def unread_tags(scope: Scope) -> tuple[UnreadKey, ...]:
    """Every tracked key that a month in force was not read for, oldest month first. Staff only."""
    scope.require_everything()
    imports, keys = intake.active_imports(scope), tracked_keys()
    months = sorted({item.period for item in imports})
    return tuple(
        unread
        for period in months
        for key in keys
        if (unread := _unread(scope, key, (key,), [item for item in imports if item.period == period]))
    )


def unread_policy_keys(
    scope: Scope, policy: Sequence[KeyPolicy], imports: Sequence[ActiveImport]
) -> tuple[UnreadKey, ...]:
    """The keys of the policy on which these imports of one month cannot be judged, in policy order.

    A team learns that a key was not read, not why: that depends on everybody's tags.
    """
    found = (_unread(scope, key.key, (key.key, *key.aliases), imports) for key in policy)
    return tuple(unread for unread in found if unread is not None)


def kept_on_slices(key: KeyPolicy, imports: Sequence[ActiveImport]) -> bool:
    """Whether the slices of all these imports keep the key under every one of its spellings."""
    return all(key.canonical_spellings <= _canonical(item.tracked_tags) for item in imports)


def will_be_read(key: str, item: ActiveImport) -> bool:
    """Whether the import was not asked for this key yet, so that reading it again may tell its values."""
    return canonical_key(key) not in _canonical((*item.tracked_tags, *item.tracked_tags_wanted))


def _unread(scope: Scope, key: str, spellings: Sequence[str], imports: Sequence[ActiveImport]) -> UnreadKey | None:
    lacking = [item for item in imports if not _canonical(spellings) <= _canonical(item.tracked_tags)]
    if not lacking:
        return None
    period = lacking[0].period
    if not scope.everything:
        return UnreadKey(key, period, UnreadReason.NOT_READ)
    if any(not _canonical(spellings) <= _canonical(item.tracked_tags_wanted) for item in lacking):
        asked = _canonical(spellings) <= _canonical(tracked_keys())
        return UnreadKey(key, period, UnreadReason.PENDING if asked else UnreadReason.NOT_TRACKED)
    values = max((_values(item, spellings) for item in lacking), default=0)
    return UnreadKey(key, period, UnreadReason.TOO_MANY_VALUES, values)


def _values(item: ActiveImport, spellings: Iterable[str]) -> int:
    refused = {canonical_key(key): count for key, count in item.tracked_tags_refused}
    return max((refused.get(key, 0) for key in _canonical(spellings)), default=0)


def _canonical(keys: Iterable[str]) -> frozenset[str]:
    return frozenset(map(canonical_key, keys))
