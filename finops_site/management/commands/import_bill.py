"""Import bills or inventories in line: land, roll up, find owners, put in force."""

import json
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs import services as intake
from costs.errors import FinopsError, InvalidRequestError
from costs.periods import day_argument
from costs.places import Place, is_s3, open_place
from costs.scope import Scope
from costs.selectors import import_detail
from costs.selectors.outcome import import_outcome
from costs.selectors.sources import delivered_in_force, delivery
from finops_site import pipeline

_INTERRUPTED = (
    "Interrupted. What was under way is cancelled, months in force are as they were. The same command begins again."
)
Row = dict[str, str | int | float]
Say = Callable[[str], None]


class Command(BaseCommand):
    help = (
        "Import bills (legacy CUR, CUR 2.0, FOCUS: CSV, gz, zip, Parquet) or inventories (CSV) and put them in "
        "force: files together, or all deliveries of a folder or of an "
        "s3://bucket/prefix, as their manifests name them."
    )

    say: Say | None = None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="*", metavar="FILE_OR_PLACE", help="files, or one folder or s3:// address")
        parser.add_argument("--source", help="name of the source (default: aws-PAYER, inventory-compute, -storage)")
        parser.add_argument("--date", type=day_argument, help="day an inventory was taken (default: today)")
        parser.add_argument("--currency", default="", help="of lines that do not tell theirs, like USD")
        parser.add_argument("--json", action="store_true", help="print JSON")
        parser.add_argument("--progress", action="store_true", help="say on standard error which file is being read")
        parser.add_argument("--cancel", type=int, metavar="IMPORT", help="cancel an import that is under way elsewhere")

    def handle(self, *args: Any, **options: Any) -> None:
        self.say = self._say if options["progress"] else None
        try:
            if options["cancel"] is not None:
                self._cancel(options["cancel"], options["files"], as_json=options["json"])
                return
            rows, problems = self._import(
                options["files"], options["source"], {"snapshot_on": options["date"], "currency": options["currency"]}
            )
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError(_INTERRUPTED) from error
        except DatabaseError as error:
            cure = "If the database is new, run manage.py migrate first."
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}. {cure}") from error
        except OSError as error:
            raise CommandError(f"{error.filename or 'A file'}: {error.strerror or error}.") from error
        if rows and options["json"]:
            self.stdout.write(json.dumps({"imports": rows}, indent=2))
        elif rows:
            self.stdout.write("\n".join(_table(rows)))
        if problems:
            raise CommandError(" ".join(problems))

    def _say(self, text: str) -> None:
        self.stderr.write(text)
        self.stderr.flush()

    def _cancel(self, import_pk: int, given: list[str], *, as_json: bool) -> None:
        if given:
            raise InvalidRequestError("Give --cancel alone, without files.")
        import_detail(Scope.all(), import_pk, now=timezone.now())  # says so where there is none
        intake.cancel_import(import_pk, by="a command")
        if as_json:
            self.stdout.write(json.dumps({"imports": [import_outcome(Scope.all(), import_pk)]}, indent=2))
        else:
            self.stdout.write(f"Import {import_pk} is cancelled. The month in force is as it was.")

    def _import(self, given: list[str], source: str | None, more: dict[str, Any]) -> tuple[list[Row], list[str]]:
        now, rows, problems = timezone.now(), list[Row](), list[str]()
        if not given:
            raise InvalidRequestError("Give files, or one folder or s3:// address.")
        places = [text for text in given if is_s3(text) or Path(text).is_dir()]
        if places and len(given) > 1:
            raise InvalidRequestError("Give one folder or s3:// address, or files alone.")
        if places:
            place = open_place(places[0])
            found = intake.look(place, intake.Asker(place.address, asked_name=source or "", retries=True), now=now)
            if found.left_out:
                self._say(found.left_out)
            made, rows, problems = _from_place(place, found, now, self.say, currency=more["currency"])
        else:
            made = _from_files([Path(text) for text in given], source, more, now, self.say)
        if made:
            pipeline.follow_up(made, now=timezone.now())
        return [*rows, *(import_outcome(Scope.all(), pk) for pk in made)], problems


def _from_files(
    files: list[Path], source: str | None, more: dict[str, Any], now: datetime, say: Say | None
) -> list[int]:
    queued = intake.prepare_imports(files, source_name=source, today=now.date(), **more)
    with _cancelled_by_hand(lambda: queued):
        return [pk for import_pk in queued for pk in pipeline.run_import(import_pk, say=say)]


@contextmanager
def _cancelled_by_hand(queued: Callable[[], Sequence[int]]) -> Iterator[None]:
    """Who presses Ctrl-C cancels what has not come into force, and sees no more of it than that."""
    try:
        yield
    except KeyboardInterrupt:
        for pk in queued():
            with suppress(FinopsError):  # has ended already
                intake.cancel_import(pk, by="Ctrl-C")
        raise


def _from_place(
    place: Place, found: intake.Found, now: datetime, say: Say | None, *, currency: str
) -> tuple[list[int], list[Row], list[str]]:
    """The imports made, rows of months that are in force in this very version, and what could not be imported."""
    made, rows, to_fetch = list[int](), list[Row](), list(found.queued)
    for pk in found.same:
        kept = delivered_in_force(Scope.all(), pk)
        rows += [{**import_outcome(Scope.all(), kept_pk), "state": "unchanged"} for kept_pk in kept]
        if not kept:
            to_fetch.append(pk)
    for pk in to_fetch:
        if delivery(Scope.all(), pk).has_ended:
            intake.fetch_again(pk)
        with _cancelled_by_hand(partial(intake.unfinished_imports, pk)):
            made += pipeline.bring_in(pk, now=now, say=say, currency=currency)
    ended = [delivery(Scope.all(), pk) for pk in (*to_fetch, *found.waiting, *found.refused)]
    problems = [f"{item.problem} {item.cure}".strip() for item in ended if item.problem]
    problems += ["Another worker imports it right now." for item in ended if not item.problem and not item.has_ended]
    if not (made or rows or problems):
        raise InvalidRequestError(f"{place.address} holds no manifest and no bill file. Check the address.")
    return made, rows, problems


def _table(rows: Sequence[Row]) -> list[str]:
    wide = max(24, *(len(str(row["source"])) for row in rows))
    lines = [f"{'source':<{wide}} {'month':<8} {'rows':>12} {'billed':>20} {'effective':>20} {'state':<12}"]
    for row in rows:
        billed, effective = (f"{row[name]} {row['currency']}" for name in ("billed_cost", "effective_cost"))
        lines.append(
            f"{row['source']:<{wide}} {row['billing_period']:<8} {row['rows']:>12,} {billed:>20} {effective:>20}"
            f" {row['state']:<12}"
        )
    return lines
