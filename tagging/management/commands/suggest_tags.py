"""manage.py suggest_tags [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from costs.errors import FinopsError
from costs.figures import money
from costs.money import plain
from costs.scope import Scope
from costs.text_tables import aligned
from tagging.results.suggestions import SuggestionTable
from tagging.selectors import suggestions
from tagging.services import make_suggestions

SHOWN = 20


class Command(BaseCommand):
    help = "Suggest the tags that resources of the newest month lack, learned from those that carry them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print JSON instead of a table")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            least = float(settings.TAG_SUGGESTION_PRECISION)
            made = make_suggestions(now=timezone.now(), least_precision=least)
            found = suggestions(Scope.all())
        except FinopsError as error:
            raise CommandError(str(error)) from error
        if made.period is None:
            raise CommandError("There are no costs yet. Import a bill first (import_bill).")
        self.stdout.write(json.dumps(_as_dict(found), ensure_ascii=False) if options["json"] else _as_table(found))


def _as_dict(found: SuggestionTable) -> dict[str, Any]:
    return {
        "billing_period": str(found.period),
        "basis": "effective",
        "currency": found.currency,
        "least_precision": float(settings.TAG_SUGGESTION_PRECISION),
        "keys": [vars(key) for key in found.keys],
        "suggestions": [
            {
                "resource_id": row.resource_id,
                "name": row.name,
                "service_name": row.service_name,
                "sub_account_id": row.sub_account_id,
                "team_key": row.team_key,
                "key": row.key,
                "value": row.value,
                "confidence": round(row.confidence, 4),
                "evidence": list(row.evidence),
                "monthly_cost": plain(row.monthly_cost),
            }
            for row in found.rows
        ],
    }


def _as_table(found: SuggestionTable) -> str:
    counts = [[key.key, str(key.known), str(key.lacking), str(key.suggested)] for key in found.keys]
    lines = aligned([["Key", "Carry it", "Lack it", "Suggested"], *counts], [])
    if not found.rows:
        return "\n".join([*lines, "", found.why_none])
    rows = [
        [row.resource_id, f"{row.key}={row.value}", row.like_cases, money(row.monthly_cost, found.currency)]
        for row in found.rows[:SHOWN]
    ]
    more = [f"  … and {len(found.rows) - SHOWN} more"] if len(found.rows) > SHOWN else []
    return "\n".join([*lines, "", *aligned([["Resource", "Tag", "Confidence", "Cost a month"], *rows], []), *more])
