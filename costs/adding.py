"""Columns of money in cents that add up: down to the foot, and across to the total of the line.

Each amount is shown at most a little beside its own rounding, so that a reader who adds up the page gets its totals.
Files and the API keep exact amounts.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from costs.money import EXACT, ZERO, cents_that_sum, cents_to_total

Amounts = Mapping[str, Decimal]


@dataclass(frozen=True)
class Sums:
    """What of a line adds up: `parts` across to `total`; `change` is `total` less `before`. '' stands for none."""

    total: str
    parts: tuple[str, ...] = ()
    before: str = ""
    change: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(name for name in (self.total, *self.parts, self.before, self.change) if name)

    def within(self, names: Collection[str]) -> "Sums":
        """Those of them that are there."""
        parts = tuple(name for name in self.parts if name in names)
        before, change = (name if name in names else "" for name in (self.before, self.change))
        return Sums(self.total, parts, before, change)


@dataclass(frozen=True)
class Booked:
    """Cents that a line has elsewhere already, on its document: they are shown as they are. None for what has none."""

    total: Decimal | None = None
    parts: tuple[Decimal, ...] | None = None
    before: Decimal | None = None


NOT_BOOKED = Booked()


@dataclass(frozen=True)
class InCents:
    """An exact amount and the cents it is shown with."""

    amount: Decimal
    cents: Decimal


def shown_cents(
    lines: Sequence[Amounts], sums: Sums, booked: Sequence[Booked] | None = None, *, whole: Decimal | None = None
) -> list[dict[str, Decimal]]:
    """Every line's amounts in cents, by name, in the order of the lines.

    Totals sum to `whole`, in cents; where it is not given, to their own rounded sum.

    They are rounded by largest remainder over all lines, and so is what was before; the parts of a line sum to its
    total, and a column of parts to about its own rounded sum where single cents can be moved for it.
    """
    known = booked or [NOT_BOOKED] * len(lines)
    totals = _column([line[sums.total] for line in lines], [each.total for each in known], whole)
    found = [{sums.total: total} for total in totals]
    if sums.parts:
        parts = [[line[name] for name in sums.parts] for line in lines]
        for row, cents in zip(found, _parts(parts, totals, known), strict=True):
            row.update(zip(sums.parts, cents, strict=True))
    if sums.before:
        before = _column([line[sums.before] for line in lines], [each.before for each in known])
        for row, cents_before in zip(found, before, strict=True):
            row[sums.before] = cents_before
            if sums.change:
                row[sums.change] = row[sums.total] - cents_before
    return found


def in_cents(amounts: Sequence[Decimal], total: Decimal) -> list[InCents]:
    """Amounts with cents that sum to `total`, itself whole cents."""
    return [InCents(*pair) for pair in zip(amounts, cents_to_total(amounts, total), strict=True)]


def added_up(amounts: Sequence[InCents]) -> InCents:
    """The sum, as the shown amounts add up to it."""
    return InCents(sum((each.amount for each in amounts), ZERO), sum((each.cents for each in amounts), ZERO))


def foot(shown: Sequence[Amounts]) -> dict[str, Decimal]:
    """The lines added up, as they are shown."""
    names = dict.fromkeys(name for line in shown for name in line)
    return {name: sum((line[name] for line in shown if name in line), ZERO) for name in names}


def cents_both_ways(rows: Sequence[Sequence[Decimal]], totals: Sequence[Decimal]) -> list[list[Decimal]]:
    """Round cells to cents so that every row sums to its total, whole cents, and columns to theirs where it can be.

    A column's own sum is rounded by largest remainder over the columns. Where the rows miss it, single cents move
    between the cells of a row, first where they harm least; never to or from a cell that is nothing.
    """
    cells = [cents_to_total(row, total) for row, total in zip(rows, totals, strict=True)]
    if not cells:
        return []
    exact = [sum(column, ZERO) for column in zip(*rows, strict=True)]
    wanted = cents_to_total(exact, sum(totals, ZERO))
    over = [_cents(sum(column, ZERO) - want) for column, want in zip(zip(*cells, strict=True), wanted, strict=True)]
    while (move := _best_move(rows, cells, over)) is not None:
        row, source, target = move
        for column, cent in ((source, -1), (target, 1)):
            cells[row][column] += Decimal(cent).scaleb(-2, EXACT)
            over[column] += cent
    return cells


def _column(
    amounts: Sequence[Decimal], booked: Sequence[Decimal | None], whole: Decimal | None = None
) -> list[Decimal]:
    """What is booked as it is; the rest by largest remainder."""
    loose = [amount for amount, cents in zip(amounts, booked, strict=True) if cents is None]
    fixed = sum((cents for cents in booked if cents is not None), ZERO)
    free = iter(cents_that_sum(loose) if whole is None else cents_to_total(loose, whole - fixed))
    return [next(free) if cents is None else cents for cents in booked]


def _parts(
    parts: Sequence[Sequence[Decimal]], totals: Sequence[Decimal], known: Sequence[Booked]
) -> list[list[Decimal]]:
    free = [place for place, each in enumerate(known) if each.parts is None]
    cells = cents_both_ways([parts[place] for place in free], [totals[place] for place in free])
    found: list[list[Decimal]] = [list(each.parts or ()) for each in known]
    for place, row in zip(free, cells, strict=True):
        found[place] = row
    return found


def _best_move(
    rows: Sequence[Sequence[Decimal]], cells: Sequence[Sequence[Decimal]], over: Sequence[int]
) -> tuple[int, int, int] | None:
    """The row, the column that has a cent too much and that with one too few, whose cells it brings nearest."""
    sources = [column for column, cents in enumerate(over) if cents > 0]
    targets = [column for column, cents in enumerate(over) if cents < 0]
    moves = [
        ((cells[row][target] - exact[target]) - (cells[row][source] - exact[source]), row, source, target)
        for row, exact in enumerate(rows)
        for source in sources
        for target in targets
        if exact[source] and exact[target]
    ]
    return min(moves)[1:] if moves else None


def _cents(amount: Decimal) -> int:
    return int(amount.scaleb(2, EXACT))
