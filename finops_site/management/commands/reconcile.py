"""manage.py reconcile [FILE_OR_FOLDER …] [--period MONTH] [--by DIMENSION] [--tags FILE] [--out FILE] [--json]"""

import csv
import json
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs import services as intake
from costs.errors import FinopsError
from costs.periods import BillingPeriod, day_argument
from costs.scope import Scope
from finops_site import pipeline
from finops_site.reconciliation import Reconciliation, as_dict, as_markdown, judge_tag_strings, reconcile
from tagging.terms import SplitMethod

SPLITS = (SplitMethod.PROPORTIONAL.value, SplitMethod.EVEN.value)


class Command(BaseCommand):
    help = (
        "Compare every total from the files to the owners and write it down. Files or folders given are imported "
        "first, each file alone; what is refused is told in the document."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE_OR_FOLDER", help="bills and inventories to import first")
        parser.add_argument("--date", type=day_argument, help="day the inventories among them were taken")
        parser.add_argument("--period", action="append", default=[], help="only this month; may be given again")
        parser.add_argument("--by", action="append", default=[], help="dimension to add owners up by, like tag:Team")
        parser.add_argument("--split-unallocated", choices=SPLITS, help="also with what nobody owns split so")
        parser.add_argument("--tags", help="CSV of tag strings (tag_key, raw_value) to parse and judge by the policy")
        parser.add_argument("--out", help="write the document to this file instead of the terminal")
        parser.add_argument("--json", action="store_true", help="print JSON instead of the document")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            refused = [row for path in _files(options["files"]) for row in _import(path, options["date"])]
            found = reconcile(
                Scope.all(),
                periods=[BillingPeriod.parse(text) for text in options["period"]],
                by=options["by"],
                split=SplitMethod(options["split_unallocated"]) if options["split_unallocated"] else None,
                refused=refused,
            )
            if options["tags"]:
                found = replace(found, tags=judge_tag_strings(_strings(Path(options["tags"])), day=now.date()))
            self._write(found, options, now.strftime("%Y-%m-%d %H:%M"))
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
        if not found.is_sound:
            raise CommandError("Something does not tie out; the differences are in the document.")

    def _write(self, found: Reconciliation, options: dict[str, Any], made_at: str) -> None:
        document = as_markdown(found, made_at=made_at)
        if options["out"]:
            Path(options["out"]).write_text(document, encoding="utf-8")
        if options["json"]:
            self.stdout.write(json.dumps(as_dict(found), ensure_ascii=False))
        elif options["out"]:
            self.stdout.write(
                f"Written to {options['out']}: {len(found.files)} deliveries, {len(found.tables)} tables."
            )
        else:
            self.stdout.write(document)


def _files(given: Sequence[str]) -> Iterator[Path]:
    """The files given, and all files directly in or below the folders given, in the order of their names."""
    for text in given:
        path = Path(text)
        if path.is_dir():
            yield from sorted(item for item in path.rglob("*") if item.is_file() and not item.name.startswith("."))
        else:
            yield path


def _import(path: Path, snapshot_on: date | None) -> list[tuple[str, str]]:
    """Import one file in line; what was refused, with the reason."""
    refused: list[tuple[str, str]] = []
    try:
        queued = intake.prepare_imports([path], snapshot_on=snapshot_on, today=timezone.now().date())
    except FinopsError as error:
        return [(path.name, str(error))]
    for import_pk in queued:
        try:
            pipeline.run_import(import_pk)
        except FinopsError as error:
            refused.append((path.name, str(error)))
    return refused


def _strings(path: Path) -> list[tuple[str, str]]:
    """(key, value) of every row of a CSV with the columns tag_key and raw_value."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        if not {"tag_key", "raw_value"} <= set(reader.fieldnames or ()):
            raise CommandError(f"{path.name} needs the columns tag_key and raw_value.")
        return [(row["tag_key"] or "", row["raw_value"] or "") for row in reader]
