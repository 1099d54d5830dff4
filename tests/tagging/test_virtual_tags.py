"""Virtual tags at roll-up: groups split by hand-worked sums, lines behind figures, real tags win, undo, rebuild."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from costs import selectors as intake
from costs.charge_store import ImportFolder
from costs.models import BillImport, DailyCost, Resource, ResourceCost
from costs.scope import Scope
from costs.selectors import active_imports
from costs.services import prepare_imports, reload_import
from costs.terms import CostMetric
from finops_site.pipeline import queue_retracking, retrack, run_import
from tagging.models import TagKey, Team, VirtualTag
from tagging.selectors import chargeback, closed, compliance, virtual_tags_behind
from tagging.selectors.tag_findings import tag_findings
from tagging.services import RuleInput, end_virtual_tag, save_rule
from tagging.terms import RuleKind, TagProblem
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging import page_world
from tests.tagging.builders import NOVEMBER

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL = Scope.all()
# The test client's answers are no HttpResponse to the type checker.
file_of: Callable[[Any], tuple[dict[str, str], list[list[str]]]] = page_world.file_of
NOW = datetime(2025, 11, 20, 8, tzinfo=UTC)
PAY = (("Team", "payments"),)
# i-a and i-b are alike in all that groups lines, so they share one group on both days.
LINES = (
    Line("i-a", "10"),
    Line("i-b", "5"),
    Line("i-a", "1", day=2),
    Line("i-b", "2", day=2),
    Line("i-c", "20", tags=PAY),
    Line("i-d", "3"),
    Line("i-d", "4", day=2, tags=PAY),
)


@pytest.fixture(autouse=True)
def _november(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Team=payments owns i-c 20 and the tagged day of i-d 4; nobody the rest, 10 + 5 + 1 + 2 + 3 = 21. In all 45."""
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    path = write_bill(tmp_path / "bill.csv", "2025-11", LINES)
    for pk in prepare_imports([path], today=NOVEMBER.end):
        run_import(pk)


def tag(author: User, resource: str, value: str, key: str = "Team") -> VirtualTag:
    return VirtualTag.objects.create(
        resource_key=Resource.objects.get(resource_id=resource).key, resource_id=resource, tag_key=key, value=value,
        from_period=NOVEMBER.start, origin="suggestion", confidence=0.96, author=author, created_at=NOW,
    )  # fmt: skip


def current() -> BillImport:
    (one,) = active_imports(ALL)
    return BillImport.objects.get(pk=one.pk)


def by_team() -> dict[str, Decimal]:
    found = chargeback(ALL, NOVEMBER, metric=CostMetric.BILLED)
    return {row.key: row.total_cost for row in found.rows}


def days(team: str) -> dict[int, Decimal]:
    sums: dict[int, Decimal] = {}
    for row in DailyCost.objects.filter(bill_import=current(), slice__tags__Team=team):
        sums[row.charge_date.day] = sums.get(row.charge_date.day, Decimal(0)) + row.billed_cost
    return sums


def resources(team: str) -> dict[str, Decimal]:
    found = ResourceCost.objects.filter(bill_import=current(), slice__tags__Team=team)
    return {row.resource.resource_id: row.billed_cost for row in found.select_related("resource")}


def test_only_the_resource_with_a_virtual_tag_moves(finops_lead: User) -> None:
    tag(finops_lead, "i-b", "search")
    assert len(retrack()) == 1
    assert days("search") == {1: Decimal(5), 2: Decimal(2)}
    assert resources("search") == {"i-b": Decimal(7)}
    assert days("payments") == {1: Decimal(20), 2: Decimal(4)}
    item = current()
    assert item.billed_cost == Decimal(45)
    assert sum(DailyCost.objects.filter(bill_import=item).values_list("billed_cost", flat=True)) == Decimal(45)
    assert sum(ResourceCost.objects.filter(bill_import=item).values_list("billed_cost", flat=True)) == Decimal(45)
    assert retrack() == []  # nothing is left to do


def test_a_real_tag_wins_line_by_line(finops_lead: User) -> None:
    tag(finops_lead, "i-d", "search")
    tag(finops_lead, "i-c", "search")
    retrack()
    assert days("search") == {1: Decimal(3)}  # i-d on the day it carried nothing
    assert resources("payments") == {"i-c": Decimal(20), "i-d": Decimal(4)}


