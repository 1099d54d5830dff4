"""The demo command: from nothing to a report by the real worker, again without duplicates, and clear when it cannot."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from django.conf import settings
from django.contrib.auth.models import User

from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.selectors import ImportRow
from costs.terms import CostMetric, FindingKind, ImportState
from finops_site import demo, demo_finance, demo_report
from finops_site.demo_data import LARKFIELD
from tagging.access import is_finops, scope_of
from tagging.models import SuggestionCount, TagSuggestion, Team, VirtualTag
from tagging.selectors import Chargeback, ChargebackRow, allocation_rules, visible_teams
from tests.finops_site.running import processes_of

NOW = datetime(2026, 11, 28, 9, tzinfo=UTC)
# What finance has done in the demo: two closed months (one final), a dispute, a pool, an exemption. The small company
# has too few resources to learn from, so no tag is suggested there; the story of the virtual tag has a test of its own.
EXPECTED = {"close": 2, "dispute": 1, "sharedpool": 1, "exemption": 1}
BOOKS = (*EXPECTED, "closeevent", "statement", "statementline", "statementmail", "virtualtag", "allocationrule")


def run_demo(data_dir: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as a person runs it, with its own data folder and embedded services."""
    left_out = {"DATABASE_URL", "REDIS_URL", "CHARGE_STORE"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"DATA_DIR": str(data_dir), "DJANGO_SETTINGS_MODULE": "finops_site.settings"}
    return subprocess.run(
        [sys.executable, "manage.py", "demo", *arguments],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def count(data_dir: Path, table: str, where: str = "1 = 1") -> int:
    with sqlite3.connect(data_dir / "finops.sqlite3") as database:
        found: int = database.execute(f"SELECT count(*) FROM {table} WHERE {where}").fetchone()[0]
        return found


def test_the_demo_reports_a_month_that_ties_out_and_changes_nothing_when_run_again(tmp_path: Path) -> None:
    first = run_demo(tmp_path, "--no-serve", "--size", "small")
    assert first.returncode == 0, first.stderr
    assert re.search(r"Tie-out: bill \$[\d,.]+ − owners \$[\d,.]+ − unallocated \$[\d,.]+ = \$0\.00", first.stdout)
    for team in LARKFIELD.teams:
        assert re.search(rf"^{team.name}  .*\$", first.stdout, re.MULTILINE), team.name
    for kind in (FindingKind.NOT_RUNNING, FindingKind.IDLE, FindingKind.UNUSED_COMMITMENT, FindingKind.DEAR_STORAGE):
        assert re.search(rf"^{kind.heading}  .*\$", first.stdout, re.MULTILINE), kind
    assert "dana.reyes" in first.stdout
    in_force = "state = 'in_force'"
    assert count(tmp_path, "costs_billimport", in_force) == 7  # three months, two inventories of two days
    assert count(tmp_path, "auth_user") == len(demo.PEOPLE)
    allocated = count(tmp_path, "tagging_allocatedcost")
    books = {table: count(tmp_path, f"tagging_{table}") for table in BOOKS}
    assert {table: rows for table, rows in books.items() if table in EXPECTED} == EXPECTED
    assert count(tmp_path, "tagging_close", "state = 'final'") == 1
    assert count(tmp_path, "tagging_dispute", "state = 'open'") == 1
    assert re.search(r"^Months: \w+ \d{4} final \d{4}-0001, \w+ \d{4} closed$", first.stdout, re.MULTILINE)
    assert re.search(r"^Pool Shared platform +\$[\d,.]+ +-\$[\d,.]+ +\$0\.00", first.stdout, re.MULTILINE)
    assert processes_of(tmp_path) == set()

    second = run_demo(tmp_path, "--no-serve", "--size", "small")
    assert second.returncode == 0, second.stderr
    assert second.stdout.count(": unchanged") == 7
    assert second.stdout[second.stdout.index("Chargeback of") :] == first.stdout[first.stdout.index("Chargeback of") :]
    assert count(tmp_path, "costs_billimport", in_force) == 7
    assert count(tmp_path, "tagging_team") == len(LARKFIELD.teams)
    assert count(tmp_path, "auth_user") == len(demo.PEOPLE)
    assert count(tmp_path, "tagging_allocatedcost") == allocated
    assert {table: count(tmp_path, f"tagging_{table}") for table in BOOKS} == books
    assert processes_of(tmp_path) == set()


def test_the_demo_says_in_one_line_that_the_port_is_taken(tmp_path: Path) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        port = listening.getsockname()[1]
        refused = run_demo(tmp_path, "--port", str(port))
    assert refused.returncode == 1
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1
    assert f"Port {port} on 127.0.0.1 is taken." in refused.stderr
    assert not (tmp_path / "finops.sqlite3").exists()


def test_the_demo_says_in_one_line_that_its_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused = run_demo(tmp_path / "unused", "--no-serve", "--data-dir", str(tmp_path / "file" / "below"))
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "below (Not a directory)" in refused.stderr
    assert not (tmp_path / "unused").exists()


@pytest.mark.django_db
def test_teams_rules_and_people_are_made_once_and_kept_when_set_up_again() -> None:
    assert demo.set_up_company(LARKFIELD) == 6
    logins = demo.set_up_people("secret-of-the-demo")
    assert {login.password for login in logins} == {"secret-of-the-demo"}
    rules = [(rule.text, rule.team_name) for rule in allocation_rules(Scope.all())]
    sam = User.objects.get(username="sam.whitaker")
    sam.set_password("sam's own")
    sam.save()

    assert demo.set_up_company(LARKFIELD) == 0
    again = demo.set_up_people("secret-of-the-demo")
    assert [login.person.username for login in again if not login.password] == ["sam.whitaker"]
    assert [(rule.text, rule.team_name) for rule in allocation_rules(Scope.all())] == rules
    assert len(visible_teams(Scope.all())) == 6


@pytest.mark.django_db
def test_the_lead_of_payments_sees_fraud_and_only_the_finops_lead_sees_everything() -> None:
    demo.set_up_company(LARKFIELD)
    demo.set_up_people("secret-of-the-demo")
    users = {user.username: user for user in User.objects.all()}
    assert [name for name, user in users.items() if is_finops(user)] == ["dana.reyes"]
    assert not users["dana.reyes"].is_superuser
    assert Team.objects.get(name="Fraud").parent == Team.objects.get(name="Payments")
    assert scope_of(users["ines.duarte"]).team_keys == {"payments", "fraud"}
    assert scope_of(users["wei.zhang"]).team_keys == {"fraud"}


@pytest.mark.django_db
def test_one_suggested_team_of_a_resource_without_owner_is_accepted_and_no_second_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two resources are suggested a team; the dearer one (9) has an owner already, so the other (4) gets its tag."""
    demo.set_up_company(LARKFIELD)
    demo.set_up_people("secret-of-the-demo")
    for place, (owner, cost) in enumerate((("growth", "9"), ("", "4")), start=1):
        TagSuggestion.objects.create(
            ref="s" + f"{place}" * 32, period=date(2026, 11, 1), currency="USD", resource_key=place,
            resource_id=f"i-{place}", owner_key=owner, tag_key="Team", value="Storefront", confidence=0.97,
            monthly_cost=Decimal(cost), made_at=NOW,
        )  # fmt: skip
    SuggestionCount.objects.create(
        period=date(2026, 11, 1), currency="USD", tag_key="Team", known=40, lacking=2, suggested=2, made_at=NOW
    )
    monkeypatch.setattr("finops_site.pipeline.suggest_tags", lambda *, now: None)
    assert demo_finance.accept_one_suggestion(now=NOW) == "Team=Storefront on i-2"
    assert demo_finance.accept_one_suggestion(now=NOW) == ""
    tag = VirtualTag.objects.get()
    assert (tag.resource_id, tag.value, tag.author.username) == ("i-2", "Storefront", "dana.reyes")


def test_the_password_is_made_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    password = demo.demo_password(tmp_path)
    assert demo.demo_password(tmp_path) == password
    assert (tmp_path / "demo" / "password").stat().st_mode & 0o777 == 0o600
    assert len(password) >= 12


def test_the_report_lists_owners_unallocated_cost_and_the_tie_out() -> None:
    def row(label: str, direct: str, shared: str, before: str) -> ChargebackRow:
        parts = (Decimal(direct), Decimal(shared))
        return ChargebackRow(label.lower(), label, label, *parts, Decimal(0), parts[0] + parts[1], Decimal(before))

    found = Chargeback(
        period=BillingPeriod.parse("2026-02"),
        by="team",
        metric=CostMetric.BILLED,
        currency="USD",
        other_currencies=(),
        rows=(row("Search", "1200", "34.5678", "600"), row("Growth", "-0.004", "0", "10")),
        total_cost=Decimal("1234.5638"),
        missing_cost=Decimal("65.4362"),
        previous_missing_cost=Decimal(0),
        compared=BillingPeriod.parse("2026-01").range,
        bill_total=Decimal(1300),
        unallocated_cost=Decimal("65.4362"),
        difference=Decimal(0),
    )
    assert demo_report.chargeback_report(found).splitlines() == [
        "Chargeback of February 2026, billed cost, USD",
        "",
        "Team              Direct  Shared      Total  Month before",
        "-------------  ---------  ------  ---------  ------------",
        "Search         $1,200.00  $34.57  $1,234.57       $600.00",
        "Growth            -$0.01   $0.00     -$0.01        $10.00",  # with Search's: what owners come to
        "(unallocated)                        $65.44",
        "",
        "Tie-out: bill $1,300.00 − owners $1,234.56 − unallocated $65.44 = $0.00",
    ]


def test_the_demo_says_what_is_worked_on_and_how_many_imports_wait() -> None:
    rows = [
        SimpleNamespace(pk=1, state=ImportState.LANDING, step="Rolling up", percent=66),
        SimpleNamespace(pk=2, state=ImportState.QUEUED, step="", percent=0),
        SimpleNamespace(pk=3, state=ImportState.QUEUED, step="", percent=0),
    ]
    assert demo.progress_text(cast("list[ImportRow]", rows)) == "import 1: Rolling up, 66 %; 2 queued"
