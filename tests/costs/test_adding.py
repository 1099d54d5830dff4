"""Amounts on screen: cents add up down and across. Worked by hand."""

from decimal import Decimal
from itertools import repeat

from hypothesis import given
from hypothesis import strategies as st

from costs.adding import Booked, Sums, cents_both_ways, foot, shown_cents
from costs.money import round_to_cents

D = Decimal
MONTH = Sums("total", ("direct", "shared"), before="before", change="change")


def line(direct: str, shared: str = "0", before: str = "0") -> dict[str, Decimal]:
    return {"direct": D(direct), "shared": D(shared), "total": D(direct) + D(shared), "before": D(before)}


def test_a_column_adds_up_to_its_rounded_sum() -> None:
    # Each alone 0.01 (0.005 is half up): 0.03 under a foot of 0.02. 0.015 is 0.02 rounded: the first two get the cents.
    shown = shown_cents([line("0.005"), line("0.005"), line("0.005")], Sums("total"))
    assert [row["total"] for row in shown] == [D("0.01"), D("0.01"), D("0.00")]
    assert foot(shown) == {"total": D("0.02")}


def test_parts_add_up_to_the_line_and_to_the_foot() -> None:
    # Lines: 1.004 + 2.004 = 3.008 and 1.004 + 2.004 = 3.008; in all 6.016, 6.02: 3.01 and 3.01.
    # Across, a cent goes to the larger of equal remainders: 1.00 + 2.01 twice, columns of 2.00 and 4.02.
    # Columns are 2.008 and 4.008: of 6.02, 2.01 and 4.01. So a cent moves in one line from shared to direct.
    shown = shown_cents([line("1.004", "2.004"), line("1.004", "2.004")], Sums("total", ("direct", "shared")))
    assert shown == [
        {"total": D("3.01"), "direct": D("1.01"), "shared": D("2.00")},
        {"total": D("3.01"), "direct": D("1.00"), "shared": D("2.01")},
    ]
    assert foot(shown) == {"total": D("6.02"), "direct": D("2.01"), "shared": D("4.01")}


def test_the_change_is_what_a_reader_subtracts() -> None:
    # Totals 10.005 and 0.004: 10.009 is 10.01, the cent goes to .5 before .4. Before 9.996 and 0.006: 10.002 is 10.00,
    # so one cent over 9.99 and 0.00, to the larger of equal remainders. Exact changes are 0.009 and −0.002.
    shown = shown_cents([line("10.005", before="9.996"), line("0.004", before="0.006")], MONTH)
    assert [(row["total"], row["before"], row["change"]) for row in shown] == [
        (D("10.01"), D("10.00"), D("0.01")),
        (D("0.00"), D("0.00"), D("0.00")),
    ]
    assert foot(shown)["change"] == D("0.01")


def test_what_a_document_books_is_shown_as_it_books_it() -> None:
    booked = [Booked(D("3.02"), (D("1.00"), D("2.02")), before=D("0.07")), Booked()]
    shown = shown_cents([line("1.004", "2.004"), line("5.006", "0.001")], MONTH, booked)
    assert shown[0] == {
        "total": D("3.02"), "direct": D("1.00"), "shared": D("2.02"), "before": D("0.07"), "change": D("2.95"),
    }  # fmt: skip
    assert shown[1]["total"] == D("5.01")  # 5.007, alone


def test_no_cent_is_put_where_nothing_is() -> None:
    # One line of direct costs alone, one of shared alone; what is booked gives the cent to the second. The columns are
    # 0.004 each, of 0.01: the first would get it. It cannot be moved: the other cell of either line is nothing.
    cells = cents_both_ways([[D("0.004"), D(0)], [D(0), D("0.004")]], [D("0.00"), D("0.01")])
    assert cells == [[D("0.00"), D("0.00")], [D("0.00"), D("0.01")]]


def test_nothing_is_nothing() -> None:
    assert shown_cents([], MONTH) == []
    assert foot([]) == {}
    assert cents_both_ways([], []) == []


AMOUNTS = st.decimals(min_value=-1000, max_value=1000, places=5)


@given(st.lists(st.tuples(AMOUNTS, AMOUNTS, AMOUNTS), min_size=1, max_size=12))
def test_any_table_adds_up_both_ways_and_strays_by_cents_only(rows: list[tuple[Decimal, ...]]) -> None:
    lines = [{"a": a, "b": b, "c": c, "total": a + b + c} for a, b, c in rows]
    shown = shown_cents(lines, Sums("total", ("a", "b", "c")))
    below = foot(shown)
    assert below["total"] == round_to_cents(sum((row["total"] for row in lines), D(0)))
    assert below["a"] + below["b"] + below["c"] == below["total"]
    assert all(row["a"] + row["b"] + row["c"] == row["total"] for row in shown)
    strays = [abs(row[name] - exact[name]) for row, exact in zip(shown, lines, strict=True) for name in ("a", "b", "c")]
    assert all(stray < limit for stray, limit in zip(strays, repeat(D("0.04"))))