def test_a_real_tag_under_an_alias_wins(finops_lead: User, tmp_path: Path) -> None:
    TagKey.objects.filter(key="Team").update(key_aliases=["CostObject"])
    bill = write_bill(tmp_path / "again.csv", "2025-11", [Line("i-b", "8", tags=(("CostObject", "payments"),))])
    tag(finops_lead, "i-b", "search")
    for pk in prepare_imports([bill], today=NOVEMBER.end):
        run_import(pk)
    assert resources("search") == {}


def test_lines_behind_every_figure_add_up_to_it(finops_lead: User) -> None:
    tag(finops_lead, "i-b", "search")
    retrack()
    (item,) = active_imports(ALL)
    for team, total in (("search", Decimal(7)), ("payments", Decimal(24))):
        keys = list(DailyCost.objects.filter(bill_import=item.pk, slice__tags__Team=team).values_list("slice_id"))
        wanted = {key for (key,) in keys}
        assert lines_of(item, wanted) == total
    everything = set(DailyCost.objects.filter(bill_import=item.pk).values_list("slice_id", flat=True))
    assert lines_of(item, everything) == Decimal(45)
    untagged = DailyCost.objects.filter(bill_import=item.pk).exclude(slice__tags__has_key="Team")
    assert lines_of(item, set(untagged.values_list("slice_id", flat=True))) == Decimal(14)  # 10 + 1 of i-a, 3 of i-d


def lines_of(item: intake.ActiveImport, slice_keys: set[int]) -> Decimal:
    """What the lines of these slices add up to, asked in both ways lines are read."""
    from costs.charge_store import LinePart, LineSelect, query_charges, query_lines  # noqa: PLC0415

    folder = ImportFolder(item.source_name, item.period, item.pk)
    select = LineSelect((LinePart(folder, sorted(slice_keys)),))
    ((one,),) = query_lines(select, "SELECT coalesce(sum(billed_cost), 0) FROM lines")
    listed = ", ".join(str(key) for key in sorted(slice_keys))
    ((other,),) = query_charges([folder], f"SELECT sum(billed_cost) FROM charges WHERE slice_key IN ({listed})")
    assert one == other
    return Decimal(one)


def test_undone_it_is_as_it_was(finops_lead: User) -> None:
    before = by_team()
    made = tag(finops_lead, "i-b", "search")
    retrack()
    assert by_team()["search"] == Decimal(7)
    end_virtual_tag(ALL, made.pk, reason="mistaken", author=finops_lead, now=NOW)
    assert len(retrack()) == 1
    assert by_team() == before
    (item,) = active_imports(ALL)
    assert not ImportFolder(item.source_name, item.period, item.pk).has("overrides")


def test_closed_months_are_left_alone(finops_lead: User, monkeypatch: pytest.MonkeyPatch) -> None:
    tag(finops_lead, "i-b", "search")
    monkeypatch.setattr(closed, "_closed_months", lambda: frozenset({(NOVEMBER, "USD")}))
    assert queue_retracking() == []


def test_a_rebuilt_month_joins_in_what_it_was_rolled_up_with(finops_lead: User) -> None:
    tag(finops_lead, "i-b", "search")
    retrack()
    VirtualTag.objects.all().delete()
    DailyCost.objects.all().delete()
    reload_import(current().pk)
    assert days("search") == {1: Decimal(5), 2: Decimal(2)}


def test_a_virtual_tag_makes_nothing_compliant(finops_lead: User) -> None:
    TagKey.objects.exclude(key="Team").update(is_required=False)
    before = compliance(ALL, NOVEMBER)
    tag(finops_lead, "i-b", "search")
    retrack()
    after = compliance(ALL, NOVEMBER)
    # i-c and i-d (by its last day) carry Team: 20 + 4 of 45.
    assert (before.compliant_resources, before.compliant_cost) == (2, Decimal(24))
    assert (after.compliant_resources, after.compliant_cost) == (2, Decimal(24))


