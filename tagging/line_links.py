"""Addresses of the lines behind a figure: the whole question stands in them."""

from collections.abc import Iterable
from urllib.parse import urlencode

from django.urls import reverse

from costs.periods import BillingPeriod, DateRange
from costs.queries import NOT_SET, CostQuery
from costs.terms import CostMetric

Pairs = Iterable[tuple[str, str]]


def lines_url(
    period: BillingPeriod,
    metric: CostMetric,
    *,
    currency: str = "",
    to: BillingPeriod | None = None,
    filters: Pairs = (),
) -> str:
    """The lines of a month (or of all months to another) on a basis; '' as a value asks for lines without one."""
    months = [("from", str(period)), ("to", str(to))] if to is not None and to != period else [("period", str(period))]
    pairs = [*months, ("basis", metric.value), *([("currency", currency)] if currency else [])]
    return f"{reverse('tagging:lines')}?{urlencode([*pairs, *((name, value or NOT_SET) for name, value in filters)])}"


def lines_of_days(days: DateRange, metric: CostMetric, *, currency: str = "", filters: Pairs = ()) -> str:
    """The lines that count within these days; whole months are asked for as such."""
    first, last = BillingPeriod(days.start.replace(day=1)), BillingPeriod(days.last.replace(day=1))
    is_whole = days.start == first.start and days.end == last.end
    cut = () if is_whole else (("day", days.start.isoformat()), ("until", days.last.isoformat()))
    return lines_url(first, metric, currency=currency, to=last, filters=(*filters, *cut))


def lines_of_query(query: CostQuery, *more: tuple[str, str]) -> str:
    """The lines behind a question about costs, narrowed further."""
    names = {name for name, _ in more}
    filters = [*(pair for pair in query.filters if pair[0] not in names), *more]
    return lines_url(query.first, query.metric, currency=query.currency, to=query.last, filters=filters)
