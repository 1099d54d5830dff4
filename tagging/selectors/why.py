"""Why is this mine? From a figure to the rules, the slices and the lines of the bill behind it."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum

from costs import selectors as intake
from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.money import ZERO, round_money
from costs.periods import BillingPeriod
from costs.queries import NOT_SET, tag_key_of
from costs.reading import read_once
from costs.scope import Scope
from costs.selectors import Line, LineFilter
from costs.terms import CostMetric
from tagging.results import ChargeLines, Decision, Decisions, SliceRow
from tagging.selectors.labels import UNALLOCATED
from tagging.selectors.reach import Reach, reach
from tagging.selectors.shown_tags import shown_tags
from tagging.selectors.sums import EVERYTHING, Ask, own_slices, slice_figures, slice_rows, untracked_keys
from tagging.selectors.teams import owner_by_key

LINES_PER_PAGE = 100
LINES_PER_READ = 20_000
# What a filter can name beyond the dimensions: known to lines, not to slices.
ON_LINES = ("resource", "day")
Filters = tuple[tuple[str, str], ...]

_RULE, _MATCHED = "owned__rule_text", "owned__matched_text"
_PLACE = ("slice__service_name", "slice__sub_account_id", "slice__region_id", "slice__usage_type", "slice__operation")
_KIND = ("slice__charge_category", "slice__line_kind", "slice__tags")


def decisions(
    scope: Scope,
    period: BillingPeriod,
    *,
    team_key: str,
    metric: CostMetric,
    currency: str = "",
    filters: Filters = (),
) -> Decisions:
    """Which rules gave the team its costs, with what they matched; `team_key` '' is nobody (staff only).

    `filters` are (dimension, value) pairs as in `CostQuery`. Raises NotFoundInScopeError.
    """
    if team_key in ("", NOT_SET):
        scope.require_everything()
        name, filters = UNALLOCATED, (*filters, ("team", NOT_SET))
    else:
        name, filters = owner_by_key(scope, team_key).name, (*filters, ("team", team_key))
    ask = _ask(scope, period, metric, currency, filters)
    rows = _decisions(ask)
    return Decisions(
        period=period,
        team_key="" if team_key == NOT_SET else team_key,
        team_name=name,
        metric=metric,
        currency=ask.reach.currency,
        rows=tuple(sorted(rows, key=lambda row: (-row.cost, row.rule_text, row.matched_text))),
        total=sum((row.cost for row in rows), ZERO),
    )


def decision_slices(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> tuple[SliceRow, ...]:
    """The slices behind a figure, largest first. `filters` may also hold ("decision", Decision.ref)."""
    rows = _slices(_ask(scope, period, metric, currency, filters))
    names = intake.account_names(scope, {row.sub_account_id for row in rows})
    named = [replace(row, sub_account_name=names.get(row.sub_account_id, "")) for row in rows]
    return tuple(sorted(named, key=lambda row: (-row.cost, row.service_name, row.usage_type, row.operation, row.tags)))


def _decisions(ask: Ask) -> list[Decision]:
    if ask.reach.scope.everything and _stored(ask) == ask.filters:
        found = slice_rows(ask).order_by().values_list(_RULE, _MATCHED)
        summed = found.annotate(Sum(ask.metric.column), Count("slice_id", distinct=True))
        return [Decision(decision_ref(row[0], row[1]), *row) for row in summed]
    # Counted as shown: how many slices there are says whether others' rules tell them apart.
    counted: dict[tuple[str, str], tuple[Decimal, int]] = {}
    for row in _slices(ask):
        cost, slices = counted.get((row.rule_text, row.matched_text), (ZERO, 0))
        counted[row.rule_text, row.matched_text] = (cost + row.cost, slices + 1)
    return [Decision(decision_ref(*key), *key, cost, slices) for key, (cost, slices) in counted.items()]


def _slices(ask: Ask) -> tuple[SliceRow, ...]:
    """What the reader is shown of the slices; those that differ in nothing shown are one."""
    return read_once(("slices behind", ask), lambda: _read_slices(ask))


def _read_slices(ask: Ask) -> tuple[SliceRow, ...]:
    shown = shown_tags(ask.reach.scope)
    costs: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for *place, tags, rule, matched, cost in slice_figures(ask, *_PLACE, *_KIND, _RULE, _MATCHED):
        costs[*place, shown.of(tags), rule, matched] += cost
    return tuple(
        SliceRow(
            service_name=row[0],
            sub_account_id=row[1],
            sub_account_name="",
            region_id=row[2],
            usage_type=row[3],
            operation=row[4],
            charge_category=row[5],
            line_kind=row[6],
            tags=row[7],
            rule_text=row[8],
            matched_text=row[9],
            cost=cost,
        )
        for row, cost in costs.items()
    )


def charge_lines(
    scope: Scope,
    period: BillingPeriod,
    *,
    metric: CostMetric,
    currency: str = "",
    filters: Filters = (),
    page: int = 1,
) -> ChargeLines:
    """The lines of the bill behind a figure, from the charge store, by time, LINES_PER_PAGE at a time.

    `filters` as in `decision_slices`, and ("resource", resource_id), ("day", "2025-11-03"). A page past
    the last is empty.
    """
    ask, wanted = _lines_wanted(_ask_lines(scope, period, metric, currency, filters), filters)
    offset = (max(1, page) - 1) * LINES_PER_PAGE
    found = intake.line_page(EVERYTHING, ask.reach.imports, wanted, metric=metric, limit=LINES_PER_PAGE, offset=offset)
    return ChargeLines(
        period=period,
        metric=metric,
        currency=ask.reach.currency,
        total_cost=round_money(found.total),
        line_count=found.count,
        page=max(1, page),
        page_size=LINES_PER_PAGE,
        rows=found.lines,
    )


def all_charge_lines(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> Iterator[Line]:
    """Every line that `charge_lines` pages through, in its order, read LINES_PER_READ at a time for files."""
    ask, wanted = _lines_wanted(_ask_lines(scope, period, metric, currency, filters), filters)
    offset, count = 0, 1
    while offset < count:
        found = intake.line_page(
            EVERYTHING, ask.reach.imports, wanted, metric=metric, limit=LINES_PER_READ, offset=offset
        )
        yield from found.lines
        offset, count = offset + LINES_PER_READ, found.count


def decision_ref(rule_text: str, matched_text: str) -> str:
    """A short name for a rule and what it matched, the same wherever it is shown."""
    return hashlib.sha256(f"{rule_text}\0{matched_text}".encode()).hexdigest()[:16]


def _ask_lines(scope: Scope, period: BillingPeriod, metric: CostMetric, currency: str, filters: Filters) -> Ask:
    """The question without what only lines know."""
    return _ask(scope, period, metric, currency, tuple(pair for pair in filters if pair[0] not in ON_LINES))


def _lines_wanted(ask: Ask, filters: Filters) -> tuple[Ask, LineFilter]:
    """Which lines answer a question: those of the reader's slices, and what only lines know."""
    on_lines = {name: value for name, value in filters if name in ON_LINES}
    untracked = untracked_keys(ask.reach, {name for name, _ in ask.filters})
    stored = tuple(pair for pair in ask.filters if tag_key_of(pair[0]) not in untracked)
    tags = {key: [value for name, value in ask.filters if tag_key_of(name) == key] for key in sorted(untracked)}
    wanted = LineFilter(
        slice_keys=own_slices(replace(ask, filters=stored)),
        resource_id=on_lines.get("resource", ""),
        day=_day(on_lines.get("day", "")),
        tags=tuple((key, tuple("" if value == NOT_SET else value for value in tags[key])) for key in tags),
    )
    return ask, wanted


