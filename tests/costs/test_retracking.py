"""Months in force rolled up again from their own charges for other tracked tags."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db.models import Sum
from pytest_django import Settings

from costs import services as intake
from costs.charge_store import ImportFolder, store_root
from costs.errors import ImportRejectedError
from costs.models import Bill, BillImport, CostSlice, DailyCost, ResourceCost
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import active_imports
from costs.terms import ImportState
from finops_site import pipeline
from finops_site.tasks import retrack, run_import
from tagging.inputs import RuleInput, TeamInput
from tagging.models import AllocatedCost, TagKey
from tagging.services import create_team, save_rule, what_moves
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.costs.bills import TODAY, bring_in, bring_in_lines, line, write_csv

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

NAME = "resourceTags/user:Name"
MAY = BillingPeriod(date(2026, 5, 1))


def two_machines(folder: Path) -> BillImport:
    """100.00 of machine a and 25.5000000001 of machine b."""
    return bring_in_lines(
        folder,
        line({NAME: "web"}, cost="100", resource="i-a"),
        line({NAME: "db"}, cost="25.5000000001", resource="i-b"),
    )


def track(key: str) -> None:
    TagKey.objects.create(key=key, position=9)


def slices_in_force() -> list[dict[str, str]]:
    (item,) = active_imports(Scope.all())
    keys = DailyCost.objects.filter(bill_import=item.pk).values("slice_id")
    return sorted((tags for tags in CostSlice.objects.filter(key__in=keys).values_list("tags", flat=True)), key=str)


def test_month_is_rolled_up_again_from_its_charges_when_a_key_is_tracked(tmp_path: Path) -> None:
    first = two_machines(tmp_path)
    assert slices_in_force() == [{}]
    (tmp_path / "bill.csv").unlink()  # the file is not needed again
    track("Name")
    (made,) = pipeline.retrack()
    again = BillImport.objects.get(pk=made)
    first.refresh_from_db()
    assert (again.state, first.state) == (ImportState.IN_FORCE, ImportState.REPLACED)
    assert (again.rerolled_from, again.version_id, again.rows) == (first, first.version_id, 2)
    assert slices_in_force() == [{"Name": "db"}, {"Name": "web"}]
    for model in (DailyCost, ResourceCost, AllocatedCost):
        total = model._default_manager.filter(bill_import=again).aggregate(t=Sum("billed_cost"))["t"]
        assert total == Decimal("125.5000000001"), model
    told = {finding["code"]: finding["text"] for finding in again.findings}
    assert told["rolled_up_again"].startswith("Rolled up again from the charges in force to track Name.")
    assert Bill.objects.get().import_in_force == again


def test_months_read_for_every_key_are_left_alone(tmp_path: Path) -> None:
    two_machines(tmp_path)
    assert pipeline.retrack() == []
    track("Name")
    assert len(pipeline.retrack()) == 1
    assert pipeline.retrack() == []
    TagKey.objects.filter(key="Name").update(key="name")  # another spelling of the same
    assert pipeline.retrack() == []
    assert len(pipeline.retrack(again=True)) == 1
    assert len(pipeline.retrack([MAY], again=True)) == 1
    assert pipeline.retrack([MAY.next()], again=True) == []


def test_importing_the_same_file_again_changes_nothing_whatever_is_tracked(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [line({NAME: "web"}, cost="100", resource="i-a")])
    bring_in(path)
    track("Name")
    (unchanged,) = bring_in(path)
    assert (unchanged.state, slices_in_force()) == (ImportState.UNCHANGED, [{}])
    pipeline.retrack()
    (unchanged,) = bring_in(path)
    assert (unchanged.state, slices_in_force()) == (ImportState.UNCHANGED, [{"Name": "web"}])
    assert unchanged.billed_cost == 100


def test_file_of_two_months_is_unchanged_after_both_were_rolled_up_again(tmp_path: Path) -> None:
    lines = [line({NAME: "a"}, cost="1"), line({NAME: "a"}, cost="2", period="2026-04-01T00:00:00Z")]
    path = write_csv(tmp_path / "bill.csv", lines)
    bring_in(path)
    track("Name")
    assert len(pipeline.retrack()) == 2
    assert [item.state for item in bring_in(path)] == [ImportState.UNCHANGED, ImportState.UNCHANGED]


def test_delivery_that_was_queued_before_wins_over_the_old_charges(tmp_path: Path) -> None:
    two_machines(tmp_path)
    newer = write_csv(tmp_path / "newer.csv", [line({NAME: "web"}, cost="7")])
    (delivery,) = intake.prepare_imports([newer], today=TODAY)
    track("Name")
    (again,) = intake.queue_retracking(tracked_keys=("Name",))
    assert delivery < again
    pipeline.run_import(again)
    pipeline.run_import(delivery)
    states = dict(BillImport.objects.values_list("pk", "state"))
    assert (states[delivery], states[again]) == (ImportState.IN_FORCE, ImportState.REPLACED)
    assert active_imports(Scope.all())[0].pk == delivery


def test_old_charges_do_not_come_back_after_a_delivery(tmp_path: Path) -> None:
    two_machines(tmp_path)
    track("Name")
    (again,) = intake.queue_retracking(tracked_keys=("Name",))
    delivery = bring_in_lines(tmp_path, line({NAME: "web"}, cost="7"), name="newer.csv")
    pipeline.run_import(again)
    assert BillImport.objects.get(pk=again).state == ImportState.SUPERSEDED
    assert Bill.objects.get().import_in_force == delivery


def test_queueing_twice_queues_once(tmp_path: Path) -> None:
    two_machines(tmp_path)
    first = intake.queue_retracking(tracked_keys=("Name",))
    assert intake.queue_retracking(tracked_keys=("Name",)) == first
    BillImport.objects.filter(pk=first[0]).update(state="failed", columns={"tracked_tags_wanted": ["Name"]})
    assert intake.queue_retracking(tracked_keys=("Name",)) == []
    assert len(intake.queue_retracking(tracked_keys=("Name", "Squad"))) == 1


def test_charges_are_shared_not_changed_and_outlive_the_first_import(tmp_path: Path) -> None:
    first = two_machines(tmp_path)
    folder = ImportFolder(first.source.name, MAY, first.pk).path
    before = (folder / "charges-00001.parquet").read_bytes()
    track("Name")
    (made,) = pipeline.retrack()
    BillImport.objects.filter(pk=first.pk).update(finished_at="2026-01-01T00:00:00Z")
    later = BillImport.objects.get(pk=made).created_at
    assert pipeline.remove_replaced_imports(now=later) == 1
    assert [path.name for path in folder.iterdir()] == ["_record.json"]  # what it was stays, its charges do not
    kept = ImportFolder(first.source.name, MAY, made).path / "charges-00001.parquet"
    assert kept.read_bytes() == before
    assert not list(store_root().glob(".landing/*"))


def test_key_that_was_refused_is_read_once_the_limit_allows_it(tmp_path: Path, settings: Settings) -> None:
    settings.TRACKED_TAG_VALUES_LIMIT = 1
    two_machines(tmp_path)
    track("Name")
    (made,) = pipeline.retrack()
    refused = BillImport.objects.get(pk=made)
    assert (refused.columns["tracked_tags_refused"], slices_in_force()) == ({"Name": 2}, [{}])
    assert any("The tag Name has 2 values" in finding["text"] for finding in refused.findings)
    assert pipeline.retrack() == []
    settings.TRACKED_TAG_VALUES_LIMIT = 2
    assert len(pipeline.retrack()) == 1
    assert slices_in_force() == [{"Name": "db"}, {"Name": "web"}]


def test_month_whose_charges_are_gone_is_left_as_it_is(tmp_path: Path) -> None:
    first = two_machines(tmp_path)
    track("Name")
    folder = ImportFolder(first.source.name, MAY, first.pk).path
    folder.rename(tmp_path / "elsewhere")
    assert pipeline.retrack() == []
    assert Bill.objects.get().import_in_force == first


def test_command_says_which_months_it_rolled_up_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    two_machines(tmp_path)
    track("Name")
    call_command("retrack")
    assert capsys.readouterr().out == "aws-000000000001 2026-05: in_force\n"
    call_command("retrack", "2026-05")
    assert capsys.readouterr().out == "Every month in force was read for all tracked tags.\n"
    with pytest.raises(CommandError, match="2026-13"):
        call_command("retrack", "2026-13")


def test_rule_on_a_tag_not_tracked_has_the_month_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[int] = []
    monkeypatch.setattr(run_import, "delay", sent.append)
    two_machines(tmp_path)
    create_team(TeamInput(name="Web"))
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("x",), team_key="web"))
    assert sent == []  # Team is tracked already
    what_moves(
        lambda: save_rule(RuleInput(RuleKind.TAG, tag_key="Name", tag_values=("web",), team_key="web")), keep=False
    )
    assert sent == []  # only tried out
    save_rule(RuleInput(RuleKind.TAG, tag_key="Name", tag_values=("web",), team_key="web"))
    assert len(sent) == 1
    pipeline.run_import(sent[0])
    owned = AllocatedCost.objects.filter(bill_import=sent[0], owner_key="web")
    assert owned.aggregate(t=Sum("billed_cost"))["t"] == 100


def test_month_that_found_no_worker_is_sent_again_by_the_schedule(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    two_machines(tmp_path)
    track("Name")
    queued = pipeline.queue_retracking()
    monkeypatch.setattr(run_import, "delay", sent.append)
    retrack()
    assert sent == queued


def test_failed_month_is_tried_again_from_its_charges_not_from_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finops_lead: User, client_for: ClientFor
) -> None:
    sent: list[int] = []
    monkeypatch.setattr(run_import, "delay", sent.append)
    two_machines(tmp_path)
    (tmp_path / "bill.csv").unlink()
    track("Name")
    (pk,) = pipeline.queue_retracking()
    intake.fail_import(pk, ImportRejectedError("The worker is gone.", "Try again."))
    client_for(finops_lead).post(f"/imports/{pk}/retry/")
    assert sent == [pk]
    pipeline.run_import(pk)
    assert slices_in_force() == [{"Name": "db"}, {"Name": "web"}]
