"""manage.py recommend --source NAME [--as-of DATE] [--json]

with [--max-payback MONTHS] [--min-uptime PERCENT] [--target PERCENT] [--prices BOOK]
"""

import json
from argparse import ArgumentParser
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError, InvalidRequestError
from costs.periods import day_argument
from costs.scope import Scope
from ri.answers import run_as_dict, run_as_text
from ri.selectors import run_by_pk
from ri.services import Choices, recommend


class Command(BaseCommand):
    help = "What to commit to: reservations worth buying for a source's usage, and why the other pools get none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--source", required=True, help="name of a bill's or an inventory's source")
        parser.add_argument("--as-of", type=day_argument, help="look back from this day (default: the newest)")
        parser.add_argument("--max-payback", help="longest payback of an upfront payment in months; 0: no limit")
        parser.add_argument("--min-uptime", help="per cent of hours from which an instance is steady")
        parser.add_argument("--target", help="per cent of steady instances to reserve")
        parser.add_argument("--prices", default="", help="name of the price book (default: your newest, else built in)")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            choices = Choices(
                min_uptime=_share(options["min_uptime"]),
                coverage_target=_share(options["target"]),
                max_payback_months=_decimal(options["max_payback"]),
                price_book=options["prices"],
            )
            run = run_by_pk(Scope.all(), recommend(options["source"], as_of=options["as_of"], choices=choices))
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(run_as_dict(run), ensure_ascii=False) if options["json"] else run_as_text(run))


def _share(text: str | None) -> Decimal | None:
    percent = _decimal(text)
    return None if percent is None else percent / 100


def _decimal(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        found = Decimal(text)
    except InvalidOperation as error:
        raise InvalidRequestError(f"'{text}' is not a number.") from error
    if not found.is_finite():
        raise InvalidRequestError(f"'{text}' is not a number.")
    return found
