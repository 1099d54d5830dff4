"""What commitments save, and who has it: shifts of effective cost between owners that sum to zero.

See docs/algorithms/pools.md. Only effective cost moves: the other bases are what the provider says of each line.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from costs.money import split_units
from tagging.owners import kind_of, pool_owner
from tagging.terms import BenefitPolicy, CommitmentUse, OwnerKind

POT_KEY = "savings-pot"
POT = pool_owner(POT_KEY)
POT_NAME = "Central savings pot"
_TAKES_PART = (OwnerKind.TEAM, OwnerKind.COST_CENTER)


@dataclass(frozen=True)
class Use:
    """One owner's month of one service under one use of commitments, in whole 1e-10."""

    owner_key: str
    service_name: str
    use: CommitmentUse
    effective: int
    at_list: int


def shifts(policy: BenefitPolicy, uses: Sequence[Use]) -> dict[str, int]:
    """By owner, what is added to its effective cost; the sum is zero. Owners without a shift are left out.

    Pools and nobody keep their effective cost. With LIST the pot has what owners pay above it, below zero.
    """
    asked = [use for use in uses if kind_of(use.owner_key) in _TAKES_PART]
    if policy is BenefitPolicy.LIST:
        found = _at_list(asked)
    elif policy is BenefitPolicy.AVERAGE:
        found = _at_average(asked)
    else:
        found = {}
    return {owner: shift for owner, shift in found.items() if shift}


def _at_list(uses: Sequence[Use]) -> dict[str, int]:
    found: dict[str, int] = defaultdict(int)
    for use in uses:
        if use.use is CommitmentUse.COVERED:
            found[use.owner_key] += use.at_list - use.effective
            found[POT] -= use.at_list - use.effective
    return found


def _at_average(uses: Sequence[Use]) -> dict[str, int]:
    """One rate for each service that has usage under commitments: its effective over its list cost."""
    covered = {use.service_name for use in uses if use.use is CommitmentUse.COVERED}
    found: dict[str, int] = defaultdict(int)
    for service in sorted(covered):
        own = _by_owner([use for use in uses if use.service_name == service and use.use in _RATED])
        at_list = [max(0, pair[1]) for pair in own.values()]
        if not any(at_list):
            continue
        shares = split_units(sum(pair[0] for pair in own.values()), at_list)
        for (owner, (effective, _)), share in zip(own.items(), shares, strict=True):
            found[owner] += share - effective
    return found


_RATED = (CommitmentUse.COVERED, CommitmentUse.ON_DEMAND)


def _by_owner(uses: Sequence[Use]) -> Mapping[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for use in sorted(uses, key=lambda use: use.owner_key):
        effective, at_list = found.get(use.owner_key, (0, 0))
        found[use.owner_key] = (effective + use.effective, at_list + use.at_list)
    return found
