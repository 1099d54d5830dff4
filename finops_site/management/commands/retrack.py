"""manage.py retrack [PERIOD …] [--again] [--json]: roll up months in force again for the tags tracked now."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.outcome import import_outcome
from finops_site import pipeline


class Command(BaseCommand):
    help = "Roll up months in force again, from their own charges, where a tag is tracked that they were not read for."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("periods", nargs="*", metavar="PERIOD", help="months, like 2025-11 (default: all)")
        parser.add_argument("--again", action="store_true", help="also months that were read for every tag")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            periods = [BillingPeriod.parse(text) for text in options["periods"]] or None
            made = pipeline.retrack(periods, again=options["again"])
        except FinopsError as error:
            raise CommandError(str(error)) from error
        rows = [import_outcome(Scope.all(), pk) for pk in made]
        if options["json"]:
            self.stdout.write(json.dumps({"imports": rows}, indent=2))
            return
        for row in rows:
            self.stdout.write(f"{row['source']} {row['billing_period']}: {row['state']}")
        if not rows:
            self.stdout.write("Every month in force was read for all tracked tags.")
