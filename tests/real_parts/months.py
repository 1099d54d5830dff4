"""A month in two deliveries, and everything anybody can see of it."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import Model, QuerySet, Sum

from costs import services as intake
from costs.models import Bill, BillImport, DailyCost, ResourceCost, UsageDay
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric, ImportState
from finops_site import pipeline
from tagging import selectors as ownership
from tagging.models import AllocatedCost, Allocation, AllocationRule, Team
from tagging.terms import RuleKind
from tests.finops_site.running import wait_until
from tests.leaks.bills import PAYER, Line, write_bill

PERIOD = BillingPeriod(date(2026, 2, 1))
DAY = date(2026, 3, 3)
OWNED: tuple[type[Model], ...] = (DailyCost, ResourceCost, UsageDay, Allocation, AllocatedCost)
SUMMED: tuple[type[Model], ...] = (DailyCost, ResourceCost, AllocatedCost)

# First delivery: payments 10.00 + 2.50, search 4.00, nobody 1.25; 17.75 in all.
FIRST = (
    Line("i-pay", "10.00", day=1, tags=(("Team", "payments"), ("Environment", "Prod"))),
    Line("i-pay", "2.50", day=2, tags=(("Team", "payments"), ("Environment", "Prod"))),
    Line("i-search", "4.00", day=2, tags=(("Team", "search"),)),
    Line("i-nobody", "1.25", day=3),
)
FIRST_TOTAL = Decimal("17.75")
# Second delivery of the same month: a day more, and the untagged machine has found its team; 20.75 in all.
SECOND = (
    *FIRST[:3],
    Line("i-nobody", "1.25", day=3, tags=(("Team", "search"),)),
    Line("i-pay", "3.00", day=4, tags=(("Team", "payments"), ("Environment", "Prod"))),
)
SECOND_TOTAL = Decimal("20.75")


@dataclass(frozen=True)
class Seen:
    """Every total of the month, by table and by owner, and which import they come from."""

    in_force: tuple[int | None, ...]
    sums: dict[str, tuple[Decimal | None, ...]]
    counts: dict[str, int]
    chargeback: Any


def make_teams() -> None:
    """Two teams, each owning what its Team tag says."""
    for position, key in enumerate(("payments", "search")):
        team, _ = Team.objects.get_or_create(key=key, defaults={"name": key.title()})
        AllocationRule.objects.create(
            name=f"Team tag {key}",
            position=position,
            kind=RuleKind.TAG.value,
            tag_key="Team",
            tag_values=[key],
            team=team,
        )


def queue_month(folder: Path, lines: tuple[Line, ...], *, name: str) -> int:
    """Write a delivery and queue its import."""
    folder.mkdir(parents=True, exist_ok=True)
    (pk,) = intake.prepare_imports([write_bill(folder / f"{name}.csv", "2026-02", lines)], today=DAY)
    return pk


def queue_files(
    folder: Path, *parts: tuple[Line, ...], period: str = "2026-02", spoil: str = "", payer: str = PAYER
) -> int:
    """Write a delivery of several files and queue its import; `spoil` is a cost that is no number any more."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [write_bill(folder / f"part-{number}.csv", period, part, payer=payer) for number, part in enumerate(parts)]
    for path in paths:
        text = path.read_text()
        path.write_text(text.replace(spoil, f"x{spoil}") if spoil else text)
    (pk,) = intake.prepare_imports(paths, today=DAY)
    return pk


def month_in_force(folder: Path) -> Seen:
    """Teams, the first delivery imported in line, and what is then seen."""
    make_teams()
    pipeline.run_import(queue_month(folder, FIRST, name="first"))
    seen = everything_seen()
    assert seen.sums["DailyCost"][0] == FIRST_TOTAL
    return seen


def everything_seen() -> Seen:
    """What pages, API and commands build on."""
    in_force = tuple(Bill.objects.order_by("pk").values_list("import_in_force_id", flat=True))
    return Seen(
        in_force=in_force,
        sums={model.__name__: _sums(_of(model, in_force)) for model in SUMMED},
        counts={model.__name__: _of(model, in_force).count() for model in OWNED},
        chargeback=ownership.chargeback(Scope.all(), PERIOD, by="team", metric=CostMetric.BILLED),
    )


def wait_for_state(import_pk: int, *states: ImportState) -> BillImport:
    """The import, once it is in one of these states; fails with its error when it ends as another."""
    enough = {state.value for state in (*states, ImportState.FAILED)}

    def reached() -> bool:
        return BillImport.objects.filter(pk=import_pk, state__in=enough).exists()

    wait_until(reached, what=f"import {import_pk} {'/'.join(states)}", seconds=60)
    found = BillImport.objects.get(pk=import_pk)
    assert found.state in states, f"{found.state}: {found.error}"
    return found


def orphans() -> dict[str, set[object]]:
    """Rows and folders of charges that belong to no import in force; nothing where all is tidy."""
    in_force = set(Bill.objects.values_list("import_in_force_id", flat=True))
    found: dict[str, set[object]] = {}
    for model in OWNED:
        strangers = set(model._default_manager.values_list("bill_import_id", flat=True)) - in_force
        if strangers:
            found[model.__name__] = {*strangers}
    store = Path(settings.CHARGE_STORE)
    # What a replaced import was stays in the store; its charges do not.
    folders = {path.parent for path in store.glob("source=*/billing_period=*/import=*/*.parquet")}
    strange = {path for path in folders if int(path.name.removeprefix("import=")) not in in_force}
    landing = set(store.glob(".landing/*"))
    if strange | landing:
        found["folders"] = {*(strange | landing)}
    return found


def _of(model: type[Model], in_force: tuple[int | None, ...]) -> QuerySet[Any]:
    return model._default_manager.filter(bill_import_id__in=in_force)


def _sums(rows: QuerySet[Any]) -> tuple[Decimal | None, ...]:
    totals = rows.aggregate(**{f"sum_{column}": Sum(column) for column in COST_COLUMNS})
    return tuple(totals[f"sum_{column}"] for column in COST_COLUMNS)
