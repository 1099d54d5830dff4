"""All that is built on bills, for a company whose bills are those of January and February 2026.

A price book of its own and advice on the eight days of `tests.ri.world` (moved to February), budgets that have passed
steps, findings in two states, and a programme on its 58th day with measured months. No mail is sent.
"""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from budgets.inputs import BudgetInput
from budgets.services import create_budget, evaluate_budgets
from budgets.terms import ScopeKind
from costs import services as intake
from finops_site import pipeline
from finops_site.metrics.keeping import measure_months
from finops_site.programme.services import start_programme
from ri.services import import_prices, recommend
from tagging import services as owners
from tagging.models import Finding
from tests.costs.bills import write_csv
from tests.leaks.bills import Line
from tests.ri import world

TODAY = date(2026, 3, 10)
NOW = datetime(2026, 3, 10, 6, tzinfo=UTC)
BOOK = "own"


def dear_volumes(team_name: str) -> list[Line]:
    """Three volumes of a class that has a cheaper one: two of the team, one of nobody."""
    tags = (("Team", team_name),)
    return [
        Line(name, cost, day=2, usage_type="EBS:VolumeUsage.gp2", operation="CreateVolume-Gp2", tags=owned)
        for name, cost, owned in (("vol-1", "60.00", tags), ("vol-2", "40.00", tags), ("vol-3", "25.00", ()))
    ]


def put_to_work(folder: Path, *, team_key: str, done: str = "vol-2") -> None:
    """Everything after the import of the team's bills, which hold `dear_volumes`; the volume `done` is dealt with."""
    bring_in_usage(folder)
    import_prices(world.price_file(folder), name=BOOK)
    recommend(world.SOURCE)
    for name, kind, key, amount in (
        ("All spend", ScopeKind.TOTAL, "", "90"), ("The team's", ScopeKind.TEAM, team_key, "120")
    ):  # fmt: skip
        plan = BudgetInput(name, kind, Decimal(amount), scope_key=key)
        create_budget(plan, author=None, today=date(2026, 1, 1))
    evaluate_budgets(today=TODAY, now=NOW)
    owners.detect_findings(today=TODAY, now=NOW)
    done_on, verified_from = date(2026, 2, 10), date(2026, 2, 1)
    Finding.objects.filter(resource_id=done).update(
        state="done", is_done_by_hand=True, done_on=done_on, verified_from=verified_from
    )
    owners.detect_findings(today=TODAY, now=NOW)
    start_programme(starts_on=date(2026, 1, 11))
    measure_months(today=TODAY, now=NOW)


def bring_in_usage(folder: Path) -> None:
    """Eight days of hourly usage and a reservation, in February, of nobody."""
    lines = [{name: cell.replace("2026-05-", "2026-02-") for name, cell in row.items()} for row in world.lines()]
    path = write_csv(folder / "usage.csv", lines)
    for pk in intake.prepare_imports([path], source_name=world.SOURCE, today=TODAY):
        pipeline.run_import(pk)
