"""manage.py fetch_bills [--source NAME] [--json]: look at sources now and import what is new, in line."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs import services as intake
from costs.errors import FinopsError
from costs.scope import Scope
from costs.selectors.outcome import import_outcome
from costs.selectors.sources import SourceRow, source_row, sources
from finops_site import pipeline

Answer = dict[str, Any]


class Command(BaseCommand):
    help = "Look at every active source that fetches by itself, or at one, and import what is new there."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", metavar="NAME", help="only this one (default: all)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            answers = [_fetch(name) for name in _names(options["source"])]
        except FinopsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"sources": answers}, indent=2))
        else:
            self.stdout.write("\n".join(_line(answer) for answer in answers))
        wrong = [f"{answer['source']}: {answer['error']} {answer['cure']}".strip() for answer in answers]
        wrong = [text for text, answer in zip(wrong, answers, strict=True) if answer["error"]]
        if wrong:
            raise CommandError(" ".join(wrong))


def _names(asked: str | None) -> list[str]:
    if asked:
        return [asked]
    rows: tuple[SourceRow, ...] = sources(Scope.all(), now=timezone.now())
    names = [row.name for row in rows if row.is_active and row.place.is_looked_at]
    if not names:
        raise CommandError("No source fetches by itself. Add one on the Imports page.")
    return names


def _fetch(name: str) -> Answer:
    now, made = timezone.now(), list[int]()
    source_pk = intake.look_at_once(name)
    for delivery_pk in intake.look_at_source(source_pk, now=now):
        made += pipeline.bring_in(delivery_pk, now=now)
    if made:
        pipeline.follow_up(made, now=timezone.now())
    row = source_row(Scope.all(), name, now=now)
    return {
        "source": name,
        "state": row.state.value,
        "result": row.last_result,
        "error": row.error,
        "cure": row.cure,
        "imports": [import_outcome(Scope.all(), pk) for pk in made],
    }


def _line(answer: Answer) -> str:
    lines = [f"{answer['source']}: {answer['result'] or answer['error']}"]
    lines += [
        f"  {row['billing_period'] or 'no month'} {row['billed_cost']} {row['currency']} {row['state']}"
        for row in answer["imports"]
    ]
    return "\n".join(lines)
