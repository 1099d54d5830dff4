"""chargeback, tag_compliance, allocate: JSON for machines, tables for people, one clear line on error."""

import json
import re
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import OCTOBER, Spend, month

pytestmark = pytest.mark.django_db


@pytest.fixture
def november(team: Team) -> None:
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("payments",), team_key="payments"))
    month([Spend("1")], period=OCTOBER)
    whole = {"Team": "payments", "Owner": "Ann", "Environment": "PROD", "CostCenter": "CC-1", "Project": "P"}
    month([Spend("10.5", tags=whole, resource="i-1"), Spend("4.25", resource="i-2"), Spend("1", category="Tax")])


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def answer(*words: str) -> Any:
    return json.loads(run(*words, "--json"))


def test_chargeback_answers_json_with_money_as_text(november: None) -> None:
    found = answer("chargeback", "2025-11")
    assert found == {
        "billing_period": "2025-11",
        "basis": "billed",
        "currency": "USD",
        "bill_total": "15.75",
        "rows": [
            {
                "owner": "Payments",
                "direct_cost": "10.5",
                "shared_cost": "0",
                "adjustment_cost": "0",
                "total_cost": "10.5",
            }
        ],
        "unallocated_cost": "5.25",
        "difference": "0",
        "state": "open",
        "bill_version": found["bill_version"],
        "carried_in": "0",
        "pending_adjustment": "0",
    }
    assert re.fullmatch(r"payer import \d+", found["bill_version"])


def test_chargeback_splits_what_nobody_owns_over_the_others(other_team: Team) -> None:
    """Departments A 3, B 1 and C −1; without one 10: by direct cost 7.5 and 2.5 (C weighs nothing), evenly 10 ÷ 3."""
    shown = (("A", "3"), ("B", "1"), ("C", "-1"))
    month([*(Spend(cost, tags={"Department": name}) for name, cost in shown), Spend("10")])
    asked = ("chargeback", "2025-11", "--by", "tag:department", "--split-unallocated")
    split = answer(*asked, "proportional")
    assert {row["owner"]: (row["direct_cost"], row["shared_cost"], row["total_cost"]) for row in split["rows"]} == {
        "A": ("3", "7.5", "10.5"),
        "B": ("1", "2.5", "3.5"),
        "C": ("-1", "0", "-1"),
    }
    assert (split["unallocated_cost"], split["difference"], split["bill_total"]) == ("0", "0", "13")
    even = answer(*asked, "even")
    assert [row["shared_cost"] for row in even["rows"]] == ["3.3333333334", "3.3333333333", "3.3333333333"]


def test_chargeback_takes_a_tag_in_any_case_and_another_basis(november: None) -> None:
    found = answer("chargeback", "2025-11", "--by", "tag:OWNER", "--basis", "effective")
    assert ([row["owner"] for row in found["rows"]], found["basis"]) == (["Ann"], "effective")


def test_chargeback_prints_a_table_that_ends_with_the_difference(november: None) -> None:
    lines = run("chargeback", "2025-11").splitlines()
    assert lines[0] == "Chargeback November 2025, billed cost in USD"
    assert lines[4].split() == ["Payments", "$10.50", "$0.00", "$0.00", "$10.50"]
    assert lines[-1].split() == ["Difference", "$0.00"]


def test_chargeback_says_where_another_currency_is(november: None) -> None:
    month([Spend("7")], source="nordic", currency="NOK")
    assert "NOK" in run("chargeback", "2025-11").splitlines()[-1]
    assert answer("chargeback", "2025-11", "--currency", "nok")["bill_total"] == "7"


def test_tag_compliance_answers_json_for_the_latest_month(november: None) -> None:
    found = answer("tag_compliance")
    key = {"present": 1, "missing": 1, "invalid": 0}
    assert found["by_tag"] == dict.fromkeys(("Owner", "Environment", "Team", "CostCenter", "Project"), key)
    assert (found["resources"], found["compliant_resources"], found["compliance_ratio"]) == (2, 1, 0.5)
    assert (found["taggable_cost"], found["compliant_cost"]) == ("14.75", "10.5")
    assert found["cost_ratio"] == pytest.approx(10.5 / 14.75)


def test_tag_compliance_prints_keys_and_teams(november: None) -> None:
    text = run("tag_compliance", "2025-11")
    assert "1 of 2 compliant (50.0\u00a0%)" in text
    assert "CostCenter" in text
    assert "Unallocated" in text


def test_allocate_does_months_again(november: None) -> None:
    assert answer("allocate") == {"imports_allocated": 2}
    assert run("allocate", "2025-11") == "Allocated 1 import again.\n"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("chargeback", "2025-13"), "YYYY-MM"),
        (("chargeback", "2020-01"), "Months with costs: 2025-11, 2025-10"),
        (("chargeback", "2025-11", "--by", "colour"), "not a dimension"),
        (("chargeback", "2025-11", "--basis", "cash"), "not a cost basis"),
        (("tag_compliance", "2020-01"), "Months with costs"),
        (("allocate", "November"), "YYYY-MM"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(november: None, words: tuple[str, ...], hint: str) -> None:
    with pytest.raises(CommandError, match=hint) as raised:
        run(*words)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("command", ["chargeback 2025-11", "tag_compliance"])
def test_before_the_first_import_it_says_to_import(command: str) -> None:
    with pytest.raises(CommandError, match="import_bill"):
        run(*command.split())
