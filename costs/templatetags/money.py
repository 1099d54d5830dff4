"""Figures in templates: `{% load money %}`, then `{{ x|money:currency }}`."""

from datetime import date
from decimal import Decimal

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from costs import figures
from costs import money as exact_money
from costs.adding import InCents
from costs.periods import BillingPeriod
from costs.tables import opening_lines

register = template.Library()


@register.filter
def money(value: InCents | Decimal | int | None, currency: str = "USD") -> SafeString | str:
    """`$1,234.56` as a `<data>` element that carries the exact amount; `n/a` for None."""
    if value is None or value == "":
        return figures.NOT_AVAILABLE
    amount, cents = _amount(value)
    return format_html('<data value="{}">{}</data>', exact_money.plain(amount), figures.money(amount, currency, cents))


@register.filter
def lines(figure: SafeString | str, url: str | None) -> SafeString | str:
    """A figure as the way to the lines behind it: `{{ x|money:currency|lines:url }}`; as it is without an address."""
    return opening_lines(figure, url) if url and isinstance(figure, SafeString) else figure


@register.filter
def money_text(value: Decimal | int | None, currency: str = "USD") -> str:
    """`$1,234.56` as bare text, for titles, labels and mails."""
    return figures.NOT_AVAILABLE if value is None or value == "" else figures.money(Decimal(value), currency)


@register.filter
def money_short(value: Decimal | int | None, currency: str = "USD") -> str:
    """`$1.2k`."""
    return figures.NOT_AVAILABLE if value is None or value == "" else figures.short_money(Decimal(value), currency)


@register.filter
def exact(value: Decimal | int | None) -> str:
    """Every digit: `0.0000000001`."""
    return figures.NOT_AVAILABLE if value is None or value == "" else exact_money.plain(Decimal(value))


@register.filter
def change(value: InCents | Decimal | int | None, currency: str = "USD") -> SafeString | str:
    """Money with sign and direction: `+$5.00` marked as a rise (costs: rises are the bad direction)."""
    if value is None or value == "":
        return figures.NOT_AVAILABLE
    amount, cents = _amount(value)
    text = figures.change(amount, currency, cents)
    return format_html('<span class="change {}">{}</span>', _direction(cents or amount), text)


@register.filter
def pct(value: Decimal | float | None, places: int = 1) -> str:
    """A ratio (1 is all) as `12.3 %`."""
    return figures.NOT_AVAILABLE if value is None or value == "" else figures.pct(value, places)


@register.filter
def pct_change(value: Decimal | float | None, places: int = 1) -> SafeString | str:
    """A ratio with sign and direction: `+12.3 %`."""
    if value is None or value == "":
        return figures.NOT_AVAILABLE
    return format_html('<span class="change {}">{}</span>', _direction(value), figures.pct_change(value, places))


@register.filter
def number(value: Decimal | float | None, places: int = 0) -> str:
    """`12,345`."""
    return figures.NOT_AVAILABLE if value is None or value == "" else figures.number(value, places)


@register.filter
def period(value: BillingPeriod | date | str | None) -> str:
    """`November 2026`."""
    return figures.period(value) if value else ""


@register.filter
def day(value: date | None) -> str:
    """`23 Nov 2026`."""
    return figures.day(value) if value else ""


def _amount(value: InCents | Decimal | int) -> tuple[Decimal, Decimal | None]:
    """The exact amount, and the cents to show it with where they are given."""
    return (value.amount, value.cents) if isinstance(value, InCents) else (Decimal(value), None)


def _direction(value: Decimal | float) -> str:
    return "change-up" if value > 0 else "change-down" if value < 0 else "change-none"
