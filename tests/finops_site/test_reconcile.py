"""reconcile: the files' own sums beside what is stored, months by owner, and what is refused by name."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from costs.models import BillImport
from tagging.models import Team
from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill

pytestmark = pytest.mark.django_db


def run(*words: str) -> str:
    out = StringIO()
    call_command("reconcile", *words, stdout=out)
    return out.getvalue()


@pytest.fixture
def bills(tmp_path: Path, team: Team) -> Path:
    """January: Payments 10.25, nobody 4.75 and 1.00 of tax; a file that is no bill beside it."""
    save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=("Payments",), team_key="payments"))
    folder = tmp_path / "bills"
    folder.mkdir()
    lines = [
        Line("i-1", "10.25", tags=(("Team", "Payments"),)),
        Line("i-2", "4.75"),
        Line("", "1.00", kind="Tax", usage_type="", operation=""),
    ]
    write_bill(folder / "january.csv", "2026-01", lines)
    (folder / "notes.csv").write_text("a,b\n1,2\n")
    return folder


def test_files_months_and_refusals_stand_in_the_answer(bills: Path) -> None:
    """10.25 + 4.75 + 1.00 = 16.00 in the file; split, Payments bears all of it as the only owner."""
    found = json.loads(run(str(bills), "--by", "tag:Team", "--split-unallocated", "proportional", "--json"))
    assert found["is_sound"] is True
    (file,) = found["files"]
    assert (file["files"], file["column"]) == (["january.csv"], "lineItem/UnblendedCost")
    assert (file["file_total"], file["stored_total"], file["difference"]) == ("16", "16", "0")
    assert [item["file"] for item in found["refused"]] == ["notes.csv"]
    plain, split = [month for month in found["months"] if month["basis"] == "billed"]
    assert plain["rows"] == [{"owner": "Payments", "total_cost": "10.25"}]
    assert (plain["unallocated_cost"], plain["bill_total"], plain["difference"]) == ("5.75", "16", "0")
    assert split["rows"] == [{"owner": "Payments", "total_cost": "16"}]
    assert (split["unallocated_cost"], split["split_unallocated"]) == ("0", "proportional")


def test_a_document_is_written_to_a_file(bills: Path, tmp_path: Path) -> None:
    target = tmp_path / "reconciliation.md"
    said = run(str(bills), "--by", "team", "--out", str(target))
    assert said.strip() == f"Written to {target}: 1 deliveries, 2 tables."
    text = target.read_text()
    assert "Everything ties out." in text
    assert "| january.csv | lineItem/UnblendedCost | 16 | 16 | 0 |" in text
    assert "| Payments | 10.25 |" in text
    assert "| **Bill − owners − unallocated** | 0 |" in text


def test_a_stored_total_that_is_not_the_files_is_an_error(bills: Path) -> None:
    run(str(bills))
    BillImport.objects.update(unblended_cost=F("unblended_cost") + 1)
    with pytest.raises(CommandError, match="does not tie out"):
        run("--json")


def test_files_that_are_gone_are_told_and_no_error(bills: Path) -> None:
    run(str(bills))
    (bills / "january.csv").unlink()
    (file,) = json.loads(run("--json"))["files"]
    assert (file["file_total"], file["difference"]) == (None, None)
    assert file["why_not"] == "1 of 1 files are no longer here"


def test_tag_strings_are_parsed_and_judged(bills: Path, tmp_path: Path) -> None:
    """Team, Project and Owner are fine, prod is not spelled Prod, Moon is no environment, colour no key; two blanks."""
    strings = tmp_path / "tags.csv"
    strings.write_text(
        "tag_key,raw_value\n"
        "resource_tags_user_team,Search\n"
        "Environment,prod\n"
        "Environment,Moon\n"
        "colour,blue\n"
        "Project,NULL\n"
        "tags,{}\n"
        'Tags,"{""Project"": ""till"", ""colour"": ""red""}"\n'
        ',"Owner=ann,colour=green"\n'
    )
    tags = json.loads(run("--tags", str(strings), "--json"))["tags"]
    assert (tags["strings"], tags["pairs"]) == (8, 10)
    assert tags["states"] == {
        "blank": 2, "compliant": 3, "invalid": 1, "key not in the policy": 3, "value case": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--period", "2020-01"), "There are no costs for 2020-01"),
        (("--period", "x"), "x"),
        (("--by", "moon"), "moon"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(bills: Path, words: tuple[str, ...], message: str) -> None:
    run(str(bills))
    with pytest.raises(CommandError, match=message) as raised:
        run(*words, "--json")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_refused_and_the_rest_compared(bills: Path) -> None:
    found = json.loads(run("/no/such/file.csv", str(bills), "--json"))
    assert found["refused"][0] == {"file": "file.csv", "why": "file.csv: There is no such file. Check the path."}
    assert len(found["files"]) == 1


def test_names_cannot_break_the_document(bills: Path, tmp_path: Path) -> None:
    lines = [Line("i-1", "1", tags=(("Team", "a|b `<script>`"),))]
    write_bill(bills / "january.csv", "2026-01", lines)
    assert "| a\\|b \\`&lt;script>\\` | 1 |" in run(str(bills), "--by", "tag:Team")
