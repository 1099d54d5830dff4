"""A month in several folders without a manifest: partitions are one bill, anything else is not guessed."""

import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from costs import services as intake
from costs.deliveries import StoredFile, unknown_names
from costs.deliveries.files import above_partitions
from costs.models import BillDelivery
from costs.terms import DeliveryState, ImportState
from finops_site import pipeline
from tests.costs.bills import line, write_csv
from tests.costs.source_world import NOW, billed, folder_source, later, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_parts]


@pytest.fixture(autouse=True)
def _may_be_read(tmp_path: Path, settings: Settings) -> None:
    settings.SOURCE_FOLDERS = [str(tmp_path)]


def lay(root: Path, **folders: str) -> Path:
    """A settled file of one line with this cost in each folder; in names `__` is a slash and `_is_` is `=`."""
    for name, cost in folders.items():
        folder = root / name.replace("__", "/").replace("_is_", "=")
        folder.mkdir(parents=True, exist_ok=True)
        path = write_csv(folder / "part-0.csv", [line(cost=cost, resource=name)])
        os.utime(path, (NOW.timestamp(), NOW.timestamp()))
    return root


@pytest.mark.parametrize(
    ("folder", "above"),
    [
        ("cur/account=0001", "cur"),
        ("cur/region=a/account=b", "cur"),
        ("account=202312345678", ""),
        ("cur/year=2026/month=5/account=1", "cur/year=2026/month=5"),
        ("BILLING_PERIOD=2026-05/account=1", "BILLING_PERIOD=2026-05"),
        ("cur/date=2026-05-01", "cur/date=2026-05-01"),  # a version of each day, or its part: not told
        ("cur/run=20260501", "cur/run=20260501"),
        ("cur/2026", "cur/2026"),
        ("", ""),
    ],
)
def test_partitions_are_told_from_months_and_times(folder: str, above: str) -> None:
    assert above_partitions(folder) == above


def test_partitions_of_a_month_are_one_bill(tmp_path: Path) -> None:
    """2 and 3.5 of two accounts: 5.5, and 16.5 once the second is delivered anew with 14.5."""
    source = folder_source(lay(tmp_path, account_is_1="2", account_is_2="3.5"))
    assert look(source, later(5)) == [ImportState.IN_FORCE]
    assert billed() == Decimal("5.5")
    lay(tmp_path, account_is_2="14.5")
    assert look(source, later(60 * 24)) == [ImportState.IN_FORCE]
    assert billed() == Decimal("16.5")


def test_partitions_inside_a_month_s_folder_are_one_bill(tmp_path: Path) -> None:
    month = "BILLING_PERIOD_is_2026-05"
    lay(tmp_path, **{f"{month}__account_is_1": "2", f"{month}__account_is_2": "3.5"})
    call_command("import_bill", str(tmp_path))
    assert billed() == Decimal("5.5")


def test_a_month_from_two_folders_is_told_and_the_newer_name_counts(tmp_path: Path) -> None:
    """Parts of a month (2 and 3.5) or two versions of it: 5.5 or 3.5. The older folder is refused, and says so."""
    source = folder_source(lay(tmp_path, **{"2026-05-01": "2", "2026-05-02": "3.5"}))
    assert look(source, later(5)) == [ImportState.IN_FORCE, ImportState.FAILED]
    assert billed() == Decimal("3.5")
    refused = BillDelivery.objects.get(state=DeliveryState.REFUSED.value)
    assert refused.folder == "2026-05-01"
    assert refused.problem == (
        "May 2026 of acme comes from the folder 2026-05-02 and from 2026-05-01; the former counts, since one would"
        " replace the other. If they are parts of one month, give all their files together, or put them into one"
        " folder. If one is an older version, take it away."
    )
    lay(tmp_path, **{"2026-05-03": "7"})
    assert look(source, later(60 * 24)) == [ImportState.IN_FORCE]  # a version that comes later replaces it
    assert billed() == Decimal(7)


def test_of_two_folders_at_once_the_one_that_is_in_force_first_counts(tmp_path: Path) -> None:
    """As when another worker is done with the second one before the first has been read: 2, and not 3.5 after it."""
    source = folder_source(lay(tmp_path, **{"2026-05-01": "2", "2026-05-02": "3.5"}))
    found = intake.look_at_source(source.pk, now=later(5))
    for delivery in reversed(found):
        pipeline.bring_in(delivery, now=later(5))
    assert billed() == Decimal(2)
    refused = BillDelivery.objects.get(state=DeliveryState.REFUSED.value)
    assert refused.folder == "2026-05-02"
    assert refused.problem.startswith(
        "May 2026 of acme comes from the folder 2026-05-01 and from 2026-05-02; the former"
    )


def test_the_command_ends_with_an_error_whenever_it_is_asked(tmp_path: Path) -> None:
    lay(tmp_path, a="2", b="3.5")
    for _ in range(2):
        with pytest.raises(CommandError, match=r"comes from the folder b and from a; the former counts"):
            call_command("import_bill", str(tmp_path))
        assert billed() == Decimal("3.5")


def test_folders_of_different_months_are_no_rivals(tmp_path: Path) -> None:
    lay(tmp_path, a="2")
    (tmp_path / "b").mkdir()
    write_csv(tmp_path / "b" / "part-0.csv", [line(cost="3", period="2026-04-01T00:00:00Z")])
    call_command("import_bill", str(tmp_path))
    assert billed() == Decimal(2)


def test_files_left_out_by_their_names_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the command on standard error, so that its JSON stays JSON, and by the source's last look."""
    lay(tmp_path, a="2")
    for name in ("a/part-00001", "a/b.tsv", "a/.hidden", "a/create.sql", "_temporary/c"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    told = (
        "Left out by their names: a/b.tsv, a/part-00001. If they belong to a bill, let them end in .csv, .gz, .zip or"
        " .parquet."
    )
    call_command("import_bill", str(tmp_path), "--json")
    out = capsys.readouterr()
    assert out.err == f"{told}\n"
    assert [row["billed_cost"] for row in json.loads(out.out)["imports"]] == ["2"]
    source = folder_source(tmp_path)
    look(source, later(5))
    assert source.last_result == f"Deliveries: 1 new. {told}"


def test_files_beside_a_manifest_are_not_told(tmp_path: Path) -> None:
    changed = datetime(2026, 5, 1, tzinfo=UTC)
    files = [StoredFile(key, 1, "e", changed) for key in ("r/a-Manifest.json", "r/part-00001")]
    assert unknown_names(files) == ()
    assert unknown_names(files[1:]) == ("r/part-00001",)
