"""Partial rollups: files grouped where they land, added up at the finish, exact whatever the delivery tells later."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.db.models import Sum
from pytest_django.fixtures import Settings

from costs import charge_store, rollup
from costs import services as intake
from costs.billing_formats import detect
from costs.models import BillImport, DailyCost, ResourceCost
from finops_site import pipeline
from tests.costs.bills import TODAY, line, write_csv

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
PLAN = {"savingsPlan/SavingsPlanARN": "arn:aws:savingsplans::1:savingsplan/p"}


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, settings: Settings) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")


def landed(folder: Path, now: datetime, *files: list[dict[str, str]]) -> int:
    """Files that have landed by a task each."""
    paths = [write_csv(folder / f"{number}.csv", lines) for number, lines in enumerate(files)]
    (pk,) = intake.prepare_imports(paths, today=TODAY)
    for file in pipeline.begin_import(pk, now=now).files:
        pipeline.land_file(file, now=now)
    return pk


def no_more(*args: object) -> str:
    raise AssertionError("charges are grouped again")


def test_finish_adds_up_sums_and_groups_no_charge_again(
    tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One machine in both files on one day, 0.1 + 0.2, and another one, 5: 5.3 in all, three lines.
    same = {"lineItem/ResourceId": "i-1", "resourceTags/user:Team": "web"}
    pk = landed(tmp_path, now, [line(same, cost="0.1")], [line(same, cost="0.2"), line(cost="5", resource="i-2")])
    for name in ("month_sums", "line_groups", "facts", "resource_names"):
        monkeypatch.setattr(rollup, name, no_more)
    assert pipeline.finish_import(pk, now=now) == [pk]
    costs = ResourceCost.objects.order_by("resource__resource_id").values_list("billed_cost", "consumed_quantity")
    assert list(costs) == [(Decimal("0.3"), 2.0), (Decimal(5), 1.0)]
    assert BillImport.objects.get(pk=pk).rows == 3
    folder = tmp_path / "charges" / "source=aws-000000000001" / "billing_period=2026-05" / f"import={pk}"
    assert [path.name for path in folder.glob("partial-*")] == []


def test_what_the_whole_delivery_tells_reaches_the_sums(tmp_path: Path, now: datetime) -> None:
    # Three fees of 1.00 in one file tell no use; 2.00 is covered at plan rates in the other: 1.00 unused, 3.00 in all.
    fees = [line(PLAN, kind="SavingsPlanRecurringFee", cost="1.00") for _ in range(3)]
    used = line(PLAN | {"savingsPlan/SavingsPlanEffectiveCost": "2.00"}, kind="SavingsPlanCoveredUsage", cost="2.50")
    pk = landed(tmp_path, now, fees, [used])
    assert pipeline.finish_import(pk, now=now) == [pk]
    by_kind = DailyCost.objects.values_list("slice__line_kind").annotate(sum=Sum("effective_cost"))
    assert dict(by_kind) == {"SavingsPlanRecurringFee": Decimal(1), "SavingsPlanCoveredUsage": Decimal(2)}
    assert BillImport.objects.get(pk=pk).effective_cost == Decimal(3)


def test_files_of_several_months_are_grouped_month_by_month(tmp_path: Path, now: datetime) -> None:
    april = {"bill/BillingPeriodStartDate": "2026-04-01T00:00:00Z", "lineItem/UsageStartDate": "2026-04-03T00:00:00Z"}
    pk = landed(tmp_path, now, [line(cost="1"), line(april, cost="2")], [line(cost="4")])
    assert len(pipeline.finish_import(pk, now=now)) == 2
    found = BillImport.objects.order_by("billing_period").values_list("billing_period__month", "billed_cost", "state")
    assert list(found) == [(4, Decimal(2), "in_force"), (5, Decimal(5), "in_force")]


def test_split_rows_count_in_no_partial(tmp_path: Path, now: datetime) -> None:
    shared = {"splitLineItem/ParentResourceId": "i-1", "splitLineItem/SplitCost": "0.4"}
    pk = landed(tmp_path, now, [line(cost="1", resource="i-1")], [line(shared, cost="0", resource="task/1")])
    assert pipeline.finish_import(pk, now=now) == [pk]
    assert list(ResourceCost.objects.values_list("resource__resource_id", "billed_cost")) == [("i-1", Decimal(1))]


def test_a_rewritten_file_forgets_its_partial(tmp_path: Path) -> None:
    with charge_store.connect() as duck:
        file = charge_store.open_bill_file(write_csv(tmp_path / "bill.csv", [line(cost="1")]))
        mapping = detect(file.columns, file_name="bill.csv").module.mapping(file.columns)
        charges = tmp_path / "charges-00001.parquet"
        charge_store.land_file(duck, file, mapping, charges, beat=lambda _: None)
        charge_store.write_partial(duck, charges, beat=lambda _: None)
        assert charge_store.merged(tmp_path) is not None
        charge_store.forget_partial(charges)
        assert charge_store.merged(tmp_path) is None
