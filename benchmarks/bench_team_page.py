"""The team page with twelve months of ten million lines each behind it, on PostgreSQL: queries and server time.

    python benchmarks/bench_team_page.py [--rounds 20] [--months 12] [--slices 72] [--plans]

Rollups are loaded as `team_months` says, owners by the product's own rules. Then each page is asked for through
Django's test client, as a lead and as FinOps staff: the clock runs from the request to the answer, middleware, session
and templates included. Medians after a warm-up. Ends with 1 where a team page takes more than 15 queries or 60 ms.
Other pages are printed beside it for information; 600 slices make months of many services. `--plans` shows how
PostgreSQL answers the slowest queries.
"""

import argparse
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.measuring import Run, in_a_process, keep, machine

QUERY_BUDGET, SECONDS_BUDGET = 15, 0.060
NOW = datetime(2026, 5, 21, 9, tzinfo=UTC)  # in mid-month: without a plan a forecast is made
WARM_UP = 3
SLOW_PLANS = 4
# A team's page: without a plan, with one, of a month that is over, on another basis, without the teams below.
TEAM_PAGES = (
    ("lead-0", "/teams/team-0/"),
    ("lead-1", "/teams/team-1/"),
    ("lead-0", "/teams/team-0/?period=2026-04"),
    ("lead-0", "/teams/team-0/?basis=effective"),
    ("lead-0", "/teams/team-0-sub/"),
    ("staff", "/teams/team-0/"),
    ("staff", "/teams/team-1/"),
)
OTHER_PAGES = (
    ("staff", "/overview/"),
    ("staff", "/chargeback/"),
    ("lead-0", "/chargeback/"),
    ("staff", "/explore/"),
    ("lead-0", "/resources/"),
    ("lead-0", "/tags/"),
)


def set_up() -> None:
    """Django as it is served, but for static files without a manifest, on an empty database with all tables."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "finops_site.settings"
    import django  # noqa: PLC0415 - settings come from the environment
    from django.conf import settings  # noqa: PLC0415

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def measure(months: int, slices: int, rounds: int, *, with_plans: bool) -> dict[str, Any]:
    """All pages, in this process: on the database that DATABASE_URL names."""
    set_up()
    import time_machine  # noqa: PLC0415 - a tool of development
    from django.db import connection  # noqa: PLC0415

    from benchmarks import team_months  # noqa: PLC0415 - it needs Django's models
    from costs.periods import BillingPeriod  # noqa: PLC0415

    with time_machine.travel(NOW, tick=True):
        started = time.perf_counter()
        periods = BillingPeriod.of(NOW.date()).back(months)
        team_months.build(list(periods), slices=slices, today=NOW.date())
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as autovacuum does within minutes
        gc.collect()
        gc.freeze()  # what it took to build all this is no part of a server
        built = round(time.perf_counter() - started, 1)
        pages = [*TEAM_PAGES, *OTHER_PAGES]
        return {
            "rows": _rows(),
            "built_seconds": built,
            "pages": [_page(user, path, rounds, with_plans=with_plans) for user, path in pages],
        }


def _rows() -> dict[str, int]:
    """How many rows stand behind the pages."""
    from costs.models import DailyCost, ResourceCost  # noqa: PLC0415 - Django is set up by now
    from tagging.models import AllocatedCost, Allocation, OwnerCost  # noqa: PLC0415

    models = (DailyCost, ResourceCost, Allocation, AllocatedCost, OwnerCost)
    return {model.__name__: model.objects.count() for model in models}


def _page(user: str, path: str, rounds: int, *, with_plans: bool) -> Run:
    """Median seconds and the queries of one page as one reader gets it."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django is set up by now
    from django.db import connection  # noqa: PLC0415
    from django.test import Client  # noqa: PLC0415

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username=user), "django.contrib.auth.backends.ModelBackend")
    asked: list[tuple[float, str, Any]] = []

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001 - Django's signature
        started = time.perf_counter()
        result = execute(sql, params, many, context)
        asked.append((time.perf_counter() - started, sql, params))
        return result

    for _ in range(WARM_UP):
        _get(client, path)
    with connection.execute_wrapper(count):
        _get(client, path)
    if with_plans:
        _show_plans(path, asked)
    seconds = [_get(client, path) for _ in range(rounds)]
    return {
        "user": user,
        "path": path,
        "queries": len(asked),
        "query_seconds": round(sum(took for took, _, _ in asked), 4),
        "seconds": round(statistics.median(seconds), 4),
        "fastest": round(min(seconds), 4),
        "slowest": round(max(seconds), 4),
    }


