"""Instances of a month: which hours a reservation covers, which a Savings Plan, and what is left at list price.

Reservations go first, in the order of the instances; then the plan, hour by hour, until its commitment
is used; the last instance may be covered in part. Then, in whole 1e-10 USD, for every commitment:
effective cost of what it covered + its unused part = its fees.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from finops_site.demo_data import rates
from finops_site.demo_data.company import Reservation, SavingsPlan
from finops_site.demo_data.estate import Estate, Instance
from finops_site.demo_data.lines import Lines, Meter, priced_at
from finops_site.demo_data.meters import as_kind, instance_meter, meter
from finops_site.demo_data.schedules import BoolArray, FloatArray, IntArray, hours_run

YEAR_HOURS = 8760
SPOT_SHARE = 0.38  # Spot's mean price as a share of the on-demand rate


@dataclass(frozen=True)
class Term:
    """The year a commitment runs, its last day being before `ends_on`."""

    ends_on: date

    @property
    def starts_on(self) -> date:
        return self.ends_on - timedelta(hours=YEAR_HOURS)

    def as_columns(self, group: str) -> dict[str, str]:
        """Start and end as text, as a bill has them."""
        last = datetime.combine(self.ends_on, time()) - timedelta(seconds=1)
        return {
            f"{group}_start_time": f"{self.starts_on}T00:00:00.000Z",
            f"{group}_end_time": f"{last.isoformat()}.000Z",
        }


def add_instances(lines: Lines, estate: Estate, *, current: date, draw: np.random.Generator) -> None:
    """All instance-hours of the month, and the fees of the commitments. `current` is the first of this month."""
    company, month = estate.company, lines.month
    runs = {
        instance.instance_id: hours_run(instance.fleet.ran, instance.index, instance.fleet.count, month)
        for instance in estate.instances
    }
    left: dict[str, FloatArray] = {}
    for instance in estate.instances:
        if instance.fleet.is_spot:
            _add_spot(lines, instance, runs[instance.instance_id], draw)
        else:
            left[instance.instance_id] = runs[instance.instance_id].astype(np.float64)
    committable = [instance for instance in estate.instances if instance.instance_id in left]
    for owned in company.reservations:
        term = Term(current + timedelta(days=owned.ends_after_days))
        _add_reservation(lines, owned, _matching(committable, owned), left, term, company.payer.account_id)
    for plan in company.plans:
        eligible = [
            each
            for each in committable
            if each.fleet.region == plan.region and each.fleet.instance_type.startswith(f"{plan.family}.")
        ]
        term = Term(current + timedelta(days=plan.ends_after_days))
        _add_plan(lines, plan, eligible, left, term, company.payer.account_id)
    for instance in committable:
        usage = left[instance.instance_id]
        lines.add_hours(instance_meter(instance), usage > 0, usage)


def _matching(instances: list[Instance], owned: Reservation) -> list[Instance]:
    return [
        each
        for each in instances
        if each.fleet.instance_type == owned.instance_type and each.fleet.region == owned.region
    ]


def _add_spot(lines: Lines, instance: Instance, runs: BoolArray, draw: np.random.Generator) -> None:
    base = instance_meter(instance)
    hours = np.flatnonzero(runs).astype(np.int64)
    moving = SPOT_SHARE * (1 + 0.15 * np.sin(hours / 37.0)) + draw.uniform(-0.02, 0.02, len(hours))
    hourly = np.rint(base.rate * moving / 1e6).astype(np.int64) * 1_000_000  # Spot prices have four decimals
    lines.add(base, hours, np.ones(len(hours)), cost=hourly)


def _stack(rows: list[FloatArray], hours: int) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), hours)


def _add_reservation(
    lines: Lines,
    owned: Reservation,
    instances: list[Instance],
    left: dict[str, FloatArray],
    term: Term,
    payer: str,
) -> None:
    month = lines.month
    until = month.hours_until(term.ends_on)
    reserved_hours = until - month.hours_until(term.starts_on)
    if not reserved_hours:
        return
    hourly = rates.units(owned.hourly)
    fee = hourly * owned.count * reserved_hours
    upfront = rates.units(owned.upfront) * owned.count
    amortized = round(Fraction(upfront * reserved_hours, YEAR_HOURS))
    amortized_hourly = amortized // (owned.count * reserved_hours)
    columns = _reservation_columns(owned, term, payer)

    running = _stack([left[each.instance_id] for each in instances], month.hours)
    in_term = (month.clock >= month.hours_until(term.starts_on)) & (month.clock < until)
    covered = (running > 0) & (np.cumsum(running, axis=0) <= owned.count) & in_term
    for instance, covers in zip(instances, covered, strict=True):
        _add_discounted(lines, instance, covers, columns, hourly=hourly, amortized=amortized_hourly)
        left[instance.instance_id][covers] = 0.0
    used, factor = int(covered.sum()), rates.normalization_factor(owned.instance_type)
    total_hours = reserved_hours * owned.count
    fee_meter = _reservation_fee_meter(owned, columns, payer, total_hours, reserved_hours)
    lines.add_one(
        replace(fee_meter, factor=factor),
        fee,
        usage=float(total_hours),
        money={
            "reservation_amortized_upfront_fee_for_billing_period": amortized,
            "reservation_unused_amortized_upfront_fee_for_billing_period": amortized - amortized_hourly * used,
            "reservation_unused_recurring_fee": fee - hourly * used,
            "reservation_upfront_value": upfront,
        },
    )


def _reservation_columns(owned: Reservation, term: Term, payer: str) -> dict[str, str]:
    return {
        "reservation_reservation_a_r_n": (
            f"arn:aws:ec2:{owned.region}:{payer}:reserved-instances/{owned.reservation_id}"
        ),
        "reservation_subscription_id": str(1_000_000_000 + int(owned.reservation_id[:7], 16)),
        "reservation_modification_status": "Original",
        **term.as_columns("reservation"),
        "pricing_term": "Reserved",
        "pricing_lease_contract_length": "1yr",
        "pricing_offering_class": "standard",
        "pricing_purchase_option": owned.option,
    }


def _add_discounted(
    lines: Lines, instance: Instance, covers: BoolArray, columns: dict[str, str], *, hourly: int, amortized: int
) -> None:
    base = instance_meter(instance)
    zero = rates.rate_text(0)
    named = {
        key: value
        for key, value in columns.items()
        if key not in {"reservation_start_time", "reservation_end_time", "reservation_modification_status"}
    }
    discounted = as_kind(
        base,
        "DiscountedUsage",
        **named,
        line_item_unblended_rate=zero,
        line_item_blended_rate=zero,
        line_item_line_item_description=(
            f"Linux/UNIX (Amazon VPC), {instance.fleet.instance_type} reserved instance applied"
        ),
    )
    hours = np.flatnonzero(covers).astype(np.int64)
    each = np.ones(len(hours), dtype=np.int64)
    lines.add(
        discounted,
        hours,
        each.astype(np.float64),
        cost=each * 0,
        money={
            "pricing_public_on_demand_cost": each * base.rate,
            "reservation_amortized_upfront_cost_for_usage": each * amortized,
            "reservation_recurring_fee_for_usage": each * hourly,
            "reservation_effective_cost": each * (amortized + hourly),
        },
    )


def _reservation_fee_meter(
    owned: Reservation, columns: dict[str, str], payer: str, total_hours: int, reserved_hours: int
) -> Meter:
    factor = rates.normalization_factor(owned.instance_type)
    hourly = rates.rate_text(rates.units(owned.hourly))
    return meter(
        "AmazonEC2",
        f"{rates.prefix(owned.region)}HeavyUsage:{owned.instance_type}",
        "RunInstances",
        account=payer,
        region=owned.region,
        rate=0,
        line_item_line_item_type="RIFee",
        line_item_line_item_description=(
            f"USD {owned.hourly} hourly fee per Linux/UNIX (Amazon VPC), {owned.instance_type} instance"
        ),
        reservation_number_of_reservations=str(owned.count),
        reservation_units_per_reservation=f"{reserved_hours}.0000000000",
        reservation_total_reserved_units=f"{total_hours}.0000000000",
        reservation_normalized_units_per_reservation=f"{reserved_hours * factor:.10f}",
        reservation_total_reserved_normalized_units=f"{total_hours * factor:.10f}",
        pricing_unit="Hrs",
        **{**columns, "line_item_unblended_rate": hourly, "line_item_blended_rate": hourly},
    )


def _add_plan(
    lines: Lines,
    plan: SavingsPlan,
    instances: list[Instance],
    left: dict[str, FloatArray],
    term: Term,
    payer: str,
) -> None:
    month, commitment = lines.month, rates.units(plan.commitment)
    arn = f"arn:aws:savingsplans::{payer}:savingsplan/{plan.plan_id}"
    columns = {
        "savings_plan_savings_plan_a_r_n": arn,
        "savings_plan_offering_type": "EC2InstanceSavingsPlans",
        "savings_plan_payment_option": "No Upfront",
        "savings_plan_purchase_term": "1yr",
        "savings_plan_region": plan.region,
        "savings_plan_instance_type_family": plan.family,
        **term.as_columns("savings_plan"),
    }
    at_plan = dict(plan.rates)
    used = np.zeros(month.hours, dtype=np.int64)
    negated: dict[tuple[str, str], IntArray] = {}
    templates: dict[tuple[str, str], Meter] = {}
    for instance in instances:
        rate = rates.units(at_plan[instance.fleet.instance_type])
        covered, effective = _covered_by_plan(left[instance.instance_id], rate, commitment - used)
        used += effective
        base = instance_meter(instance)
        cost = _add_covered(lines, as_kind(base, "SavingsPlanCoveredUsage", **columns), covered, effective, rate)
        left[instance.instance_id] = np.round(left[instance.instance_id] - covered, 6)
        group = (instance.account_id, instance.fleet.instance_type)
        templates[group] = base
        negated[group] = negated.get(group, np.zeros(month.hours, dtype=np.int64)) - cost
    for group, cost in negated.items():
        _add_negation(lines, templates[group], cost, columns)
    _add_plan_fee(lines, plan, columns, payer, used)


def _covered_by_plan(hours: FloatArray, rate: int, free: IntArray) -> tuple[FloatArray, IntArray]:
    """How much of each hour the commitment still pays for (six decimals, cut off), and what that uses of it."""
    covered = np.floor(np.minimum(hours, free / rate) * 1e6) / 1e6
    return covered, np.minimum(priced_at(rate, covered), free)


def _add_covered(lines: Lines, covered_meter: Meter, usage: FloatArray, effective: IntArray, rate: int) -> IntArray:
    """Add the covered hours; returns their on-demand cost for every hour of the month."""
    named = as_kind(covered_meter, "SavingsPlanCoveredUsage", savings_plan_savings_plan_rate=rates.rate_text(rate))
    hours = np.flatnonzero(usage > 0).astype(np.int64)
    cost = priced_at(covered_meter.rate, usage)
    money = {
        "pricing_public_on_demand_cost": cost[hours],
        "savings_plan_savings_plan_effective_cost": effective[hours],
    }
    lines.add(named, hours, usage[hours], cost=cost[hours], money=money)
    return cost


def _add_negation(lines: Lines, base: Meter, cost: IntArray, columns: dict[str, str]) -> None:
    """One line an hour for all hours of one account, usage type and zone. It names no resource and has no tags."""
    kept = {
        key: value
        for key, value in base.columns.items()
        if not key.startswith("resource_tags_") and key != "line_item_resource_id"
    }
    text = f"SavingsPlanNegation used by AccountId : {kept['line_item_usage_account_id']} and UsageSku : LARKFIELDR5"
    negation = as_kind(replace(base, columns=kept, factor=0.0), "SavingsPlanNegation", **columns)
    hours = np.flatnonzero(cost).astype(np.int64)
    named = as_kind(negation, "SavingsPlanNegation", line_item_line_item_description=text, pricing_term="")
    lines.add(named, hours, cost[hours] / base.rate, cost=cost[hours])


def _add_plan_fee(
    lines: Lines, plan: SavingsPlan, columns: dict[str, str], payer: str, used: npt.NDArray[np.int64]
) -> None:
    hours = lines.month.clock
    commitment = np.full(len(hours), rates.units(plan.commitment), dtype=np.int64)
    fee = meter(
        "ComputeSavingsPlans",
        f"EC2SP:{plan.family}.1yrNoUpfront",
        "",
        account=payer,
        region=plan.region,
        rate=0,
        line_item_line_item_type="SavingsPlanRecurringFee",
        line_item_line_item_description=f"1 year No Upfront {plan.family} EC2 Instance Savings Plan in {plan.region}",
        pricing_unit="Hrs",
        **columns,
    )
    lines.add(
        fee,
        hours,
        np.ones(len(hours)),
        cost=commitment,
        money={
            "savings_plan_total_commitment_to_date": commitment,
            "savings_plan_recurring_commitment_for_billing_period": commitment,
            "savings_plan_used_commitment": used,
        },
    )