def _ask(scope: Scope, period: BillingPeriod, metric: CostMetric, currency: str, filters: Filters) -> Ask:
    return ask_with_decision(reach(scope, (period,), currency), metric, filters)


def ask_with_decision(found: Reach, metric: CostMetric, filters: Filters) -> Ask:
    """The question, with ("decision", ref) as the rule and match it stands for. Raises NotFoundInScopeError."""
    ask = Ask(found, metric, tuple(pair for pair in filters if pair[0] != "decision"))
    refs = {value for name, value in filters if name == "decision"}
    if not refs:
        return ask
    pairs = slice_rows(replace(ask, filters=_stored(ask))).order_by().values_list(_RULE, _MATCHED).distinct()
    chosen = [pair for pair in pairs if decision_ref(*pair) in refs]
    if not chosen:
        raise NotFoundInScopeError("No such decision in this month.")
    texts = [(("rule_text", rule or NOT_SET), ("matched_text", matched or NOT_SET)) for rule, matched in chosen]
    return replace(ask, filters=(*ask.filters, *(text for pair in texts for text in pair)))


def _stored(ask: Ask) -> Filters:
    untracked = untracked_keys(ask.reach, {name for name, _ in ask.filters})
    return tuple(pair for pair in ask.filters if tag_key_of(pair[0]) not in untracked)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidRequestError(f"'{text}' is not a day. Write it as YYYY-MM-DD, like 2025-11-03.") from error
