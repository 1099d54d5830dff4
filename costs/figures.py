"""Figures as people read them. Text only; files and the API carry exact numbers (`money.plain`)."""

from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from costs.money import CENT, round_to_cents
from costs.periods import BillingPeriod

SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
NOT_AVAILABLE = "n/a"
MINUS = "−"
NO_BREAK = "\u00a0"


def money(amount: Decimal | None, currency: str = "USD", cents: Decimal | None = None) -> str:
    """`$1,234.56`, `−$5.00`, `CHF 12.00`; `<$0.01` where cents would hide that there is something; `n/a` for None.

    `cents` are the amount's where it is rounded together with others (`costs.adding`); else it is rounded alone.
    """
    if amount is None:
        return NOT_AVAILABLE
    symbol = _symbol(currency)
    rounded = round_to_cents(amount) if cents is None else cents
    if rounded == 0 and amount != 0:
        return f"{MINUS if amount < 0 else ''}<{symbol}{CENT}"
    return f"{MINUS if rounded < 0 else ''}{symbol}{abs(rounded):,.2f}"


def change(amount: Decimal | None, currency: str = "USD", cents: Decimal | None = None) -> str:
    """Money with its sign: `+$5.00`, `−$5.00`, `$0.00`."""
    text = money(amount, currency, cents)
    return f"+{text}" if amount is not None and (cents or amount) > 0 else text


def short_money(amount: Decimal, currency: str = "USD") -> str:
    """For axes and tight places: `$950`, `$1.2k`, `$3.45M`."""
    symbol, size = _symbol(currency), abs(amount)
    for limit, letter in ((Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "k")):
        if size >= limit:
            return f"{MINUS if amount < 0 else ''}{symbol}{_short(size / limit)}{letter}"
    return f"{MINUS if amount < 0 else ''}{symbol}{_short(size)}"


def pct(ratio: Decimal | float | None, places: int = 1) -> str:
    """A ratio (1 is all of it) as `12.3 %`; `n/a` for None."""
    if ratio is None:
        return NOT_AVAILABLE
    value = _rounded(Decimal(str(ratio)) * 100, places)
    return f"{MINUS if value < 0 else ''}{abs(value):,}{NO_BREAK}%"


def pct_change(ratio: Decimal | float | None, places: int = 1) -> str:
    """A ratio with its sign: `+12.3 %`."""
    text = pct(ratio, places)
    return f"+{text}" if ratio is not None and ratio > 0 else text


def number(value: Decimal | float | None, places: int = 0) -> str:
    """`12,345`; up to `places` decimals, without trailing zeros."""
    if value is None:
        return NOT_AVAILABLE
    rounded = _rounded(Decimal(str(value)), places)
    text = f"{abs(rounded):,}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS if rounded < 0 else ''}{text}"


def day(value: date) -> str:
    """`23 Nov 2026`."""
    return f"{value.day} {value:%b %Y}"


def period(value: BillingPeriod | date | str) -> str:
    """`November 2026`, from a period, its first day or `2026-11`."""
    if isinstance(value, BillingPeriod):
        return value.label
    return (BillingPeriod.parse(value) if isinstance(value, str) else BillingPeriod.of(value)).label


def _symbol(currency: str) -> str:
    code = currency or "USD"
    return SYMBOLS.get(code, f"{code}{NO_BREAK}")


def _rounded(value: Decimal, places: int) -> Decimal:
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    return abs(rounded) if rounded == 0 else rounded


def _short(value: Decimal) -> str:
    text = f"{value:.2f}" if value < 10 else f"{value:.1f}"
    return text.rstrip("0").rstrip(".")
