"""From a pool's demand and a price book's offers to one recommendation, or to the reason why there is none."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np

from costs import figures
from costs.coverage import quantity as exact
from ri import optimizer
from ri.offerings import Economics, Offer, economics
from ri.screen import Group
from ri.terms import Confidence, Limits
from ri.usage import Hours, Pool, family_of, normalization_factor


class Demand(Protocol):
    """Usage that reservations are bought for."""

    def used_share(self, quantity: int, *, fall: Decimal = Decimal(0)) -> Decimal:
        """Expected utilisation of `quantity` units, after usage fell by a share for good."""


@dataclass(frozen=True)
class SteadyDemand:
    """Instances of an inventory that each run this share of hours."""

    mean_uptime: Decimal

    def used_share(self, quantity: int, *, fall: Decimal = Decimal(0)) -> Decimal:
        del quantity  # every instance runs alike
        return self.mean_uptime * (1 - fall)


@dataclass(frozen=True)
class HourlyDemand:
    """Usage by hour, in instances of the size bought."""

    usage: Hours

    def used_share(self, quantity: int, *, fall: Decimal = Decimal(0)) -> Decimal:
        return optimizer.used_share(self.usage, quantity, fall=fall)


@dataclass(frozen=True)
class Option:
    """One offer at the quantity that is best for it."""

    offer: Offer
    quantity: int
    result: Economics


@dataclass(frozen=True)
class Basis:
    """What a piece of advice rests on; `days` measured, 0 where the uptime is assumed."""

    coverage: Decimal
    steadiness: Decimal
    days: int
    reason: str


@dataclass(frozen=True)
class Advice:
    """One recommended purchase. Savings are for a year of 8,760 hours; `regrets` pairs a fall of usage with the
    net saving that is left (negative: a loss against buying nothing)."""

    pool: Pool
    offer: Offer
    quantity: int
    result: Economics
    expected_utilization: Decimal
    coverage_ratio: Decimal
    steadiness: Decimal
    confidence: Confidence
    reason: str
    regrets: tuple[tuple[Decimal, Decimal], ...]


@dataclass(frozen=True)
class Rejection:
    """A pool without advice, and why."""

    pool: Pool
    reason: str


def advise_group(group: Group, offers: Iterable[Offer], limits: Limits, *, days: int) -> Advice | Rejection:
    """Advice for the steady instances of one pool of an inventory; `days` is how many snapshots it rests on."""
    if not group.steady:
        return Rejection(group.pool, _nothing_steady(group, limits))
    fitting = [offer for offer in offers if _fits(offer, group.pool)]
    if not fitting:
        return Rejection(group.pool, "The price book has no offer for it.")
    demand = SteadyDemand(group.mean_uptime)
    options = [_option(offer, group.quantity, demand) for offer in fitting]
    chosen = best_option(options, limits)
    if chosen is None:
        return Rejection(group.pool, _nothing_pays(options, limits, group.mean_uptime))
    return _advice(
        group.pool,
        chosen,
        demand,
        limits,
        Basis(
            coverage=Decimal(chosen.quantity) / len(group.steady),
            steadiness=group.mean_uptime,
            days=days if group.is_measured else 0,
            reason=_steady_reason(group, chosen, limits),
        ),
    )


def advise_hourly(pool: Pool, usage: Hours, offers: Iterable[Offer], limits: Limits) -> Advice | Rejection:
    """Advice for hourly usage on demand: in normalized units for a family, else in instances of the type."""
    days = len(usage) // 24
    if days < limits.min_usage_days:
        known = f"Hourly usage of {days} full {'day' if days == 1 else 'days'} is known; advice needs"
        return Rejection(pool, f"{known} {limits.min_usage_days}.")
    fitting = smallest_size(offer for offer in offers if _fits(offer, pool))
    if not fitting:
        return Rejection(pool, "The price book has no offer for it.")
    demand = HourlyDemand(in_units(usage, pool, fitting[0]))
    quantities = [(each, optimizer.best_quantity(demand.usage, each.break_even_utilization)) for each in fitting]
    options = [_option(offer, quantity, demand) for offer, quantity in quantities if quantity]
    if not options:
        return Rejection(pool, _too_rarely(demand.usage, fitting))
    chosen = best_option(options, limits)
    if chosen is None:
        return Rejection(pool, _nothing_pays(options, limits, None))
    used = demand.used_share(chosen.quantity)
    total = exact(float(demand.usage.sum()))
    always = np.count_nonzero(demand.usage >= chosen.quantity - optimizer.TIE)
    return _advice(
        pool,
        chosen,
        demand,
        limits,
        Basis(
            coverage=used * chosen.quantity * len(usage) / total,
            steadiness=Decimal(int(always)) / len(usage),
            days=days,
            reason=_hourly_reason(demand.usage, chosen),
        ),
    )


def best_option(options: Sequence[Option], limits: Limits) -> Option | None:
    """The largest net saving among options that save and pay back in time; on a tie the smaller upfront payment."""
    allowed = [each for each in options if each.result.net > 0 and _in_time(each, limits)]
    return max(allowed, key=lambda each: (each.result.net, -each.result.upfront), default=None)


def in_units(usage: Hours, pool: Pool, offer: Offer) -> Hours:
    """A pool's usage in instances of the size offered."""
    factor = normalization_factor(offer.instance_type) if pool.is_family else None
    return usage / float(factor) if factor else usage


