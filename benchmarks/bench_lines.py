"""The lines behind a figure on a bill of ten million: page, API, command and file, for what people filter and sort by.

    python benchmarks/bench_lines.py [--lines 10000000] [--shuffled] [--rounds 3] [--folder DIR]

A bill of `cur_files.py` is imported into an empty SQLite database, with a rule for each of its six teams, so that the
key Team is kept on slices and Name is not. Then each question is asked through Django's test client, as FinOps staff
and as a team's lead: the clock runs from the request to the whole answer (of a file: to its first 64 kB). Medians after
one warm-up, of questions nobody asked before and of the same ones again, as with the next page: their sums are known by
then. Ends with 1 where a new question takes more than 1.5 s. With `--folder` the imported bill is kept there and
found again by the next run.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.cur_files import Shape, generate
from benchmarks.measuring import Run, keep, machine

SECONDS_BUDGET = 1.5
TEAMS = ("payments", "search", "data", "web", "ops", "core")
_MONTH = "period=2026-05"
_RESOURCE = "i-0" + "c4ca4238a0b923820dcc509a6f75849b"[:16]  # number 1
_FILTERS = {
    "everything": "",
    "service": "service=Amazon+Simple+Storage+Service",
    "account": "account=100000000003",
    "region": "region=eu-west-1",
    "team": "team=payments",
    "nobody": "team=(none)",
    "resource": f"resource={_RESOURCE}",
    "tracked tag": "tag:Team=payments",
    "untracked tag": "tag:Name=host-77",
    "no untracked tag": "tag:Name=(none)",
    "text": "text=GetObject",
    "day": "day=2026-05-17",
}
_SORTS = ("charge_period_start", "-charge_period_start", "-cost", "cost", "region_id", "resource_id", "usage_type")
_STAFF_PAGES = (
    *((f"{name}, by {sort}", f"/lines/?{_MONTH}&{asked}&sort={sort}") for name, asked in _FILTERS.items()
      for sort in ("charge_period_start", "-cost", "region_id")),
    *((f"everything, by {sort}", f"/lines/?{_MONTH}&sort={sort}") for sort in _SORTS[1:]),
    *((f"page 50, by {sort}", f"/lines/?{_MONTH}&page=50&sort={sort}") for sort in _SORTS),
)  # fmt: skip
_LEAD_PAGES = tuple((f"lead, by {sort}", f"/lines/?{_MONTH}&sort={sort}") for sort in ("charge_period_start", "-cost"))
_API = tuple(
    (f"API {name}, by {sort}", f"/api/v1/lines/?{_MONTH}&{asked}&sort={sort}&page_size=100")
    for name, asked in (("everything", ""), ("untracked tag", _FILTERS["untracked tag"]))
    for sort in ("charge_period_start", "region_id")
)
_FILES = (
    ("CSV of everything, first 64 kB", f"/lines/?{_MONTH}&format=csv"),
    ("CSV of a day by cost, first 64 kB", f"/lines/?{_MONTH}&day=2026-05-17&sort=-cost&format=csv"),
    ("CSV of a resource", f"/lines/?{_MONTH}&{_FILTERS['resource']}&format=csv"),
)
_COMMANDS = (
    ("command, service", {"where": ["service_name=AmazonS3"]}),
    ("command, untracked tag", {"where": ["tag:Name=host-77"], "sort": "region_id"}),
)


def set_up(folder: Path) -> None:
    """Django as it is served, but for static files without a manifest."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "finops_site.settings", "DATA_DIR": str(folder), "API_RATE": "100000/min"}
    import django  # noqa: PLC0415 - settings come from the environment
    from django.conf import settings  # noqa: PLC0415

    plain = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    settings.STORAGES = {**settings.STORAGES, "staticfiles": plain}
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)


