"""manage.py coverage [PERIOD] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError
from costs.figures import money, pct
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.text_tables import aligned
from ri import selectors
from ri.answers import coverage_as_dict
from ri.results import Coverage


class Command(BaseCommand):
    help = "Coverage and utilisation of reservations and plans in a month, and what they left unused."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", nargs="?", help="the month, like 2025-11 (default: the newest full one)")
        parser.add_argument("--currency", default="", help="which currency, where a month has several")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            given = options["period"]
            period = BillingPeriod.parse(given) if given else selectors.default_period(Scope.all())
            if period is None:
                raise CommandError("There are no costs yet. Import a bill first (import_bill).")
            found = selectors.coverage(Scope.all(), period, currency=options["currency"].strip().upper())
        except FinopsError as error:
            raise CommandError(str(error)) from error
        as_json = options["json"]
        self.stdout.write(json.dumps(coverage_as_dict(found), ensure_ascii=False) if as_json else _as_text(found))


def _as_text(found: Coverage) -> str:
    lines = [
        f"{found.period.label}, {found.currency}",
        f"coverage {pct(found.coverage_units)} of normalized units (target {pct(found.coverage_target, 0)}),"
        f" utilisation {pct(found.utilization)} (target {pct(found.utilization_target, 0)}),"
        f" effective savings rate {pct(found.effective_savings_rate)},"
        f" unused {money(found.unused_cost, found.currency)}",
    ]
    rows = [["Commitment", "Type", "Region", "Used", "Cost", "Unused", "Ends"]]
    for row in found.commitments:
        costs = [money(row.total_cost, found.currency), money(row.unused_cost, found.currency)]
        name = f"{row.instance_type} {row.platform}".strip()
        rows.append([row.short_id, name, row.region_id, pct(row.utilization, 4), *costs, str(row.ends_on or "")])
    return "\n".join([*lines, *(aligned(rows, []) if found.commitments else ["No commitment in this month."])])
