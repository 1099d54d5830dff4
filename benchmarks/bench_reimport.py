"""Import of a delivery that is in force already: nothing but a look at its manifest.

    python benchmarks/bench_reimport.py [--lines 1000000] [--rounds 3]

A folder with a manifest is imported once, then again and again unchanged, in one process. Ends with 1 where that takes
a second or more.
"""

import argparse
import io
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.cur_files import Shape, generate
from benchmarks.measuring import Run, in_a_process, keep, machine, timed

SECONDS_BUDGET = 1.0
REPORT, ASSEMBLY = "cur/daily/20260501-20260601", "0001"


def deliver(folder: Path, lines: int) -> None:
    """One month as AWS lays a legacy report down: the chunk in its assembly, the manifest there and above it."""
    place = folder / REPORT
    (place / ASSEMBLY).mkdir(parents=True)
    generate(place / ASSEMBLY / "daily-1.csv.gz", Shape(lines=lines))
    manifest = {
        "assemblyId": ASSEMBLY,
        "reportName": "daily",
        "reportKeys": [f"{REPORT}/{ASSEMBLY}/daily-1.csv.gz"],
        "billingPeriod": {"start": "20260501T000000.000Z", "end": "20260601T000000.000Z"},
    }
    for kept_in in (place, place / ASSEMBLY):
        (kept_in / "daily-Manifest.json").write_text(json.dumps(manifest), encoding="utf-8")


def measure(folder: Path, rounds: int) -> dict[str, list[Run]]:
    """The first import, then the same again, in this process."""
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as data:
        os.environ |= {"DJANGO_SETTINGS_MODULE": "finops_site.settings", "DATA_DIR": data}
        import django  # noqa: PLC0415 - settings come from the environment set above

        django.setup()
        from django.core.management import call_command  # noqa: PLC0415

        call_command("migrate", verbosity=0)
        states: list[str] = []

        def work() -> None:
            told = io.StringIO()
            call_command("import_bill", str(folder), "--json", stdout=told)
            states.append(json.loads(told.getvalue())["imports"][0]["state"])

        runs = {"first": [timed(work)], "again": [timed(work) for _ in range(rounds)]}
        assert states == ["in_force", *["unchanged"] * rounds], states
        return runs


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure, given.rounds)))
        return 0
    before = machine()
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as folder:
        deliver(Path(folder), given.lines)
        runs = in_a_process(__file__, ["--measure", folder, "--rounds", str(given.rounds)])
    seconds = statistics.median(run["seconds"] for run in runs["again"])
    print(f"{given.lines:,} lines: first {runs['first'][0]['seconds']:.2f} s, unchanged {seconds:.3f} s")
    print(f"  {'within' if seconds < SECONDS_BUDGET else 'OVER'} the budget of {SECONDS_BUDGET:.0f} s", flush=True)
    keep("reimport", machine=before, lines=given.lines, seconds=seconds, budget=SECONDS_BUDGET, runs=runs)
    return 0 if seconds < SECONDS_BUDGET else 1


if __name__ == "__main__":
    sys.exit(main())
