"""Where a month's close stands and what it gives, for pages, the API and the command. For FinOps staff."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from costs.errors import NotFoundInScopeError
from costs.money import ZERO, round_to_cents
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.closing import Owner, document_cents
from tagging.models import Close, CloseEvent, StatementLine, Team
from tagging.owners import center_of
from tagging.results.closes import AdjustmentRow, CloseEventRow, MonthEnd, MonthEndRow, Obstacle
from tagging.selectors.closed_figures import StoredMonth, bill_version_of, pending_of, stored_month
from tagging.selectors.closes import pending_by_month, pool_names_of
from tagging.selectors.disputes import open_disputes
from tagging.selectors.inactive import owners_out_of_use
from tagging.selectors.labels import labels
from tagging.selectors.month_ends import MonthDraft, basis_warnings, month_draft
from tagging.selectors.reach import Reach, reach
from tagging.selectors.versions import month_versions
from tagging.terms import LineKind, OwnerKind


def month_end(
    scope: Scope,
    period: BillingPeriod,
    *,
    today: date,
    metric: CostMetric | None = None,
    currency: str = "",
    version: int | None = None,
) -> MonthEnd:
    """The month as it is closed, or as it would close now. `metric` is the one charged where not given.

    `version` is one it was closed in, as it was stored. Raises NotFoundInScopeError for teams and an unknown version.
    """
    scope.require_everything()
    found = reach(scope, (period,), currency)
    asked = metric or CostMetric.BILLED
    probe = stored_month(found, period, asked, version)
    if probe is None and version is not None:
        raise NotFoundInScopeError("Nothing here.")
    if probe is None:
        return _open(found, month_draft(scope, period, metric=asked, today=today, currency=found.currency))
    chosen = metric or CostMetric(probe.close.basis)
    stored = probe if chosen is probe.metric else stored_month(found, period, chosen, version)
    assert stored is not None
    return _closed(stored)


def adjustments(scope: Scope, *, metric: CostMetric, currency: str = "") -> tuple[AdjustmentRow, ...]:
    """Corrections that closed months carry and those that wait, newest origin first. For FinOps staff."""
    scope.require_everything()
    chosen = reach(scope, None, currency).currency
    rows = StatementLine.objects.filter(kind=LineKind.ADJUSTMENT.value, statement__close__currency=chosen).exclude(
        statement__close__state="reopened"
    )
    carried = [
        AdjustmentRow(
            origin=f"{row.origin_period:%Y-%m}",
            origin_version=row.origin_version or 0,
            to=f"{row.statement.close.period:%Y-%m}",
            owner=row.statement.owner_name,
            kind=row.origin_kind,
            service_name=row.service_name or row.pool_name,
            sub_account_id=row.sub_account_id,
            charge_category=row.charge_category,
            cost=getattr(row, metric.column),
        )
        for row in rows.select_related("statement__close")
    ]
    return tuple(
        sorted((*carried, *_waiting(chosen, metric)), key=lambda row: (row.origin, row.to, row.owner), reverse=True)
    )


def _waiting(currency: str, metric: CostMetric) -> list[AdjustmentRow]:
    at = COST_COLUMNS.index(metric.column)
    found = pending_by_month(currency)
    pools = {line.pool_key for lines in found.values() for line in lines if line.pool_key}
    pool_names = pool_names_of(found, currency, pools) if pools else {}
    names = labels(Scope.all(), "team", {line.owner.key for lines in found.values() for line in lines})
    versions = dict(Close.objects.filter(currency=currency).order_by("version").values_list("period", "version"))
    return [
        AdjustmentRow(
            origin=str(period),
            origin_version=versions[period.start],
            to="",
            owner=names[line.owner.key],
            kind=line.kind,
            service_name=line.service_name or pool_names.get(line.pool_key, line.pool_key),
            sub_account_id=line.sub_account_id,
            charge_category=line.charge_category,
            cost=costs[at],
        )
        for period, lines in found.items()
        for line, costs in lines.items()
    ]


def _open(found: Reach, draft: MonthDraft) -> MonthEnd:
    at = COST_COLUMNS.index(draft.metric.column)
    totals = draft.by_owner
    cents = document_cents(totals)
    names = labels(found.scope, "team", [owner.key for owner in totals])
    centers = dict(Team.objects.values_list("key", "cost_center"))
    kinds = _by_kind(draft, at)
    rows = [
        MonthEndRow(
            owner_kind=owner.kind,
            owner_key=owner.key,
            owner=names[owner.key],
            cost_center=center_of(owner.key, centers),
            number="",
            **kinds[owner],
            total_cost=costs[at],
            booked=Decimal(cents[owner][draft.metric.column]),
            cents=Decimal(cents[owner][draft.metric.column]),
        )
        for owner, costs in totals.items()
    ]
    out_of_use = owners_out_of_use(found.scope, draft.period, draft.currency, rows)
    return _month_end(
        rows,
        period=draft.period,
        currency=draft.currency,
        metric=draft.metric,
        state="open",
        version=0,
        number="",
        hash="",
        bill_version=", ".join(version.label for version in draft.versions),
        bill_total=draft.bill[at],
        carried_in=draft.carried_in[at],
        pending_adjustment=pending_of(found.scope, draft.period, draft.currency, draft.metric),
        obstacles=tuple(Obstacle(item.code, item.text, item.may_be_forced) for item in draft.blockers),
        warnings=(*draft.warnings, *(item.text for item in out_of_use)),
        out_of_use=out_of_use,
        rules=(),
    )


def _by_kind(draft: MonthDraft, at: int) -> dict[Owner, dict[str, Decimal]]:
    kinds = {owner: {f"{kind.value}_cost": ZERO for kind in LineKind} for owner in draft.by_owner}
    for line, costs in draft.lines.items():
        kinds[line.owner][f"{line.kind}_cost"] += costs[at]
    for item, costs in draft.carried.items():
        kinds[item.line.owner]["adjustment_cost"] += costs[at]
    return kinds


def _closed(stored: StoredMonth) -> MonthEnd:
    close, column = stored.close, stored.metric.column
    rows = [
        MonthEndRow(
            owner_kind=item.owner_kind,
            owner_key=key,
            owner=item.owner_name,
            cost_center=item.cost_center,
            number=item.number if stored.info.is_as_charged else "",
            direct_cost=stored.parts[key].direct_cost,
            shared_cost=stored.parts[key].shared_cost,
            adjustment_cost=stored.parts[key].adjustment_cost,
            total_cost=stored.parts[key].total_cost,
            booked=Decimal(item.cents[column]) if stored.info.is_as_charged else None,
            cents=Decimal(item.cents[column]),
        )
        for key, item in stored.statements.items()
    ]
    return _month_end(
        rows,
        period=stored.period,
        currency=close.currency,
        metric=stored.metric,
        state=close.state,
        version=close.version,
        number=stored.info.number,
        hash=close.data_hash,
        bill_version=bill_version_of(close),
        bill_total=stored.bill_total or ZERO,
        carried_in=stored.info.carried_in,
        pending_adjustment=stored.info.pending_adjustment,
        obstacles=(),
        warnings=tuple(basis_warnings(stored.period, close.currency, CostMetric(close.basis))),
        rules=tuple(close.texts.get("rules", ())),
        superseded=stored.info.superseded,
        charged_basis=close.basis,
    )


def _month_end(rows: Iterable[MonthEndRow], **known: object) -> MonthEnd:
    """The sums: of owners, of nobody, and what is left over, exact and in cents."""
    found = sorted(rows, key=lambda row: (-row.total_cost, row.owner_key))
    nobody = [row for row in found if row.owner_kind == OwnerKind.NOBODY.value]
    owners = [row for row in found if row.owner_kind != OwnerKind.NOBODY.value]
    held = sum((row.total_cost for row in found), ZERO)
    due = known["bill_total"] + known["carried_in"]  # type: ignore[operator]
    period, currency, metric = known["period"], known["currency"], known["metric"]
    assert isinstance(period, BillingPeriod)
    assert isinstance(metric, CostMetric)
    booked = sum((row.cents for row in found), ZERO)
    unallocated_cents = sum((row.cents for row in nobody), ZERO)
    is_booked = known.get("charged_basis", "") in ("", metric.value)
    return MonthEnd(
        rows=tuple(owners),
        unallocated_cost=sum((row.total_cost for row in nobody), ZERO),
        unallocated_booked=unallocated_cents if is_booked else None,
        difference=due - held,
        booked_total=round_to_cents(due) if is_booked else None,
        booked_difference=round_to_cents(due) - booked if is_booked else None,
        unallocated_cents=unallocated_cents,
        difference_cents=round_to_cents(due) - booked,
        open_disputes=open_disputes(period, str(currency)),
        events=_events(period, str(currency)),
        versions=month_versions(Scope.all(), period, str(currency)),
        **known,  # type: ignore[arg-type]
    )


def _events(period: BillingPeriod, currency: str) -> tuple[CloseEventRow, ...]:
    rows = CloseEvent.objects.filter(close__period=period.start, close__currency=currency).select_related("close")
    return tuple(CloseEventRow(row.what, row.close.version, row.by, row.reason, row.at) for row in rows.order_by("-pk"))
