"""Rows of the tables, and the addresses they lead to."""

from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from costs.terms import CommitmentDiscountStatus, CostMetric
from ri.results import CommitmentRow, Coverage, PoolInstance, RecommendationRow, RejectedRow
from ri.usage import Pool
from tagging.line_links import lines_url

KINDS = {"reservation": "Reservation", "savings_plan": "Savings Plan"}


def pool_url(source_name: str, pool: Pool) -> str:
    """The page of a pool."""
    query = {
        "source": source_name,
        "region": pool.region_id,
        "type": pool.instance_type,
        "platform": pool.platform,
        "tenancy": pool.tenancy,
    }
    return f"{reverse('ri:pool')}?{urlencode(query)}"


def terms_of(row: RecommendationRow) -> str:
    """`3 years all upfront`; the class where it is not the usual one."""
    years = "1 year" if row.term_years == 1 else f"{row.term_years} years"
    beside = "" if row.offering_class == "standard" else f", {row.offering_class}"
    return f"{years} {row.payment_option.replace('_', ' ')}{beside}"


def worst_case(row: RecommendationRow) -> Decimal:
    """What is left of the saving after the deepest fall looked at."""
    return min((net for _, net in row.regrets), default=row.net_savings_annual)


def recommendation(row: RecommendationRow, source_name: str) -> dict[str, Any]:
    covers = "any size" if row.pool.is_family else row.platform
    return {
        **vars(row),
        "buy": f"{row.quantity} × {row.instance_type}",
        "kind": f"{row.region_id}, {covers}",
        "terms": terms_of(row),
        "worst_case": worst_case(row),
        "confidence": row.confidence.value,
        "url": pool_url(source_name, row.pool),
    }


def rejected(row: RejectedRow, source_name: str) -> dict[str, Any]:
    pool = row.pool
    return {
        "pool": pool.instance_type,
        "region_id": pool.region_id,
        "kind": f"{pool.platform}, {pool.tenancy}",
        "reason": row.reason,
        "url": pool_url(source_name, pool),
    }


def commitment(row: CommitmentRow, found: Coverage) -> dict[str, Any]:
    name = " ".join(part for part in (row.instance_type, row.platform) if part) or KINDS[row.kind]
    filters = (("commitment", row.commitment_id), ("status", CommitmentDiscountStatus.UNUSED.value))
    return {
        **vars(row),
        "name": name,
        "short_id": row.short_id,
        "tone": tone(row.utilization, found),
        "unused_lines_url": lines_url(found.period, CostMetric.EFFECTIVE, currency=found.currency, filters=filters),
    }


def tone(utilization: Decimal | None, found: Coverage) -> str:
    """Good from the target on, bad below half of it."""
    if utilization is None:
        return ""
    target = found.utilization_target
    return "good" if utilization >= target else "bad" if utilization < target / 2 else "warn"


def instance(row: PoolInstance) -> dict[str, Any]:
    return {**vars(row), "basis": "measured" if row.is_measured else "assumed from the state"}