def test_a_resource_with_a_virtual_tag_is_still_to_be_tagged_with_its_value(finops_lead: User) -> None:
    """i-a, i-b lack Team; i-d carries it on its last day. A virtual tag does not change that; it tells what to set."""

    def lacking() -> dict[str, str]:
        rows = tag_findings(ALL, NOVEMBER).rows
        return {row.resource_id: row.wanted for row in rows if row.key == "Team" and row.problem is TagProblem.MISSING}

    assert lacking() == {"i-a": "", "i-b": ""}
    tag(finops_lead, "i-a", "payments")
    retrack()
    assert lacking() == {"i-a": "payments", "i-b": ""}
    with_why = next(row for row in tag_findings(ALL, NOVEMBER).rows if row.resource_id == "i-a" and row.key == "Team")
    assert with_why.why == "only a virtual tag of ours says it; the resource itself carries none"


def test_why_is_this_mine_names_the_tag_of_ours_to_its_owner_alone(
    finops_lead: User, other_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    tag(finops_lead, "i-b", "search")
    retrack()
    said = f"i-b: tag Team=search (ours, accepted by {finops_lead.get_full_name()} on 2025-11-20)"
    assert virtual_tags_behind(ALL, NOVEMBER, "search") == (said,)
    assert said in client_for(finops_lead).get("/why/search/").content.decode()
    assert said in client_for(other_lead).get("/why/search/").content.decode()
    assert "i-b" not in client_for(team_lead).get("/why/payments/").content.decode()


def test_pages_files_and_answers_mark_what_a_virtual_tag_puts_there(
    finops_lead: User, other_lead: User, team_lead: User, client_for: ClientFor
) -> None:
    """i-b (5 + 2) is Search's by a virtual tag; what Payments has (i-c 20, a day of i-d 4) are tags of its own."""
    staff = client_for(finops_lead)
    explored = "/explore/?from=2025-11&to=2025-11&by=tag:Team"
    assert "suggested<" not in staff.get(explored).content.decode()
    tag(finops_lead, "i-b", "search")
    retrack()
    for path in ("/chargeback/?period=2025-11", "/chargeback/?period=2025-11&by=tag:Team", explored):
        page = staff.get(path).content.decode()
        assert page.count(">$7.00 suggested</span>") == 1, path
        assert "A real tag wins as soon as it is set." in page, path
        assert 'title="$7.00 of it is of resources with an accepted suggestion' in page, path
    assert "suggested<" not in staff.get("/explore/?from=2025-11&to=2025-11&by=service").content.decode()
    for path in (explored, "/chargeback/?period=2025-11&by=tag:Team", "/chargeback/?period=2025-11"):
        _, (names, *rows) = file_of(staff.get(f"{path}&format=csv"))
        at = names.index("Of it by suggested tags")
        assert {row[0].lower(): row[at] for row in rows}["search"] == "7"
    assert [row["suggested_cost"] for row in api_rows(staff, "costs", "tag:Team")] == ["0", "7", "0"]
    assert [row["suggested_cost"] for row in api_rows(staff, "chargeback", "team")] == ["0", "7"]
    own = client_for(other_lead).get(explored).content.decode()
    assert 'title="$7.00 of it' in own
    assert "suggested<" not in client_for(team_lead).get(explored).content.decode()


def api_rows(client: Client, name: str, by: str) -> list[dict[str, Any]]:
    month = "from=2025-11&to=2025-11" if name == "costs" else "period=2025-11"
    found: list[dict[str, Any]] = client.get(f"/api/v1/{name}/?{month}&by={by}").json()["results"]
    return found


def test_the_list_of_resources_says_missing_and_what_was_suggested(finops_lead: User, client_for: ClientFor) -> None:
    TagKey.objects.exclude(key="Team").update(is_required=False)
    tag(finops_lead, "i-b", "search")
    retrack()
    staff = client_for(finops_lead)
    page = staff.get("/resources/?period=2025-11").content.decode()
    assert page.count(">suggested</span>") == 1
    _, (head, *rows) = file_of(staff.get("/resources/?period=2025-11&format=csv"))
    by_resource = {row[0]: dict(zip(head, row, strict=True)) for row in rows}
    assert (by_resource["i-b"]["Team"], by_resource["i-b"]["Suggested, not tagged"]) == ("", "Team=search")
    assert (by_resource["i-c"]["Team"], by_resource["i-c"]["Suggested, not tagged"]) == ("payments", "")
    answer = staff.get("/api/v1/resources/?period=2025-11").json()["results"]
    (row,) = [row for row in answer if row["resource_id"] == "i-b"]
    assert (row["states"], row["values"], row["suggested"]) == (
        {"Team": "missing"}, {"Team": ""}, {"Team": "search"},
    )  # fmt: skip
