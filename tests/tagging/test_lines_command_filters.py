"""manage.py lines: months as they were closed, one version, and Cost Explorer's groups, as on the page of lines."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from costs.models import Bill, BillImport
from costs.services import prepare_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tagging.models import Team
from tagging.services import CloseStep, close_month
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER, OCTOBER
from tests.tagging.lines_world import PAYMENTS, import_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
NOW = datetime(2026, 3, 10, 10, tzinfo=UTC)
# 2 × 1.00000000004 + 2 + 7 − 0.5 + 4 + 0.25 + 0.00000000003 in each month.
WHOLE = "14.75000000011"


@pytest.fixture(autouse=True)
def world(team: Team, other_team: Team, tmp_path: Path) -> None:
    """October was closed on its first bill; the second, in force now, has 9 alone."""
    import_months(tmp_path)
    close_month(OCTOBER, CloseStep("Fiona", NOW, "x", force=True), metric=CostMetric.BILLED)
    again = write_bill(tmp_path / "again.csv", "2025-10", [Line("i-1", "9", tags=PAYMENTS)])
    for pk in prepare_imports([again], today=NOVEMBER.end):
        run_import(pk)


def found(period: str = "2025-11", **options: Any) -> dict[str, Any]:
    out = io.StringIO()
    call_command("lines", period=period, json=True, stdout=out, stderr=io.StringIO(), **options)
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


def october(*, newest: bool) -> str:
    pks = BillImport.objects.filter(billing_period=OCTOBER.start).order_by("pk").values_list("pk", flat=True)
    return str(list(pks)[-1 if newest else 0])


def test_a_closed_month_is_read_from_the_bill_it_was_closed_on() -> None:
    now, then = found("2025-10"), found("2025-10", closed=True)
    assert (now["total_cost"], now["count"], now["filters"]) == ("9", 1, {})
    assert (then["total_cost"], then["count"], then["filters"]) == (WHOLE, 8, {"closed": "yes"})
    assert (now["imports"], then["imports"]) == ([int(october(newest=True))], [int(october(newest=False))])
    both = found("2025-10", to="2025-11", closed=True)  # November is open: as it is in force
    assert both["total_cost"] == "29.50000000022"
    assert found("2025-10", closed=True, source=then["sources"])["total_cost"] == WHOLE


def test_one_version_is_read_whether_in_force_or_not() -> None:
    assert found("2025-10", versions=[october(newest=False)])["total_cost"] == WHOLE
    assert found("2025-10", versions=[october(newest=True)])["total_cost"] == "9"
    both = found("2025-10", versions=[october(newest=False), october(newest=True)])
    assert (both["total_cost"], both["count"]) == ("23.75000000011", 9)
    assert both["filters"] == {"version": [october(newest=False), october(newest=True)]}


@pytest.mark.parametrize(
    ("options", "total", "count"),
    [
        ({"ce_services": ["EC2 - Other"]}, "2.00000000003", 2),  # a volume 2, a transfer 0.00000000003
        ({"ce_services": ["EC2-Other"]}, "2.00000000003", 2),  # as the console says it
        ({"ce_types": ["Credit"]}, "-0.5", 1),
        ({"ce_services": ["EC2-Instances"], "ce_types": ["Usage"]}, "9.00000000008", 3),  # 2 × 1.00000000004 + 7
        ({"ce_services": ["EC2-Other", "Tax"]}, "2.25000000003", 3),
        ({"ce_types": ["Credit", "Tax"]}, "-0.25", 2),
        ({"ce_services": ["EC2-Other"], "where": ["billed_cost>1"]}, "2", 1),
        ({"ce_services": ["No such service"]}, "0", 0),
    ],
    ids=str,
)
def test_groups_of_cost_explorer(options: dict[str, Any], total: str, count: int) -> None:
    answer = found(**options)
    assert (answer["total_cost"], answer["count"]) == (total, count)
    assert answer["filters"].get("ce_service", []) == options.get("ce_services", [])


@pytest.mark.parametrize(
    ("options", "address"),
    [
        ({"closed": True}, "period=2025-10&closed=yes"),
        ({"versions": ["{old}"]}, "period=2025-10&version={old}"),
        ({"ce_services": ["EC2 - Other"], "closed": True}, "period=2025-10&closed=yes&ce_service=EC2+-+Other"),
        ({"ce_types": ["Usage"], "closed": True}, "period=2025-10&closed=yes&ce_type=Usage"),
    ],
    ids=str,
)
def test_the_page_says_the_same(
    options: dict[str, Any], address: str, finops_lead: User, client_for: ClientFor
) -> None:
    old = october(newest=False)
    asked = {name: [old] if value == ["{old}"] else value for name, value in options.items()}
    page = client_for(finops_lead).get(f"/lines/?{address.replace('{old}', old)}").context["found"]
    answer = found("2025-10", **asked)
    assert (Decimal(answer["total_cost"]), answer["count"]) == (page.total, page.sums.count)
    assert answer["count"] > 0


def test_files_hold_the_same_lines(tmp_path: Path) -> None:
    target = tmp_path / "lines.csv"
    call_command(
        "lines", period="2025-11", ce_services=["EC2-Other"], format="csv", output=target, stderr=io.StringIO()
    )
    assert target.read_bytes().count(b"\r\n") == 3  # the header and two lines


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"ce_types": ["Toll"]}, "'Toll' is no charge type. Use Credit"),
        ({"versions": ["999999"]}, "Not every import of 999999 is kept"),
        ({"versions": ["x"]}, "Not every import of x is kept"),
        ({"versions": ["1"], "closed": True}, "Leave --source and --closed away"),
        ({"to": "2025-10"}, "Swap --period and --to"),
    ],
    ids=str,
)
def test_errors_name_the_cure(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(CommandError, match=problem):
        found(**options)


def test_a_version_of_another_month_is_told() -> None:
    with pytest.raises(CommandError, match="is not of these months and currency"):
        found("2025-11", versions=[october(newest=True)])


def test_options_are_read_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("lines", "--period=2025-11", "--ce-service", "EC2-Other", "--ce-type", "Usage", "--json")
    assert json.loads(capsys.readouterr().out)["total_cost"] == "2.00000000003"
    call_command("lines", "--period=2025-10", "--bill-version", october(newest=False), "--json", "--limit=0")
    assert json.loads(capsys.readouterr().out)["total_cost"] == WHOLE
    call_command("lines", "--period=2025-10", "--closed", "--json", "--limit=0")
    assert json.loads(capsys.readouterr().out)["total_cost"] == WHOLE


def test_a_closed_month_of_a_source_without_a_bill_in_force_is_read_all_the_same() -> None:
    (source,) = found("2025-10", closed=True)["sources"]
    Bill.objects.filter(billing_period=OCTOBER.start).update(import_in_force=None)
    for sources in ([source], []):
        then = found("2025-10", closed=True, source=sources)
        assert (then["total_cost"], then["count"], then["sources"]) == (WHOLE, 8, [source])
    with pytest.raises(CommandError, match=f"No bill of {source} is in force for 2025-10. Newest months .* 2025-11"):
        found("2025-10", source=[source])
    with pytest.raises(CommandError, match="No bill of x is in force, and none was when it was closed, for 2025-10"):
        found("2025-10", closed=True, source=["x"])
    with pytest.raises(CommandError, match="No bill of these months is in EUR"):
        found("2025-10", closed=True, currency="EUR")
