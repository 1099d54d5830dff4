"""manage.py restore FILE_OR_S3URL [--force] [--without-charges] [--json]: an installation from its backup."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from costs.errors import FinopsError
from finops_site.backup import restore_backup, said_of
from finops_site.embedded import ServiceError
from finops_site.preflight import check_folder
from finops_site.supervisor import only_copy


class Command(BaseCommand):
    help = (
        "Load a backup into an empty installation of this or a newer version, on SQLite or PostgreSQL. Stop the server "
        "first."
    )
    requires_migrations_checks = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("address", metavar="FILE_OR_S3URL", help="what manage.py backup wrote")
        parser.add_argument("--force", action="store_true", help="replace an installation that is in use")
        parser.add_argument("--without-charges", action="store_true", help="leave the charge store as it is")
        parser.add_argument("--json", action="store_true", help="print JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            check_folder(settings.DATA_DIR)
            with only_copy(settings.DATA_DIR):  # a server would write meanwhile
                restored = restore_backup(
                    options["address"],
                    report=self.stderr.write,
                    force=options["force"],
                    with_charges=not options["without_charges"],
                )
        except (FinopsError, ServiceError) as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused: {str(error).splitlines()[0]}.") from error
        except OSError as error:
            raise CommandError(
                said_of(error, options["address"], places="CHARGE_STORE, UPLOAD_DIR or DATA_DIR")
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(restored), indent=2))
            return
        self.stdout.write(
            f"Restored the backup of {restored.made_at}: {restored.rows:,} rows, {restored.charge_files:,} files of"
            f" charges, {restored.upload_files:,} uploads. Check the charges with manage.py verify_charges."
        )
        if not restored.charge_files and not options["without_charges"]:
            self.stdout.write("It holds no charges. Put the charge store back too, or pages have no lines to show.")
        if restored.new_secret_key:
            self.stdout.write("The secret key is the backup's: restart every process.")
