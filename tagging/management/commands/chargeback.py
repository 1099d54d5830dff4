"""manage.py chargeback PERIOD [--by team] [--basis billed] [--currency USD] [--split-unallocated METHOD] [--json]"""

import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs import selectors as intake
from costs.errors import FinopsError
from costs.figures import money
from costs.money import ZERO, cents_that_sum, plain
from costs.periods import BillingPeriod
from costs.queries import dimension_label, parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from costs.text_tables import aligned
from tagging.results import Chargeback
from tagging.results.chargeback import OWNER_SUMS
from tagging.selectors import chargeback
from tagging.selectors.closed_basis import usual_basis
from tagging.terms import OwnerKind, SplitMethod


class Command(BaseCommand):
    help = "A month's costs by owner: rows, unallocated and the difference to the bill, which is zero."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", help="the month, like 2025-11")
        parser.add_argument(
            "--by",
            default="team",
            help="team, cost_center, project, owner, environment, account, service, … or tag:KEY (default: team)",
        )
        bases = ", ".join(CostMetric)
        parser.add_argument(
            "--basis", help=f"one of {bases} (default: billed; of a closed month what it was closed on)"
        )
        parser.add_argument("--currency", default="", help="which currency, where a month has several")
        parser.add_argument(
            "--split-unallocated",
            choices=[SplitMethod.PROPORTIONAL.value, SplitMethod.EVEN.value],
            help="split what nobody owns over the others: by their direct cost, or evenly",
        )
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = BillingPeriod.parse(options["period"])
            currency = options["currency"].strip().upper()
            metric = parse_metric(options["basis"]) if options["basis"] else usual_basis(Scope.all(), period, currency)
            if not intake.active_imports(Scope.all(), [period]):
                raise CommandError(_no_costs(period))
            split = SplitMethod(options["split_unallocated"]) if options["split_unallocated"] else None
            month = chargeback(
                Scope.all(),
                period,
                by=options["by"],
                metric=metric,
                currency=currency,
                split_unallocated=split,
            )
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(_as_dict(month), ensure_ascii=False) if options["json"] else _as_table(month))


def _no_costs(period: BillingPeriod) -> str:
    months = ", ".join(str(known) for known in intake.periods_with_costs(Scope.all())[:6])
    known = f"Months with costs: {months}." if months else "Import a bill first (import_bill)."
    return f"There are no costs for {period}. {known}"


def bill_version(month: Chargeback) -> str:
    """The versions in force, for a month that is open."""
    found = [item for item in intake.active_imports(Scope.all(), [month.period]) if item.currency == month.currency]
    return ", ".join(item.label for item in intake.import_versions(Scope.all(), [item.pk for item in found]))


def _as_dict(month: Chargeback) -> dict[str, Any]:
    assert month.bill_total is not None
    assert month.unallocated_cost is not None
    assert month.difference is not None
    return (
        {
            "billing_period": str(month.period),
            "basis": month.metric.value,
            "currency": month.currency,
            "bill_total": plain(month.bill_total),
            "rows": [
                {
                    "owner": row.owner,
                    "direct_cost": plain(row.direct_cost),
                    "shared_cost": plain(row.shared_cost),
                    "adjustment_cost": plain(row.adjustment_cost),
                    "total_cost": plain(row.total_cost),
                }
                for row in month.rows
            ],
            "unallocated_cost": plain(month.unallocated_cost),
            "difference": plain(month.difference),
        }
        | _closing(month)
        | _pools(month)
        | ({"other_currencies": list(month.other_currencies)} if month.other_currencies else {})
    )


def _pools(month: Chargeback) -> dict[str, Any]:
    """What stays in pools, where they are rows. It is within Σ rows."""
    has_pools = any(row.owner_kind is OwnerKind.POOL for row in month.rows)
    return {"in_pools_cost": plain(month.pools_cost or ZERO)} if has_pools else {}


def _closing(month: Chargeback) -> dict[str, Any]:
    """Where the month stands, what it rests on, what was carried into it and what waits."""
    return {
        "state": month.close.state,
        **(
            {"charged_basis": month.close.basis, "is_as_charged": month.close.is_as_charged}
            if month.close.basis
            else {}
        ),
        "bill_version": month.close.bill_version or bill_version(month),
        "carried_in": plain(month.close.carried_in),
        "pending_adjustment": plain(month.close.pending_adjustment),
    }


def _as_table(month: Chargeback) -> str:
    head = [dimension_label(month.by), "Direct", "Shared", "Adjustments", "Total"]
    owners, unallocated, difference = month.cents
    rows = [
        [row.label, *_amounts(month, *(shown[name] for name in (*OWNER_SUMS.parts, OWNER_SUMS.total)))]
        for row, shown in zip(month.rows, month.shown, strict=True)
    ]
    ends: list[tuple[str, Decimal | None]] = [("In pools", month.pools_cost)] if month.pools_cost else []
    bill, carried_in = cents_that_sum((month.bill_total or ZERO, month.close.carried_in))
    ends += [("All owners", owners), ("Unallocated", unallocated), ("Bill", bill)]
    if month.close.carried_in:
        ends.append(("Carried in", carried_in))
    ends.append(("Difference", difference))
    totals = [[name, "", "", "", *_amounts(month, cost or ZERO)] for name, cost in ends]
    closed = f", {month.close.state} {month.close.number}".rstrip() if month.close.is_closed else ""
    if not month.close.is_as_charged:
        closed = f" (charged on {month.close.basis} cost, unsplit; these are not the amounts charged)"
    lines = [f"Chargeback {month.period.label}, {month.metric.value} cost in {month.currency}{closed}", ""]
    lines += aligned([head, *rows], totals)
    if month.close.pending_adjustment:
        waiting = money(month.close.pending_adjustment, month.currency)
        lines += ["", f"The bill changed since by {waiting}, carried into the next month that closes."]
    if month.other_currencies:
        lines += ["", f"Also costs in {', '.join(month.other_currencies)}: ask with --currency."]
    return "\n".join(lines)


def _amounts(month: Chargeback, *costs: Decimal) -> list[str]:
    return [money(cost, month.currency) for cost in costs]
