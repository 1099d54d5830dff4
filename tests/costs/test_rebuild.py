"""A database made anew from the charge store alone: nothing the store can carry is lost."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import models
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.models import (
    AccountName,
    Bill,
    BillImport,
    BillingAccount,
    BillSource,
    CostSlice,
    DailyCost,
    Resource,
    ResourceCost,
    ResourceSnapshot,
    SubAccount,
    UsageDay,
    VersionTotal,
)
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors.verifying import verify_charges
from finops_site import pipeline
from tagging.models import AllocatedCost, Allocation, OwnerCost
from tests.costs.bills import bring_in, bring_in_lines, line, write_csv
from tests.costs.focus_bills import focus_line, write_focus
from tests.real_parts.object_store import BUCKET, ObjectStore

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

NOW = datetime(2036, 6, 4, tzinfo=UTC)  # long after imports of today ended
# In the order in which they can be emptied.
REBUILT: tuple[type[models.Model], ...] = (
    AllocatedCost,
    OwnerCost,
    Allocation,
    DailyCost,
    ResourceCost,
    UsageDay,
    VersionTotal,
    AccountName,
    ResourceSnapshot,
    CostSlice,
    Resource,
    SubAccount,
    BillingAccount,
    Bill,
    BillImport,
    BillSource,
)
# Keys of rows that nothing refers to, moments of the rebuild itself, and who worked.
NOT_COMPARED = {"id", "rollups_removed_at", "charges_removed_at", "heartbeat_at", "worker", "rule", "allocation"}


@pytest.fixture(params=["folder", "s3"])
def charges(request: pytest.FixtureRequest, settings: Settings, tmp_path: Path) -> str:
    """A charge store of the test's own, of either kind."""
    if request.param == "s3":
        store: ObjectStore = request.getfixturevalue("store")
        assert store.url
        settings.CHARGE_STORE = f"s3://{BUCKET}/charges"
    else:
        settings.CHARGE_STORE = str(tmp_path / "charges")
    settings.CHARGE_RETENTION_VERSIONS = 1
    return str(settings.CHARGE_STORE)


def everything() -> dict[str, list[dict[str, Any]]]:
    """All rows of the intake and its allocation as plain values, foreign keys by what they mean."""
    sources = dict(BillSource.objects.values_list("pk", "name"))
    bills = {
        pk: f"{source} {month}"
        for pk, source, month in Bill.objects.values_list("pk", "source__name", "billing_period")
    }
    found = {}
    for model in REBUILT:
        rows = []
        for row in model._default_manager.values():
            if "source_id" in row:
                row["source_id"] = sources[row["source_id"]]
            if "bill_id" in row:
                row["bill_id"] = bills.get(row["bill_id"])
            rows.append({name: value for name, value in row.items() if name.removesuffix("_id") not in NOT_COMPARED})
        found[model.__name__] = sorted(rows, key=str)
    return found


def empty_the_database() -> None:
    Bill.objects.update(import_in_force=None)
    BillImport.objects.update(split_from=None, rerolled_from=None, bill=None)
    for model in REBUILT:
        model._default_manager.all().delete()
    assert not BillImport.objects.exists()


def several_bills(folder: Path) -> None:
    """A month delivered twice, a file of two months, one of them rolled up again, FOCUS, two days of an inventory."""
    bring_in_lines(folder, line(cost="1", resource="i-old"), name="first.csv")
    bring_in_lines(
        folder, line(cost="4.5", resource="i-1", team="web"), line(cost="-0.25", account="9"), name="second.csv"
    )
    april = line(cost="7", period="2026-04-01T00:00:00Z", start="2026-04-30T00:00:00Z", resource="i-1")
    bring_in(
        write_csv(
            folder / "two.csv", [april, line(cost="5", period="2026-03-01T00:00:00Z", start="2026-03-09T00:00:00Z")]
        )
    )
    bring_in(
        write_focus(
            folder / "focus.csv", focus_line(BillingAccountId="77", BilledCost="2.000000000012345", EffectiveCost="1.9")
        )
    )
    inventory = "ResourceId,Region,CostUSD,Tags,InstanceType,State,CPUUtilization\n"
    for day, state in ((3, "running"), (4, "stopped")):
        path = folder / f"compute-{day}.csv"
        path.write_text(f"{inventory}i-7,us-east-1,0.1,Owner=Alice,m5.large,{state},{day}.5\n")
        bring_in(path, snapshot_on=date(2026, 2, day))
    assert len(pipeline.retrack([BillingPeriod(date(2026, 4, 1))], again=True)) == 1
    SubAccount.objects.filter(pk="9").update(name="Nine, by hand")
    BillSource.objects.filter(name="aws-000000000001").update(every_minutes=60, place="folder", location="/bills")
    pipeline.remove_replaced_imports(now=NOW)


