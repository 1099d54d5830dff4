"""Files of one delivery that have lines in common: the month so far, given beside itself at a later day."""

from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import pytest

from costs.charge_store import copies
from costs.errors import ImportRejectedError
from costs.models import BillImport
from costs.terms import ImportState
from tests.costs.bills import bring_in, csv_text, line, write_csv
from tests.costs.corpus import zipped
from tests.costs.focus_bills import focus_line, write_focus
from tests.costs.source_world import billed, deliver, look, s3_source
from tests.real_parts.object_store import ObjectStore

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.real_parts]


def days(numbers: Iterable[int], *, cost: str = "1", invoice: str = "", resource: str = "i-1") -> list[dict[str, str]]:
    """A line of a day each, at one cost."""
    return [
        line(cost=cost, resource=resource, start=f"2026-05-{day:02}T00:00:00Z") | {"bill/InvoiceId": invoice}
        for day in numbers
    ]


def test_a_month_so_far_beside_itself_at_a_later_day_is_refused(tmp_path: Path) -> None:
    """10 days at 1, and 20 days at 1 with an invoice by now: 20, not 30."""
    first = write_csv(tmp_path / "bill-0511.csv", days(range(1, 11)))
    later = write_csv(tmp_path / "bill-0521.csv", days(range(1, 21), invoice="771"))
    with pytest.raises(ImportRejectedError) as refused:
        bring_in(first, later)
    assert str(refused.value) == (
        "bill-0511.csv: It has all its lines in common with bill-0521.csv, so their costs would count twice: it looks"
        " like the month so far, given again as it went on. Give only the newest of them. If they are parts of one bill"
        " after all, put their lines into one file."
    )
    assert not BillImport.objects.filter(state=ImportState.IN_FORCE.value).exists()
    [made] = bring_in(later)
    assert made.billed_cost == Decimal(20)


@pytest.mark.parametrize(("same", "is_refused"), [(10, True), (9, False)])
def test_half_of_the_lines_is_what_matters(tmp_path: Path, same: int, *, is_refused: bool) -> None:
    """20 lines at 1, of which so many stand at 1 in the other file of 25, too, and the rest there at 2."""
    first = write_csv(tmp_path / "a.csv", days(range(1, 21)))
    second = write_csv(tmp_path / "b.csv", days(range(1, same + 1)) + days(range(same + 1, 26), cost="2"))
    if is_refused:
        with pytest.raises(ImportRejectedError, match=r"^a\.csv: It has 50 % of its lines in common with b\.csv"):
            bring_in(first, second)
    else:
        [made] = bring_in(first, second)
        assert made.billed_cost == Decimal(20 + 9 + 16 * 2)


def test_the_newest_of_many_is_named(tmp_path: Path) -> None:
    paths = [write_csv(tmp_path / f"{last}.csv", days(range(1, last + 1))) for last in (10, 20, 30)]
    with pytest.raises(ImportRejectedError, match=r"^10\.csv: It has all its lines in common with 30\.csv"):
        bring_in(*paths)


def test_focus_files_are_looked_at_likewise(tmp_path: Path) -> None:
    lines = [focus_line(cost="1", ResourceId=f"i-{number}") for number in range(15)]
    with pytest.raises(ImportRejectedError, match=r"^first\.csv: It has all its lines in common with second\.csv"):
        bring_in(write_focus(tmp_path / "first.csv", *lines[:12]), write_focus(tmp_path / "second.csv", *lines))


def test_members_of_an_archive_are_looked_at_likewise(tmp_path: Path) -> None:
    path = tmp_path / "bill.zip"
    texts = {f"{last}.csv": csv_text(days(range(1, last + 1))) for last in (10, 12)}
    path.write_bytes(zipped(texts))
    with pytest.raises(ImportRejectedError, match=r"^bill\.zip: It has all its lines in common with another file in"):
        bring_in(path)


def test_lines_that_cannot_be_told_apart_prove_nothing(tmp_path: Path) -> None:
    """12 and 30 lines that are all alike, as in a bill without resources and times: 42 at 1."""
    files = [write_csv(tmp_path / f"{name}.csv", days([4] * count)) for name, count in (("a", 12), ("b", 30))]
    [made] = bring_in(*files)
    assert made.billed_cost == Decimal(42)


def test_the_same_use_of_other_resources_is_another_line(tmp_path: Path) -> None:
    files = [write_csv(tmp_path / f"{name}.csv", days(range(1, 21), resource=name)) for name in ("i-1", "i-2")]
    [made] = bring_in(*files)
    assert made.billed_cost == Decimal(40)


def test_parts_that_a_manifest_names_are_taken_at_its_word(store: ObjectStore) -> None:
    """10 + 12 lines at 1, ten of them alike: the provider says that both are the bill."""
    deliver(store, "a1", *(csv_text(days(range(1, last + 1))).encode() for last in (10, 12)))
    assert look(s3_source()) == [ImportState.IN_FORCE]
    assert billed() == Decimal(22)


def test_of_large_deliveries_a_part_of_the_lines_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 lines within 2,000: of a fifth of them all are in both."""
    monkeypatch.setattr(copies, "_LOOKED_AT", 600)
    lines = [line(cost="1", resource=f"i-{number}") for number in range(2000)]
    with pytest.raises(ImportRejectedError, match=r"^a\.csv: It has all its lines in common with b\.csv"):
        bring_in(write_csv(tmp_path / "a.csv", lines[:1000]), write_csv(tmp_path / "b.csv", lines))
