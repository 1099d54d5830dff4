"""Small marks beside names: what of a figure is not the provider's."""

from collections.abc import Sequence
from decimal import Decimal

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from costs import figures


def evidence(lines: Sequence[str]) -> SafeString:
    """The strongest reason; the others unfold."""
    if not lines:
        return SafeString("")
    first = format_html('<br><span class="muted small">{}</span>', lines[0])
    if len(lines) == 1:
        return first
    more = format_html_join("", "<div>{}</div>", ((text,) for text in lines[1:]))
    return first + format_html(
        '<details class="muted small"><summary>{} more</summary>{}</details>', len(lines) - 1, more
    )


def suggested_mark(cost: Decimal, currency: str) -> SafeString:
    """That a value is there because of accepted suggestions, with how much; nothing where it is not."""
    if not cost:
        return SafeString("")
    amount = figures.money(cost, currency)
    text = f"{amount} of it is of resources with an accepted suggestion, not a tag of their own"
    return format_html(' <span class="badge badge-info" title="{}">{} suggested</span>', text, amount)
