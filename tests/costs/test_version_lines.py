"""Two versions of a month down to the lines: only in the old, only in the new, changed; and what is kept."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from costs.models import BillImport
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import (
    ChangeKind,
    VersionsCompared,
    all_line_changes,
    bill_history,
    line_change_sums,
    line_changes,
    version_changes,
)
from costs.services import prepare_imports
from costs.services.upkeep import remove_replaced_imports
from costs.terms import CostMetric
from finops_site.pipeline import run_import
from tests.conftest import ClientFor
from tests.leaks.bills import PAYER, Line, write_bill

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL = Scope.all()
MONTH = BillingPeriod.parse("2025-11")
PAGE = f"/imports/bills/aws-{PAYER}/2025-11/lines/?before=1&after=2"
BUCKET = Line("bucket", "4", service="Amazon Simple Storage Service", product="AmazonS3", usage_type="Requests-Tier1")
# i-1: 1 + 1 = 2 becomes 1 + 1.5 = 2.5; i-2 goes (−3); i-3 comes (+0.75); the bucket stays; i-5 costs nothing and goes.
BEFORE = (Line("i-1", "1"), Line("i-1", "1"), Line("i-2", "3", day=2), BUCKET, Line("i-5", "0"))
AFTER = (BUCKET, Line("i-1", "1"), Line("i-1", "1.5"), Line("i-3", "0.75", account="222222222222"))


@pytest.fixture(autouse=True)
def versions(tmp_path: Path) -> None:
    for number, lines in enumerate((BEFORE, AFTER)):
        for pk in prepare_imports([write_bill(tmp_path / f"{number}.csv", "2025-11", lines)], today=MONTH.end):
            run_import(pk)


def asked(**kwargs: Any) -> VersionsCompared:
    history = bill_history(ALL, f"aws-{PAYER}", MONTH)
    before, after = (history.version(number) for number in (1, 2))
    assert before is not None
    assert after is not None
    return VersionsCompared(history.source_name, MONTH, before, after, CostMetric.BILLED, **kwargs)


def test_each_line_that_differs_is_found_with_both_sums() -> None:
    rows = [
        (row.resource_id, row.kind, row.lines_before, row.lines_after, row.before, row.after, row.change)
        for row in line_changes(ALL, asked(), limit=100)
    ]
    assert rows == [
        ("i-2", ChangeKind.ONLY_BEFORE, 1, 0, Decimal(3), Decimal(0), Decimal(-3)),
        ("i-3", ChangeKind.ONLY_AFTER, 0, 1, Decimal(0), Decimal("0.75"), Decimal("0.75")),
        ("i-1", ChangeKind.CHANGED, 2, 2, Decimal(2), Decimal("2.5"), Decimal("0.5")),
        ("i-5", ChangeKind.ONLY_BEFORE, 1, 0, Decimal(0), Decimal(0), Decimal(0)),
    ]


def test_the_changes_add_up_to_the_difference_shown_by_service_and_account() -> None:
    whole = asked()
    rows = version_changes(ALL, whole.before, whole.after, metric=CostMetric.BILLED)
    assert sum(row.change for row in line_change_sums(ALL, whole)) == Decimal("-1.75")  # 0.5 − 3 + 0.75
    for row in rows:
        one = asked(service_name=row.service_name, account=row.account)
        assert sum(change.change for change in all_line_changes(ALL, one)) == row.change
    assert sum(row.change for row in rows) == Decimal("-1.75")


def test_one_way_to_differ_can_be_asked_for() -> None:
    only_new = asked(kind=ChangeKind.ONLY_AFTER)
    assert [row.resource_id for row in line_changes(ALL, only_new, limit=10)] == ["i-3"]
    counts = {row.kind: (row.count, row.change) for row in line_change_sums(ALL, only_new)}
    assert counts[ChangeKind.ONLY_BEFORE] == (2, Decimal(-3))


def test_the_bill_leads_to_its_changed_lines_and_they_come_as_a_file(staff: Client) -> None:
    bill = staff.get(f"/imports/bills/aws-{PAYER}/2025-11/").content.decode()
    assert "/2025-11/lines/?before=1&amp;after=2&amp;basis=billed&amp;service=" in bill
    page = staff.get(PAGE).content.decode()
    assert "The changes add up to the difference of the two versions: -1.75 USD." in page
    assert "4 groups of lines" in page
    text = b"".join(staff.get(f"{PAGE}&format=csv").streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    assert ["Change", "-1.75"] in rows
    assert [row[9] for row in rows[-4:]] == ["i-2", "i-3", "i-1", "i-5"]


def test_charges_that_are_gone_are_told_with_their_day(staff: Client) -> None:
    gone_at = timezone.now() + timedelta(hours=1)
    assert remove_replaced_imports(now=gone_at) == 1
    page = staff.get(PAGE).content.decode()
    removed = BillImport.objects.order_by("pk")[0].rollups_removed_at
    assert removed is not None
    assert "The charges of version 1 were kept until" in page
    assert f"{removed:%H:%M} UTC" in page


@pytest.mark.parametrize(
    ("query", "status"),
    [("before=1&after=9", 404), ("before=1&after=2&kind=x", 400), ("before=1&after=2&page=999", 400)],
)
def test_what_is_not_there_is_refused(staff: Client, query: str, status: int) -> None:
    assert staff.get(f"/imports/bills/aws-{PAYER}/2025-11/lines/?{query}").status_code == status


def test_teams_do_not_get_there(team_lead: User, client_for: ClientFor) -> None:
    assert client_for(team_lead).get(PAGE).status_code == 404


def test_the_page_keeps_its_query_budget(staff: Client, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_max_num_queries(15):
        staff.get(PAGE)
