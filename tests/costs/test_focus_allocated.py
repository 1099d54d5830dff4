"""Lines of FOCUS 1.3 that split another line's cost: they count once, and belong to what they were split to."""

from decimal import Decimal
from pathlib import Path

import pytest

from costs.models import BillImport, Resource, ResourceCost
from tests.costs.bills import bring_in
from tests.costs.focus_bills import focus_line, write_focus

pytestmark = [pytest.mark.real_parts, pytest.mark.django_db(transaction=True)]


def allocated(cost: str, to: str, **cells: str) -> dict[str, str]:
    """A part of what i-1 costs."""
    return focus_line(cost=cost, AllocatedMethodId="cpu", AllocatedResourceId=to, **cells)


def codes(made: BillImport) -> set[str]:
    return {finding["code"] for finding in made.findings}


def test_parts_in_the_place_of_their_origin_count_for_what_they_were_split_to(tmp_path: Path) -> None:
    """6 to pod-a, 3 to pod-b and 1 that nobody used make the 10 of i-1."""
    path = write_focus(
        tmp_path / "f.csv",
        allocated("6", "pod-a", Tags='{"env":"prod","team":"x"}', AllocatedTags='{"team":"a"}'),
        allocated("3", "pod-b"),
        allocated("1", ""),
    )
    (made,) = bring_in(path)
    assert (made.billed_cost, made.rows) == (Decimal(10), 3)
    assert "allocated_beside_origin" not in codes(made)
    costs = dict(ResourceCost.objects.filter(bill_import=made).values_list("resource__resource_id", "billed_cost"))
    assert costs == {"pod-a": Decimal(6), "pod-b": Decimal(3), "i-1": Decimal(1)}
    assert Resource.objects.get(resource_id="pod-a").tags == {"env": "prod", "team": "a"}


def test_parts_beside_their_origin_are_in_no_total(tmp_path: Path) -> None:
    """i-1 at 10 is there, and its parts 6 and 4 too; i-2 at 5 has nothing to do with it: 15."""
    path = write_focus(
        tmp_path / "f.csv",
        focus_line(cost="10"),
        allocated("6", "pod-a"),
        allocated("4", "pod-b"),
        focus_line(cost="5", ResourceId="i-2"),
    )
    (made,) = bring_in(path)
    assert (made.billed_cost, made.effective_cost, made.list_cost) == (Decimal(15),) * 3
    (told,) = [finding for finding in made.findings if finding["code"] == "allocated_beside_origin"]
    assert (told["lines"], told["difference"]) == (2, "10")
    costs = dict(ResourceCost.objects.filter(bill_import=made).values_list("resource__resource_id", "billed_cost"))
    assert costs == {"i-1": Decimal(10), "i-2": Decimal(5)}


def test_parts_of_another_hour_or_amount_are_not_those_of_the_line(tmp_path: Path) -> None:
    """i-1 at 10 in one hour, parts of the next hour (10) and a part that is not all of it (2): all count, 22."""
    later = {"ChargePeriodStart": "2026-05-04T11:00:00Z", "ChargePeriodEnd": "2026-05-04T12:00:00Z"}
    path = write_focus(
        tmp_path / "f.csv", focus_line(cost="10"), allocated("10", "pod-a", **later), allocated("2", "pod-b")
    )
    (made,) = bring_in(path)
    assert made.billed_cost == Decimal(22)
    assert "allocated_beside_origin" not in codes(made)


def test_origin_and_parts_may_lie_in_two_files(tmp_path: Path) -> None:
    paths = (
        write_focus(tmp_path / "a.csv", focus_line(cost="10")),
        write_focus(tmp_path / "b.csv", allocated("10.0000004", "pod-a")),
    )
    (made,) = bring_in(*paths)
    assert made.billed_cost == Decimal(10)
