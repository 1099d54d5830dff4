"""manage.py backup FILE_OR_S3URL [--without-charges] [--without-uploads] [--json]: the installation in one archive."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs.errors import FinopsError
from finops_site.backup import make_backup, said_of


class Command(BaseCommand):
    help = "Write database, charges, uploads and the secret key into one archive, while the installation runs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="FILE_OR_S3URL", help="a path, or s3://bucket/name.tar")
        parser.add_argument("--without-charges", action="store_true", help="where the charge store is kept otherwise")
        parser.add_argument("--without-uploads", action="store_true", help="leave uploaded files out")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            made = make_backup(
                options["address"],
                clock=timezone.now,
                report=self.stderr.write,
                with_charges=not options["without_charges"],
                with_uploads=not options["without_uploads"],
            )
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}.") from error
        except OSError as error:
            raise CommandError(said_of(error, options["address"], places="IMPORT_TEMP_DIR")) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(made), indent=2))
            return
        self.stdout.write(
            f"{made.address}: {made.rows:,} rows of {made.tables} tables, {made.charge_files:,} files of charges,"
            f" {made.upload_files:,} uploads, {made.bytes:,} bytes. Keep it safe: it holds all costs and the key."
        )
