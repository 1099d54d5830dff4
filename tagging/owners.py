"""How an owner is written: a team by its key, a pool and a cost centre with a prefix, nobody as ''.

Keys of teams are slugs and hold no colon, so a pool can never be taken for a team, in a scope least of all.
"""

from collections.abc import Mapping

from tagging.terms import OwnerKind

POOL_PREFIX = "pool:"
COST_CENTER_PREFIX = "cost-center:"


def pool_owner(pool_key: str) -> str:
    """The owner key of a pool."""
    return f"{POOL_PREFIX}{pool_key}"


def cost_center_owner(cost_center: str) -> str:
    """The owner key of a cost centre."""
    return f"{COST_CENTER_PREFIX}{cost_center}"


def kind_of(owner_key: str) -> OwnerKind:
    """What kind of owner the key names."""
    if not owner_key:
        return OwnerKind.NOBODY
    if owner_key.startswith(POOL_PREFIX):
        return OwnerKind.POOL
    return OwnerKind.COST_CENTER if owner_key.startswith(COST_CENTER_PREFIX) else OwnerKind.TEAM


def bare_key(owner_key: str) -> str:
    """The key without the prefix of its kind."""
    return owner_key.removeprefix(POOL_PREFIX).removeprefix(COST_CENTER_PREFIX)


def center_of(owner_key: str, centers: Mapping[str, str]) -> str:
    """The cost centre of an owner: a team's as `centers` has it, else its own name if it is one; pools have none."""
    return bare_key(owner_key) if kind_of(owner_key) is OwnerKind.COST_CENTER else centers.get(owner_key, "")
