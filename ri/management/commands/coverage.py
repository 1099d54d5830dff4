"""manage.py coverage [PERIOD] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from ri import selectors
from ri.answers import coverage_as_dict, coverage_as_text


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
        self.stdout.write(
            json.dumps(coverage_as_dict(found), ensure_ascii=False) if as_json else coverage_as_text(found)
        )
