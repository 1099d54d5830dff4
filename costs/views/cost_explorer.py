"""The bill beside AWS Cost Explorer: the same groups, the same filters, and every known difference by name."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django import forms
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString

from costs import figures, selectors
from costs.cost_explorer import LEFT_OUT, left_out_types
from costs.errors import InvalidRequestError
from costs.exports import TitleRow
from costs.money import plain
from costs.pages import request_scope, staff_page
from costs.periods import BillingPeriod
from costs.selectors import CeQuestion, CeRow, CeTable
from costs.tables import FinopsTable, MoneyColumn, money_total
from costs.terms import CostMetric

BASES = {CostMetric.UNBLENDED: "Unblended costs", CostMetric.EFFECTIVE: "Amortised costs"}
LEFT_OUT_NAMES = {
    "credits": "Credits",
    "refunds": "Refunds",
    "taxes": "Taxes",
    "upfront": "Upfront fees",
    "support": "Support fees",
}
MOST_MONTHS = 12


class CeForm(forms.Form):
    """What Cost Explorer is asked for as well."""

    period_from = forms.ChoiceField(label="From")
    period_to = forms.ChoiceField(label="To")
    basis = forms.ChoiceField(label="Show costs as", choices=[(key.value, label) for key, label in BASES.items()])
    per = forms.ChoiceField(label="Granularity", choices=[("month", "Monthly"), ("day", "Daily")])
    currency = forms.ChoiceField(label="Currency", required=False)
    without = forms.MultipleChoiceField(
        label="Leave out",
        required=False,
        choices=[(name, LEFT_OUT_NAMES[name]) for name in LEFT_OUT],
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, periods: Sequence[BillingPeriod], currencies: Sequence[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        months = [(str(month), month.label) for month in periods]
        self.fields["period_from"] = forms.ChoiceField(label="From", choices=months)
        self.fields["period_to"] = forms.ChoiceField(label="To", choices=months)
        self.fields["currency"] = forms.ChoiceField(label="Currency", choices=[(name, name) for name in currencies])
        if len(currencies) < 2:
            del self.fields["currency"]
        self.order_fields(["period_from", "period_to", "basis", "per", "currency", "without"])

    def add_prefix(self, field_name: str) -> str:
        """`from` and `to` in the URL, which Python does not take as names of fields."""
        return field_name.removeprefix("period_")


def _total(bound_column: Any, table: Any) -> SafeString:
    name = bound_column.name
    return money_total(table.totals[name], table.currency, ce_lines(table.found, at=_place(name)))


def _place(name: str) -> int | None:
    return int(name.removeprefix("at_")) if name.startswith("at_") else None


def ce_lines(found: CeTable, *, service: str = "", kind: str = "", at: int | None = None) -> str:
    """The lines behind a figure of the table: of a service or of all, of a charge type or of all that are not left out.

    `at` is the month or day, None for all of them.
    """
    question = found.question
    first, last = question.periods[0], question.periods[-1]
    days: list[tuple[str, str]] = []
    if at is not None and question.by_day:
        days = [("day", found.starts[at].isoformat())]
    elif at is not None:
        first = last = BillingPeriod(found.starts[at])
    out = {each.value for each in left_out_types(question.left_out)}
    kinds = [kind] if kind else [each.value for each, _ in found.by_type if each.value not in out]
    pairs = [("from", str(first)), ("to", str(last)), ("basis", question.metric.value), ("currency", found.currency)]
    pairs += [*([("ce_service", service)] if service else []), *(("ce_type", each) for each in kinds), *days]
    return f"{reverse('tagging:lines')}?{urlencode(pairs)}"


class CeServiceTable(FinopsTable):
    """Cost Explorer's services with ours beside them, and the amounts by month or day."""

    console_name = tables.Column("Cost Explorer's console", accessor="service__console_name", footer="Total")
    api_name = tables.Column("Its API and CSV", accessor="service__name")
    bill_services = tables.Column("Service here", orderable=False)
    cost = MoneyColumn("Total", footer=_total)

    class Meta:
        empty_text = "No lines of Cost and Usage Reports for this choice."

    def __init__(self, found: CeTable, *, labels: Sequence[str], **options: Any) -> None:
        self.found, self.currency = found, found.currency
        self.totals = {"cost": found.total} | {f"at_{at}": total for at, total in enumerate(found.totals)}
        more = [
            (f"at_{at}", MoneyColumn(label, accessor=f"points__{at}", footer=_total)) for at, label in enumerate(labels)
        ]
        super().__init__(list(found.rows), extra_columns=more if len(labels) > 1 else [], **options)
        for bound in self.columns:
            if isinstance(bound.column, MoneyColumn):
                bound.column.currency = found.currency
                bound.column.lines = self._lines_at(_place(bound.name))

    def _lines_at(self, at: int | None) -> Callable[[CeRow], str]:
        return lambda row: ce_lines(self.found, service=row.service.key, at=at)

    def render_bill_services(self, value: tuple[str, ...]) -> str:
        return ", ".join(value)

    def value_bill_services(self, value: tuple[str, ...]) -> str:
        return ", ".join(value)


