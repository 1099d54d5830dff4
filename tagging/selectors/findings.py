"""Findings within the reader's scope. A team sees those of its own costs and nothing of any other."""

from collections.abc import Collection
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import QuerySet, Sum

from costs.errors import NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.reading import read_once
from costs.scope import Scope
from costs.terms import FindingKind
from tagging.models import Finding, FindingMonth
from tagging.results.findings import (
    FindingDetail,
    FindingEvent,
    FindingRow,
    FindingTable,
    VerifiedMonth,
    total_of,
)
from tagging.selectors.labels import labels
from tagging.selectors.reach import MAIN_CURRENCY
from tagging.terms import FindingState, OwnerKind


def findings(
    scope: Scope,
    *,
    kinds: Collection[FindingKind] = (),
    states: Collection[FindingState] = (),
    team: str = "",
    search: str = "",
    currency: str = "",
) -> FindingTable:
    """The reader's findings, largest saving first; empty choices mean all. Two queries.

    `team` is a team's key or `(none)` for what nobody owns; `search` looks into id, name and reason. One currency:
    the one asked for, else USD where there is any, else the first by name.
    """
    everything = read_once(("findings", scope), lambda: _rows(scope))
    names = sorted({row.currency for row in everything}, key=lambda name: (name != MAIN_CURRENCY, name))
    chosen = currency or next(iter(names), MAIN_CURRENCY)
    rows = tuple(
        row
        for row in everything
        if row.currency == chosen
        and (not kinds or row.kind in kinds)
        and (not states or row.state in states)
        and (not team or (row.owner_key or "(none)") == team)
        and search.casefold() in f"{row.resource_id} {row.resource_name} {row.reason}".casefold()
    )
    by_kind = tuple(total_of(kind, rows) for kind in FindingKind)
    return FindingTable(
        rows=rows,
        by_kind=by_kind,
        total_monthly_cost=sum((total.monthly_cost for total in by_kind), ZERO),
        total_monthly_saving=sum((total.monthly_saving for total in by_kind), ZERO),
        verified_saving=sum((row.verified_saving for row in rows), ZERO),
        currency=chosen,
        other_currencies=tuple(name for name in names if name != chosen),
    )


def finding(scope: Scope, ref: str) -> FindingDetail:
    """One finding with evidence, events and measured months. Raises NotFoundInScopeError, also for another team's."""
    item = _reached(scope).filter(ref=ref).prefetch_related("months").first()
    if item is None:
        raise NotFoundInScopeError("Nothing here.")
    return FindingDetail(
        row=_row(scope, item, labels(scope, "team", [item.owner_key])),
        baseline_cost=item.baseline_cost,
        resource_ids=tuple(item.resource_ids),
        events=_events(item),
        months=tuple(
            VerifiedMonth(
                BillingPeriod.of(month.period), month.covered_days, month.baseline_cost, month.actual_cost, month.saving
            )
            for month in item.months.all()
            if _counts(scope, item)
        ),
    )


def saved_in(scope: Scope, period: BillingPeriod, *, currency: str) -> Decimal:
    """What findings that are done saved in this month, as verified on its bill. One query."""
    rows = _months(scope, currency).filter(period=period.start)
    return rows.aggregate(saved=Sum("saving"))["saved"] or ZERO


def verified_by_month(scope: Scope, *, currency: str) -> dict[BillingPeriod, dict[FindingKind, Decimal]]:
    """What findings that are done saved in each later month, by kind; months nothing was verified in are not there."""
    rows = _months(scope, currency)
    found: dict[BillingPeriod, dict[FindingKind, Decimal]] = {}
    for day, kind, saving in rows.order_by("period").values_list("period", "finding__kind").annotate(Sum("saving")):
        found.setdefault(BillingPeriod(day), {})[FindingKind(kind)] = saving
    return found


def _reached(scope: Scope) -> QuerySet[Finding]:
    found = Finding.objects.select_related("changed_by")
    if scope.everything:
        return found
    return found.filter(owner_kind=OwnerKind.TEAM.value, owner_key__in=scope.team_keys)


def _months(scope: Scope, currency: str) -> QuerySet[FindingMonth]:
    """Measured months that count for this reader."""
    rows = FindingMonth.objects.filter(finding__currency=currency)
    if scope.everything:
        return rows.filter(finding__went_to_another=False)
    return rows.filter(finding__in=_reached(scope).values("pk"))


def _counts(scope: Scope, item: Finding) -> bool:
    """Whether what was verified of it is a saving: for the company nothing is where a cost only went to another owner.

    Its own team's costs did fall; whether they went to another team must not be seen from what it reads.
    """
    return not (scope.everything and item.went_to_another)


def _rows(scope: Scope) -> tuple[FindingRow, ...]:
    items = list(_reached(scope))
    names = labels(scope, "team", {item.owner_key for item in items})
    rows = (_row(scope, item, names) for item in items)
    return tuple(sorted(rows, key=lambda row: (-row.monthly_saving, row.resource_id, row.ref)))


def _row(scope: Scope, item: Finding, names: dict[str, str]) -> FindingRow:
    return FindingRow(
        ref=item.ref,
        kind=FindingKind(item.kind),
        resource_id=item.resource_id,
        resource_name=item.resource_name,
        service_name=item.service_name,
        region_id=item.region_id,
        sub_account_id=item.sub_account_id,
        owner_key=item.owner_key,
        owner_label=names[item.owner_key],
        reason=item.reason,
        evidence=tuple((label, text) for label, text in item.evidence),
        period=BillingPeriod.of(item.period),
        monthly_cost=item.monthly_cost,
        monthly_saving=item.monthly_saving,
        currency=item.currency,
        state=FindingState(item.state),
        dismissed_until=item.dismissed_until,
        note=item.note,
        changed_by=_name(item.changed_by),
        changed_at=item.changed_at,
        first_seen_on=item.first_seen_on,
        last_seen_on=item.last_seen_on,
        done_on=item.done_on,
        verified_saving=item.verified_saving if _counts(scope, item) else ZERO,
    )


def _events(item: Finding) -> tuple[FindingEvent, ...]:
    history: Any = item.history.select_related("changed_by").order_by("-history_date", "-history_id")
    return tuple(
        FindingEvent(row.history_date, FindingState(row.state), _name(row.changed_by), row.note, row.dismissed_until)
        for row in history
    )


def _name(user: User | None) -> str:
    return "" if user is None else user.get_full_name() or user.get_username()
