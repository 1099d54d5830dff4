"""Names for people: of teams, accounts and of costs without a value."""

from collections.abc import Collection

from costs import selectors as intake
from costs.queries import dimension_label, tag_key_of
from costs.scope import Scope
from tagging.models import Team
from tagging.owners import kind_of
from tagging.selectors.teams import owner_label, pool_labels
from tagging.terms import OwnerKind

UNALLOCATED = "Unallocated"


def labels(scope: Scope, dimension: str, values: Collection[str]) -> dict[str, str]:
    """A label for each value. The values come from rows the reader may see. At most one query."""
    if dimension == "team":
        return team_names(values) | {"": UNALLOCATED}
    missing = {"": missing_label(dimension)}
    if dimension == "account":
        names = intake.account_names(scope, [value for value in values if value])
        return {value: account_label(value, names.get(value, "")) for value in values if value} | missing
    return {value: value for value in values if value} | missing


def team_names(keys: Collection[str]) -> dict[str, str]:
    """Names of owners by key; a key without a team stands for itself. The caller may see these keys."""
    wanted = [key for key in keys if key]
    known = {row.key: row.name for row in Team.objects.outline()} if wanted else {}
    others = {key for key in wanted if kind_of(key) is not OwnerKind.TEAM}
    pools = pool_labels() if others else {}
    return {key: owner_label(key, pools) if key in others else known.get(key, key) for key in wanted}


def account_label(account_id: str, name: str) -> str:
    """`Data (123456789012)`, or the number alone."""
    return f"{name} ({account_id})" if name and name != account_id else account_id


def missing_label(dimension: str) -> str:
    """What costs without a value are called."""
    if tag_key_of(dimension):
        return f"No {tag_key_of(dimension)} tag"
    return UNALLOCATED if dimension == "team" else f"No {dimension_label(dimension).lower()}"
