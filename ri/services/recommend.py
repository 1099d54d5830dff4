"""Run recommendations for a source and keep the answer."""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.conf import settings
from django.db import transaction

from costs.errors import InvalidRequestError
from costs.money import plain, round_money
from costs.scope import Scope
from ri import selectors
from ri.advice import Advice
from ri.models import PriceBook, Recommendation, RecommendationRun, RejectedPool
from ri.results import Findings

_ALL = Decimal(1)


@dataclass(frozen=True)
class Choices:
    """What a run may be asked for; None takes the setting. Ratios: 1 is all; a payback of 0 is no limit."""

    min_uptime: Decimal | None = None
    coverage_target: Decimal | None = None
    max_payback_months: Decimal | None = None
    price_book: str = ""


def recommend(source_name: str, *, as_of: date | None = None, choices: Choices | None = None) -> int:
    """Work out what to commit to for this source and store it; returns the run's pk.

    `as_of` is the day after the last hour looked at (a bill) or the day of the inventory; by default the newest there
    is. The same question asked again takes the place of the earlier answer. Raises InvalidRequestError for an unknown
    source or price book, for limits that are none, and where the source has nothing before that day.
    """
    asked = choices or Choices()
    limits = selectors.default_limits()
    given = {name: getattr(asked, name) for name in ("min_uptime", "coverage_target", "max_payback_months")}
    limits = replace(limits, **{name: value for name, value in given.items() if value is not None})
    if not (0 <= limits.min_uptime <= _ALL and 0 <= limits.coverage_target <= _ALL and limits.max_payback_months >= 0):
        raise InvalidRequestError("Shares go from 0 to 100 per cent, and a payback is at least 0 months (0: no limit).")
    book = selectors.chosen_book(asked.price_book)
    found = selectors.findings(Scope.all(), source_name, as_of=as_of, book=book, limits=limits)
    limits_kept = {name: plain(getattr(limits, name)) for name in given}
    return _keep(source_name, found, book=book, limits=limits_kept)


@transaction.atomic
def _keep(source_name: str, found: Findings, *, book: selectors.Book, limits: dict[str, str]) -> int:
    # Two who ask the same at once leave one answer: the second waits here for the first.
    list(PriceBook.objects.select_for_update().filter(name=book.name))
    same = RecommendationRun.objects.filter(
        source_name=source_name, as_of=found.as_of, price_book_name=book.name, limits=limits
    )
    same.delete()
    run = RecommendationRun.objects.create(
        source_name=source_name,
        kind=found.kind.value,
        as_of=found.as_of,
        lookback_days=settings.RI_LOOKBACK_DAYS,
        price_book_name=book.name,
        price_book_note=book.note,
        currency=book.currency,
        limits=limits,
        steady_instances=found.steady_instances,
        warnings=list(found.warnings),
    )
    Recommendation.objects.bulk_create(_row(run, each) for each in found.advice)
    RejectedPool.objects.bulk_create(
        RejectedPool(
            run=run,
            region_id=each.pool.region_id,
            pool_type=each.pool.instance_type,
            platform=each.pool.platform,
            tenancy=each.pool.tenancy,
            reason=each.reason,
        )
        for each in found.rejections
    )
    return run.pk


def _row(run: RecommendationRun, advice: Advice) -> Recommendation:
    offer, result = advice.offer, advice.result
    return Recommendation(
        run=run,
        pool_type=advice.pool.instance_type,
        region_id=offer.region_id,
        instance_type=offer.instance_type,
        platform=offer.platform,
        tenancy=offer.tenancy,
        offering_class=offer.offering_class.value,
        term_years=offer.term_years,
        payment_option=offer.payment_option.value,
        quantity=advice.quantity,
        on_demand_rate=round_money(offer.on_demand_hourly),
        effective_rate=round_money(offer.effective_rate),
        upfront_cost=round_money(result.upfront),
        gross_savings_annual=round_money(result.gross),
        unused_cost_annual=round_money(result.unused),
        net_savings_annual=round_money(result.net),
        break_even_utilization=round_money(offer.break_even_utilization),
        payback_months=round_money(result.payback_months or Decimal(0)),
        expected_utilization=round_money(advice.expected_utilization),
        coverage_ratio=round_money(advice.coverage_ratio),
        steadiness=round_money(advice.steadiness),
        confidence=advice.confidence.value,
        regrets=[[plain(fall), plain(round_money(net))] for fall, net in advice.regrets],
        reason=advice.reason,
    )
