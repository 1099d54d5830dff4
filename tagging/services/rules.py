"""Upkeep of allocation rules. Every change re-allocates the open months in the same transaction."""

from collections.abc import Sequence

from tagging.inputs import RuleInput


def save_rule(rule: RuleInput, *, pk: int | None = None) -> int:
    """Add a rule (last of its kind) or change one; returns its pk. Raises InvalidRequestError."""
    raise NotImplementedError


def delete_rule(pk: int) -> None:
    """Take a rule out of use (it stays in the history). Raises NotFoundInScopeError."""
    raise NotImplementedError


def reorder_rules(pks: Sequence[int]) -> None:
    """Put the rules into this order; rules not named keep their order after them."""
    raise NotImplementedError
