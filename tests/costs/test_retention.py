"""Charges of replaced versions: how long they are kept, what is never removed, and what is a stray."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from costs import charge_store
from costs import services as intake
from costs.charge_store import ImportFolder
from costs.models import BillImport, DailyCost
from costs.scope import Scope
from costs.selectors import retention
from costs.selectors.records import folder_of
from costs.selectors.verifying import verify_charges
from finops_site import pipeline
from tests.costs.bills import bring_in_lines, line

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]

NOW = datetime(2036, 6, 4, tzinfo=UTC)  # long after imports of today ended


@pytest.fixture(autouse=True)
def own_store(settings: Settings, tmp_path: Path) -> Iterator[None]:
    settings.CHARGE_STORE = str(tmp_path / "charges")
    known = list(retention._pins)
    yield
    retention._pins[:] = known


def four_versions(folder: Path) -> list[BillImport]:
    return [bring_in_lines(folder, line(cost=str(cost)), name=f"{cost}.csv") for cost in (1, 2, 3, 4)]


def place(item: BillImport) -> ImportFolder:
    found = folder_of(item)
    assert found is not None
    return found


def kept(versions: list[BillImport]) -> list[bool]:
    return [place(item).exists() for item in versions]


def test_charges_of_replaced_versions_go_at_once_by_default(tmp_path: Path) -> None:
    versions = four_versions(tmp_path)
    assert pipeline.remove_replaced_imports(now=NOW) == 3
    assert kept(versions) == [False, False, False, True]
    assert pipeline.remove_replaced_imports(now=NOW) == 0


def test_newest_replaced_versions_are_kept_and_their_rows_go(tmp_path: Path, settings: Settings) -> None:
    settings.CHARGE_RETENTION_VERSIONS = 2
    versions = four_versions(tmp_path)
    pipeline.remove_replaced_imports(now=NOW)
    assert kept(versions) == [False, True, True, True]
    assert not DailyCost.objects.filter(bill_import__in=versions[:3]).exists()
    assert verify_charges(Scope.all(), kept=True).imports == 3
    settings.CHARGE_RETENTION_VERSIONS = 1
    pipeline.remove_replaced_imports(now=NOW)
    assert kept(versions) == [False, False, True, True]


def test_versions_are_kept_for_days_after_they_were_replaced(tmp_path: Path, settings: Settings) -> None:
    settings.CHARGE_RETENTION_DAYS = 30
    versions = four_versions(tmp_path)
    pipeline.remove_replaced_imports(now=NOW)
    pipeline.remove_replaced_imports(now=NOW + timedelta(days=29))
    assert kept(versions) == [True, True, True, True]
    pipeline.remove_replaced_imports(now=NOW + timedelta(days=31))
    assert kept(versions) == [False, False, False, True]


def test_pinned_versions_keep_rows_and_charges(tmp_path: Path) -> None:
    versions = four_versions(tmp_path)
    retention.pin_imports(lambda: {versions[1].pk})
    pipeline.remove_replaced_imports(now=NOW)
    assert kept(versions) == [False, True, False, True]
    assert DailyCost.objects.filter(bill_import=versions[1]).exists()


def test_nothing_is_removed_while_a_backup_copies_the_store(tmp_path: Path) -> None:
    versions = four_versions(tmp_path)
    with charge_store.held(now=NOW):
        assert pipeline.remove_replaced_imports(now=NOW) == 0
        assert kept(versions) == [True, True, True, True]
        # A backup that was killed: an hour later nobody waits for it.
        assert pipeline.remove_replaced_imports(now=NOW + timedelta(hours=2)) == 3


def test_strays_are_named_and_landings_left_behind_are_removed(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1"))
    (charge_store.workspace(4711) / "charges-00001.parquet").write_bytes(b"left")
    stray = tmp_path / "charges" / "source=unknown" / "billing_period=2026-05" / "import=4712"
    stray.mkdir(parents=True)
    (stray / "charges-00001.parquet").write_bytes(b"whose?")
    found = verify_charges(Scope.all())
    assert found.is_sound
    assert [(one.where, one.problem) for one in found.strays] == [
        ("source=unknown/billing_period=2026-05/import=4712", "belongs to no import of the database"),
        (".landing/4711", "was left behind by an import that ended"),
    ]
    intake.remove_stray_workspaces()
    assert [one.where for one in verify_charges(Scope.all()).strays] == [found.strays[0].where]
    assert place(made).exists()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("missing", "charges-00001.parquet is missing"),
        ("changed", "is not what was written: its checksum differs"),
        ("longer", "bytes instead of"),
        ("total", "billed_cost of its lines is 1.5, the database says 2"),
        ("lines", "holds 1 lines, the database says 5"),
        ("index", "in_force/in_force.parquet: is missing"),
        ("marker", "has no marker with the checksums of its files"),
    ],
)
def test_every_difference_is_told_in_a_line_and_ends_with_an_error(tmp_path: Path, harm: str, told: str) -> None:
    made = bring_in_lines(tmp_path, line(cost="1.5", resource="i-1"))
    path = place(made).path / "charges-00001.parquet"
    if harm == "missing":
        path.unlink()
        path.with_name("charges-00002.parquet").write_bytes(b"not Parquet")
    elif harm == "changed":
        content = path.read_bytes()
        path.write_bytes(content[:40] + bytes([content[40] ^ 1]) + content[41:])
    elif harm == "longer":
        path.write_bytes(path.read_bytes() + b" ")
    elif harm == "index":
        (tmp_path / "charges" / charge_store.IN_FORCE).unlink()
    elif harm == "marker":
        (path.parent / charge_store.MARKER).unlink()
    else:
        changes = {"total": {"billed_cost": 2}, "lines": {"rows": 5}}[harm]
        BillImport.objects.filter(pk=made.pk).update(**changes)
    out = StringIO()
    with pytest.raises(CommandError, match="difference"):
        call_command("verify_charges", stdout=out)
    assert told in out.getvalue()


def test_month_is_sound_for_one_period_source_and_as_json(tmp_path: Path) -> None:
    # Three parts of a tenth of 1e-10 fall on one resource: rows are placed, so its sum may be off by a digit.
    bring_in_lines(tmp_path, *(line(cost="0.00000000001", resource=f"i-{number}") for number in range(3)))
    out = StringIO()
    call_command("verify_charges", "2026-05", source="aws-000000000001", json=True, stdout=out)
    assert '"imports": 1' in out.getvalue()
    assert '"sound": true' in out.getvalue()
    with pytest.raises(CommandError, match="There is no source nobody"):
        call_command("verify_charges", source="nobody")


def test_folder_from_before_markers_is_read_and_gets_its_marker(tmp_path: Path) -> None:
    made = bring_in_lines(tmp_path, line(cost="1.5", resource="i-1"))
    path = place(made).path
    for name in ("groups", "resources", "usage"):
        (path / f"_{name}.parquet").rename(path / f"{name}.parquet")
    (path / charge_store.MARKER).unlink()
    (path / "_record.json").unlink()
    assert charge_store.query_charges([place(made)], "SELECT count(*) FROM charges WHERE resource_key IS NOT NULL") == [
        (1,)
    ]
    assert charge_store.query_charges([place(made)], "SELECT count(*) FROM usage") == [(1,)]
    call_command("verify_charges", mark=True, stdout=StringIO(), stderr=StringIO())
    assert charge_store.has_record(place(made))
