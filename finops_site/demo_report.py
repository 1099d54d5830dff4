"""The demo's report as plain text: a month's chargeback and compliance in aligned columns."""

from collections.abc import Sequence
from decimal import Decimal

from costs.money import ZERO, cents_that_sum, round_to_cents
from tagging.selectors import Chargeback, Compliance


def chargeback_report(found: Chargeback) -> str:
    """Owners with their costs, what is unallocated, and the line that ties both to the bill."""
    columns = ("direct_cost", "shared_cost", "total_cost", "previous_total_cost")
    ties = found.bill_total is not None and found.unallocated_cost is not None and found.difference is not None
    owners, unallocated, difference = found.cents
    rows = [
        [row.label, *(_dollars(shown[name]) for name in columns)]
        for row, shown in zip(found.rows, found.shown, strict=True)
    ]
    if ties:
        rows.append(["(unallocated)", "", "", _dollars(unallocated), ""])
    lines = [
        f"Chargeback of {found.period.label}, {found.metric.value} cost, {found.currency}",
        "",
        *aligned(["Team", "Direct", "Shared", "Total", "Month before"], rows),
    ]
    if ties:
        bill, carried_in = cents_that_sum((found.bill_total or ZERO, found.close.carried_in))
        lines += [
            "",
            f"Tie-out: bill {_dollars(bill)} {f'+ carried in {_dollars(carried_in)} ' if carried_in else ''}"
            f"− owners {_dollars(owners)} − unallocated {_dollars(unallocated)} = {_dollars(difference)}",
        ]
    return "\n".join(lines)


def compliance_report(found: Compliance) -> str:
    """The policy's keys and the teams, by resources and by money."""
    head = (
        f"Tags of {found.period.label}: {found.compliant_resources:,} of {found.resources:,} resources carry all keys "
        f"({_percent(found.compliance_ratio)}), {_dollars(found.compliant_cost)} of {_dollars(found.taggable_cost)} "
        f"taggable {found.metric.value} cost ({_percent(found.cost_ratio)})"
    )
    keys = [
        [key.key, f"{key.present:,}", f"{key.missing:,}", f"{key.invalid:,}", _percent(key.compliant_ratio)]
        for key in found.by_key
    ]
    teams = [
        [
            "(no team)" if team.is_missing else team.label,
            f"{team.resources:,}",
            _percent(team.compliance_ratio),
            _dollars(team.taggable_cost),
            _percent(team.cost_ratio),
        ]
        for team in found.by_team
    ]
    return "\n".join(
        [
            head,
            "",
            *aligned(["Key", "Present", "Missing", "Invalid", "Compliant"], keys),
            "",
            *aligned(["Team", "Resources", "Compliant", "Taggable", "Compliant $"], teams),
        ]
    )


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], *, text_columns: int = 1) -> list[str]:
    """Lines of a table: so many columns from the left are text, the others numbers; a rule below the header."""
    widths = [max(len(line[place]) for line in (header, *rows)) for place in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = (
            cell.ljust(width) if place < text_columns else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    return [line(header), "  ".join("-" * width for width in widths), *(line(row) for row in rows)]


def _dollars(amount: Decimal) -> str:
    cents = round_to_cents(amount) + 0  # no minus before zero
    return f"-${-cents:,.2f}" if cents < 0 else f"${cents:,.2f}"


def _percent(share: Decimal | None) -> str:
    return "n/a" if share is None else f"{share * 100:.1f} %"