def smallest_size(offers: Iterable[Offer]) -> list[Offer]:
    """Only the offers of the smallest size: with sizes interchangeable, it fits the usage most closely."""
    found = list(offers)
    sizes = {offer.instance_type: normalization_factor(offer.instance_type) or Decimal(0) for offer in found}
    smallest = min(sizes, key=lambda name: (sizes[name], name), default="")
    return [offer for offer in found if offer.instance_type == smallest]


def _fits(offer: Offer, pool: Pool) -> bool:
    same = (offer.region_id, offer.platform, offer.tenancy) == (pool.region_id, pool.platform, pool.tenancy)
    if pool.is_family:
        sized = normalization_factor(offer.instance_type) is not None
        return same and sized and family_of(offer.instance_type) == pool.family
    return same and offer.instance_type == pool.instance_type


def _option(offer: Offer, quantity: int, demand: Demand) -> Option:
    used = demand.used_share(quantity) if quantity else Decimal(0)
    return Option(offer, quantity, economics(offer, quantity=quantity, utilization=used))


def _in_time(option: Option, limits: Limits) -> bool:
    months = option.result.payback_months
    return months is not None and (not limits.max_payback_months or months <= limits.max_payback_months)


def _advice(pool: Pool, chosen: Option, demand: Demand, limits: Limits, basis: Basis) -> Advice:
    def net_after(fall: Decimal) -> Decimal:
        used = demand.used_share(chosen.quantity, fall=fall)
        return economics(chosen.offer, quantity=chosen.quantity, utilization=used).net

    return Advice(
        pool=pool,
        offer=chosen.offer,
        quantity=chosen.quantity,
        result=chosen.result,
        expected_utilization=demand.used_share(chosen.quantity),
        coverage_ratio=basis.coverage,
        steadiness=basis.steadiness,
        confidence=_confidence(basis.days, net_after(limits.confident_fall), limits),
        reason=basis.reason,
        regrets=tuple((fall, net_after(fall)) for fall in limits.falls),
    )


def _confidence(days: int, net_after_fall: Decimal, limits: Limits) -> Confidence:
    """`days` is 0 where the uptime is assumed."""
    if not days:
        return Confidence.LOW
    enough = days >= limits.confident_days and net_after_fall > 0
    return Confidence.HIGH if enough else Confidence.MEDIUM


def _nothing_steady(group: Group, limits: Limits) -> str:
    count, highest = len(group.candidates), group.highest_uptime
    if highest is None:
        states = ", ".join(sorted({each.state or "no state" for each in group.candidates}))
        return f"No uptime is measured, and none can be assumed from the state ({states})."
    steadiest = f"the steadiest runs {_pct(highest)} of hours, needs {_pct(limits.min_uptime)}"
    return f"None of {count} {_instances(count)} is steady: {steadiest}."


def _nothing_pays(options: Sequence[Option], limits: Limits, uptime: Decimal | None) -> str:
    if not any(each.quantity for each in options):
        return "The coverage target of 0 % asks for no reservation."
    saving = [each for each in options if each.result.net > 0 and each.result.payback_months is not None]
    if saving:
        months = min(each.result.payback_months for each in saving if each.result.payback_months is not None)
        limit = figures.number(limits.max_payback_months, 1)
        return (
            f"The upfront payment takes at least {figures.number(months, 1)} months to come back; the limit is {limit}."
        )
    needed = min(each.offer.break_even_utilization for each in options)
    runs = f"Runs {_pct(uptime)} of hours, needs" if uptime is not None else "Needs use in"
    return f"{runs} {_pct(needed)} of hours to save anything."


def _too_rarely(usage: Hours, offers: Sequence[Offer]) -> str:
    shares = optimizer.unit_shares(usage)
    if not len(shares):
        return "Nothing ran on demand."
    needed = min(offer.break_even_utilization for offer in offers)
    return (
        f"One {offers[0].instance_type} would be used {_pct(exact(float(shares[0])))} of hours, needs {_pct(needed)}."
    )


def _steady_reason(group: Group, chosen: Option, limits: Limits) -> str:
    steady, all_of_them = len(group.steady), len(group.candidates)
    how = "measured" if group.is_measured else "assumed from their state"
    return (
        f"{steady} of {all_of_them} {_instances(all_of_them)} run at least {_pct(limits.min_uptime)} of hours"
        f" (mean {_pct(group.mean_uptime)}, {how}); {chosen.quantity} of them meet the coverage target of"
        f" {_pct(limits.coverage_target)}. {_pays(chosen)}"
    )


def _hourly_reason(usage: Hours, chosen: Option) -> str:
    shares = optimizer.unit_shares(usage)
    last = _pct(exact(float(shares[chosen.quantity - 1])))
    beyond = shares[chosen.quantity] if chosen.quantity < len(shares) else 0.0
    name = chosen.offer.instance_type
    return (
        f"On demand ran {_count(usage.min())} to {_count(usage.max())} {name} at once,"
        f" {_count(usage.mean())} on average over {len(usage):,} hours. Number {chosen.quantity} is used {last} of"
        f" hours; one more would be used {_pct(exact(float(beyond)))}. {_pays(chosen)}"
    )


def _pays(chosen: Option) -> str:
    needed = f"Each needs use in {_pct(chosen.offer.break_even_utilization)} of hours to save"
    months = chosen.result.payback_months
    if not chosen.result.upfront or months is None:
        return f"{needed}, and nothing is paid upfront."
    return f"{needed}, and the upfront payment is back after {figures.number(months, 1)} months."


def _instances(count: int) -> str:
    return "instance" if count == 1 else "instances"


def _count(value: float) -> str:
    return figures.number(exact(float(value)), 1)


def _pct(value: Decimal | None) -> str:
    return figures.pct(value).replace(figures.NO_BREAK, " ")
