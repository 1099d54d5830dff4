"""manage.py findings [--detect] [--state STATE] [--kind KIND] [--team KEY] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs.errors import FinopsError
from costs.scope import Scope
from costs.terms import FindingKind
from finops_site import pipeline
from finops_site.findings_report import findings_as_dict, findings_as_text
from tagging import selectors as ownership
from tagging.terms import FindingState


class Command(BaseCommand):
    help = "Money spent on nothing: what stands, whose it is, and what acting on it saved."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--detect", action="store_true", help="look again first, as after every import")
        parser.add_argument("--state", action="append", choices=[state.value for state in FindingState], default=[])
        parser.add_argument("--kind", action="append", choices=[kind.value for kind in FindingKind], default=[])
        parser.add_argument("--team", default="", help="a team's key, or (none) for what nobody owns")
        parser.add_argument("--currency", default="", help="which currency, where there are several")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        try:
            if options["detect"]:
                pipeline.detect_findings(now=now)
            found = ownership.findings(
                Scope.all(),
                kinds=[FindingKind(kind) for kind in options["kind"]],
                states=[FindingState(state) for state in options["state"]],
                team=options["team"],
                currency=options["currency"].strip().upper(),
            )
        except FinopsError as error:
            raise CommandError(str(error)) from error
        except DatabaseError as error:
            raise CommandError(f"Cannot use the database ({error}). Check DATABASE_URL, then run migrate.") from error
        if options["json"]:
            self.stdout.write(json.dumps(findings_as_dict(found, as_of=now.date()), ensure_ascii=False))
        else:
            self.stdout.write(findings_as_text(found))
