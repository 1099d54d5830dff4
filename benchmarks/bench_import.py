"""Import of a CUR CSV.gz, from opening the file to the switch, against a bare DuckDB scan of the same file.

    python benchmarks/bench_import.py [--lines 1000000] [--rounds 3]

Each measurement runs in a process of its own, bare scan and import in turn; medians, their ratio and the
import's peak memory are printed. Ends with 1 where the ratio or the memory is over its budget.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb

ROOT = Path(__file__).resolve().parent.parent
RATIO_BUDGET = 2.8
MEMORY_BUDGET_MB = 1200
HOURS = 744

_START = "strftime(begins_at, '%Y-%m-%dT%H:%M:%SZ')"
_END = "strftime(begins_at + INTERVAL 1 HOUR, '%Y-%m-%dT%H:%M:%SZ')"
_COST = "CAST(CAST((hash(r, h) % 100000000) / 1e9 AS DECIMAL(20,10)) AS VARCHAR)"
_TYPE = "['m5','c5','r5','t3'][1 + r % 4] || '.' || ['large','xlarge','2xlarge'][1 + (r // 4) % 3]"
# 40 columns as AWS writes them: r is one of some 1,300 resources, h the hour; 8 accounts, 6 teams.
COLUMNS = {
    "identity/LineItemId": "substr(md5(CAST(r * 1000 + h AS VARCHAR)) || md5(CAST(r * 7 + h AS VARCHAR)), 1, 52)",
    "identity/TimeInterval": f"{_START} || '/' || {_END}",
    "bill/InvoiceId": "'20260512'",
    "bill/InvoicingEntity": "'Amazon Web Services, Inc.'",
    "bill/BillingEntity": "'AWS'",
    "bill/BillType": "'Anniversary'",
    "bill/PayerAccountId": "'100000000001'",
    "bill/BillingPeriodStartDate": "'2026-05-01T00:00:00Z'",
    "bill/BillingPeriodEndDate": "'2026-06-01T00:00:00Z'",
    "lineItem/UsageAccountId": "CAST(100000000001 + r % 8 AS VARCHAR)",
    "lineItem/LineItemType": "CASE WHEN r % 10 = 0 THEN 'DiscountedUsage' ELSE 'Usage' END",
    "lineItem/UsageStartDate": _START,
    "lineItem/UsageEndDate": _END,
    "lineItem/ProductCode": "CASE WHEN r % 3 = 2 THEN 'AmazonS3' ELSE 'AmazonEC2' END",
    "lineItem/UsageType": f"CASE r % 3 WHEN 2 THEN 'Requests-Tier' || r % 2 WHEN 1 THEN 'EBS:VolumeUsage.gp' || r % 4"
    f" ELSE 'BoxUsage:' || {_TYPE} END",
    "lineItem/Operation": "CASE r % 3 WHEN 2 THEN 'GetObject' WHEN 1 THEN 'CreateVolume-Gp2' ELSE 'RunInstances' END",
    "lineItem/AvailabilityZone": "['us-east-1', 'eu-west-1'][1 + r % 2] || 'a'",
    "lineItem/ResourceId": "'i-0' || substr(md5(CAST(r AS VARCHAR)), 1, 16)",
    "lineItem/UsageAmount": "CAST(1 + (hash(r, h) % 1000) / 1000 AS VARCHAR)",
    "lineItem/NormalizationFactor": "'4'",
    "lineItem/NormalizedUsageAmount": "'4'",
    "lineItem/CurrencyCode": "'USD'",
    "lineItem/UnblendedRate": "'0.096'",
    "lineItem/UnblendedCost": f"CASE WHEN r % 10 = 0 THEN '0' ELSE {_COST} END",
    "lineItem/BlendedRate": "'0.096'",
    "lineItem/BlendedCost": _COST,
    "lineItem/LineItemDescription": "'$0.096 per On Demand Linux ' || r % 50 || ' Instance Hour'",
    "product/ProductName": "CASE WHEN r % 3 = 2 THEN 'Amazon Simple Storage Service'"
    " ELSE 'Amazon Elastic Compute Cloud' END",
    "product/instanceType": f"CASE WHEN r % 3 = 0 THEN {_TYPE} END",
    "product/operatingSystem": "CASE WHEN r % 3 = 0 THEN 'Linux' END",
    "product/tenancy": "CASE WHEN r % 3 = 0 THEN 'Shared' END",
    "product/region": "['us-east-1', 'eu-west-1'][1 + r % 2]",
    "product/sku": "upper(substr(md5(CAST(r % 50 AS VARCHAR)), 1, 16))",
    "pricing/publicOnDemandCost": _COST,
    "pricing/term": "'OnDemand'",
    "pricing/unit": "CASE WHEN r % 3 = 0 THEN 'Hrs' ELSE 'GB-Mo' END",
    "reservation/EffectiveCost": f"CASE WHEN r % 10 = 0 THEN {_COST} END",
    "reservation/ReservationARN": "CASE WHEN r % 10 = 0"
    " THEN 'arn:aws:ec2:us-east-1:100000000001:reserved-instances/' || r % 9 END",
    "resourceTags/user:Team": "CASE WHEN r % 7 > 0"
    " THEN ['payments', 'search', 'data', 'web', 'ops', 'core'][1 + r % 6] END",
    "resourceTags/user:Name": "'host-' || r",
}


def generate(path: Path, lines: int) -> None:
    """Write a CUR-like CSV.gz of that many lines; the same lines every time."""
    fields = ", ".join(f'{sql} AS "{name}"' for name, sql in COLUMNS.items())
    resources = -(-lines // HOURS)
    with duckdb.connect() as duck:
        duck.execute(
            f"COPY (SELECT {fields} FROM (SELECT h, r, TIMESTAMP '2026-05-01' + h * INTERVAL 1 HOUR AS begins_at"
            f" FROM range({HOURS}) AS hours(h), range({resources}) AS resources(r) LIMIT {lines}))"
            f" TO '{path}' (FORMAT csv, COMPRESSION gzip)"
        )


def scan(path: Path) -> float:
    """Seconds of counting the lines and adding up one cost, every column as text."""
    with duckdb.connect() as duck:
        start = time.perf_counter()
        duck.execute(
            'SELECT count(*), sum(try_cast("lineItem/UnblendedCost" AS DECIMAL(38,18)))'
            f" FROM read_csv('{path}', all_varchar=true)"
        ).fetchone()
        return time.perf_counter() - start


def import_once(path: Path, folder: Path) -> float:
    """Seconds of the whole pipeline into an empty database of its own."""
    os.environ |= {"DJANGO_SETTINGS_MODULE": "finops_site.settings", "DATA_DIR": str(folder)}
    sys.path.insert(0, str(ROOT))
    import django  # noqa: PLC0415 - settings come from the environment set above

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415

    from costs import services as intake  # noqa: PLC0415
    from finops_site import pipeline  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    start = time.perf_counter()
    for import_pk in intake.prepare_imports([path], today=date(2026, 6, 3)):
        pipeline.run_import(import_pk)
    return time.perf_counter() - start


def measured(what: str, path: Path) -> dict[str, float]:
    """One measurement in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, "--measure", what, "--file", str(path)], check=True, capture_output=True, text=True
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def measure(what: str, path: Path) -> None:
    """The child's side of `measured`."""
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as folder:
        seconds = scan(path) if what == "scan" else import_once(path, Path(folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "peak_mb": peak}))


