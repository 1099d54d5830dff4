"""Loading rollup rows our way (COPY on PostgreSQL, inserts of several rows on SQLite) against Django's bulk_create.

    python benchmarks/bench_load.py [--rows 100000] [--rounds 3] [--database sqlite|postgresql]

Both load the same rows of daily costs into an empty table, in turn, each in one transaction. PostgreSQL is started
from the test plugin's binaries. Ends with 1 where ours is not ten times as fast.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import Run, in_a_process, keep, machine, timed

FASTER_BUDGET = 10.0
DATABASES = ("sqlite", "postgresql")
DAYS, UNIT = 31, 10**10


def rows(count: int) -> Iterator[tuple[Any, ...]]:
    """Daily costs as DuckDB hands them out: money in whole 1e-10."""
    for number in range(count):
        day = date(2026, 5, 1) + timedelta(days=number % DAYS)
        units = (number * 7_919 % 1_000_000) * UNIT // 997
        yield (number // DAYS, str(day), units, units, units, units, units, float(number % 24))


def set_up() -> None:
    """Django, on an empty database with all tables."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "finops_site.settings"
    import django  # noqa: PLC0415 - settings come from the environment

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def measure(count: int, rounds: int) -> dict[str, list[Run]]:
    """All rounds, in this process: into the database that DATABASE_URL names."""
    set_up()
    from django.db import transaction  # noqa: PLC0415

    from costs import bulk  # noqa: PLC0415
    from costs.charge_store import ROLLUP_COLUMNS  # noqa: PLC0415
    from costs.models import BillImport, BillSource, CostSlice, DailyCost  # noqa: PLC0415
    from costs.money import from_units  # noqa: PLC0415
    from costs.terms import COST_COLUMNS  # noqa: PLC0415

    source = BillSource.objects.create(name="bench", billing_format="legacy_cur", billing_account_id="1")
    owner = BillImport.objects.create(source=source, files=[], files_total=0, version_id="x").pk
    slices = [(key, *[""] * 10, False, "{}") for key in range(-(-count // DAYS))]
    bulk.copy_rows(CostSlice, ("key", *ROLLUP_COLUMNS["slices"][1:]), slices)
    names = ("bill_import_id", "slice_id", *ROLLUP_COLUMNS["daily_costs"][1:])
    made = list(rows(count))  # in real life DuckDB hands them out

    def costs(units: list[int]) -> dict[str, Any]:
        return dict(zip(COST_COLUMNS, map(from_units, units), strict=True))

    def ours() -> None:
        with transaction.atomic():
            bulk.copy_rows(DailyCost, names, ((owner, *row) for row in made))

    def bulk_create() -> None:
        with transaction.atomic():
            DailyCost.objects.bulk_create(
                [
                    DailyCost(
                        bill_import_id=owner, slice_id=key, charge_date=day, consumed_quantity=hours, **costs(units)
                    )
                    for key, day, *units, hours in made
                ]
            )

    return _in_turn({"ours": ours, "bulk_create": bulk_create}, count=count, rounds=rounds)


def _in_turn(ways: dict[str, Callable[[], None]], *, count: int, rounds: int) -> dict[str, list[Run]]:
    """Each way in turn, into a table that is empty again before the next."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    from costs.models import DailyCost  # noqa: PLC0415

    runs: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, work in ways.items():
            runs[name].append(timed(work))
            assert DailyCost.objects.count() == count
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {DailyCost._meta.db_table}")
    return runs


def compare(database: str, *, count: int, rounds: int) -> bool:
    """Measure one database, print and keep what it gave; whether the budget is kept."""
    before = machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="finops-b-")))
        os.environ |= {"DATA_DIR": str(folder / "data"), "DATABASE_URL": _start(database, folder, stack)}
        runs = in_a_process(__file__, ["--measure", "--rows", str(count), "--rounds", str(rounds)])
    faster: float = round(
        statistics.median(b["seconds"] / a["seconds"] for a, b in zip(*runs.values(), strict=True)), 2
    )
    print(f"{database}: {count:,} rows of daily costs, {rounds} rounds")
    for name, done in runs.items():
        print(f"  {name:<12}{statistics.median(run['seconds'] for run in done):8.2f} s")
    print(f"  ours is {faster:.1f} × as fast (budget {FASTER_BUDGET:.0f} ×)", flush=True)
    keep(f"load-{database}", machine=before, rows=count, faster=faster, budget=FASTER_BUDGET, runs=runs)
    return faster >= FASTER_BUDGET


def _start(database: str, folder: Path, stack: ExitStack) -> str:
    """The address of an empty database; a server that had to be started ends with `stack`."""
    if database == "sqlite":
        return f"sqlite:///{folder / 'bench.sqlite3'}"
    from finops_site import processes  # noqa: PLC0415 - only where a server is wanted
    from tests.real_parts.postgresql import start_postgresql  # noqa: PLC0415

    folder.chmod(0o711)  # PostgreSQL's unprivileged user has to pass through
    server = start_postgresql(folder / "pg")
    stack.callback(processes.stop, server.process, grace_seconds=5)
    return server.url


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--database", choices=DATABASES, help="default: both")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.rows, given.rounds)))
        return 0
    databases = (given.database,) if given.database else DATABASES
    kept = [compare(database, count=given.rows, rounds=given.rounds) for database in databases]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