def _get(client: Any, path: str) -> float:
    started = time.perf_counter()
    response = client.get(path)
    took = time.perf_counter() - started
    text = b"" if response.streaming else response.content
    if response.status_code != 200 or b"could not be shown" in text:
        raise SystemExit(f"{path} answered {response.status_code}, or a part of it could not be shown.")
    return took


def _show_plans(path: str, asked: list[tuple[float, str, Any]]) -> None:
    """The slowest queries of a page with their plans, to standard error."""
    from django.db import connection  # noqa: PLC0415 - Django is set up by now

    for took, sql, params in sorted(asked, key=lambda item: -item[0])[:SLOW_PLANS]:
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", params)
            plan = "\n".join(f"    {line}" for (line,) in cursor.fetchall())
        print(f"{path}: {took * 1000:.1f} ms\n  {sql[:1200]}\n{plan}\n", file=sys.stderr)


def run(months: int, slices: int, rounds: int, *, with_plans: bool) -> bool:
    """Measure on a PostgreSQL of its own, print and keep what it gave; whether the budgets are kept."""
    from finops_site import processes  # noqa: PLC0415 - only where a server is wanted
    from tests.real_parts.postgresql import start_postgresql  # noqa: PLC0415

    before = machine()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="finops-b-")))
        folder.chmod(0o711)  # PostgreSQL's unprivileged user has to pass through
        server = start_postgresql(folder / "pg")
        stack.callback(processes.stop, server.process, grace_seconds=5)
        os.environ |= {"DATA_DIR": str(folder / "data"), "DATABASE_URL": server.url}
        asked = [
            "--measure",
            "--rounds",
            str(rounds),
            "--months",
            str(months),
            "--slices",
            str(slices),
            *(["--plans"] if with_plans else []),
        ]
        found = in_a_process(__file__, asked)
    over = _print(found, months)
    budget = {"queries": QUERY_BUDGET, "seconds": SECONDS_BUDGET}
    keep("team-page", machine=before, months=months, slices=slices, rounds=rounds, budget=budget, over=over, **found)
    return not over


def _print(found: Run, months: int) -> list[str]:
    """The table of pages; returns the team pages that are over their budget."""
    rows = ", ".join(f"{count:,} {name}" for name, count in found["rows"].items())
    print(f"{months} months of 10,000,000 lines each: {rows}; built in {found['built_seconds']} s")
    over = []
    for at, page in enumerate(found["pages"]):
        is_team = at < len(TEAM_PAGES)
        name = f"{page['path']} as {page['user']}"
        text = f"{page['seconds'] * 1000:7.1f} ms, {page['query_seconds'] * 1000:6.1f} in {page['queries']:2} queries"
        is_over = is_team and (page["queries"] > QUERY_BUDGET or page["seconds"] > SECONDS_BUDGET)
        over += [name] if is_over else []
        print(f"  {name:<44}{text}{'' if is_team else '   (no budget)'}{'   OVER' if is_over else ''}", flush=True)
    print(f"  budget of a team page: {QUERY_BUDGET} queries, {SECONDS_BUDGET * 1000:.0f} ms")
    return over


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--slices", type=int, default=72, help="distinct combinations of what rules can see, a month")
    parser.add_argument("--plans", action="store_true", help="show the plans of the slowest queries")
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.months, given.slices, given.rounds, with_plans=given.plans)))
        return 0
    return 0 if run(given.months, given.slices, given.rounds, with_plans=given.plans) else 1


if __name__ == "__main__":
    sys.exit(main())
