"""What a run finds out: the screen of an inventory, or the optimum of every pool of a bill's hourly usage."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from costs import figures
from costs import selectors as intake
from costs.errors import InvalidRequestError
from costs.scope import Scope
from costs.selectors import InstanceStates
from ri.advice import Advice, Rejection, advise_group, advise_hourly, in_units, smallest_size
from ri.offerings import Offer
from ri.optimizer import best_quantity
from ri.results import Book, Findings
from ri.screen import Candidate, Group, screened, uptime_of
from ri.selectors.hourly import PoolUsage, Window, pool_usage, usage_window
from ri.selectors.limits import assumptions
from ri.terms import Limits, RunKind
from ri.usage import Hours, Pool, normalization_factor, plain_platform, plain_tenancy


def findings(scope: Scope, source_name: str, *, as_of: date | None, book: Book, limits: Limits) -> Findings:
    """Advice for one source as of a day. Raises InvalidRequestError where there is nothing to look at."""
    scope.require_everything()
    source = intake.source_format(scope, source_name)
    if source.is_inventory:
        return _screen(scope, source_name, as_of=as_of, book=book, limits=limits)
    window = usage_window(scope, source_name, as_of=as_of)
    return _hourly(window, pool_usage(scope, window), book=book, limits=limits)


def candidates_of(scope: Scope, source_name: str, *, as_of: date) -> tuple[Candidate, ...]:
    """The instances of the newest inventory up to a day, with their uptimes."""
    since = as_of - timedelta(days=settings.RI_LOOKBACK_DAYS)
    states = intake.instance_states(scope, source_name, since=since, as_of=as_of)
    return tuple(_candidate(each) for each in states)


def _screen(scope: Scope, source_name: str, *, as_of: date | None, book: Book, limits: Limits) -> Findings:
    day = as_of or intake.latest_snapshot_day(scope, source_name)
    candidates = candidates_of(scope, source_name, as_of=day) if day else ()
    if day is None or not candidates:
        when = f" in the {settings.RI_LOOKBACK_DAYS} days to {day}" if day else ""
        raise InvalidRequestError(f"'{source_name}' has no inventory of instances{when}. Import one or choose a day.")
    groups = screened(candidates, limits)
    found = [advise_group(group, book.offers, limits, days=_snapshot_days(group)) for group in groups]
    return Findings(
        kind=RunKind.SCREEN,
        as_of=day,
        steady_instances=sum(len(group.steady) for group in groups),
        advice=tuple(each for each in found if isinstance(each, Advice)),
        rejections=tuple(each for each in found if isinstance(each, Rejection)),
        warnings=tuple(_screen_warnings(groups, book)),
    )


def _hourly(window: Window, pools: Sequence[PoolUsage], *, book: Book, limits: Limits) -> Findings:
    found = [advise_hourly(each.pool, each.on_demand, book.offers, limits) for each in pools]
    return Findings(
        kind=RunKind.HOURLY,
        as_of=window.as_of,
        steady_instances=sum(
            _steady_units(each.on_demand, advice, limits)
            for each, advice in zip(pools, found, strict=True)
            if isinstance(advice, Advice)
        ),
        advice=tuple(each for each in found if isinstance(each, Advice)),
        rejections=tuple(each for each in found if isinstance(each, Rejection)),
        warnings=tuple(_hourly_warnings(pools, book)),
    )


def _steady_units(usage: Hours, advice: Advice, limits: Limits) -> int:
    """How many instances of the size bought run more than the minimum uptime."""
    return best_quantity(in_units(usage, advice.pool, advice.offer), limits.min_uptime)


def _candidate(each: InstanceStates) -> Candidate:
    return Candidate(
        resource_id=each.resource_id,
        pool=Pool(each.region_id, each.instance_type, plain_platform(each.platform), plain_tenancy(each.tenancy)),
        state=each.state,
        cpu_pct=each.cpu_pct,
        uptime=uptime_of(each.states, cpu_pct=each.cpu_pct, assumptions=assumptions()),
        hourly_rate=each.hourly_rate,
    )


def _snapshot_days(group: Group) -> int:
    """Days a measured uptime rests on; the limit of high confidence is in days too."""
    return settings.RI_LOOKBACK_DAYS if group.is_measured else 0


def _screen_warnings(groups: Iterable[Group], book: Book) -> Iterable[str]:
    rates = _on_demand_rates(book)
    factors = [
        each.hourly_rate / rate
        for group in groups
        for each in group.candidates
        if each.hourly_rate and (rate := rates.get(group.pool))
    ]
    yield from _rate_warning("The inventory's own hourly rates stand", factors, book)
    if any(not each.uptime.is_measured for group in groups for each in group.candidates):
        yield (
            f"Uptimes are assumed from the state of each instance: fewer than {settings.RI_MIN_SNAPSHOTS} inventories"
            " are known. Confidence is low until they are measured."
        )


def _hourly_warnings(pools: Sequence[PoolUsage], book: Book) -> Iterable[str]:
    factors = []
    for each in pools:
        offer = next(iter(smallest_size(offers_of(book.offers, each.pool))), None)
        hours = float(each.on_demand.sum())
        if offer and hours and each.on_demand_cost:
            size = normalization_factor(offer.instance_type) if each.pool.is_family else None
            own = Decimal(str(round(each.on_demand_cost / hours * float(size or 1), 10)))
            factors.append(own / offer.on_demand_hourly)
    yield from _rate_warning("The bill's own on-demand rates stand", factors, book)


def _rate_warning(head: str, factors: Sequence[Decimal], book: Book) -> Iterable[str]:
    """A sentence where own rates and the book disagree by more than the tolerance."""
    if not factors:
        return
    low, high = min(factors), max(factors)
    if abs(low - 1) <= settings.RI_RATE_TOLERANCE and abs(high - 1) <= settings.RI_RATE_TOLERANCE:
        return
    between = _times(low) if _times(low) == _times(high) else f"{_times(low)} to {_times(high)}"
    yield (
        f"{head} {between} times the on-demand rates of price book '{book.name}'. The advice is"
        " priced with the book: check the rates, or import your own price book, before buying."
    )


def _times(factor: Decimal) -> str:
    return figures.number(factor, 1 if factor < 10 else 0)


def _on_demand_rates(book: Book) -> dict[Pool, Decimal]:
    return {
        Pool(offer.region_id, offer.instance_type, offer.platform, offer.tenancy): offer.on_demand_hourly
        for offer in book.offers
    }


def offers_of(offers: Iterable[Offer], pool: Pool) -> list[Offer]:
    """The offers that cover a pool, of whatever size."""
    kind = (pool.region_id, pool.platform, pool.tenancy)
    return [
        offer
        for offer in offers
        if (offer.region_id, offer.platform, offer.tenancy) == kind
        and (
            Pool(pool.region_id, offer.instance_type).family == pool.family
            if pool.is_family
            else offer.instance_type == pool.instance_type
        )
    ]
