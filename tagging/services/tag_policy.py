"""Upkeep of the tag policy. Every change re-allocates the months in force: environments are spelled by the policy."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from costs.errors import NotFoundInScopeError
from tagging.models import TagKey, Team
from tagging.policy import KeyPolicy
from tagging.policy.checks import check_key
from tagging.policy.documents import key_policies, read_documents, split_documents
from tagging.selectors.policy import key_policy
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.terms import ValueMatch


@dataclass(frozen=True)
class PolicyImport:
    """What documents make of the policy: keys that come anew, keys that change, and what is not expressed here."""

    added: tuple[KeyPolicy, ...]
    changed: tuple[tuple[KeyPolicy, KeyPolicy], ...]  # before, after
    unchanged: tuple[KeyPolicy, ...]
    notes: tuple[str, ...]


def save_key(policy: KeyPolicy, *, pk: int | None = None, enforced_for: Sequence[str] | None = None) -> int:
    """Add a key at the end of the policy, or change one in its place; returns its pk.

    Raises InvalidRequestError for what cannot be kept, NotFoundInScopeError for an unknown pk. `enforced_for` is
    left as it is where it is None.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = _new() if pk is None else _stored(pk)
        _check(policy, but=stored.pk)
        _write(stored, policy, enforced_for)
        reallocate()
    return stored.pk


def remove_key(pk: int) -> None:
    """Take a key out of the policy; its history stays. Raises NotFoundInScopeError."""
    with transaction.atomic():
        one_allocation_at_a_time()
        _stored(pk).delete()
        reallocate()


def import_policy(text: str, *, keep: bool) -> PolicyImport:
    """Read AWS tag policies (one or several documents, the one nearest to the root first) into the policy.

    Without `keep` nothing is changed: the answer says what would be. All or nothing; raises InvalidRequestError.
    """
    imported = read_documents(split_documents(text))
    with transaction.atomic():
        one_allocation_at_a_time()
        stored = {key.pk: key for key in TagKey.objects.all()}
        present = {pk: key_policy(key) for pk, key in stored.items()}
        wanted, notes = key_policies(imported, tuple(present.values()))
        enforced = {aws.key: aws.enforced_for for aws in imported.keys}
        added, changed, same = [], [], []
        for policy in wanted:
            pk = next((pk for pk, key in present.items() if key.canonical_spellings & policy.canonical_spellings), None)
            if pk is None:
                added.append(policy)
            elif present[pk] == policy and list(enforced[policy.key]) == stored[pk].enforced_for:
                same.append(policy)
                continue
            else:
                changed.append((present[pk], policy))
            _check(policy, but=pk)
            if keep:
                _write(_new() if pk is None else stored[pk], policy, enforced[policy.key])
        if keep and (added or changed):
            reallocate()
    return PolicyImport(tuple(added), tuple(changed), tuple(same), notes)


def values_as_stored(policy: KeyPolicy) -> list[dict[str, object]]:
    """The allowed values as the table keeps them."""
    return [
        {"value": each.value.strip(), "aliases": [alias.strip() for alias in each.aliases]}
        | ({} if each.match is ValueMatch.EXACT else {"match": each.match.value})
        for each in policy.allowed
    ]


def _check(policy: KeyPolicy, *, but: int | None) -> None:
    others = [key_policy(key) for key in TagKey.objects.exclude(pk=but)]
    check_key(policy, others=others, teams=set(Team.objects.values_list("key", flat=True)))


def _new() -> TagKey:
    last = TagKey.objects.order_by("position").last()
    return TagKey(position=1 if last is None else last.position + 1)


def _stored(pk: int) -> TagKey:
    found = TagKey.objects.filter(pk=pk).first()
    if found is None:
        raise NotFoundInScopeError(f"There is no key {pk} in the policy.")
    return found


def _write(stored: TagKey, policy: KeyPolicy, enforced_for: Sequence[str] | None) -> None:
    stored.key = policy.key.strip()
    stored.key_aliases = [alias.strip() for alias in policy.aliases]
    stored.is_required, stored.is_tracked = policy.is_required, policy.is_tracked
    stored.allowed_values = values_as_stored(policy)
    stored.value_kind = policy.kind.value
    stored.is_key_exact, stored.is_value_exact = policy.exact_key, policy.exact_value
    stored.resource_types, stored.team_keys = list(policy.resource_types), list(policy.teams)
    stored.from_period = None if policy.from_period is None else policy.from_period.start
    stored.to_period = None if policy.to_period is None else policy.to_period.start
    if enforced_for is not None:
        stored.enforced_for = list(enforced_for)
    stored.save()
