"""From slices to owners: Allocation and AllocatedCost of one import, and of open months again."""

from collections.abc import Collection

from costs.periods import BillingPeriod


def allocate_import(import_pk: int) -> None:
    """Give every slice of an import its owner and pre-sum the costs. Can be repeated.

    Raises FinopsError, leaving what was there, when owners and bill do not tie out to the tenth decimal.
    """
    raise NotImplementedError


def reallocate(periods: Collection[BillingPeriod] | None = None) -> int:
    """Allocate all open months in force again (or of `periods`), all or nothing; returns the imports done."""
    raise NotImplementedError
