"""`manage.py import_bill`: JSON with exact sums, one clear line and exit 1 on error."""

import json
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from costs import charge_store
from costs.models import Bill, BillImport
from costs.terms import ImportState
from tests.costs.bills import line, write_csv

pytestmark = pytest.mark.django_db(transaction=True)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("import_bill", *arguments, stdout=out)
    return out.getvalue()


def test_json_gives_exact_sums_as_text(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [line(cost="0.10"), line(cost="0.2000000001", public="1")])
    (made,) = json.loads(run(str(path), "--json", "--source", "My Payer"))["imports"]
    assert isinstance(made.pop("seconds"), float)
    assert made == {
        "source": "my-payer",
        "billing_period": "2026-05",
        "rows": 2,
        "billed_cost": "0.3000000001",
        "effective_cost": "0.3000000001",
        "list_cost": "1.1",
        "unblended_cost": "0.3000000001",
        "currency": "USD",
        "state": "in_force",
    }


def test_table_says_what_changed_and_what_did_not(tmp_path: Path) -> None:
    path = tmp_path / "inventory.csv"
    path.write_text("ResourceId,CostUSD,InstanceType\ni-1,1,m5.large\n")
    day = date(2025, 11, 5).isoformat()
    first, second = run(str(path), "--date", day).splitlines()[-1], run(str(path), "--date", day).splitlines()[-1]
    assert first.split() == ["inventory-compute", "2025-11", "30", "720", "USD", "720", "USD", "in_force"]
    assert second.split()[-1] == "unchanged"


def test_error_is_one_clear_line(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "bill.csv", [line(cost="x")])
    with pytest.raises(CommandError) as refused:
        run(str(path))
    assert str(refused.value) == (
        "bill.csv, line 2, column lineItem/UnblendedCost: 'x' is not a number. Correct it or export the file again."
    )


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OperationalError("no such table: costs_billsource"),
            "The database refused: no such table: costs_billsource."
            " If the database is new, run manage.py migrate first.",
        ),
        (PermissionError(13, "Permission denied", "/bills/may.csv"), "/bills/may.csv: Permission denied."),
    ],
)
def test_error_of_database_or_disk_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("costs.services.prepare_imports", fail)
    with pytest.raises(CommandError) as refused:
        run(str(write_csv(tmp_path / "bill.csv", [line()])))
    assert str(refused.value) == told


@pytest.mark.parametrize("stopped", [KeyboardInterrupt(), RuntimeError("Query interrupted")])
def test_an_interrupted_import_is_cancelled_and_the_month_in_force_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: BaseException
) -> None:
    """Ctrl-C, as Python or DuckDB tell it. The same command begins again: 2 until then, 3 afterwards."""
    path = write_csv(tmp_path / "bill.csv", [line(cost="2")])
    run(str(path))
    write_csv(path, [line(cost="3")])

    def interrupted(*_: object, **__: object) -> None:
        raise stopped

    with monkeypatch.context() as patched:
        patched.setattr(charge_store, "land_file", interrupted)
        with pytest.raises(CommandError, match=r"^Interrupted\. What was under way is cancelled"):
            run(str(path))
    broken = BillImport.objects.order_by("-pk")[0]
    assert (broken.state, broken.step, broken.error) == (ImportState.CANCELLED.value, "Cancelled by Ctrl-C", "")
    assert Bill.objects.get().import_in_force.billed_cost == 2  # type: ignore[union-attr]
    assert json.loads(run(str(path), "--json"))["imports"][0]["billed_cost"] == "3"
