"""What teams a company could start with, read from its tags and accounts."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs.money import ZERO, ratio
from costs.tags import canonical_key, canonical_value, tag_value

# Keys that name teams, best first; all others come after these, environments never.
PREFERRED_KEYS = ("Team", "Department", "BusinessUnit", "CostCenter", "Project", "Owner")
NEVER_KEYS = frozenset({"environment", "env", "stage", "name"})
MAX_VALUES = 60
# A preferred key is taken when it covers at least this part of what the best key covers.
GOOD_ENOUGH = Decimal("0.5")
# An account goes to the team that has this part of its tagged costs.
DOMINANT = Decimal("0.8")


@dataclass(frozen=True)
class SliceCost:
    """A slice's month as a proposal needs it."""

    sub_account_id: str
    tags: Mapping[str, str]
    cost: Decimal


@dataclass(frozen=True)
class Candidate:
    """A key with the money that carries it and its values, dearest first."""

    key: str
    covered_cost: Decimal
    values: tuple[str, ...]


@dataclass(frozen=True)
class TeamDraft:
    """A team to be. Its account costs are those without the tag."""

    name: str
    tag_values: tuple[str, ...]
    sub_account_ids: tuple[str, ...]
    tag_cost: Decimal
    account_cost: Decimal


@dataclass(frozen=True)
class Draft:
    """All teams drafted, largest first. Σ teams + unallocated = total."""

    teams: tuple[TeamDraft, ...]
    unallocated_cost: Decimal
    total: Decimal


def rank_keys(slices: Sequence[SliceCost], keys: Iterable[str]) -> tuple[Candidate, ...]:
    """Keys that could name teams, the best first.

    Keys of environments, with one value or with more than MAX_VALUES are left out, as are keys nothing
    carries. The best is the first of PREFERRED_KEYS that covers half of what the best covered key does.
    """
    found = [_candidate(slices, key) for key in keys if canonical_key(key) not in NEVER_KEYS]
    usable = [item for item in found if item.covered_cost > ZERO and 1 < _distinct(item.values) <= MAX_VALUES]
    most = max((item.covered_cost for item in usable), default=ZERO)
    good = [item for item in usable if item.covered_cost >= most * GOOD_ENOUGH]
    rest = [item for item in usable if item.covered_cost < most * GOOD_ENOUGH]
    return (*sorted(good, key=_preference), *sorted(rest, key=lambda item: -item.covered_cost))


def draft_teams(slices: Sequence[SliceCost], tag_key: str, account_names: Mapping[str, str]) -> Draft:
    """Teams from the values of one key, then from accounts, with the money each would get.

    Values that differ only in case, space or punctuation are one team, named by its dearest spelling. An
    account's untagged costs go to the team with most of its tagged costs, or to the team the account's
    name names; an account without any tagged cost but with a name becomes a team of its own.
    """
    by_value, by_account = _spread(slices, tag_key)
    names = {group: _dearest(spellings) for group, spellings in by_value.items()}
    owners = {account: _owner_of(account, shares, account_names) for account, shares in by_account.items()}
    for account, group in owners.items():
        if group and group not in names:
            names[group] = account_names[account]
    teams = []
    for group, name in names.items():
        own = tuple(sorted(account for account, owner in owners.items() if owner == group))
        spellings = by_value.get(group, {})
        account_cost = sum((by_account[account].get("", ZERO) for account in own), ZERO)
        values = tuple(sorted(spellings, key=lambda value: (-spellings[value], value)))
        teams.append(TeamDraft(name, values, own, sum(spellings.values(), ZERO), account_cost))
    total = sum((item.cost for item in slices), ZERO)
    given = sum((team.tag_cost + team.account_cost for team in teams), ZERO)
    ranked = sorted(teams, key=lambda team: (-(team.tag_cost + team.account_cost), team.name))
    return Draft(tuple(ranked), total - given, total)


Spellings = dict[str, Decimal]


def _spread(slices: Sequence[SliceCost], tag_key: str) -> tuple[dict[str, Spellings], dict[str, Spellings]]:
    """Costs by value group and spelling, and by account and value group ('' for untagged)."""
    by_value: dict[str, Spellings] = defaultdict(lambda: defaultdict(lambda: ZERO))
    by_account: dict[str, Spellings] = defaultdict(lambda: defaultdict(lambda: ZERO))
    for item in slices:
        value = tag_value(item.tags, tag_key) if tag_key else ""
        group = canonical_value(value)
        if group:
            by_value[group][value] += item.cost
        if item.sub_account_id:
            by_account[item.sub_account_id][group] += item.cost
    return by_value, by_account


def _owner_of(account: str, shares: Mapping[str, Decimal], account_names: Mapping[str, str]) -> str:
    tagged = {group: cost for group, cost in shares.items() if group and cost > ZERO}
    if not tagged:
        return canonical_value(account_names.get(account, ""))
    best = max(tagged, key=lambda group: (tagged[group], group))
    share = ratio(tagged[best], sum(tagged.values(), ZERO))
    return best if share is not None and share >= DOMINANT else ""


def _candidate(slices: Sequence[SliceCost], key: str) -> Candidate:
    values: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for item in slices:
        if value := tag_value(item.tags, key):
            values[value] += item.cost
    ranked = tuple(sorted(values, key=lambda value: (-values[value], value)))
    return Candidate(key, sum(values.values(), ZERO), ranked)


def _distinct(values: Sequence[str]) -> int:
    return len({canonical_value(value) for value in values})


def _preference(item: Candidate) -> tuple[int, Decimal]:
    ranks = {canonical_key(key): rank for rank, key in enumerate(PREFERRED_KEYS)}
    return ranks.get(canonical_key(item.key), len(ranks)), -item.covered_cost


def _dearest(spellings: Mapping[str, Decimal]) -> str:
    return max(spellings, key=lambda value: (spellings[value], value))
