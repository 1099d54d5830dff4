"""Whatever happens in whatever order: nothing closed changes, and everything adds up to the bills."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from costs.models import Bill, BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.inputs import TeamInput
from tagging.models import AllocationRule, Close, SharedPool, Statement, Team
from tagging.selectors.chargeback import chargeback
from tagging.selectors.closes import close_of, lines_now, pending_by_month
from tagging.services import RuleInput, delete_rule, reorder_rules, save_rule, update_team
from tagging.services.closes import (
    CloseRefusedError,
    CloseStep,
    close_month,
    finalise_month,
    hash_of,
    reopen_month,
)
from tagging.terms import RuleKind
from tests.tagging.builders import Spend, month

MONTHS = tuple(BillingPeriod.parse(text) for text in ("2025-09", "2025-10", "2025-11"))
TEAMS = ("a", "b", "c")
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
ZERO = Decimal(0)

KEPT = {"Project": "s", "CostCenter": "kept"}  # of the pool, under a cost centre of its own
amounts = st.decimals(min_value=-50, max_value=500, places=10, allow_nan=False)
spends = st.builds(
    Spend,
    billed=amounts.map(str),
    day=st.integers(1, 28),
    tags=st.sampled_from([{}, {"Team": "a"}, {"Team": "b"}, {"Team": "c"}, {"Team": "A "}, {"Project": "s"}, KEPT]),
    account=st.sampled_from(["111111111111", "222222222222"]),
    service=st.sampled_from(["Compute", "Storage"]),
    category=st.sampled_from(["Usage", "Tax", "Credit"]),
    effective=amounts.map(str),
)
months = st.sampled_from(MONTHS)
steps = st.one_of(
    st.tuples(st.just("import"), months, st.lists(spends, max_size=4)),
    st.tuples(st.just("close"), months, st.booleans()),
    st.tuples(st.just("final"), months, st.none()),
    st.tuples(st.just("reopen"), months, st.none()),
    st.tuples(st.just("rule"), st.sampled_from(TEAMS), st.sampled_from(TEAMS)),
    st.tuples(st.just("account rule"), st.sampled_from(TEAMS), st.none()),
    st.tuples(st.just("delete rule"), st.integers(0, 9), st.none()),
    st.tuples(st.just("reorder rules"), st.randoms(use_true_random=False), st.none()),
    st.tuples(st.just("rename team"), st.sampled_from(TEAMS), st.text("xyz", min_size=1, max_size=4)),
)


@dataclass
class World:
    """What was closed, as it stood then."""

    frozen: dict[int, tuple[str, Any]] = field(default_factory=dict)
    numbers: set[tuple[int, int]] = field(default_factory=set)


@pytest.mark.django_db
@pytest.mark.real_parts
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@example(
    story=[
        ("close", MONTHS[0], False),
        ("import", MONTHS[0], [Spend("12.345", tags={"Team": "b"})]),
        ("close", MONTHS[1], False),
        ("final", MONTHS[1], None),
        ("rule", "a", "c"),
        ("import", MONTHS[1], [Spend("1", tags={"Team": "a"}), Spend("2")]),
        ("reopen", MONTHS[0], None),
        ("close", MONTHS[2], True),
        ("close", MONTHS[0], True),
        ("reopen", MONTHS[1], None),
        ("close", MONTHS[1], True),
        ("final", MONTHS[1], None),
    ]
)
@given(story=st.lists(steps, min_size=3, max_size=14))
def test_figures_add_up_and_closed_ones_never_change_whatever_happens(story: list[tuple[Any, ...]]) -> None:
    with transaction.atomic():
        for key in TEAMS:
            Team.objects.create(key=key, name=f"Team {key}")
        SharedPool.objects.create(key="platform", name="Platform", method="proportional")
        AllocationRule.objects.create(
            name="Shared", position=0, kind=RuleKind.TAG.value, tag_key="Project", tag_values=["s"],
            target="pool:platform",
        )  # fmt: skip
        for period in MONTHS:
            month([Spend("10.0000000001", tags={"Team": "a"}), Spend("-3.5", tags={"Team": "b"})], period=period)
        world = World()
        for what, one, other in story:
            take(what, one, other)
            check(world)
        transaction.set_rollback(True)


def take(what: str, one: Any, other: Any) -> None:
    """One step of the story; what the services refuse changes nothing."""
    step = CloseStep("fiona", NOW, reason="because", force=True)
    try:
        if what == "import":
            before = BillImport.objects.filter(bill_in_force__billing_period=one.start)
            before.update(state="replaced")
            month(other, period=one)
        elif what == "close":
            draft = by_center(one)
            close_month(one, CloseStep("fiona", NOW, "because", force=other), metric=CostMetric.BILLED, currency="USD")
            assert by_center(one) == draft
        elif what == "final":
            finalise_month(one, step, currency="USD")
        elif what == "reopen":
            reopen_month(one, step, currency="USD")
        else:
            change_rules(what, one, other)
    except CloseRefusedError:
        pass


def change_rules(what: str, one: Any, other: Any) -> None:
    if what == "rule":
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(one,), team_key=other))
    elif what == "account rule":
        save_rule(RuleInput(RuleKind.ACCOUNT, sub_account_id="222222222222", team_key=one))
    elif what == "rename team":
        if not Team.objects.filter(name=other).exclude(key=one).exists():
            update_team(one, TeamInput(name=other, cost_center=other, parent_key="", is_active=False))
    else:
        pks = list(AllocationRule.objects.filter(is_active=True).values_list("pk", flat=True))
        if what == "delete rule" and pks:
            delete_rule(pks[one % len(pks)], reason="x")
        elif what == "reorder rules":
            one.shuffle(pks)
            reorder_rules(pks, reason="x")


def by_center(period: BillingPeriod) -> dict[tuple[str, str], tuple[Decimal, Decimal]]:
    """Direct and shared by basis and cost centre, '' for none: shares sum to zero, all of it to the bill."""
    found: dict[tuple[str, str], tuple[Decimal, Decimal]] = {}
    for metric in (CostMetric.BILLED, CostMetric.EFFECTIVE):
        table = chargeback(Scope.all(), period, by="cost_center", metric=metric, currency="USD")
        assert table.difference == ZERO
        assert sum((row.shared_cost for row in table.rows), table.missing_shared_cost) == ZERO
        direct = table.missing_cost - table.missing_shared_cost - table.missing_adjustment_cost
        rows = {row.key: (row.direct_cost, row.shared_cost) for row in table.rows}
        rows[""] = (direct, table.missing_shared_cost)
        found |= {(metric.value, key): costs for key, costs in rows.items() if any(costs)}
    return found


def check(world: World) -> None:
    for at, column in enumerate(COST_COLUMNS):
        overall = ZERO
        for period in MONTHS:
            overall += check_month(period, column, at)
        waiting = sum((costs[at] for lines in pending_by_month("USD").values() for costs in lines.values()), ZERO)
        assert overall + waiting == sum((in_force(period, column) for period in MONTHS), ZERO)
    check_nothing_moved(world)


def check_month(period: BillingPeriod, column: str, at: int) -> Decimal:
    """Σ statements + unallocated of the month; equal to the bill it rests on plus what was carried in."""
    close = close_of(period, "USD")
    if close is None:
        owned = sum((costs[at] for costs in lines_now(period, "USD").values()), ZERO)
        assert owned == in_force(period, column)
        return owned
    held = sum((getattr(item, column) for item in close.statements.all()), ZERO)
    bill = sum((Decimal(item["totals"][column]) for item in close.bills), ZERO)
    carried = sum(
        (getattr(line, column) for item in close.statements.all() for line in item.lines.filter(kind="adjustment")),
        ZERO,
    )
    assert held == bill + carried
    cents = sum((Decimal(item.cents[column]) for item in close.statements.all()), ZERO)
    assert abs(cents - held) <= Decimal("0.005")
    assert cents == cents.quantize(Decimal("0.01"))
    return held


def in_force(period: BillingPeriod, column: str) -> Decimal:
    bills = Bill.objects.filter(billing_period=period.start).select_related("import_in_force")
    return sum((getattr(bill.import_in_force, column) for bill in bills if bill.import_in_force), ZERO)


def check_nothing_moved(world: World) -> None:
    """Lines, names and numbers of everything ever closed are what they were; numbers have no gap."""
    for close in Close.objects.all():
        now = (hash_of(close), snapshot(close))
        assert now[0] == close.data_hash
        assert world.frozen.setdefault(close.pk, now) == now
    numbers = [item.number_in_year or 0 for item in Close.objects.filter(number_year=2025)]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    for key in TEAMS:
        own = [item.number_in_year or 0 for item in Statement.objects.filter(owner_key=key, number_year=2025)]
        assert sorted(own) == list(range(1, len(own) + 1))


def snapshot(close: Close) -> Mapping[str, Any]:
    fields = ("owner_kind", "owner_key", "owner_name", "cost_center", "cents", "data_hash", *COST_COLUMNS)
    return {str(row): None for row in close.statements.values_list(*fields)} | {
        "texts": close.texts,
        "bills": close.bills,
        "rules": close.frozen_rules,
    }