def build(folder: Path, shape: Shape) -> None:
    """The company and its bill, unless they are there already."""
    from django.contrib.auth.models import Group, User  # noqa: PLC0415 - Django is set up by now

    from costs import services as intake  # noqa: PLC0415
    from costs.models import Bill  # noqa: PLC0415
    from finops_site import pipeline  # noqa: PLC0415
    from tagging.models import Membership, Team  # noqa: PLC0415
    from tagging.services import RuleInput, save_rule  # noqa: PLC0415
    from tagging.terms import (  # noqa: PLC0415
        FINOPS_GROUP,
        MemberRole,
        RuleKind,
    )

    if Bill.objects.exclude(import_in_force=None).exists():
        return
    for name in TEAMS:
        Team.objects.create(key=name, name=name.title())
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    User.objects.create_user("staff").groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    lead = User.objects.create_user("lead")
    Membership.objects.create(team=Team.objects.get(key="payments"), user=lead, role=MemberRole.LEAD.value)
    path = folder / f"bill.{shape.form}"
    if not path.exists():
        generate(path, shape)
    for pk in intake.prepare_imports([path], today=date(2026, 6, 3)):
        pipeline.run_import(pk)
    path.unlink()


def ask(user: str, path: str, rounds: int) -> Run:
    """Median seconds of one address as one reader gets it."""
    from django.contrib.auth.models import User  # noqa: PLC0415 - Django is set up by now
    from django.test import Client  # noqa: PLC0415

    client = Client(SERVER_NAME="localhost")
    client.force_login(User.objects.get(username=user), "django.contrib.auth.backends.ModelBackend")
    _get(client, path)
    first, again = [], []
    for _ in range(rounds):
        _forget()
        first.append(_get(client, path))
        again.append(_get(client, path))
    return _median(first, again)


def _forget() -> None:
    """Sums that this process has found already: a question is measured as it is asked for the first time, too."""
    from costs.charge_store import lines  # noqa: PLC0415 - Django is set up by now

    if hasattr(lines, "forget_sums"):
        lines.forget_sums()


def _get(client: Any, path: str) -> float:
    started = time.perf_counter()
    response = client.get(path)
    if response.status_code != 200:
        raise SystemExit(f"{path} answered {response.status_code}: {response.content[:500]!r}")
    if response.streaming:
        held = 0
        for part in response.streaming_content:
            held += len(part)
            if held >= 65536:
                break
        response.close()
    return time.perf_counter() - started


def command(options: dict[str, Any], rounds: int) -> Run:
    """Median seconds of `manage.py lines` with its JSON, without the start of Python."""
    from django.core.management import call_command  # noqa: PLC0415 - Django is set up by now

    seconds = []
    for _ in range(rounds):
        _forget()
        started = time.perf_counter()
        call_command("lines", period="2026-05", json=True, stdout=StringIO(), **options)
        seconds.append(time.perf_counter() - started)
    return _median(seconds, seconds)


def _median(first: list[float], again: list[float]) -> Run:
    return {
        "seconds": round(statistics.median(first), 3),
        "slowest": round(max(first), 3),
        "again": round(statistics.median(again), 3),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=10_000_000)
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the imported bill here (default: a folder that goes)")
    parser.add_argument("--only", default="", help="questions with this text in their name; nothing is kept")
    given = parser.parse_args()
    shape, before = Shape(lines=given.lines, is_shuffled=given.shuffled), machine()
    with ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="finops-bench-")))
        set_up(folder)
        build(folder, shape)
        asked = [("staff", *pair) for pair in (*_STAFF_PAGES, *_API, *_FILES)] + [
            ("lead", *pair) for pair in _LEAD_PAGES
        ]
        found = [_told(name, ask(user, path, given.rounds)) for user, name, path in asked if given.only in name] + [
            _told(name, command(options, given.rounds)) for name, options in _COMMANDS if given.only in name
        ]
    over = [one["name"] for one in found if one["seconds"] > SECONDS_BUDGET]
    print(f"OVER {SECONDS_BUDGET} s: {', '.join(over)}" if over else "within budget")
    if not given.only:
        keep(f"lines-{shape.name}", machine=before, lines=shape.lines, budget=SECONDS_BUDGET, over=over, runs=found)
    return 1 if over else 0


def _told(name: str, run: Run) -> Run:
    print(f"{run['seconds']:8.2f} s, again {run['again']:5.2f} s  {name}", flush=True)
    return {"name": name, **run}


if __name__ == "__main__":
    sys.exit(main())
