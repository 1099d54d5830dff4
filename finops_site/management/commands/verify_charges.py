"""manage.py verify_charges [PERIOD …] [--source NAME] [--kept] [--mark] [--json]: is the store as it was written?"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs import services as intake
from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.verifying import Verified, verify_charges


class Command(BaseCommand):
    help = (
        "Compare the charge store with the database: files by checksum, lines and their five sums with the totals of "
        "the imports, their days and their resources. Ends with an error and a line for each difference."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("periods", nargs="*", metavar="PERIOD", help="months, like 2025-11 (default: all)")
        parser.add_argument("--source", default="", help="only the bills of this source")
        parser.add_argument("--kept", action="store_true", help="also replaced versions whose charges are kept")
        parser.add_argument("--mark", action="store_true", help="first give folders of older versions their markers")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            periods = [BillingPeriod.parse(text) for text in options["periods"]] or None
            if options["mark"]:
                self.stderr.write(f"Folders that got a marker: {intake.mark_folders()}.")
            found = verify_charges(Scope.all(), periods=periods, source=options["source"], kept=options["kept"])
        except (FinopsError, OSError) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({**asdict(found), "sound": found.is_sound}, indent=2))
        else:
            self._print(found)
        if not found.is_sound:
            count = len(found.differences)
            raise CommandError(
                f"{count} difference{'s' if count > 1 else ''}. Import the months again, or put the store back from a"
                " backup; manage.py rebuild makes the database's rows again from the store."
            )

    def _print(self, found: Verified) -> None:
        for difference in found.differences:
            self.stdout.write(f"{difference.where}: {difference.problem}")
        for stray in found.strays:
            self.stdout.write(f"stray: {stray.where}: {stray.problem}")
        if found.is_sound:
            self.stdout.write(f"{found.imports} imports with {found.rows:,} lines are as they were written.")
