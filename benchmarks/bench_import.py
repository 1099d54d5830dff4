"""Import of a Cost and Usage Report, from opening the file to the switch, against a bare DuckDB scan of the same file.

    python benchmarks/bench_import.py [--lines 1000000] [--columns 40] [--form csv.gz] [--shuffled] [--rounds 3]
                                      [--pandas] [--standard] [--folder DIR]

Rounds of scan and import, in turn, each in a process of its own. Each round gives a ratio of seconds and one of CPU
seconds (all cores); their medians are printed and kept in benchmarks/results/. `--standard` measures the usual set of
files. Ends with 1 where a ratio or the memory is over its budget.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path

import duckdb

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import pandas_rollups
from benchmarks.cur_files import NARROW, WIDE, Shape, generate
from benchmarks.measuring import Run, in_a_process, keep, machine, timed

# Times the scan of one file; files with more columns are measured without a limit.
RATIO_BUDGETS = {"csv.gz": 2.2, "parquet": 4.0}
# pandas as it is commonly written has the budget; with its texts as categories it is shown beside it.
PANDAS = {"pandas": "str", "pandas_categories": "category"}
PANDAS_BUDGET = 1.6
MEMORY_BUDGET_MB = 1200
STANDARD = (
    Shape(),
    Shape(is_shuffled=True),
    Shape(columns=WIDE),
    Shape(form="parquet"),
    Shape(form="parquet", is_shuffled=True),
    Shape(form="parquet", columns=WIDE),
)


def scan(path: Path, shape: Shape) -> Run:
    """Counting the lines and adding up one cost; of a CSV every column as text."""
    sql = f'SELECT count(*), sum(try_cast("{shape.cost_column}" AS DECIMAL(38,18)))'
    with duckdb.connect() as duck:
        return timed(lambda: duck.execute(f"{sql} FROM {shape.relation.format(path)}").fetchall())


def read_all(path: Path, shape: Shape) -> Run:
    """Reading every column of every line: what a scan of one column of a Parquet file leaves out."""
    with duckdb.connect() as duck:
        names = [row[0] for row in duck.execute(f"DESCRIBE SELECT * FROM {shape.relation.format(path)}").fetchall()]
        cells = ", ".join(f'max(hash("{name}"))' for name in names)  # max alone is told by the file's footer
        return timed(lambda: duck.execute(f"SELECT {cells} FROM {shape.relation.format(path)}").fetchall())


def import_once(path: Path, folder: Path) -> Run:
    """The whole pipeline into an empty database of its own."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "finops_site.settings", "DATA_DIR": str(folder)}
    import django  # noqa: PLC0415 - settings come from the environment set above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from costs import services as intake  # noqa: PLC0415
    from finops_site import pipeline  # noqa: PLC0415

    call_command("migrate", verbosity=0)

    def work() -> None:
        for import_pk in intake.prepare_imports([path], today=date(2026, 6, 3)):
            pipeline.run_import(import_pk)

    return timed(work)


def measure(what: str, path: Path, shape: Shape) -> Run:
    """One measurement, in this process."""
    if what == "import":
        with tempfile.TemporaryDirectory(prefix="finops-bench-") as folder:
            return import_once(path, Path(folder))
    if what in PANDAS:
        return timed(lambda: pandas_rollups.roll_up(path, form=shape.form, texts_as=PANDAS[what]))
    return scan(path, shape) if what == "scan" else read_all(path, shape)


