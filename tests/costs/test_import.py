"""From files to a month in force: sums, months, versions, crashes. Runs on both databases."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.db.models import Sum
from django.utils import timezone
from pytest_django import Settings

from costs import charge_store
from costs import services as intake
from costs.charge_store import ImportFolder
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, BillUpload, CostSlice, DailyCost, Resource, ResourceCost, UsageDay
from costs.periods import BillingPeriod
from costs.services import loading
from costs.terms import BillState, ImportState
from finops_site import pipeline
from tests.costs.bills import TODAY, bring_in, bring_in_lines, csv_text, line, write_csv

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

MAY = BillingPeriod(date(2026, 5, 1))


def stored(model: type[DailyCost] | type[ResourceCost], made: BillImport) -> Decimal:
    total = model.objects.filter(bill_import=made).aggregate(total=Sum("billed_cost"))["total"]
    return Decimal(0) if total is None else total


def folder(made: BillImport) -> ImportFolder:
    assert made.billing_period is not None
    return ImportFolder(made.source.name, BillingPeriod(made.billing_period), made.pk)


def test_import_stores_what_the_file_adds_up_to(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1.5", resource="i-1"), line(cost="-0.25"), line(kind="Tax", cost="2"))
    # 1.5 − 0.25 + 2 = 3.25; one line of three has a resource.
    assert (made.state, made.rows, made.billed_cost, made.billing_currency) == ("in_force", 3, Decimal("3.25"), "USD")
    assert (stored(DailyCost, made), stored(ResourceCost, made)) == (Decimal("3.25"), Decimal("1.5"))
    assert made.totals_by_category["Tax"]["billed_cost"] == "2"
    assert Bill.objects.get().import_in_force == made


def test_digits_past_the_tenth_go_to_the_largest_remainders(tmp_path: Path) -> None:
    # Three days of one slice: …14, …13, …13 in units of 1e-11; the sum 40e-11 is 4e-10: 2, 1, 1 in units of 1e-10.
    costs = {"2026-05-01": "0.00000000014", "2026-05-02": "0.00000000013", "2026-05-03": "0.00000000013"}
    lines = [line(cost=cost, start=f"{day}T00:00:00Z", resource="i-1") for day, cost in costs.items()]
    made = bring_in_lines(tmp_path, *lines)
    units = Decimal("1e-10")
    days = DailyCost.objects.filter(bill_import=made).order_by("charge_date").values_list("billed_cost", flat=True)
    assert [int(amount / units) for amount in days] == [2, 1, 1]
    assert made.billed_cost == stored(ResourceCost, made) == 4 * units


def test_digits_are_placed_between_slices_first(tmp_path: Path) -> None:
    # Two slices of 0.6e-10 each: the sum 1.2e-10 is 1e-10, so one slice has it and the other nothing.
    lines = [line(cost="0.00000000006", account=account) for account in ("11", "12")]
    made = bring_in_lines(tmp_path, *lines)
    amounts = sorted(DailyCost.objects.filter(bill_import=made).values_list("billed_cost", flat=True))
    assert amounts == [Decimal(0), Decimal("1e-10")]


def test_rows_that_break_down_others_are_kept_and_do_not_count(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="3"), line(cost="2", operation="EKSPod-EC2"))
    assert (made.rows, made.billed_cost, stored(DailyCost, made)) == (2, Decimal(3), Decimal(3))
    assert "split_rows" in [finding["code"] for finding in made.findings]


def test_several_months_in_one_file_become_one_import_each(tmp_path: Path) -> None:
    april = line(cost="4", period="2026-04-01T00:00:00Z", start="2026-04-30T00:00:00Z")
    path = write_csv(tmp_path / "bill.csv", [april, line(cost="5")])
    first, second = bring_in(path)
    assert [(item.billing_period, item.billed_cost) for item in (first, second)] == [
        (date(2026, 4, 1), Decimal(4)),
        (date(2026, 5, 1), Decimal(5)),
    ]
    assert second.split_from == first
    assert intake.imports_made_by(first.pk) == [first.pk, second.pk]
    assert [item.state for item in bring_in(path)] == ["unchanged", "unchanged"]


def test_importing_twice_changes_nothing(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1", resource="i-1"))
    (again,) = bring_in(tmp_path / "bill.csv")
    assert (again.state, again.billed_cost, again.rows) == ("unchanged", Decimal(1), 1)
    assert Bill.objects.get().import_in_force == made
    assert DailyCost.objects.count() == 1


def test_newer_version_replaces_the_month_and_never_adds(tmp_path: Path) -> None:
    # Domain vector F4: 10 + 5 = 15, then 10.50 + 1.25 = 11.75.
    old = bring_in_lines(tmp_path, line(cost="10"), line(cost="5"))
    new = bring_in_lines(tmp_path, line(cost="10.50"), line(cost="1.25"), name="new.csv")
    old.refresh_from_db()
    assert (old.state, new.state, new.billed_cost) == ("replaced", "in_force", Decimal("11.75"))
    assert Bill.objects.get().import_in_force == new
    removed = intake.remove_replaced_imports(now=timezone.now() + timedelta(hours=1))
    assert (removed, stored(DailyCost, old), stored(DailyCost, new)) == (1, Decimal(0), Decimal("11.75"))
    assert (folder(old).exists(), folder(new).exists()) == (False, True)


def test_older_import_that_ends_later_does_not_replace_a_newer_one(tmp_path: Path) -> None:
    (slow,) = intake.prepare_imports([write_csv(tmp_path / "slow.csv", [line(cost="1")])], today=TODAY)
    newer = bring_in_lines(tmp_path, line(cost="2"), name="newer.csv")
    pipeline.run_import(slow)
    assert BillImport.objects.get(pk=slow).state == ImportState.SUPERSEDED
    assert Bill.objects.get().import_in_force == newer


@pytest.mark.parametrize("step", ["store_rollups", "put_in_place", "put_in_force"])
def test_run_after_a_crash_gives_the_same_as_one_clean_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    lines = [line(cost="1", resource="i-1"), line(cost="2", period="2026-04-01T00:00:00Z")]
    (pk,) = intake.prepare_imports([write_csv(tmp_path / "bill.csv", lines)], today=TODAY)
    module = {"store_rollups": loading, "put_in_place": charge_store, "put_in_force": intake}[step]
    real, calls = getattr(module, step), []

    def crash_at_the_second(*args: object, **kwargs: object) -> object:
        calls.append(step)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(*args, **kwargs)

    monkeypatch.setattr(module, step, crash_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        pipeline.run_import(pk)
    pipeline.run_import(pk)
    assert [item.state for item in BillImport.objects.order_by("billing_period")] == ["in_force", "in_force"]
    assert DailyCost.objects.aggregate(total=Sum("billed_cost"))["total"] == 3
    assert ResourceCost.objects.count() == 1


def test_worker_that_died_is_given_up_and_its_import_can_run_again(tmp_path: Path) -> None:
    (pk,) = intake.prepare_imports([write_csv(tmp_path / "bill.csv", [line(cost="1")])], today=TODAY)
    BillImport.objects.filter(pk=pk).update(state="landing", worker="elsewhere:1:x", heartbeat_at=timezone.now())
    assert intake.load_import(pk, tracked_keys=()) == []  # it is alive as far as we know
    assert intake.reap_stale_imports(now=timezone.now()) == []
    assert intake.reap_stale_imports(now=timezone.now() + timedelta(hours=1)) == [pk]
    assert "It runs once more" in BillImport.objects.get(pk=pk).error
    pipeline.run_import(pk)
    assert BillImport.objects.get(pk=pk).state == ImportState.IN_FORCE


def test_import_whose_second_worker_died_says_that_it_waits_for_somebody(tmp_path: Path) -> None:
    (pk,) = intake.prepare_imports([write_csv(tmp_path / "bill.csv", [line(cost="1")])], today=TODAY)
    later = timezone.now() + timedelta(hours=1)
    for _ in range(2):
        BillImport.objects.filter(pk=pk).update(state="landing", worker="elsewhere:1:x", heartbeat_at=timezone.now())
        assert intake.reap_stale_imports(now=later) == [pk]
        is_queued = intake.requeue_lost(pk)
    assert not is_queued
    assert BillImport.objects.get(pk=pk).error.startswith("Its second worker died with it, so it is not tried again")


def test_sums_that_do_not_tie_out_fail_the_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = charge_store.rollup_rows

    def one_row_less(duck: charge_store.Connection, name: str, **kwargs: tuple[int, ...]) -> object:
        rows = list(real(duck, name, **kwargs))
        return iter(rows[1:] if name == "daily_costs" else rows)

    monkeypatch.setattr(charge_store, "rollup_rows", one_row_less)
    with pytest.raises(ImportRejectedError, match="do not add up to the file: 1 instead of 2"):
        bring_in_lines(tmp_path, line(cost="1"), line(cost="2", account="77"))
    assert not Bill.objects.filter(import_in_force__isnull=False).exists()
    assert DailyCost.objects.count() == 0


def test_tracked_tag_is_written_under_its_own_spelling(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [line({"resourceTags/user:cost-center": " 4711 "}, cost="1")])
    (pk,) = intake.prepare_imports([path], today=TODAY)
    intake.load_import(pk, tracked_keys=("CostCenter", "Team"))
    assert [item.tags for item in CostSlice.objects.all()] == [{"CostCenter": "4711"}]
    assert BillImport.objects.get(pk=pk).tracked_tags == ["CostCenter", "Team"]


def test_tag_with_too_many_values_is_not_tracked_and_told(tmp_path: Path, settings: Settings) -> None:
    settings.TRACKED_TAG_VALUES_LIMIT = 2
    path = write_csv(tmp_path / "bill.csv", [line(team=f"t{n}", cost="1") for n in range(3)])
    (pk,) = intake.prepare_imports([path], today=TODAY)
    intake.load_import(pk, tracked_keys=("Team",))
    made = BillImport.objects.get(pk=pk)
    assert (made.tracked_tags, CostSlice.objects.get().tags) == ([], {})
    assert [finding["text"] for finding in made.findings if finding["code"] == "tag_not_tracked"] == [
        "The tag Team has 3 values and is not tracked: it would make as many groups as resources."
        " Its values stay on the charges."
    ]


def test_resource_keeps_its_latest_tags_and_both_ends_of_its_life(tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1", resource="i-1", team="new", start="2026-05-07T00:00:00Z"))
    april = {"bill/BillingPeriodStartDate": "2026-04-01T00:00:00Z", "lineItem/UsageStartDate": "2026-04-03T00:00:00Z"}
    bring_in_lines(tmp_path, line(april, cost="1", resource="i-1", team="old"), name="april.csv")
    found = Resource.objects.get()
    assert (found.tags, found.first_seen_on, found.last_seen_on) == (
        {"Team": "new"},
        date(2026, 4, 3),
        date(2026, 5, 7),
    )


def test_each_slice_of_a_resource_has_the_last_name_and_type_of_its_own_lines(tmp_path: Path) -> None:
    def used(day: int, team: str, name: str, family: str) -> dict[str, str]:
        cells = {"resourceTags/user:name": name, "product/productFamily": family}
        return line(cells, cost="1", resource="i-1", team=team, start=f"2026-05-0{day}T00:00:00Z")

    bring_in_lines(
        tmp_path,
        used(1, "alpha", "first", "Compute Instance"),
        used(2, "alpha", "second", ""),
        used(3, "alpha", "-", ""),
        used(4, "beta", "later", "Hidden Instance"),
        used(4, "beta", "also", "Hidden Instance"),
        used(5, "gamma", "", ""),
    )
    found = ResourceCost.objects.order_by("first_charged_on").values_list("slice__tags__Team", "name", "resource_type")
    # alpha's name on day 3 stands for nothing; of beta's two on one day the greater one counts.
    assert list(found) == [
        ("alpha", "second", "Compute Instance"),
        ("beta", "later", "Hidden Instance"),
        ("gamma", "", ""),
    ]


def test_usage_days_hold_hours_and_units_by_how_they_were_priced(tmp_path: Path) -> None:
    bring_in_lines(
        tmp_path,
        line(cost="1", quantity="2"),
        line(kind="DiscountedUsage", quantity="3"),
        line({"lineItem/UsageType": "SpotUsage:m5.large"}, quantity="5"),
    )
    rows = UsageDay.objects.all()
    hours = [sum(getattr(row, f"{kind}_hours") for row in rows) for kind in ("on_demand", "reserved", "spot")]
    # An m5.large counts 4 units an hour.
    assert (hours, sum(row.reserved_normalized_units for row in rows)) == ([2, 3, 5], 12)


def test_month_is_final_once_invoiced_and_reopened_when_it_changes(tmp_path: Path) -> None:
    bring_in_lines(tmp_path, line(cost="1"), name="1.csv")
    assert Bill.objects.get().state in {BillState.OPEN, BillState.CLOSING}
    bring_in_lines(tmp_path, line(cost="1", invoice="77"), name="2.csv")
    assert Bill.objects.get().state == BillState.FINAL
    bring_in_lines(tmp_path, line(cost="1", invoice="77"), line(cost="-0.5"), name="3.csv")
    assert Bill.objects.get().state == BillState.REOPENED
    bring_in_lines(tmp_path, line(cost="0.5", invoice="77"), name="4.csv")
    assert Bill.objects.get().state == BillState.FINAL
    bring_in_lines(tmp_path, line(cost="0.4", invoice="77"), name="5.csv")
    assert Bill.objects.get().state == BillState.REOPENED


def test_lines_can_be_found_again_by_slice_and_resource_key(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1", resource="i-1"), line(cost="2", account="9"))
    wanted = ResourceCost.objects.get()
    rows = charge_store.query_charges(
        [folder(made)],
        "SELECT resource_id, unblended_cost FROM charges WHERE slice_key = ? AND resource_key = ?",
        [wanted.slice_id, wanted.resource_id],
    )
    assert rows == [("i-1", Decimal(1))]
    assert charge_store.query_charges([folder(made)], "SELECT count(*) FROM usage") == [(2,)]


def test_amount_too_large_for_sqlite_is_refused_with_the_cure(tmp_path: Path) -> None:
    huge = line(cost="999999999.5")
    if connection.vendor != "sqlite":
        assert bring_in_lines(tmp_path, huge).billed_cost == Decimal("999999999.5")
        return
    with pytest.raises(ImportRejectedError, match="Set DATABASE_URL to PostgreSQL"):
        bring_in_lines(tmp_path, huge)


def test_two_payers_are_two_sources_and_an_upload_stays_in_its_folder(tmp_path: Path, finops_lead: User) -> None:
    other = line({"bill/PayerAccountId": "000000000099"}, cost="2")
    paths = [write_csv(tmp_path / "a.csv", [line(cost="1")]), write_csv(tmp_path / "b.csv", [other])]
    assert [item.source.name for item in bring_in(*paths)] == ["aws-000000000001", "aws-000000000099"]
    content = SimpleUploadedFile("../../etc/bill one.csv", paths[0].read_bytes())
    upload = intake.store_upload([content], user=finops_lead.pk, idempotency_key="k")
    assert intake.store_upload([content], user=finops_lead.pk, idempotency_key="k") == upload
    (stored_file,) = intake.uploaded_files(upload)
    assert stored_file.name == "bill_one.csv"
    with pytest.raises(ImportRejectedError, match="leads outside the upload"):
        intake.prepare_imports([paths[0]], upload=upload, today=TODAY)


def test_upload_that_became_no_import_goes_after_a_day(tmp_path: Path, settings: Settings, finops_lead: User) -> None:
    settings.UPLOAD_DIR = tmp_path / "uploads"
    refused = intake.store_upload([SimpleUploadedFile("notes.txt", b"hello")], user=finops_lead.pk)
    content = SimpleUploadedFile("bill.csv", csv_text([line(cost="1")]).encode())
    kept = intake.store_upload([content], user=finops_lead.pk)
    intake.prepare_imports(intake.uploaded_files(kept), upload=kept, today=TODAY)
    (tmp_path / "uploads" / ("0" * 32)).mkdir()  # an upload that was cut off
    not_ours = tmp_path / "uploads" / "somebody's"
    not_ours.mkdir()
    (gone,) = intake.uploaded_files(refused)
    now = timezone.now()
    assert pipeline.remove_replaced_imports(now=now + timedelta(hours=23)) == 0
    assert gone.exists()
    pipeline.remove_replaced_imports(now=now + timedelta(hours=25))
    (kept_file,) = intake.uploaded_files(kept)
    assert {kept_file.parent, not_ours} == set((tmp_path / "uploads").iterdir())
    assert list(BillUpload.objects.values_list("pk", flat=True)) == [kept]
