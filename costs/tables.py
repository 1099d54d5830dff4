"""The base of every table: columns for money, shares, bars and links; sort, page and export by URL.

    class StatementTable(FinopsTable):
        team = LinkColumn(url="url")
        total_cost = MoneyColumn("Total", currency="USD")

    table = StatementTable(rows, request=request, caption="Statements, November 2026", prefix="s-")
    if response := table.export(name="chargeback-2026-11", title_rows=[("Basis", "Billed cost")]):
        return response

`rows` is a list of frozen dataclasses or dicts, or a QuerySet. `{% load render_table from django_tables2 %}`
`{% render_table table %}` draws it with `_table.html`; htmx swaps only the table, without it links work.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django_tables2.utils import Accessor

from costs import figures
from costs.adding import Amounts, Booked, Sums, foot, shown_cents
from costs.charts import draw_meter
from costs.exports import ColumnKind, ExportColumn, TitleRows, export_response
from costs.money import ZERO, plain
from costs.pages import LAST_PAGE, bounded

NUMERIC = {"th": {"class": "num"}, "td": {"class": "num"}, "tf": {"class": "num"}}
PER_PAGE = 50
MOST_PER_PAGE = 500
LINES_BEHIND = "The lines of the bill behind it"
NOTHING = "Nothing here for this choice. Widen the filters or pick another month."


class FinopsTable(tables.Table):
    """A table with a caption, a place of its own on the page, and an export of all its rows."""

    shown: Mapping[int, Amounts] = {}  # by the record's id: its amounts in cents that add up
    foot: Amounts = {}  # what they add up to

    def __init__(
        self, data: Any = None, *, request: HttpRequest, caption: str = "", per_page: int = PER_PAGE, **options: Any
    ) -> None:
        # Not in a Meta: django-tables2 does not inherit it.
        super().__init__(
            data, **{"empty_text": self._meta.empty_text or NOTHING, "template_name": "_table.html"} | options
        )
        self.request, self.caption = request, caption
        self.element_id = f"table-{self.prefix or ''}{type(self).__name__.lower()}"
        self._configure(request, per_page)

    def _configure(self, request: HttpRequest, per_page: int) -> None:
        """Sort and page as the URL says; django-tables2's own reading of it takes any number."""
        if order := request.GET.getlist(self.prefixed_order_by_field):
            self.order_by = order
        rows = bounded(request.GET.get(self.prefixed_per_page_field, ""), default=per_page, largest=MOST_PER_PAGE)
        page = bounded(request.GET.get(self.prefixed_page_field, ""), default=1, largest=LAST_PAGE)
        self.paginate(per_page=rows)
        self.page = self.paginator.get_page(page)

    def add_up(
        self,
        records: Sequence[Any],
        sums: Sums,
        booked: Sequence[Booked] | None = None,
        *,
        whole: Decimal | None = None,
    ) -> None:
        """Show the amounts of the records, all rows of the table, in cents that add up; files keep them as they are.

        Not of more rows than a page can show: nobody adds those up, and it takes time.
        """
        if len(records) > MOST_PER_PAGE:
            return
        accessors = {bound.name: bound.accessor for bound in self.columns if bound.name in sums.names}
        present = sums.within(accessors)
        lines = [{name: accessors[name].resolve(record) or ZERO for name in present.names} for record in records]
        self.show(records, shown_cents(lines, present, booked, whole=whole))

    def show(self, records: Sequence[Any], cents: Sequence[Amounts]) -> None:
        """Show these amounts of the records instead of their own; their sums stand in the foot."""
        self.shown, self.foot = {id(record): row for record, row in zip(records, cents, strict=True)}, foot(cents)

    def cents(self, record: Any, name: str) -> Decimal | None:
        """The record's amount as the table shows it, in cents that add up; None where each is rounded by itself."""
        return self.shown.get(id(record), {}).get(name)

    def export(self, *, name: str, title_rows: TitleRows) -> HttpResponseBase | None:
        """The whole table (all pages, sorted as shown) as the file `?format=` asks for, or None."""
        shown = [column for column in self.columns if not column.column.exclude_from_export]
        columns = [
            ExportColumn(str(column.header), getattr(column.column, "export_kind", ColumnKind.TEXT)) for column in shown
        ]
        rows = ([_export_value(column, row.record) for column in shown] for row in self.rows)
        return export_response(self.request, name=name, title_rows=title_rows, columns=columns, rows=rows)


def _export_value(bound: Any, record: Any) -> Any:
    value = bound.accessor.resolve(record, quiet=True)
    if as_value := getattr(bound.column, "export_value", None):
        return as_value(value, record)
    as_text = getattr(bound.column, "export_text", None)
    return as_text(value) if as_text else value


