"""manage.py allocate [PERIOD …] [--json]: give the months in force their owners again."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError
from costs.periods import BillingPeriod
from tagging.services import reallocate


class Command(BaseCommand):
    help = "Allocate months in force again with the rules as they stand (all of them, or the months named)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("periods", nargs="*", metavar="PERIOD", help="months like 2025-11; none means all")
        parser.add_argument("--json", action="store_true", help="print JSON instead of a sentence")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            periods = [BillingPeriod.parse(text) for text in options["periods"]]
            done = reallocate(periods or None)
        except FinopsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"imports_allocated": done}))
        else:
            self.stdout.write(f"Allocated {done} import{'' if done == 1 else 's'} again.")