def test_database_made_anew_is_the_one_that_was_lost(charges: str, tmp_path: Path) -> None:
    several_bills(tmp_path)
    before = everything()
    assert {name: len(rows) for name, rows in before.items() if name in {"Bill", "BillImport", "ResourceSnapshot"}} == {
        "Bill": 5,  # May, April and March of one payer, a FOCUS month, February's inventory
        "BillImport": 8,  # May twice, April twice (rolled up again), two days of the inventory
        "ResourceSnapshot": 2,
    }
    empty_the_database()
    out = StringIO()
    call_command("rebuild", json=True, stdout=out)
    told = json.loads(out.getvalue())
    assert (told["sources"], told["imports"], len(told["months"]), told["without_record"]) == (3, 8, 5, [])
    after = everything()
    for name, rows in before.items():
        assert after[name] == rows, name
    assert verify_charges(Scope.all(), kept=True).differences == []


def test_rebuilding_twice_changes_nothing(charges: str, tmp_path: Path) -> None:
    several_bills(tmp_path)
    empty_the_database()
    pipeline.rebuild(now=NOW)
    before = everything()
    again = pipeline.rebuild(now=NOW)
    assert (again.sources, again.imports, len(again.months)) == (0, 0, 5)
    assert everything() == before


def test_next_import_goes_on_counting(charges: str, tmp_path: Path) -> None:
    first = bring_in_lines(tmp_path, line(cost="1"))
    empty_the_database()
    pipeline.rebuild(now=NOW)
    second = bring_in_lines(tmp_path, line(cost="2"), name="second.csv")
    assert second.pk > first.pk
    assert Bill.objects.get().import_in_force == second


def test_damaged_sums_of_a_month_are_made_again(charges: str, tmp_path: Path) -> None:
    several_bills(tmp_path)
    before = everything()
    item = Bill.objects.get(billing_period=date(2026, 4, 1)).import_in_force
    assert item is not None
    DailyCost.objects.filter(bill_import=item).update(billed_cost=Decimal(99))
    ResourceCost.objects.filter(bill_import=item).delete()
    problems = [one.problem for one in verify_charges(Scope.all()).differences]
    assert "billed_cost of its days is 99, the bill's total 7" in problems
    assert "billed_cost of its resources is 0, that of its lines 7" in problems
    call_command("rebuild", "2026-04", stdout=StringIO())
    assert everything() == before
    assert verify_charges(Scope.all()).is_sound


