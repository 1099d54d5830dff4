"""Findings as text and as JSON, for commands and the demo's report."""

from datetime import date
from typing import Any

from costs import figures
from costs.money import plain
from finops_site.demo_report import aligned
from tagging.selectors import FindingRow, FindingTable

SHOWN = 12  # findings the report of the demo lists


def findings_as_dict(found: FindingTable, *, as_of: date) -> dict[str, Any]:
    """The command's JSON: money as exact text."""
    return {
        "as_of": as_of.isoformat(),
        "currency": found.currency,
        "other_currencies": list(found.other_currencies),
        "total_monthly_cost": plain(found.total_monthly_cost),
        "total_monthly_saving": plain(found.total_monthly_saving),
        "verified_saving": plain(found.verified_saving),
        "by_kind": [
            {
                "kind": total.kind.value,
                "title": total.title,
                "count": total.count,
                "monthly_cost": plain(total.monthly_cost),
                "monthly_saving": plain(total.monthly_saving),
            }
            for total in found.by_kind
        ],
        "findings": [_as_dict(row) for row in found.rows],
    }


def _as_dict(row: FindingRow) -> dict[str, Any]:
    return {
        "ref": row.ref,
        "kind": row.kind.value,
        "resource_id": row.resource_id,
        "owner": row.owner_label,
        "owner_key": row.owner_key,
        "monthly_cost": plain(row.monthly_cost),
        "monthly_saving": plain(row.monthly_saving),
        "currency": row.currency,
        "state": row.state.value,
        "reason": row.reason,
        "evidence": [{"label": label, "text": text} for label, text in row.evidence],
        "first_seen_on": row.first_seen_on.isoformat(),
        "done_on": row.done_on.isoformat() if row.done_on else None,
        "verified_saving": plain(row.verified_saving),
    }


def findings_as_text(found: FindingTable, *, shown: int | None = None) -> str:
    """Totals by kind, then findings that are open or accepted, largest saving first."""
    live = [row for row in found.rows if row.is_live]
    head = (
        f"Findings: {len(live)} to act on, {_money(found, found.total_monthly_saving)} a month to save of"
        f" {_money(found, found.total_monthly_cost)} effective cost"
    )
    if not live:
        return f"{head}."
    kinds = [
        [total.title, str(total.count), _money(found, total.monthly_cost), _money(found, total.monthly_saving)]
        for total in found.by_kind
        if total.count
    ]
    rows = [
        [
            row.title,
            row.name,
            row.owner_label,
            row.state.value,
            _money(found, row.monthly_cost),
            _money(found, row.monthly_saving),
        ]
        for row in live[:shown]
    ]
    lines = [head, "", *aligned(["Kind", "Count", "Cost a month", "Saving a month"], kinds), ""]
    lines += aligned(["Kind", "Resource", "Owner", "State", "Cost a month", "Saving a month"], rows, text_columns=4)
    if shown is not None and len(live) > shown:
        lines.append(f"and {len(live) - shown} more: manage.py findings")
    return "\n".join(lines)


def _money(found: FindingTable, amount: Any) -> str:
    return figures.money(amount, found.currency)