def compare(lines: int, rounds: int) -> bool:
    """Run all rounds and print the table; whether both budgets are kept."""
    with tempfile.TemporaryDirectory(prefix="finops-bench-") as folder:
        path = Path(folder) / "bill.csv.gz"
        generate(path, lines)
        print(f"{lines:,} lines, {len(COLUMNS)} columns, {path.stat().st_size / 1e6:.0f} MB of gzip, {rounds} rounds")
        runs: dict[str, list[dict[str, float]]] = {"scan": [], "import": []}
        for _ in range(rounds):
            for what in runs:
                runs[what].append(measured(what, path))
    medians = {what: statistics.median(run["seconds"] for run in done) for what, done in runs.items()}
    ratio = medians["import"] / medians["scan"]
    peak = max(run["peak_mb"] for run in runs["import"])
    print(f"bare scan  {medians['scan']:8.2f} s")
    print(f"import     {medians['import']:8.2f} s   {ratio:.2f} × the scan (budget {RATIO_BUDGET})")
    print(f"memory     {peak:8.0f} MB  (budget {MEMORY_BUDGET_MB})")
    return ratio <= RATIO_BUDGET and peak <= MEMORY_BUDGET_MB


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--measure", choices=("scan", "import"), help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure, options.file)
        return 0
    return 0 if compare(options.lines, options.rounds) else 1


if __name__ == "__main__":
    sys.exit(main())
