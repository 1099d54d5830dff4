"""manage.py lines: the same totals as the page's selector and as a query on the charge store."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from django.core.management import CommandError, call_command

from costs.charge_store import ImportFolder, query_charges
from costs.exports import ExportColumn, csv_lines
from costs.line_filters import LINE_FIELDS, parse_condition
from costs.periods import BillingPeriod
from costs.queries import CostQuery
from costs.scope import Scope
from costs.selectors import active_imports
from costs.services import prepare_imports
from finops_site.pipeline import run_import
from tagging.selectors import LinesAsked, lines_behind
from tests.leaks.bills import Line, write_bill

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
MONTH = BillingPeriod.parse("2025-11")
EC2 = "Amazon Elastic Compute Cloud"
ODD = '=1+1, "two"\nlines'
LINES = (
    Line("i-1", "1.5", day=1, tags=(("Team", "payments"),)),
    Line("i-2", "2.000000000125", day=2, tags=(("Team", ODD),)),
    Line("", "-0.5", day=2, kind="Credit"),
    Line("bucket", "4", day=3, service="Amazon Simple Storage Service", product="AmazonS3", usage_type="+1"),
)


@pytest.fixture(autouse=True)
def month(tmp_path: Path) -> None:
    for pk in prepare_imports([write_bill(tmp_path / "bill.csv", "2025-11", LINES)], today=MONTH.end):
        run_import(pk)


def run(*where: str, **options: Any) -> str:
    out = io.StringIO()
    call_command("lines", period="2025-11", where=list(where), stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def found(*where: str, **options: Any) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(run(*where, json=True, **options))
    return answer


def test_totals_agree_between_command_page_and_charge_store() -> None:
    by_command = found("service_name=AmazonEC2")
    (item,) = active_imports(Scope.all())
    sql = f"SELECT count(*), sum(billed_cost) FROM charges WHERE service_name = '{EC2}'"
    count, cost = query_charges([ImportFolder(item.source_name, item.period, item.pk)], sql)[0]
    behind = lines_behind(Scope.all(), LinesAsked(CostQuery(MONTH, MONTH, filters=(("service", EC2),))))
    # 1.5 + 2.000000000125 − 0.5 = 3.000000000125, on pages 3.0000000001
    assert by_command["total_cost"] == "3.000000000125"
    assert (by_command["count"], Decimal(by_command["total_cost"])) == (count, cost)
    assert (behind.sums.count, behind.total, behind.figure) == (3, cost, Decimal("3.0000000001"))
    assert found(f"service_name={EC2}")["costs"] == by_command["costs"]


@pytest.mark.parametrize(
    ("where", "count"),
    [
        (["billed_cost>1.5"], 2),
        (["billed_cost>=1.5"], 3),
        (["billed_cost<0"], 1),
        (["resource_id="], 1),
        (["resource_id!="], 3),
        (["service_name!=AmazonEC2"], 1),
        (["usage_type~BOX"], 3),
        (["tag:team=payments"], 1),
        (["tag:Team="], 2),
        (["tag:Team!="], 2),
        (["tag:Nobody=x"], 0),
        (["charge_date=2025-11-02"], 2),
        (["charge_period_start>=2025-11-02T00:00", "charge_category=Usage"], 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_conditions(where: list[str], count: int) -> None:
    assert found(*where)["count"] == count


def test_json_tells_how_many_lines_there_are_beyond_those_shown() -> None:
    answer = found(limit=1, sort="-cost", basis="effective")
    assert (answer["count"], answer["shown"], answer["basis"]) == (4, 1, "effective")
    assert answer["lines"][0]["effective_cost"] == "4"
    assert found(limit=0)["lines"] == []
    assert "4 lines, 1 shown" in run(limit=1)


def test_files_hold_every_line_and_no_formula(tmp_path: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(run(format="csv"))))
    assert [row["resource_id"] for row in rows] == ["i-1", "", "i-2", "bucket"]
    assert {row["usage_type"] for row in rows} == {"BoxUsage:m5.large", "+1"}  # a number is none
    assert json.loads(rows[2]["tags"]) == {"Team": ODD}
    run(format="parquet", output=tmp_path / "lines.parquet")
    assert pq.read_table(tmp_path / "lines.parquet").num_rows == 4
    run(format="csv", output=tmp_path / "lines.csv")
    assert (tmp_path / "lines.csv").read_bytes().count(b"\r\n") == 5


def test_rows_made_by_duckdb_are_those_of_every_other_export(tmp_path: Path) -> None:
    odd = ["=SUM(A1)", "-1.5", "-x", 'say "no"', "a,b", "@cmd", "+3", "plain", "tab\there"]
    lines = [Line(f"i-{at}", "1", day=1, usage_type=text) for at, text in enumerate(odd)]
    for pk in prepare_imports([write_bill(tmp_path / "odd.csv", "2025-11", lines)], today=MONTH.end):
        run_import(pk)
    text = run(format="csv")
    rows = {row["resource_id"]: row["usage_type"] for row in csv.DictReader(io.StringIO(text))}
    written = csv_lines((), [ExportColumn("usage_type")], [[value] for value in odd])
    expected = [row[0] for row in csv.reader(list(written)[1:])]
    assert [rows[f"i-{at}"] for at in range(len(odd))] == expected


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"where": ["colour=red"]}, "'colour' is not a field of lines. Known: charge_period_start"),
        ({"where": ["red"]}, "compares nothing"),
        ({"where": ["billed_cost>much"]}, "a number like 0.05"),
        ({"where": ["charge_date~2"]}, "is no text"),
        ({"period": "2025-12"}, "No bill is in force for 2025-12. Newest months with one: 2025-11."),
        ({"sort": "colour"}, "cannot be sorted by"),
        ({"format": "parquet"}, "Name a file with --output"),
        ({"currency": "EUR"}, "There is USD"),
        ({"source": ["other"]}, "No bill of other"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_errors_name_the_cure(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(CommandError, match=problem.replace("(", r"\(")):
        call_command("lines", **{"period": "2025-11", "where": [], **options})


def test_every_field_can_be_asked_for() -> None:
    values = {"charge_date": "2025-11-02", "charge_period_start": "2025-11-02", "charge_period_end": "2025-11-02"}
    for name, (_, kind) in LINE_FIELDS.items():
        if name != "tags":
            text = f"{name}={values.get(name, '1' if kind != 'text' else 'x')}"
            assert parse_condition(text).field == name
            found(text, limit=0)
