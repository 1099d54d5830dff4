"""manage.py rebuild [PERIOD …] [--json]: the intake's tables from the charge store."""

import json
from argparse import ArgumentParser
from contextlib import nullcontext, suppress
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs.errors import FinopsError, UnreadableStoreError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.outcome import import_outcome
from finops_site import pipeline


class Command(BaseCommand):
    help = (
        "Make sources, bills, imports, accounts, resources and all sums from the charge store: on an empty database "
        "all, on another one what is missing, and the rows of months in force (these, or all) again. Can be repeated."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("periods", nargs="*", metavar="PERIOD", help="months, like 2025-11 (default: all)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            periods = [BillingPeriod.parse(text) for text in options["periods"]] or None
            made = pipeline.rebuild(periods, now=timezone.now())
            # What follows reads lines of other months, too: a damaged one is told below.
            with suppress(UnreadableStoreError) if made.damaged else nullcontext():
                pipeline.follow_up(made.months, now=timezone.now())
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            cure = "If the database is new, run manage.py migrate first."
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}. {cure}") from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'The charge store'}: {error.strerror or error}.") from error
        rows = [import_outcome(Scope.all(), pk) for pk in made.months]
        if options["json"]:
            told = {"sources": made.sources, "imports": made.imports, "without_record": made.without_record}
            self.stdout.write(json.dumps({**told, "damaged": made.damaged, "months": rows}, indent=2))
        else:
            self._print(made, rows)
        if made.damaged:
            count = len(made.damaged)
            head = f"{count} month{'s' if count > 1 else ''} could not be made, the others are."
            raise CommandError("\n".join([head, *made.damaged]))

    def _print(self, made: pipeline.Rebuilt, rows: list[dict[str, Any]]) -> None:
        for row in rows:
            self.stdout.write(f"{row['source']} {row['billing_period']}: {row['billed_cost']} {row['currency']}")
        for name in made.without_record:
            self.stdout.write(f"left out, because nothing tells what it was: {name}")
        self.stdout.write(f"{made.sources} sources and {made.imports} imports made, {len(rows)} months summed again.")