class MoneyColumn(tables.Column):
    """Money, right-aligned, in tabular figures. `currency` is a code, or `currency_of` an accessor of the row.

    `lines` is the row's attribute with the address of the lines behind the figure, or a function of the row; `leads_to`
    says what is there instead of lines.
    """

    export_kind = ColumnKind.MONEY

    def __init__(
        self,
        *args: Any,
        currency: str = "USD",
        currency_of: str = "",
        signed: bool = False,
        lines: str | Callable[[Any], str] = "",
        leads_to: str = "",
        **kw: Any,
    ) -> None:
        self.currency, self.currency_of, self.signed, self.lines = currency, currency_of, signed, lines
        self.leads_to = leads_to or LINES_BEHIND
        super().__init__(*args, attrs=kw.pop("attrs", NUMERIC), **kw)

    def render(self, value: Any, record: Any, table: Any, bound_column: Any) -> SafeString:
        cents = table.cents(record, bound_column.name)
        return opening_lines(self._figure(value, record, cents), self._address(record), self.leads_to)

    def _address(self, record: Any) -> str:
        if callable(self.lines):
            return self.lines(record)
        return str(Accessor(self.lines).resolve(record, quiet=True) or "") if self.lines else ""

    def _figure(self, value: Any, record: Any, cents: Decimal | None) -> SafeString:
        currency = Accessor(self.currency_of).resolve(record) if self.currency_of else self.currency
        if not self.signed:
            css = "money money-zero" if value == 0 else "money"
            return format_html(
                '<data class="{}" value="{}">{}</data>', css, plain(value), figures.money(value, currency, cents)
            )
        moved = cents or value
        css = "change-up" if moved > 0 else "change-down" if moved < 0 else "change-none"
        text = figures.change(value, currency, cents)
        return format_html('<data class="change {}" value="{}">{}</data>', css, plain(value), text)


class NumberColumn(tables.Column):
    """A count or quantity."""

    export_kind = ColumnKind.NUMBER

    def __init__(self, *args: Any, places: int = 0, **kw: Any) -> None:
        self.places = places
        super().__init__(*args, attrs=kw.pop("attrs", NUMERIC), **kw)

    def render(self, value: Any) -> str:
        return figures.number(value, self.places)


class PctColumn(tables.Column):
    """A ratio (1 is all) as per cent; None is `n/a`."""

    export_kind = ColumnKind.RATIO
    empty_values = ()

    def __init__(self, *args: Any, signed: bool = False, **kw: Any) -> None:
        self.signed = signed
        super().__init__(*args, attrs=kw.pop("attrs", NUMERIC), **kw)

    def render(self, value: Any) -> SafeString | str:
        if value is None or not self.signed:
            return figures.pct(value)
        css = "change-up" if value > 0 else "change-down" if value < 0 else "change-none"
        return format_html('<span class="change {}">{}</span>', css, figures.pct_change(value))


class BarColumn(tables.Column):
    """A ratio (0 to 1) as a bar with its per cent. `tone(record)` may give good, warn or bad."""

    export_kind = ColumnKind.RATIO
    empty_values = ()

    def __init__(self, *args: Any, tone: Callable[[Any], str] | None = None, **kw: Any) -> None:
        self.tone = tone
        super().__init__(*args, attrs=kw.pop("attrs", {"th": {"class": "bar-head"}, "td": {"class": "bar-cell"}}), **kw)

    def render(self, value: Any, record: Any) -> SafeString:
        return bar_markup(value, self.tone(record) if self.tone else "")


class LinkColumn(tables.Column):
    """Text that leads somewhere. `url` is the row's attribute with the address, or a function of the row."""

    def __init__(self, *args: Any, url: str | Callable[[Any], str], **kw: Any) -> None:
        def address(record: Any) -> str | None:
            return (url(record) if callable(url) else Accessor(url).resolve(record, quiet=True)) or None

        super().__init__(*args, linkify=address, **kw)


class BadgeColumn(tables.Column):
    """A state as a badge. `tones` maps the value to good, warn, bad or info; others are neutral."""

    def __init__(self, *args: Any, tones: dict[str, str] | None = None, **kw: Any) -> None:
        self.tones = tones or {}
        super().__init__(*args, **kw)

    def render(self, value: Any) -> SafeString:
        tone = self.tones.get(str(value), "neutral")
        text = str(value).replace("_", " ").capitalize()
        return format_html('<span class="badge badge-{}">{}</span>', tone, text)


class DayColumn(tables.Column):
    """A date as `23 Nov 2026`."""

    export_kind = ColumnKind.DATE

    def __init__(self, *args: Any, **kw: Any) -> None:
        super().__init__(*args, attrs=kw.pop("attrs", {"td": {"class": "nowrap"}}), **kw)

    def render(self, value: Any) -> str:
        return figures.day(value)


def opening_lines(figure: SafeString, url: str, leads_to: str = LINES_BEHIND) -> SafeString:
    """A figure as the way to what is behind it, lines of the bill mostly; the figure alone without an address."""
    if not url:
        return figure
    return format_html('<a class="to-lines" href="{}" title="{}">{}</a>', url, leads_to, figure)


def money_total(
    amount: Any, currency: str, url: str = "", *, signed: bool = False, cents: Decimal | None = None
) -> SafeString:
    """The foot of a column of money, as the way to the lines behind it where there is an address.

    `cents` are those its lines add up to on screen.
    """
    text = figures.change(amount, currency, cents) if signed else figures.money(amount, currency, cents)
    return opening_lines(format_html('<data value="{}">{}</data>', plain(amount), text), url)


def bar_markup(value: Any, tone: str = "") -> SafeString:
    """A ratio as a thin bar with its per cent; `n/a` for None."""
    if value is None:
        return format_html('<span class="muted">{}</span>', figures.NOT_AVAILABLE)
    bar = mark_safe(draw_meter(value, tone))  # noqa: S308 - the meter escapes what it is given
    return format_html('<span class="meter-line">{}<span class="meter-text">{}</span></span>', bar, figures.pct(value))
