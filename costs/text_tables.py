"""Plain aligned tables for terminals."""

from collections.abc import Sequence


def aligned(rows: Sequence[Sequence[str]], totals: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a plain table: the first column to the left, the others to the right, totals below a rule."""
    widths = [max(len(row[place]) for row in (*rows, *totals)) for place in range(len(rows[0]))]
    texts = [
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (*rows, *totals)
    ]
    rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
    between = [rule] if totals and len(rows) > 1 else []
    return [texts[0], rule, *texts[1 : len(rows)], *between, *texts[len(rows) :]]
