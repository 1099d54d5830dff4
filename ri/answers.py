"""Answers of commands: as JSON (money as exact text, ratios as numbers) and as tables."""

from decimal import Decimal
from typing import Any

from costs import figures
from costs.money import plain, round_money
from costs.text_tables import aligned
from ri.results import CommitmentRow, Coverage, RecommendationRow, Run


def run_as_dict(run: Run) -> dict[str, Any]:
    """A run with its recommendations, dearest first, and the pools without advice."""
    return {
        "source": run.source_name,
        "as_of": run.as_of.isoformat(),
        "lookback_days": run.lookback_days,
        "price_book": run.price_book,
        "currency": run.currency,
        "steady_instances": run.steady_instances,
        "warnings": list(run.warnings),
        "recommendations": [recommendation_as_dict(row) for row in run.recommendations],
        "rejected": [{"pool": row.pool.label, "reason": row.reason} for row in run.rejected],
    }


def recommendation_as_dict(row: RecommendationRow) -> dict[str, Any]:
    """One recommended purchase."""
    return {
        "region_id": row.region_id,
        "instance_type": row.instance_type,
        "platform": row.platform,
        "tenancy": row.tenancy,
        "offering_class": row.offering_class,
        "term_years": row.term_years,
        "payment_option": row.payment_option,
        "quantity": row.quantity,
        "on_demand_rate": plain(row.on_demand_rate),
        "effective_rate": plain(row.effective_rate),
        "upfront_cost": plain(row.upfront_cost),
        "gross_savings_annual": plain(row.gross_savings_annual),
        "unused_cost_annual": plain(row.unused_cost_annual),
        "net_savings_annual": plain(row.net_savings_annual),
        "break_even_utilization": number(row.break_even_utilization),
        "payback_months": number(row.payback_months),
        "expected_utilization": number(row.expected_utilization),
        "coverage_ratio": number(row.coverage_ratio),
        "steadiness": number(row.steadiness),
        "confidence": row.confidence.value,
        "reason": row.reason,
        "net_savings_if_usage_falls": {f"{plain(fall * 100)} %": plain(net) for fall, net in row.regrets},
    }


def coverage_as_dict(found: Coverage) -> dict[str, Any]:
    """A month's coverage and utilisation with every commitment."""
    return {
        "billing_period": str(found.period),
        "currency": found.currency,
        "other_currencies": list(found.other_currencies),
        "coverage_ratio": number(found.coverage_units),
        "coverage_ratio_hours": number(found.coverage_hours),
        "coverage_ratio_cost": number(found.coverage_cost),
        "coverage_target": number(found.coverage_target),
        "utilization_ratio": number(found.utilization),
        "utilization_target": number(found.utilization_target),
        "effective_savings_rate": number(found.effective_savings_rate),
        "list_cost": plain(found.list_cost),
        "effective_cost": plain(found.effective_cost),
        "commitment_cost": plain(found.total_cost),
        "unused_cost": plain(found.unused_cost),
        "on_demand_cost": plain(found.on_demand_cost),
        "last_usage_on": found.last_usage_on.isoformat() if found.last_usage_on else None,
        "commitments": [commitment_as_dict(row) for row in found.commitments],
    }


def commitment_as_dict(row: CommitmentRow) -> dict[str, Any]:
    """One reservation or plan in a month."""
    return {
        "commitment_id": row.commitment_id,
        "kind": row.kind,
        "sub_account_id": row.sub_account_id,
        "region_id": row.region_id,
        "instance_type": row.instance_type,
        "platform": row.platform,
        "utilization_ratio": number(row.utilization),
        "commitment_cost": plain(row.total_cost),
        "unused_cost": plain(row.unused_cost),
        "on_demand_value": plain(row.on_demand_value),
        "net_savings": plain(row.net_savings),
        "ends_on": row.ends_on.isoformat() if row.ends_on else None,
    }


def number(ratio: Decimal | None) -> float | None:
    """A ratio to ten decimals; None where there is nothing to divide by."""
    return None if ratio is None else float(round_money(ratio))


def run_as_text(run: Run) -> str:
    """A run as tables for a terminal."""
    header = ["Buy", "Region", "Terms", "Net saving a year", "Upfront", "Payback", "Needs use", "Confidence"]
    rows = [header]
    for row in run.recommendations:
        terms = f"{row.term_years}y {row.payment_option.replace('_', ' ')}"
        costs = [figures.money(row.net_savings_annual, run.currency), figures.money(row.upfront_cost, run.currency)]
        ends = [
            f"{figures.number(row.payback_months, 1)} mo",
            figures.pct(row.break_even_utilization),
            row.confidence.value,
        ]
        rows.append([f"{row.quantity} × {row.instance_type}", row.region_id, terms, *costs, *ends])
    total = [
        "Total",
        "",
        "",
        figures.money(run.net_savings_annual, run.currency),
        figures.money(run.upfront_cost, run.currency),
    ]
    lines = [f"{run.source_name} as of {run.as_of}, prices: {run.price_book}, {run.steady_instances} steady instances"]
    lines += [f"! {warning}" for warning in run.warnings]
    lines += aligned(rows, [[*total, "", "", ""]]) if run.recommendations else ["No pool is worth a reservation."]
    lines += [f"No advice on {row.pool.label}: {row.reason}" for row in run.rejected]
    return "\n".join(lines)


def coverage_as_text(found: Coverage) -> str:
    """A month as tables for a terminal."""
    lines = [
        f"{found.period.label}, {found.currency}",
        f"coverage {figures.pct(found.coverage_units)} of normalized units"
        f" (target {figures.pct(found.coverage_target, 0)}),"
        f" utilisation {figures.pct(found.utilization)} (target {figures.pct(found.utilization_target, 0)}),"
        f" effective savings rate {figures.pct(found.effective_savings_rate)},"
        f" unused {figures.money(found.unused_cost, found.currency)}",
    ]
    rows = [["Commitment", "Type", "Region", "Used", "Cost", "Unused", "Ends"]]
    for row in found.commitments:
        costs = [figures.money(row.total_cost, found.currency), figures.money(row.unused_cost, found.currency)]
        name = f"{row.instance_type} {row.platform}".strip()
        rows.append(
            [row.short_id, name, row.region_id, figures.pct(row.utilization, 4), *costs, str(row.ends_on or "")]
        )
    return "\n".join([*lines, *(aligned(rows, []) if found.commitments else ["No commitment in this month."])])
