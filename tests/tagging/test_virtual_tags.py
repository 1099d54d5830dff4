"""Virtual tags at roll-up: groups split by hand-worked sums, lines behind figures, real tags win, undo, rebuild."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth.models import User

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
from tagging.services import RuleInput, end_virtual_tag, save_rule
from tagging.terms import RuleKind
from tests.conftest import ClientFor
from tests.leaks.bills import Line, write_bill
from tests.tagging.builders import NOVEMBER

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
ALL = Scope.all()
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
