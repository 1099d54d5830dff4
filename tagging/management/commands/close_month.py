"""manage.py close_month PERIOD --step preview|close|final|reopen [--reason TEXT] [--basis B] [--verify] [--json]"""

import getpass
import json
from argparse import ArgumentParser
from decimal import Decimal
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs.errors import FinopsError
from costs.figures import money
from costs.money import plain
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from costs.text_tables import aligned
from tagging.results.closes import MonthEnd
from tagging.selectors.month_end_view import month_end
from tagging.selectors.reach import reach
from tagging.services import CloseStep, close_month, finalise_month, reopen_month
from tagging.services.close_hashes import VerifiedVersion, verify_month

STEPS = ("preview", "close", "final", "reopen")


class Command(BaseCommand):
    help = "Close a month: preview it, close it for teams to see, make it final, or reopen it with a reason."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", help="the month, like 2025-11")
        parser.add_argument("--step", choices=STEPS, default="preview", help="what to do (default: preview)")
        parser.add_argument("--reason", default="", help="why; reopening and --force need it")
        parser.add_argument("--by", default="", help="who does it (default: the name of this login)")
        bases = ", ".join(CostMetric)
        parser.add_argument("--basis", default="", help=f"what is charged, when closing: {bases} (default: billed)")
        parser.add_argument("--currency", default="", help="which currency, where a month has several")
        parser.add_argument("--force", action="store_true", help="overrule what may be overruled; needs a reason")
        parser.add_argument("--verify", action="store_true", help="recompute the hashes of every stored version")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["verify"]:
            self.verify(options)
            return
        now = timezone.now()
        by = options["by"].strip() or f"{_login()} (command line)"
        step = CloseStep(by, now, options["reason"], force=options["force"])
        currency = options["currency"].strip().upper()
        try:
            period = BillingPeriod.parse(options["period"])
            metric = parse_metric(options["basis"]) if options["basis"] else None
            if options["step"] == "close":
                close_month(period, step, metric=metric or CostMetric.BILLED, currency=currency)
            elif options["step"] == "final":
                finalise_month(period, step, currency=currency)
            elif options["step"] == "reopen":
                reopen_month(period, step, currency=currency)
            found = month_end(Scope.all(), period, today=now.date(), metric=metric, currency=currency)
        except FinopsError as error:
            raise CommandError(str(error)) from error
        if options["step"] == "preview" and not found.bill_version:
            raise CommandError(found.obstacles[0].text)
        self.stdout.write(json.dumps(_as_dict(found), ensure_ascii=False) if options["json"] else _as_table(found))

    def verify(self, options: dict[str, Any]) -> None:
        """Say of every version whether it is as it was closed; leaves with code 1 where one is not."""
        try:
            period = BillingPeriod.parse(options["period"])
            currency = options["currency"].strip().upper() or reach(Scope.all(), (period,)).currency
        except FinopsError as error:
            raise CommandError(str(error)) from error
        found = verify_month(Scope.all(), period, currency)
        if not found:
            raise CommandError(f"{period} in {currency} was never closed: there is nothing to verify.")
        if options["json"]:
            versions = [{**vars(item), "holds": item.holds} for item in found]
            self.stdout.write(json.dumps({"billing_period": str(period), "currency": currency, "versions": versions}))
        else:
            self.stdout.write("\n".join(line for item in found for line in _verified(item)))
        if not all(item.holds for item in found):
            raise CommandError("Stored statements were changed since they were closed. Restore them from a backup.")


def _verified(found: VerifiedVersion) -> list[str]:
    holds = f"all hashes hold, {found.statements} statements" if found.holds else "does not hold"
    return [f"Version {found.version} ({found.state}): {holds}", *(f"  {fault}" for fault in found.faults)]


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "somebody"


def _as_dict(found: MonthEnd) -> dict[str, Any]:
    return {
        "billing_period": str(found.period),
        "currency": found.currency,
        "basis": found.metric.value,
        "charged_basis": found.charged_basis,
        "state": found.state,
        "version": found.version,
        "number": found.number,
        "bill_version": found.bill_version,
        "bill_total": plain(found.bill_total),
        "carried_in": plain(found.carried_in),
        "pending_adjustment": plain(found.pending_adjustment),
        "rows": [
            {
                "owner": row.owner,
                "owner_kind": row.owner_kind,
                "cost_center": row.cost_center,
                "number": row.number,
                "direct_cost": plain(row.direct_cost),
                "shared_cost": plain(row.shared_cost),
                "adjustment_cost": plain(row.adjustment_cost),
                "total_cost": plain(row.total_cost),
                "booked": _cents(row.booked),
            }
            for row in found.rows
        ],
        "unallocated_cost": plain(found.unallocated_cost),
        "unallocated_booked": _cents(found.unallocated_booked),
        "difference": plain(found.difference),
        "booked_total": _cents(found.booked_total),
        "booked_difference": _cents(found.booked_difference),
        "hash": found.hash,
        "open_disputes": found.open_disputes,
        "blockers": [vars(item) for item in found.obstacles],
        "warnings": list(found.warnings),
        "events": [{**vars(event), "at": event.at.isoformat()} for event in found.events],
    }


def _cents(booked: Decimal | None) -> str | None:
    """None on a basis the month was not charged on."""
    return None if booked is None else f"{booked:.2f}"


def _as_table(found: MonthEnd) -> str:
    def amounts(*costs: Decimal | None) -> list[str]:
        return ["" if cost is None else money(cost, found.currency) for cost in costs]

    head = ["Owner", "Direct", "Shared", "Adjustments", "Total", "Booked" if found.is_as_charged else ""]
    rows = [
        [row.owner, *amounts(row.direct_cost, row.shared_cost, row.adjustment_cost, row.total_cost, row.booked)]
        for row in found.rows
    ]
    totals = [
        [name, "", "", "", "", *amounts(cost)]
        for name, cost in (
            ("Unallocated", found.tiles[1]),
            ("Bill", found.bill_total),
            ("Carried in", found.carried_in),
            ("Difference", found.tiles[2]),
        )
    ]
    state = f"{found.state} {found.number} version {found.version}" if not found.is_open else "open, as it would close"
    if not found.is_as_charged:
        state = f"version {found.version} was closed on {found.charged_basis} cost; these are not the amounts charged"
    lines = [f"{found.period.label}, {found.metric.value} cost in {found.currency}: {state}", ""]
    lines += aligned([head, *rows], totals)
    lines += [f"Blocked: {item.text}" for item in found.obstacles]
    lines += [f"Note: {text}" for text in found.warnings]
    if found.pending_adjustment:
        lines.append(f"Waits to be carried: {money(found.pending_adjustment, found.currency)}")
    return "\n".join(lines)