@staff_page
def cost_explorer(request: HttpRequest) -> HttpResponseBase:
    """AWS bills by Cost Explorer's services, by month or day, with every known difference."""
    scope = request_scope(request)
    periods = selectors.periods_with_costs(scope)
    if not periods:
        return render(request, "costs/cost_explorer.html", {"found": None})
    question = asked(request, periods)
    found = selectors.cost_explorer_table(scope, question)
    labels = [label_of(start, by_day=question.by_day) for start in found.starts]
    table = CeServiceTable(
        found, labels=labels, request=request, caption="Costs by Cost Explorer's services", per_page=100
    )
    title_rows = title_rows_of(found)
    if response := table.export(name=f"cost-explorer-{question.periods[0]}", title_rows=title_rows):
        return response
    months = question.periods
    form = CeForm(
        initial={
            "period_from": str(months[0]),
            "period_to": str(months[-1]),
            "basis": question.metric.value,
            "per": "day" if question.by_day else "month",
            "without": list(question.left_out),
            "currency": found.currency,
        },
        periods=sorted({*periods, *months}, reverse=True),
        currencies=found.currencies,
    )
    basis_name = BASES[question.metric]
    context = {
        "found": found,
        "table": table,
        "form": form,
        "basis_name": basis_name,
        "left_out": _left_out(question),
        "lines_url": ce_lines(found),
        "by_type": [(kind.value, amount, ce_lines(found, kind=kind.value)) for kind, amount in found.by_type],
    }
    return render(request, "costs/cost_explorer.html", context)


def asked(request: HttpRequest, periods: Sequence[BillingPeriod]) -> CeQuestion:
    """The question in the address. Raises InvalidRequestError naming what is wrong."""
    last = _month(request, "to") or _month(request, "period") or periods[0]
    first = _month(request, "from") or _month(request, "period") or last
    count = (last.start.year - first.start.year) * 12 + last.start.month - first.start.month + 1
    if not 1 <= count <= MOST_MONTHS:
        raise InvalidRequestError(f"From {first} to {last} are not 1 to {MOST_MONTHS} months. Correct one of them.")
    basis, per = request.GET.get("basis") or "unblended", request.GET.get("per") or "month"
    if basis not in {metric.value for metric in BASES}:
        raise InvalidRequestError(f"'{basis}' is not what this page compares. Use unblended or effective.")
    if per not in {"month", "day"} or (per == "day" and count > 1):
        raise InvalidRequestError("Costs come by month, or by day of one month.")
    left_out = tuple(name for name in request.GET.getlist("without") if name)
    if unknown := [name for name in left_out if name not in LEFT_OUT]:
        raise InvalidRequestError(f"'{unknown[0]}' cannot be left out. Use {', '.join(LEFT_OUT)}.")
    currency = request.GET.get("currency", "").upper()
    return CeQuestion(last.back(count), CostMetric(basis), per == "day", left_out, currency)


def title_rows_of(found: CeTable) -> list[TitleRow]:
    """What a file says of itself, with every known difference."""
    question = found.question
    return [
        ("Months", f"{question.periods[0]} to {question.periods[-1]}"),
        ("Costs", BASES[question.metric]),
        ("Currency", found.currency),
        ("Left out", ", ".join(_left_out(question)) or "nothing"),
        ("Total", found.total),
        *((f"Difference: {row.title}", _told(row.text, row.amount)) for row in found.differences),
    ]


def label_of(start: date, *, by_day: bool) -> str:
    """`2 Nov 2025` or `November 2025`."""
    return figures.day(start) if by_day else figures.period(start)


def _told(text: str, amount: Any) -> str:
    return text if amount is None else f"{text} ({plain(amount)})"


def _left_out(question: CeQuestion) -> list[str]:
    return [LEFT_OUT_NAMES[name].lower() for name in question.left_out]


def _month(request: HttpRequest, name: str) -> BillingPeriod | None:
    text = request.GET.get(name, "").strip()
    return BillingPeriod.parse(text) if text else None
