"""The list of a month's resources: sums and order are of all of them, rows are made of those that are shown."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

from django.db.models import Q

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.results import OrderedRows, ResourceRow, ResourceTable
from tagging.selectors.judged import MOST_KEYS, JudgedMonth, in_parts, judged_month
from tagging.selectors.labels import team_names
from tagging.selectors.month_sums import Decided, Filters, decided, lines_wanted
from tagging.selectors.resource_rows import rows_by_key
from tagging.selectors.taggable import ids_of, last_texts
from tagging.selectors.virtual import virtual_values
from tagging.terms import TagState

_STATES = {"missing": TagState.MISSING, "invalid": TagState.INVALID}


@dataclass(frozen=True)
class MonthRows(OrderedRows):
    """Rows of a judged month. Some thousand of them are held at a time."""

    month: JudgedMonth
    metric: CostMetric
    where: Q
    entries: tuple[Decided, ...]

    def made(self, entries: Sequence[Decided]) -> list[ResourceRow]:
        """The rows of these entries, in their order."""
        part = self.month.part([each.resource_key for each in entries], self.metric, self.where)
        rows = rows_by_key(part, part.lines)
        return [rows[each.resource_key] for each in entries]

    def ordered(self, keys: Sequence[tuple[str, bool]]) -> "MonthRows":
        """The same by these fields of a row (and whether from the highest down), the first one first."""
        entries = list(self.entries)
        for name, is_falling in reversed(keys):
            entries.sort(key=self.field(name), reverse=is_falling)
        return replace(self, entries=tuple(entries))

    def field(self, name: str) -> Callable[[Decided], Any]:
        """What the row of an entry will say under this name."""
        slices = self.month.slices
        if name == "cost":
            return lambda each: each.cost
        if name == "resource_id":
            ids = ids_of_keys(self.month, [each.resource_key for each in self.entries])
            return lambda each: ids[each.resource_key]
        if name == "team_name":
            names = team_names({slices[each.slice_key].team for each in self.entries})
            return lambda each: names.get(slices[each.slice_key].team, "")
        place = _PLACE_OF[name]
        return lambda each: getattr(slices[each.slice_key], place)

    @property
    def to_fix(self) -> int:
        """How many of them do not comply."""
        judgement = self.month.judgement
        return sum(not judgement(each.resource_key, each.slice_key).is_compliant for each in self.entries)

    @property
    def has_suggested(self) -> bool:
        """Whether any of them has a value of ours."""
        ours = virtual_values(self.month.reach)
        return any(row.suggested for row in self.made([each for each in self.entries if each.resource_key in ours]))


_PLACE_OF = {
    "team_key": "team",
    "service_name": "service",
    "sub_account_id": "account",
    "sub_account_name": "account_name",
    "region_id": "region",
}


def resources(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> ResourceTable:
    """Taggable resources with cost and tag states.

    `filters`: (dimension, value) for team, service, region, account, environment; ("state", "compliant" or "to_fix"),
    ("missing", KEY), ("invalid", KEY), ("search", text in id or name). Others are left alone.
    """
    month, where = judged_month(scope, period, currency), lines_wanted(filters)
    found = [each for each in decided(month, metric, filters) if _wanted(month, each, filters)]
    for name, value in filters:
        if name == "search":
            found = _with_text(month, found, value, where)
    rows = MonthRows(month, metric, where, tuple(_dearest_first(month, found)))
    return ResourceTable(
        period=period,
        metric=metric,
        currency=month.reach.currency,
        policy_keys=tuple(key.key for key in month.policy),
        rows=rows,
        total=sum((each.cost for each in rows.entries), ZERO),
        unread_keys=month.unread,
    )


def _wanted(month: JudgedMonth, each: Decided, filters: Filters) -> bool:
    """Whether what is said of a resource is what these filters ask for."""
    asked = [(name, value) for name, value in filters if name == "state" or name in _STATES]
    if not asked:
        return True
    judgement = month.judgement(each.resource_key, each.slice_key)
    states = {key.key: state for key, state in zip(month.policy, judgement.states, strict=True)}
    return all(
        judgement.is_compliant == (value == "compliant") if name == "state" else states.get(value) is _STATES[name]
        for name, value in asked
    )


def _dearest_first(month: JudgedMonth, found: Sequence[Decided]) -> list[Decided]:
    """By cost; those that cost the same by id and account, which nobody else's ids are read for."""
    ordered = sorted(found, key=attrgetter("cost"), reverse=True)
    tied = {one.cost for one, following in pairwise(ordered) if one.cost == following.cost}
    if not tied:
        return ordered
    ids = ids_of_keys(month, [each.resource_key for each in ordered if each.cost in tied])
    runs = groupby(ordered, key=attrgetter("cost"))
    return [
        each for cost, run in runs for each in (sorted(run, key=partial(_place, month, ids)) if cost in tied else run)
    ]


def _place(month: JudgedMonth, ids: Mapping[int, str], each: Decided) -> tuple[str, str]:
    return ids[each.resource_key], month.slices[each.slice_key].account


def ids_of_keys(month: JudgedMonth, keys: Sequence[int]) -> Mapping[int, str]:
    """Ids of the reader's own resources."""
    if len(keys) > MOST_KEYS:
        return ids_of(month.reach)
    return {key: text for some in in_parts(keys) for key, text in intake.ids_of_resources(Scope.all(), some).items()}


def _with_text(month: JudgedMonth, found: Sequence[Decided], text: str, where: Q) -> list[Decided]:
    """Those with the text in their id or name, whatever its case. The database finds those that may have it: of
    letters beyond ASCII databases know no other case, so that of these all are looked at.
    """
    wanted, word = text.casefold(), max(text.split(), key=len, default="")
    lines = month.lines.filter(where) if where else month.lines
    may = Q() if not word.isascii() else Q(resource__resource_id__icontains=word) | Q(name__icontains=word)
    ids = dict(lines.filter(may).values_list("resource_id", "resource__resource_id").distinct())
    sure = {key for key, resource_id in ids.items() if wanted in resource_id.casefold()}
    others = {each.resource_key for each in found if each.resource_key in ids} - sure
    part = month.part(others, CostMetric.EFFECTIVE, where or None)
    names = last_texts(part, others, 3)
    sure |= {key for key in others if wanted in f"{ids[key]} {names.get(key, '')}".casefold()}
    return [each for each in found if each.resource_key in sure]
