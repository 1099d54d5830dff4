"""manage.py tag_compliance [PERIOD] [--basis effective] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs import selectors as intake
from costs.errors import FinopsError
from costs.figures import money, pct
from costs.money import plain
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.scope import Scope
from costs.terms import CostMetric
from costs.text_tables import aligned
from tagging.results import Compliance
from tagging.selectors import compliance


class Command(BaseCommand):
    help = "What the tag policy says of a month's resources, by count and by money over taggable charges."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", nargs="?", help="the month, like 2025-11 (default: the latest with costs)")
        bases = ", ".join(CostMetric)
        parser.add_argument("--basis", default=CostMetric.EFFECTIVE.value, help=f"one of {bases} (default: effective)")
        parser.add_argument("--currency", default="", help="which currency, where a month has several")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = _period(options["period"])
            metric, currency = parse_metric(options["basis"]), options["currency"].strip().upper()
            month = compliance(Scope.all(), period, metric=metric, currency=currency)
        except FinopsError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(json.dumps(_as_dict(month), ensure_ascii=False) if options["json"] else _as_tables(month))


def _period(text: str | None) -> BillingPeriod:
    known = intake.periods_with_costs(Scope.all())
    if not known:
        raise CommandError("There are no costs yet. Import a bill first (import_bill).")
    if text is None:
        return known[0]
    period = BillingPeriod.parse(text)
    if period not in known:
        months = ", ".join(str(month) for month in known[:6])
        raise CommandError(f"There are no costs for {period}. Months with costs: {months}.")
    return period


def _as_dict(month: Compliance) -> dict[str, Any]:
    return {
        "billing_period": str(month.period),
        "basis": month.metric.value,
        "currency": month.currency,
        "resources": month.resources,
        "compliant_resources": month.compliant_resources,
        "compliance_ratio": _number(month.compliance_ratio),
        "by_tag": {
            key.key: {"present": key.present, "missing": key.missing, "invalid": key.invalid} for key in month.by_key
        },
        "unread_tags": [
            {"key": item.key, "reason": item.reason.value, "values": item.values} for item in month.unread_keys
        ],
        "taggable_cost": plain(month.taggable_cost),
        "compliant_cost": plain(month.compliant_cost),
        "cost_ratio": _number(month.cost_ratio),
    }


def _number(ratio: Any) -> float | None:
    return None if ratio is None else float(ratio)


def _as_tables(month: Compliance) -> str:
    lines = [
        f"Tag compliance {month.period.label}, {month.metric.value} cost of taggable charges in {month.currency}",
        "",
        f"Resources  {month.compliant_resources} of {month.resources} compliant ({pct(month.compliance_ratio)})",
        f"Money      {money(month.compliant_cost, month.currency)} of {money(month.taggable_cost, month.currency)}"
        f" compliant ({pct(month.cost_ratio)})",
        *(f"Left out   {item.text}." for item in month.unread_keys),
        "",
    ]
    keys = [
        [key.key, str(key.present), str(key.missing), str(key.invalid), pct(key.compliant_ratio), pct(key.cost_ratio)]
        for key in month.by_key
    ]
    lines += aligned([["Key", "Present", "Missing", "Invalid", "Compliant", "Of the money"], *keys], [])
    teams = [
        [
            team.label,
            f"{team.compliant_resources} of {team.resources}",
            money(team.compliant_cost, month.currency),
            money(team.taggable_cost, month.currency),
            pct(team.cost_ratio),
        ]
        for team in month.by_team
    ]
    return "\n".join([*lines, "", *aligned([["Team", "Resources", "Compliant", "Taggable", "Ratio"], *teams], [])])
