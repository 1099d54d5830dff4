"""Import bills or inventories in line: land, roll up, find owners, put in force."""

import json
from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs import services as intake
from costs.errors import FinopsError
from costs.periods import day_argument
from costs.scope import Scope
from costs.selectors.outcome import import_outcome
from finops_site import pipeline


class Command(BaseCommand):
    help = "Import bills (legacy CUR and CUR 2.0: CSV, gz, zip, Parquet) or inventories (CSV) and put them in force."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--source", help="name of the source (default: aws-PAYER, inventory-compute, -storage)")
        parser.add_argument("--date", type=day_argument, help="day an inventory was taken (default: today)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = self._import(options["files"], options["source"], options["date"])
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            cure = "If the database is new, run manage.py migrate first."
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}. {cure}") from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
        rows = [import_outcome(Scope.all(), pk) for pk in made]
        if options["json"]:
            self.stdout.write(json.dumps({"imports": rows}, indent=2))
        else:
            self.stdout.write("\n".join(_table(rows)))

    def _import(self, files: list[Path], source: str | None, snapshot_on: date | None) -> list[int]:
        today = timezone.localdate()
        queued = intake.prepare_imports(files, source_name=source, snapshot_on=snapshot_on, today=today)
        made: list[int] = []
        for import_pk in queued:
            made += pipeline.run_import(import_pk)
        pipeline.evaluate_budgets(now=timezone.now())
        pipeline.detect_findings(now=timezone.now())
        for import_pk in queued:
            pipeline.refresh_advice(import_pk)
        pipeline.measure_metrics(now=timezone.now(), import_pks=made)
        return made


def _table(rows: Iterable[dict[str, Any]]) -> list[str]:
    lines = [f"{'source':<24} {'month':<8} {'rows':>12} {'billed':>20} {'effective':>20} {'state':<12}"]
    for row in rows:
        billed, effective = (f"{row[name]} {row['currency']}" for name in ("billed_cost", "effective_cost"))
        lines.append(
            f"{row['source']:<24} {row['billing_period']:<8} {row['rows']:>12,} {billed:>20} {effective:>20}"
            f" {row['state']:<12}"
        )
    return lines
