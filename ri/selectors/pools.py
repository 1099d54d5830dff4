"""One pool: its usage or instances, the advice on it, the savings curve and the other ways to buy."""

from collections.abc import Sequence
from dataclasses import replace

from costs.coverage import quantity as exact
from costs.errors import NotFoundInScopeError
from costs.scope import Scope
from ri import optimizer
from ri.advice import HourlyDemand, SteadyDemand, in_units, smallest_size
from ri.offerings import Offer, economics
from ri.results import OptionRow, PoolDetail, PoolInstance, RecommendationRow
from ri.screen import Group, screened
from ri.selectors.books import offers_in
from ri.selectors.findings import candidates_of, offers_of
from ri.selectors.hourly import HOUR, pool_usage, usage_window
from ri.selectors.limits import default_limits
from ri.selectors.runs import latest_run
from ri.terms import Limits, RunKind
from ri.usage import Pool

CURVE_POINTS = 60


def pool_detail(scope: Scope, source_name: str, pool: Pool) -> PoolDetail:
    """A pool of the newest run of a source. Raises NotFoundInScopeError where that run knows no such pool."""
    run = latest_run(scope, source_name)
    advice = next((row for row in run.recommendations if row.pool == pool), None) if run else None
    rejection = next((row for row in run.rejected if row.pool == pool), None) if run else None
    if run is None or (advice is None and rejection is None):
        raise NotFoundInScopeError("There is no advice on this pool.")
    limits = replace(
        default_limits(),
        min_uptime=run.min_uptime,
        coverage_target=run.coverage_target,
        max_payback_months=run.max_payback_months,
    )
    bare = PoolDetail(pool, pool.instance_type, run, advice, rejection, (), (), (), ())
    offers = smallest_size(offers_of(offers_in(scope, run.price_book), pool))  # none where the book is gone
    if run.kind is RunKind.SCREEN:
        return _screened(scope, bare, offers, limits)
    return _hourly(scope, bare, offers)


def _screened(scope: Scope, bare: PoolDetail, offers: Sequence[Offer], limits: Limits) -> PoolDetail:
    candidates = candidates_of(scope, bare.run.source_name, as_of=bare.run.as_of)
    group = next((each for each in screened(candidates, limits) if each.pool == bare.pool), None)
    if group is None:
        return bare
    demand = SteadyDemand(group.mean_uptime)
    quantities = [(offer, group.quantity) for offer in offers if group.quantity]
    options = _options(quantities, demand, bare.recommendation)
    return replace(bare, options=options, instances=_instances(group, limits))


def _instances(group: Group, limits: Limits) -> tuple[PoolInstance, ...]:
    return tuple(
        PoolInstance(
            resource_id=each.resource_id,
            state=each.state,
            cpu_pct=each.cpu_pct,
            uptime=each.uptime.share,
            is_measured=each.uptime.is_measured,
            is_steady=each.is_steady(limits),
            hourly_rate=each.hourly_rate,
        )
        for each in group.candidates
    )


def _hourly(scope: Scope, bare: PoolDetail, offers: Sequence[Offer]) -> PoolDetail:
    window = usage_window(scope, bare.run.source_name, as_of=bare.run.as_of)
    found = next((each for each in pool_usage(scope, window) if each.pool == bare.pool), None)
    if found is None:
        return bare
    on_demand, committed = found.on_demand, found.committed
    unit = "normalized units" if bare.pool.is_family else bare.pool.instance_type
    if offers:
        on_demand, committed = (in_units(usage, bare.pool, offers[0]) for usage in (on_demand, committed))
        unit = offers[0].instance_type
    hours = tuple(
        (window.start + at * HOUR, exact(float(mine)), exact(float(other)))
        for at, (mine, other) in enumerate(zip(on_demand, committed, strict=True))
    )
    chosen = _chosen_offer(offers, bare.recommendation)
    if chosen is None:
        return replace(bare, unit=unit, hours=hours)
    quantities = [(each, optimizer.best_quantity(on_demand, each.break_even_utilization)) for each in offers]
    options = _options([pair for pair in quantities if pair[1]], HourlyDemand(on_demand), bare.recommendation)
    curve = optimizer.savings_curve(on_demand, chosen, points=CURVE_POINTS)
    return replace(bare, unit=unit, hours=hours, curve=curve, options=options)


def _chosen_offer(offers: Sequence[Offer], advice: RecommendationRow | None) -> Offer | None:
    """The offer recommended; without advice the one that needs the least use."""
    fallback = min(offers, key=lambda offer: offer.effective_rate, default=None)
    return next((offer for offer in offers if advice and _is_of(offer, advice)), fallback)


def _is_of(offer: Offer, advice: RecommendationRow) -> bool:
    terms = (offer.offering_class, offer.term_years, offer.payment_option)
    return terms == (advice.offering_class, advice.term_years, advice.payment_option)


def _options(
    quantities: Sequence[tuple[Offer, int]], demand: HourlyDemand | SteadyDemand, advice: RecommendationRow | None
) -> tuple[OptionRow, ...]:
    rows = []
    for offer, quantity in quantities:
        result = economics(offer, quantity=quantity, utilization=demand.used_share(quantity))
        rows.append(
            OptionRow(
                name=offer.name,
                quantity=quantity,
                effective_rate=offer.effective_rate,
                break_even_utilization=offer.break_even_utilization,
                term_break_even_months=offer.term_break_even_months,
                payback_months=result.payback_months,
                upfront_cost=result.upfront,
                net_savings_annual=result.net,
                is_chosen=advice is not None and _is_of(offer, advice),
            )
        )
    return tuple(sorted(rows, key=lambda row: (-row.net_savings_annual, row.name)))
