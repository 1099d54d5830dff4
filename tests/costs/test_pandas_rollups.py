"""The benchmark's pandas makes what the import makes: their times are compared, so they must do the same."""

from datetime import date
from pathlib import Path

import pytest

from benchmarks import pandas_rollups
from benchmarks.cur_files import Shape, generate
from costs import charge_store
from costs import services as intake
from costs.charge_store import ImportFolder
from costs.models import AccountName, BillImport, CostSlice, DailyCost, Resource, ResourceCost, UsageDay
from costs.periods import BillingPeriod
from finops_site import pipeline

pytestmark = pytest.mark.django_db


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "bill.csv.gz"
    generate(path, Shape(lines=20_000))
    for import_pk in intake.prepare_imports([path], today=date(2026, 6, 3)):
        pipeline.run_import(import_pk)
    return path


@pytest.mark.parametrize("texts_as", ["str", "category"])
def test_pandas_makes_as_many_rows_of_every_rollup(path: Path, texts_as: str) -> None:
    stored = BillImport.objects.get()
    folder = ImportFolder(stored.source.name, BillingPeriod(date(2026, 5, 1)), stored.pk)
    with charge_store.connect() as duck:
        beside = {
            name: duck.execute(f"SELECT count(*) FROM {folder.relation(side_file)}").fetchall()[0][0]
            for name, side_file in (("resource_tags", "resource-tags"), ("usage_hours", "usage"))
        }
    imported = {
        "slices": CostSlice.objects.count(),
        "daily_costs": DailyCost.objects.count(),
        "resource_costs": ResourceCost.objects.count(),
        "resources": Resource.objects.count(),
        "usage_days": UsageDay.objects.count(),
        "accounts": AccountName.objects.count(),
        "month_sums": 2,  # lines under a reservation and others
        **beside,
    }
    assert stored.rows == 20_000
    assert pandas_rollups.roll_up(path, form="csv.gz", texts_as=texts_as) == imported
