"""Every version of every month's close, for lists."""

from dataclasses import dataclass
from datetime import datetime

from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging.models import Close
from tagging.selectors.closed_figures import bill_version_of, number_of


@dataclass(frozen=True)
class CloseRow:
    """One version of a month's close."""

    period: BillingPeriod
    currency: str
    version: int
    state: str
    number: str
    basis: str
    bill_version: str
    hash: str
    closed_at: datetime


def close_list(scope: Scope) -> tuple[CloseRow, ...]:
    """All closes, newest month and version first. For FinOps staff."""
    scope.require_everything()
    return tuple(
        CloseRow(
            period=BillingPeriod(item.period),
            currency=item.currency,
            version=item.version,
            state=item.state,
            number=number_of(item),
            basis=item.basis,
            bill_version=bill_version_of(item),
            hash=item.data_hash,
            closed_at=item.closed_at,
        )
        for item in Close.objects.all()
    )
