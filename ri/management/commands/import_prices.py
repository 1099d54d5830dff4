"""manage.py import_prices FILE [--name NAME] [--json]"""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs.errors import FinopsError
from ri.price_file import COLUMNS
from ri.services import import_prices, reprice


class Command(BaseCommand):
    help = f"Read a price book from a CSV with the columns {','.join(COLUMNS)}, and work out again the advice on it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")
        parser.add_argument("--name", default="", help="name of the book (default: the file's)")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            book = import_prices(options["file"], name=options["name"])
            done = reprice(book.name).sources if book.is_changed else ()
        except FinopsError as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(book) | {"advice_on": done}))
        else:
            state = "" if book.is_changed else ", unchanged"
            before = f" instead of {book.replaced}" if book.is_changed and book.replaced is not None else ""
            self.stdout.write(
                f"price book {book.name}: {book.offerings} offer{'' if book.offerings == 1 else 's'}{before}{state}"
            )
            if done:
                self.stdout.write(f"advice on {', '.join(done)} is worked out again")
