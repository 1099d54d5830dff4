"""What became of one import, for commands and programs."""

from costs.models import BillImport
from costs.money import plain
from costs.scope import Scope


def import_outcome(scope: Scope, import_pk: int) -> dict[str, str | int | float]:
    """Source, month, rows, exact sums as text, currency, state and seconds of one import."""
    scope.require_everything()
    item = BillImport.objects.select_related("source").get(pk=import_pk)
    return {
        "source": item.source.name,
        "billing_period": f"{item.billing_period:%Y-%m}" if item.billing_period else "",
        "rows": item.rows,
        "billed_cost": plain(item.billed_cost),
        "effective_cost": plain(item.effective_cost),
        "list_cost": plain(item.list_cost),
        "unblended_cost": plain(item.unblended_cost),
        "currency": item.billing_currency,
        "state": item.state,
        "seconds": round(item.seconds, 3),
    }