def compare(shape: Shape, *, rounds: int, with_pandas: bool, scratch: Path | None) -> bool:
    """Run all rounds of one file, print and keep what they gave; whether all budgets are kept."""
    before = machine()
    kinds = ["scan", *(["read_all"] if shape.form == "parquet" else []), "import", *(PANDAS if with_pandas else [])]
    runs: dict[str, list[Run]] = {kind: [] for kind in kinds}
    with tempfile.TemporaryDirectory(prefix="finops-bench-", dir=scratch) as folder:
        path = Path(folder) / f"bill.{shape.form}"
        generate(path, shape)
        size = path.stat().st_size
        print(f"{shape.name}: {shape.lines:,} lines, {shape.columns} columns, {size / 1e6:.0f} MB, {rounds} rounds")
        for _ in range(rounds):
            for kind in kinds:
                told = ("--measure", kind, "--file", str(path), *_arguments(shape))
                runs[kind].append(in_a_process(__file__, told))
    ratios = {kind: _ratios(runs["import"], runs[kind]) for kind in kinds if kind != "import"}
    peak = max(run["peak_mb"] for run in runs["import"])
    budgets: dict[str, float] = {"memory_mb": MEMORY_BUDGET_MB}
    if shape.columns == NARROW:
        budgets["scan"] = RATIO_BUDGETS[shape.form]
    over = [f"memory {peak:.0f} MB of {MEMORY_BUDGET_MB}"] if peak > MEMORY_BUDGET_MB else []
    if ratios["scan"]["seconds"] > budgets.get("scan", float("inf")):
        over.append(f"{ratios['scan']['seconds']:.2f} × the scan of {budgets['scan']}")
    if with_pandas and 1 / ratios["pandas"]["seconds"] < PANDAS_BUDGET:
        over.append(f"only {1 / ratios['pandas']['seconds']:.2f} × faster than pandas of {PANDAS_BUDGET}")
    _tell(runs, ratios, peak, over)
    keep(
        f"import-{shape.name}",
        machine=before,
        file={**asdict(shape), "bytes": size},
        medians_of_ratios=ratios,
        peak_mb=peak,
        budgets=budgets,
        over=over,
        runs=runs,
    )
    return not over


def _ratios(imports: Sequence[Run], others: Sequence[Run]) -> dict[str, float]:
    """Import against the other of the same round: the median over the rounds."""
    pairs = list(zip(imports, others, strict=True))
    return {
        unit: round(statistics.median(mine[unit] / max(other[unit], 0.001) for mine, other in pairs), 3)
        for unit in ("seconds", "cpu_seconds")
    }


def _tell(runs: dict[str, list[Run]], ratios: dict[str, dict[str, float]], peak: float, over: Sequence[str]) -> None:
    for kind, done in runs.items():
        seconds, cpu = (statistics.median(run[unit] for run in done) for unit in ("seconds", "cpu_seconds"))
        ratio = ratios.get(kind)
        told = f"   import is {ratio['seconds']:.2f} × this, in CPU {ratio['cpu_seconds']:.2f} ×" if ratio else ""
        print(f"  {kind:<18}{seconds:8.2f} s {cpu:8.2f} s CPU{told}")
    print(f"  memory            {peak:8.0f} MB")
    print(f"  OVER BUDGET: {'; '.join(over)}" if over else "  within budget", flush=True)


def _arguments(shape: Shape) -> list[str]:
    numbers = ["--lines", str(shape.lines), "--columns", str(shape.columns), "--form", shape.form]
    return [*numbers, "--shuffled"] if shape.is_shuffled else numbers


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=NARROW)
    parser.add_argument("--form", choices=tuple(RATIO_BUDGETS), default="csv.gz")
    parser.add_argument("--shuffled", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pandas", action="store_true", help="pandas doing the rollups alone, too (1 million lines)")
    parser.add_argument("--standard", action="store_true", help="the usual set of files; pandas on the first")
    parser.add_argument("--folder", type=Path, help="where generated files go (default: the system's)")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    shape = Shape(lines=given.lines, columns=given.columns, form=given.form, is_shuffled=given.shuffled)
    if given.measure:
        print(json.dumps(measure(given.measure, given.file, shape)))
        return 0
    shapes = STANDARD if given.standard else (shape,)
    kept = [
        compare(
            each,
            rounds=given.rounds,
            with_pandas=given.pandas or (given.standard and each == STANDARD[0]),
            scratch=given.folder,
        )
        for each in shapes
    ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
