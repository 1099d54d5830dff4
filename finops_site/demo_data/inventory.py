"""The company's resource inventory as two CSV files: instances (USD an hour) and buckets (USD a month)."""

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np

from finops_site.demo_data import rates
from finops_site.demo_data.estate import Estate, Instance, Tags
from finops_site.demo_data.schedules import Month, hours_run

COMPUTE_COLUMNS = (
    "ResourceId",
    "ResourceType",
    "Region",
    "CostUSD",
    "Tags",
    "CreationDate",
    "InstanceType",
    "State",
    "CPUUtilization",
    "MemoryUtilization",
    "NetworkIn_Bps",
    "NetworkOut_Bps",
    "Volumes",
)
STORAGE_COLUMNS = (
    "BucketName",
    "Region",
    "CostUSD",
    "Tags",
    "CreationDate",
    "StorageClass",
    "ObjectCount",
    "TotalSizeGB",
    "VersionEnabled",
    "Encryption",
)
MONTH_HOURS, WEEK_HOURS = 730, 168
IDLE = 20  # by how much less an idle instance does


def write_inventory(folder: Path, estate: Estate, month: Month, *, seed: int) -> tuple[Path, Path]:
    """Write `compute.csv` and `storage.csv` as of the last hour of `month` with data, of what was there by then."""
    folder.mkdir(parents=True, exist_ok=True)
    draw = np.random.default_rng([seed, 7])
    compute, storage = folder / "compute.csv", folder / "storage.csv"
    there = [instance for instance in estate.instances if instance.created_on < month.period.end]
    _write(compute, COMPUTE_COLUMNS, (_instance_row(instance, month, draw) for instance in there))
    _write(storage, STORAGE_COLUMNS, _bucket_rows(estate, draw))
    return compute, storage


def _write(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def _instance_row(instance: Instance, month: Month, draw: np.random.Generator) -> list[str]:
    """One instance; one that did not run for a week is stopped, and still costs what its volume costs an hour."""
    fleet = instance.fleet
    runs = bool(hours_run(fleet.ran, instance.index, fleet.count, month)[-WEEK_HOURS:].any())
    cpu, memory = draw.uniform(18, 78, 2)
    traffic = draw.integers(40_000, 4_000_000, 2)
    if fleet.is_idle:
        cpu /= IDLE
    volume = rates.volume_rate(fleet.volume_type, fleet.region) * fleet.volume_gb // MONTH_HOURS
    hourly = rates.hourly_rate(fleet.instance_type, fleet.region) if runs else volume
    return [
        instance.instance_id,
        "EC2",
        fleet.region,
        f"{Decimal(hourly).scaleb(-10):.4f}",
        _tag_text(instance.tags),
        instance.created_on.isoformat(),
        fleet.instance_type,
        "running" if runs else "stopped",
        f"{cpu:.2f}" if runs else "0",
        f"{memory:.2f}" if runs else "0",
        str(traffic[0] if runs else 0),
        str(traffic[1] if runs else 0),
        instance.volume_id if fleet.volume_gb else "",
    ]


def _bucket_rows(estate: Estate, draw: np.random.Generator) -> Iterable[list[str]]:
    for owned in estate.buckets:
        spec = owned.spec
        monthly = Decimal(rates.S3_GB_MONTH[spec.storage_class]) * spec.size_gb
        yield [
            spec.name,
            spec.region,
            f"{monthly:.2f}",
            _tag_text(owned.tags),
            owned.created_on.isoformat(),
            spec.storage_class,
            str(spec.size_gb * int(draw.integers(40, 900))),
            f"{spec.size_gb:.2f}",
            "TRUE" if draw.random() < 0.6 else "FALSE",
            "AES256" if draw.random() < 0.8 else "None",
        ]


def _tag_text(tags: Tags) -> str:
    """`Key=Value,Key2=Value2`, without what AWS set itself."""
    return ",".join(f"{key}={value}" for key, value in tags.items() if not key.startswith("aws:"))
