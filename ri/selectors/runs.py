"""Runs of recommendations as they were kept."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Max, Sum

from costs.money import ZERO
from costs.scope import Scope
from ri.models import Recommendation, RecommendationRun, RejectedPool
from ri.results import RecommendationRow, RejectedRow, Run
from ri.terms import Confidence, RunKind
from ri.usage import Pool

_SAME = (
    "region_id",
    "instance_type",
    "platform",
    "tenancy",
    "offering_class",
    "term_years",
    "payment_option",
    "quantity",
    "on_demand_rate",
    "effective_rate",
    "upfront_cost",
    "gross_savings_annual",
    "unused_cost_annual",
    "net_savings_annual",
    "break_even_utilization",
    "payback_months",
    "expected_utilization",
    "coverage_ratio",
    "steadiness",
    "reason",
)


@dataclass(frozen=True)
class Advised:
    """The newest advice on a source in one line: how many purchases, what they save net in a year and cost at once."""

    source_name: str
    kind: RunKind
    as_of: date
    lookback_days: int
    price_book: str
    currency: str
    purchases: int
    net_savings_annual: Decimal
    upfront_cost: Decimal


def advised(scope: Scope) -> tuple[Advised, ...]:
    """The newest run of every source, largest saving first; also those that recommend nothing. One query."""
    scope.require_everything()
    newest = RecommendationRun.objects.order_by().values("source_name").annotate(newest=Max("pk")).values("newest")
    rows = RecommendationRun.objects.filter(pk__in=newest).annotate(
        purchases=Count("recommendations"),
        net=Sum("recommendations__net_savings_annual"),
        upfront=Sum("recommendations__upfront_cost"),
    )
    found = [_advised(row) for row in rows]
    return tuple(sorted(found, key=lambda row: (-row.net_savings_annual, row.source_name)))


def latest_run(scope: Scope, source_name: str = "") -> Run | None:
    """A source's newest run; None before the first.

    Where no source is named, the one of the newest month; within it a bill's before an inventory's, so that it does
    not depend on which was worked out again last.
    """
    scope.require_everything()
    found = RecommendationRun.objects.order_by()
    if source_name:
        found = found.filter(source_name=source_name)
    newest = found.values("source_name").annotate(newest=Max("pk")).values("newest")
    row = max(RecommendationRun.objects.filter(pk__in=newest), key=_weight, default=None)
    return _run(row) if row else None


def _weight(row: RecommendationRun) -> tuple[tuple[int, int], bool, int]:
    is_hourly = row.kind == RunKind.HOURLY.value
    last = row.as_of - timedelta(days=1) if is_hourly else row.as_of
    return (last.year, last.month), is_hourly, row.pk


def run_by_pk(scope: Scope, pk: int) -> Run:
    """A run that was just made."""
    scope.require_everything()
    return _run(RecommendationRun.objects.get(pk=pk))


def sources_with_runs(scope: Scope) -> tuple[str, ...]:
    """Names of sources that have advice, in order."""
    scope.require_everything()
    found = RecommendationRun.objects.order_by("source_name").values_list("source_name", flat=True)
    return tuple(found.distinct())


def _advised(row: Any) -> Advised:
    return Advised(
        source_name=row.source_name,
        kind=RunKind(row.kind),
        as_of=row.as_of,
        lookback_days=row.lookback_days,
        price_book=row.price_book_name,
        currency=row.currency,
        purchases=row.purchases,
        net_savings_annual=row.net or ZERO,
        upfront_cost=row.upfront or ZERO,
    )


def _run(row: RecommendationRun) -> Run:
    return Run(
        source_name=row.source_name,
        kind=RunKind(row.kind),
        as_of=row.as_of,
        lookback_days=row.lookback_days,
        price_book=row.price_book_name,
        price_book_note=row.price_book_note,
        currency=row.currency,
        min_uptime=Decimal(row.limits["min_uptime"]),
        coverage_target=Decimal(row.limits["coverage_target"]),
        max_payback_months=Decimal(row.limits["max_payback_months"]),
        steady_instances=row.steady_instances,
        warnings=tuple(row.warnings),
        made_at=row.made_at,
        recommendations=tuple(_recommendation(each) for each in row.recommendations.all()),
        rejected=tuple(_rejected(each) for each in row.rejected.all()),
    )


def _recommendation(row: Recommendation) -> RecommendationRow:
    return RecommendationRow(
        pool=Pool(row.region_id, row.pool_type, row.platform, row.tenancy),
        confidence=Confidence(row.confidence),
        regrets=tuple((Decimal(fall), Decimal(net)) for fall, net in row.regrets),
        **{name: getattr(row, name) for name in _SAME},
    )


def _rejected(row: RejectedPool) -> RejectedRow:
    return RejectedRow(Pool(row.region_id, row.pool_type, row.platform, row.tenancy), row.reason)
