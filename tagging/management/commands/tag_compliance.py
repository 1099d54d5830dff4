"""manage.py tag_compliance [PERIOD] [--by team] [--basis effective] [--currency USD] [--json]"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from costs import selectors as intake
from costs.errors import FinopsError
from costs.figures import money, pct
from costs.money import ZERO, plain
from costs.periods import BillingPeriod
from costs.queries import parse_metric
from costs.reading import one_reading
from costs.scope import Scope
from costs.terms import CostMetric
from costs.text_tables import aligned
from tagging.results import Compliance, GroupCompliance
from tagging.results.tag_findings import TagFindings
from tagging.selectors import compliance, tag_findings
from tagging.terms import TagProblem

GROUPS = ("team", "service", "region", "account", "environment")
NEAR_MISSES_SHOWN = 10


class Command(BaseCommand):
    help = "What the tag policy says of a month's resources, by count and by money over taggable charges."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("period", nargs="?", help="the month, like 2025-11 (default: the latest with costs)")
        bases = ", ".join(CostMetric)
        parser.add_argument("--basis", default=CostMetric.EFFECTIVE.value, help=f"one of {bases} (default: effective)")
        parser.add_argument("--currency", default="", help="which currency, where a month has several")
        parser.add_argument("--by", default="team", choices=GROUPS, help="what to group by (default: team)")
        parser.add_argument("--json", action="store_true", help="print JSON instead of tables")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            period = _period(options["period"])
            metric, currency = parse_metric(options["basis"]), options["currency"].strip().upper()
            with one_reading():
                month = compliance(Scope.all(), period, metric=metric, currency=currency)
                found = tag_findings(Scope.all(), period, metric=metric, currency=currency)
        except FinopsError as error:
            raise CommandError(str(error)) from error
        by = options["by"]
        if options["json"]:
            answer = {**_as_dict(month), **_groups(month, by), **_problems(found)}
            self.stdout.write(json.dumps(answer, ensure_ascii=False))
        else:
            self.stdout.write(_as_tables(month, by, found))


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
        "exempt_by_tag": {key.key: key.exempt for key in month.by_key},
        "exempt_resources": month.exempt_resources,
        "exempt_cost": plain(month.exempt_cost),
        "untaggable_cost": None if month.untaggable_cost is None else plain(month.untaggable_cost),
        "unread_tags": [
            {"key": item.key, "reason": item.reason.value, "values": item.values} for item in month.unread_keys
        ],
        "taggable_cost": plain(month.taggable_cost),
        "compliant_cost": plain(month.compliant_cost),
        "cost_ratio": _number(month.cost_ratio),
    }


def _groups(month: Compliance, by: str) -> dict[str, Any]:
    return {
        "by": by,
        "groups": [
            {
                "key": row.key,
                "label": row.label,
                "resources": row.resources,
                "compliant_resources": row.compliant_resources,
                "compliance_ratio": _number(row.compliance_ratio),
                "taggable_cost": plain(row.taggable_cost),
                "compliant_cost": plain(row.compliant_cost),
                "cost_ratio": _number(row.cost_ratio),
            }
            for row in _rows_of(month, by)
        ],
    }


def _rows_of(month: Compliance, by: str) -> tuple[GroupCompliance, ...]:
    rows: tuple[GroupCompliance, ...] = getattr(month, f"by_{by}")
    return rows


def _problems(found: TagFindings) -> dict[str, Any]:
    near = [row for row in found.rows if row.problem is TagProblem.NEAR_MISS]
    return {
        "findings": {
            total.problem.value: {
                "keys": total.findings,
                "resources": total.resources,
                "breaking": total.breaking,
                "cost": plain(total.cost),
            }
            for total in found.totals
        },
        "near_misses": [
            {
                "resource_id": row.resource_id,
                "key": row.key,
                "spelling": row.spelling,
                "value": row.value,
                "meant": row.wanted,
                "why": row.why,
                "breaks": row.breaks,
                "cost": plain(row.cost),
            }
            for row in near
        ],
    }


def _number(ratio: Any) -> float | None:
    return None if ratio is None else float(ratio)


def _as_tables(month: Compliance, by: str, found: TagFindings) -> str:
    lines = [
        f"Tag compliance {month.period.label}, {month.metric.value} cost of taggable charges in {month.currency}",
        "",
        f"Resources  {month.compliant_resources} of {month.resources} compliant ({pct(month.compliance_ratio)})",
        f"Money      {money(month.compliant_cost, month.currency)} of {money(month.taggable_cost, month.currency)}"
        f" compliant ({pct(month.cost_ratio)})",
        f"Set aside  {money(month.untaggable_cost or ZERO, month.currency)} that cannot be tagged,"
        f" {money(month.exempt_cost, month.currency)} excused",
        *(f"Left out   {item.text}." for item in month.unread_keys),
        "",
    ]
    keys = [
        [key.key, str(key.present), str(key.missing), str(key.invalid), pct(key.compliant_ratio), pct(key.cost_ratio)]
        for key in month.by_key
    ]
    lines += aligned([["Key", "Present", "Missing", "Invalid", "Compliant", "Of the money"], *keys], [])
    groups = [
        [
            row.label,
            f"{row.compliant_resources} of {row.resources}",
            money(row.compliant_cost, month.currency),
            money(row.taggable_cost, month.currency),
            pct(row.cost_ratio),
        ]
        for row in _rows_of(month, by)
    ]
    lines += ["", *aligned([[by.capitalize(), "Resources", "Compliant", "Taggable", "Ratio"], *groups], [])]
    return "\n".join([*lines, *_problem_lines(month, found)])


def _problem_lines(month: Compliance, found: TagFindings) -> list[str]:
    rows = [
        [total.title, str(total.findings), str(total.resources), money(total.cost, month.currency)]
        for total in found.totals
        if total.findings
    ]
    near = [row for row in found.rows if row.problem is TagProblem.NEAR_MISS]
    texts = [
        f"  {row.key}={row.value} on {row.resource_id}: probably {row.wanted or row.key}, {row.why}"
        for row in near[:NEAR_MISSES_SHOWN]
    ]
    more = [f"  … and {len(near) - NEAR_MISSES_SHOWN} more"] if len(near) > NEAR_MISSES_SHOWN else []
    table = ["", *aligned([["Finding", "Keys", "Resources", "Their cost"], *rows], [])] if rows else []
    return [*table, *(["", "Near misses", *texts, *more] if texts else [])]
