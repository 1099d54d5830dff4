"""Upkeep of the tag policy. Every change re-allocates the months in force: environments are spelled by the policy."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import TagKey, Team
from tagging.policy import KeyPolicy
from tagging.policy.checks import check_key
from tagging.policy.documents import key_policies, read_documents, split_documents
from tagging.results import Compliance
from tagging.selectors.compliance import compliance
from tagging.selectors.policy import key_policy
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.terms import ValueMatch

_PARTS = {"value", "aliases", "match"}  # of an allowed value as stored


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
        kept = _keep(policy, pk, enforced_for)
        reallocate()
    return kept


def _keep(policy: KeyPolicy, pk: int | None, enforced_for: Sequence[str] | None) -> int:
    stored = _new() if pk is None else _stored(pk)
    _check(policy, but=stored.pk)
    _write(stored, policy, enforced_for)
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
    with transaction.atomic():
        one_allocation_at_a_time()
        found = _import(text, keep=keep)
        if keep and (found.added or found.changed):
            reallocate()
    return found


def _import(text: str, *, keep: bool) -> PolicyImport:
    imported = read_documents(split_documents(text))
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
    return PolicyImport(tuple(added), tuple(changed), tuple(same), notes)


@dataclass(frozen=True)
class PolicyPreview:
    """Compliance of a month as it is and as it would be, on effective cost."""

    before: Compliance
    after: Compliance


def preview_key(policy: KeyPolicy, *, pk: int | None, period: BillingPeriod) -> PolicyPreview:
    """What a key would do to the month, without keeping it. Raises as `save_key` does."""
    return _preview(lambda: _keep(policy, pk, None), period)


def preview_import(text: str, *, period: BillingPeriod) -> PolicyPreview:
    """What documents would do to the month, without keeping them. Raises as `import_policy` does."""
    return _preview(lambda: _import(text, keep=True), period)


def _preview(change: Callable[[], object], period: BillingPeriod) -> PolicyPreview:
    """Owners are not worked out again: no figure of compliance depends on how an environment is spelled."""
    before = _compliance(period)
    with transaction.atomic():
        change()
        after = _compliance(period)
        transaction.set_rollback(True)
    return PolicyPreview(before, after)


def _compliance(period: BillingPeriod) -> Compliance:
    return compliance(Scope.all(), period, metric=CostMetric.EFFECTIVE, totals_only=True)


def check_stored_key(data: Mapping[str, Any]) -> None:
    """Check a key as its table keeps it (the admin's form). Raises InvalidRequestError."""
    for item in data["allowed_values"]:
        is_told = isinstance(item, dict) and isinstance(item.get("value"), str)
        if (
            not is_told
            or not set(item) <= {"value", "aliases", "match"}
            or item.get("match", "exact") not in list(ValueMatch)
        ):
            raise InvalidRequestError(
                'Write allowed values as [{"value": "Prod", "aliases": ["production"]}]; "match" may be exact,'
                " wildcard or pattern."
            )
    lists = [data[name] for name in ("key_aliases", "resource_types", "team_keys", "enforced_for")]
    lists += [item.get("aliases", []) for item in data["allowed_values"]]
    if not all(isinstance(each, list) and all(isinstance(text, str) for text in each) for each in lists):
        raise InvalidRequestError('Write lists as ["one", "two"].')
    _check(key_policy(TagKey(**{name: value for name, value in data.items() if name != "pk"})), but=data["pk"])


def values_as_stored(policy: KeyPolicy) -> list[dict[str, object]]:
    """The allowed values as the table keeps them."""
    stored: list[dict[str, object]] = []
    for each in policy.allowed:
        item: dict[str, object] = {"value": each.value.strip(), "aliases": [alias.strip() for alias in each.aliases]}
        stored.append(item if each.match is ValueMatch.EXACT else {**item, "match": each.match.value})
    return stored


def _check(policy: KeyPolicy, *, but: int | None) -> None:
    others = [key_policy(key) for key in TagKey.objects.exclude(pk=but or 0)]
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