def test_new_database_neither_writes_over_a_store_nor_loses_its_index(charges: str, tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    empty_the_database()
    pipeline.remove_replaced_imports(now=NOW)  # the schedule, before anybody rebuilds
    assert pipeline.rebuild(now=NOW).imports == 1


def test_store_without_index_or_charges_is_told(charges: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"has no in_force/in_force\.parquet"):
        call_command("rebuild")


def test_month_whose_charges_are_gone_is_named_and_nothing_is_made(settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    bring_in_lines(tmp_path, line(cost="1"))
    empty_the_database()
    for path in (tmp_path / "charges").rglob("_record.json"):
        path.unlink()
    with pytest.raises(CommandError, match=r"aws-000000000001 2026-05: Its charges are not in the store\."):
        call_command("rebuild")
    assert not BillSource.objects.exists()


def two_months(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """1 in May, 7 in April; what the database says of both."""
    april = line(cost="7", period="2026-04-01T00:00:00Z", start="2026-04-30T00:00:00Z", resource="i-1")
    bring_in_lines(folder, line(cost="1", resource="i-1"), name="may.csv")
    bring_in_lines(folder, april, name="april.csv")
    return everything()


def damage(root: Path, name: str, month: str = "2026-05") -> tuple[Path, bytes]:
    """Cut a file of a month short; returns it and what it held."""
    (path,) = root.glob(f"*/billing_period={month}/*/{name}")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path, content


def test_damaged_month_is_named_and_the_others_are_made(settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    before = two_months(tmp_path)
    empty_the_database()
    path, content = damage(tmp_path / "charges", "charges-*.parquet")
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("rebuild", json=True, stdout=out)
    head, told = str(refused.value).splitlines()
    assert head == "1 month could not be made, the others are."
    assert told.startswith("aws-000000000001 2026-05: source=aws-000000000001/billing_period=2026-05/import=")
    assert f": charges-00001.parquet has {len(content) // 2:,} bytes instead of {len(content):,}. Put its" in told
    assert told.endswith("and run manage.py rebuild 2026-05, or import the month again.")
    made = json.loads(out.getvalue())
    assert [(row["billing_period"], row["billed_cost"]) for row in made["months"]] == [("2026-04", "7")]
    assert made["damaged"] == [told]
    may, april = Bill.objects.order_by("-billing_period")
    assert may.import_in_force is None
    assert april.import_in_force is not None
    failed = BillImport.objects.get(bill=may)
    assert (failed.state, failed.error_detail["code"]) == ("failed", "charges_damaged")
    assert "run manage.py rebuild 2026-05" in failed.error

    pipeline.remove_replaced_imports(now=NOW)  # the schedule rewrites the index, and leaves the folder for a cure
    path.write_bytes(content)
    call_command("rebuild", "2026-05", stdout=StringIO())
    assert everything() == before
    assert verify_charges(Scope.all()).is_sound


def test_damaged_month_can_be_imported_again_instead(settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    two_months(tmp_path)
    empty_the_database()
    damage(tmp_path / "charges", "_resources.parquet")
    with pytest.raises(CommandError, match=r"_resources\.parquet has"):
        call_command("rebuild", stdout=StringIO())
    item = bring_in(tmp_path / "may.csv")[0]
    assert (item.state, item.billed_cost) == ("in_force", Decimal(1))
    assert [one.problem for one in verify_charges(Scope.all()).differences] == []
    call_command("rebuild", stdout=StringIO())  # the new one counts; the damaged one is not tried any more
    assert Bill.objects.get(billing_period=date(2026, 5, 1)).import_in_force == item


def test_damaged_month_of_a_file_of_several_is_tried_again_with_its_file(settings: Settings, tmp_path: Path) -> None:
    """Its own import runs again, so the damaged folder makes way."""
    settings.CHARGE_STORE = str(tmp_path / "charges")
    april = line(cost="7", period="2026-04-01T00:00:00Z", start="2026-04-30T00:00:00Z", resource="i-1")
    bring_in(write_csv(tmp_path / "two.csv", [line(cost="1"), april]))
    empty_the_database()
    damage(tmp_path / "charges", "charges-*.parquet", "2026-04")
    with pytest.raises(CommandError, match="2026-04"):
        call_command("rebuild", stdout=StringIO())
    failed = BillImport.objects.get(billing_period=date(2026, 4, 1))
    intake.requeue_import(failed.pk)
    pipeline.run_import(failed.pk)
    bill = Bill.objects.get(billing_period=date(2026, 4, 1))
    assert bill.import_in_force is not None
    assert bill.import_in_force.billed_cost == Decimal(7)
    assert verify_charges(Scope.all()).is_sound


def test_damaged_month_of_a_database_in_use_keeps_its_sums(settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    before = two_months(tmp_path)
    damage(tmp_path / "charges", "charges-*.parquet")
    with pytest.raises(CommandError, match=r"again\. Its sums in the database stay as they were\."):
        call_command("rebuild", stdout=StringIO())
    assert everything() == before


@pytest.mark.parametrize("name", ["_record.json", "charges-*.parquet"])
def test_each_damaged_month_is_named(name: str, settings: Settings, tmp_path: Path) -> None:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    two_months(tmp_path)
    empty_the_database()
    damage(tmp_path / "charges", "_record.json", "2026-04")
    damage(tmp_path / "charges", name)
    with pytest.raises(CommandError) as refused:
        call_command("rebuild", stdout=StringIO())
    assert {month: f" {month}: " in str(refused.value) for month in ("2026-04", "2026-05")} == {
        "2026-04": True,
        "2026-05": True,
    }


def test_files_that_no_import_wrote_are_named(settings: Settings, tmp_path: Path) -> None:
    """A copy of a month's file beside it: each of its lines would count twice."""
    settings.CHARGE_STORE = str(tmp_path / "charges")
    bring_in_lines(tmp_path, line(cost="1"))
    (path,) = (tmp_path / "charges").rglob("charges-*.parquet")
    (path.parent / "charges-00002.parquet").write_bytes(path.read_bytes())
    (path.parent / "notes.txt").write_text("harmless")
    problems = [one.problem for one in verify_charges(Scope.all()).differences]
    assert problems[0] == "charges-00002.parquet was not written by its import: take it out"
    assert "holds 2 lines, the database says 1" in problems
    with pytest.raises(CommandError, match=r"charges-00002\.parquet was not written by its import"):
        call_command("rebuild", stdout=StringIO())
    (path.parent / "charges-00002.parquet").unlink()
    assert verify_charges(Scope.all()).is_sound


def test_month_the_store_has_nothing_of_is_named(charges: str, tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"))
    with pytest.raises(CommandError, match=r"The charge store holds nothing of 2020-01\."):
        call_command("rebuild", "2020-01")
