"""What is asked of costs: months, basis, grouping, filters. Pages, API and exports share it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from costs.errors import InvalidRequestError
from costs.periods import BillingPeriod, DateRange
from costs.terms import CostMetric

# Every dimension costs can be grouped and filtered by, with its name for people. `tag:KEY` comes on top.
DIMENSIONS: dict[str, str] = {
    "team": "Team",
    "service": "Service",
    "account": "Account",
    "region": "Region",
    "environment": "Environment",
    "category": "Charge category",
    "usage_type": "Usage type",
    "cost_center": "Cost centre",
    "project": "Project",
    "owner": "Owner tag",
}
TAG_PREFIX = "tag:"
# Stands for "has no value" as the key of a row and as a filter value; never a value of real data.
NOT_SET = "(none)"
MAX_MONTHS = 36
MAX_TOP = 50


class Granularity(StrEnum):
    """The width of one point of a series. Weeks start on Monday, the first is cut to the range."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class CostQuery:
    """Months `first` to `last` inclusive, grouped by one dimension.

    `filters` are (dimension, value) pairs: several values of one dimension are alternatives, different
    dimensions must all hold. `currency` is empty for the reader's main currency. `top` bounds charts,
    never tables.
    """

    first: BillingPeriod
    last: BillingPeriod
    group_by: str = "service"
    granularity: Granularity = Granularity.MONTH
    metric: CostMetric = CostMetric.BILLED
    currency: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    top: int = 8

    @property
    def periods(self) -> tuple[BillingPeriod, ...]:
        """Every month asked for, oldest first."""
        months = (self.last.start.year - self.first.start.year) * 12 + self.last.start.month - self.first.start.month
        return self.last.back(months + 1)

    @property
    def days(self) -> DateRange:
        """From the first day of the first month to the end (exclusive) of the last."""
        return DateRange(self.first.start, self.last.end)

    def values_of(self, dimension: str) -> tuple[str, ...]:
        """The filter values of one dimension; empty where it is not filtered."""
        return tuple(value for name, value in self.filters if name == dimension)

    def grouped_by(self, dimension: str) -> "CostQuery":
        """The same question grouped another way."""
        return replace(self, group_by=check_dimension(dimension))

    def narrowed_to(self, dimension: str, value: str) -> "CostQuery":
        """The same question with this dimension filtered to one value (a drill-down)."""
        kept = tuple(pair for pair in self.filters if pair[0] != dimension)
        return replace(self, filters=(*kept, (check_dimension(dimension), value)))

    def previous(self) -> "CostQuery":
        """The same number of months just before."""
        months = len(self.periods)
        before = self.first.previous()
        return replace(self, first=before.back(months)[0], last=before)

    def params(self) -> list[tuple[str, str]]:
        """The question as URL parameters; `parse_query` gives it back."""
        pairs = [("from", str(self.first)), ("to", str(self.last)), ("by", self.group_by)]
        pairs += [("per", self.granularity.value), ("basis", self.metric.value)]
        if self.currency:
            pairs.append(("currency", self.currency))
        return pairs + list(self.filters)


def parse_query(params: Mapping[str, Sequence[str]], *, latest: BillingPeriod) -> CostQuery:
    """Read a query from URL parameters (lists by name), empty ones ignored; `latest` is the default month.

    Known: `from`, `to` (or `period` for both), `by`, `per`, `basis`, `currency`, and every dimension or
    `tag:KEY` as a filter, repeatable. Others are left alone. Raises InvalidRequestError naming what is wrong.
    """
    last = _month(params, "to") or _month(params, "period") or latest
    first = _month(params, "from") or _month(params, "period") or last
    if first > last:
        raise InvalidRequestError(f"The range starts ({first}) after it ends ({last}). Swap from and to.")
    query = CostQuery(
        first=first,
        last=last,
        group_by=check_dimension(_one(params, "by") or "service"),
        granularity=_granularity(_one(params, "per") or Granularity.MONTH.value),
        metric=parse_metric(_one(params, "basis") or CostMetric.BILLED.value),
        currency=_one(params, "currency").upper(),
        filters=_filters(params),
    )
    months = (last.start.year - first.start.year) * 12 + last.start.month - first.start.month + 1
    if months > MAX_MONTHS:
        raise InvalidRequestError(f"{months} months are too many at once. Ask for at most {MAX_MONTHS}.")
    return query


def parse_metric(text: str) -> CostMetric:
    """The cost basis of that name; InvalidRequestError lists the known ones."""
    try:
        return CostMetric(text.strip().lower())
    except ValueError as error:
        raise InvalidRequestError(f"'{text}' is not a cost basis. Use {_listed(CostMetric)}.") from error


def check_dimension(name: str) -> str:
    """The dimension as it is written here (`tag:KEY` keeps the key's case); InvalidRequestError lists them."""
    text = name.strip()
    if text.lower().startswith(TAG_PREFIX) and text[len(TAG_PREFIX) :].strip():
        return TAG_PREFIX + text[len(TAG_PREFIX) :].strip()
    if text.lower() in DIMENSIONS:
        return text.lower()
    raise InvalidRequestError(f"'{name}' is not a dimension. Use {_listed(DIMENSIONS)} or tag:KEY.")


def tag_key_of(dimension: str) -> str:
    """KEY of `tag:KEY`, or '' for any other dimension."""
    return dimension[len(TAG_PREFIX) :] if dimension.startswith(TAG_PREFIX) else ""


def dimension_label(dimension: str) -> str:
    """`Service`, `Tag department`: the dimension in words."""
    key = tag_key_of(dimension)
    return f"Tag {key}" if key else DIMENSIONS[dimension]


def _filters(params: Mapping[str, Sequence[str]]) -> tuple[tuple[str, str], ...]:
    names = [name for name in params if name in DIMENSIONS or name.lower().startswith(TAG_PREFIX)]
    return tuple(
        (check_dimension(name), value.strip()) for name in sorted(names) for value in params[name] if value.strip()
    )


def _granularity(text: str) -> Granularity:
    try:
        return Granularity(text.lower())
    except ValueError as error:
        raise InvalidRequestError(f"'{text}' is not a granularity. Use {_listed(Granularity)}.") from error


def _month(params: Mapping[str, Sequence[str]], name: str) -> BillingPeriod | None:
    text = _one(params, name)
    return BillingPeriod.parse(text) if text else None


def _one(params: Mapping[str, Sequence[str]], name: str) -> str:
    values = params.get(name) or ("",)
    return values[-1].strip()


def _listed(names: Iterable[str]) -> str:
    return ", ".join(str(name) for name in names)
