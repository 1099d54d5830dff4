"""Closing a month: preview → closed → final, and reopening. Nothing that was closed is ever edited."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Max

from costs import selectors as intake
from costs.bulk import copy_rows
from costs.errors import InvalidRequestError
from costs.money import plain, to_units
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import COST_COLUMNS, CostMetric
from tagging.closing import (
    NOBODY,
    Carried,
    Costs,
    LineKey,
    Lines,
    Owner,
    canonical_rows,
    digest,
    document_cents,
    own_part,
    statement_number,
    suggested_from,
    suggested_rows,
)
from tagging.models import Close, CloseEvent, Statement, StatementLine, TagKey, Team
from tagging.owners import center_of
from tagging.selectors.books import account_codes
from tagging.selectors.closed_figures import number_of
from tagging.selectors.closes import close_of, pool_names_of
from tagging.selectors.disputes import open_disputes
from tagging.selectors.labels import UNALLOCATED, labels, team_names
from tagging.selectors.month_ends import Blocker, MonthDraft, month_draft
from tagging.selectors.reach import reach
from tagging.selectors.suggested import suggested_lines
from tagging.selectors.teams import rules_in_use, stored_rules
from tagging.services.allocate import one_allocation_at_a_time, reallocate
from tagging.services.statement_mails import queue_mails
from tagging.terms import CloseState, LineKind, OwnerKind

EVERYTHING = Scope.all()
_LINE_COLUMNS = (
    "statement_id",
    "kind",
    "service_name",
    "sub_account_id",
    "sub_account_name",
    "charge_category",
    "pool_key",
    "pool_name",
    "origin_period",
    "origin_version",
    "origin_kind",
    *COST_COLUMNS,
)


class CloseRefusedError(InvalidRequestError):
    """The step cannot be taken now; says what stands in its way and what to do."""

    code = "close_refused"


@dataclass(frozen=True)
class CloseStep:
    """Who takes a step, when and why. `force` overrules what may be overruled, and needs a reason."""

    by: str
    now: datetime
    reason: str = ""
    force: bool = False

    @property
    def today(self) -> date:
        return self.now.date()


def close_month(period: BillingPeriod, step: CloseStep, *, metric: CostMetric, currency: str = "") -> Close:
    """Freeze the month: its lines, rules and bill versions. Teams see it from now on and may dispute lines.

    The owners are found once more under the rules that are frozen with it. Raises CloseRefusedError.
    """
    with transaction.atomic():
        one_allocation_at_a_time()
        chosen = _currency(period, currency)
        current = close_of(period, chosen)
        if current is not None:
            raise CloseRefusedError(f"{period} is {current.state} already. Reopen it first, with a reason.")
        reallocate([period])
        draft = month_draft(EVERYTHING, period, metric=metric, today=step.today, currency=chosen)
        _refuse(draft.blockers, step)
        close = _store(draft, step)
        _note(close, "closed", step)
        queue_mails(close, now=step.now)
    return close


def finalise_month(period: BillingPeriod, step: CloseStep, *, currency: str = "") -> Close:
    """Make a closed month final: it and its statements get their numbers. Raises CloseRefusedError."""
    with transaction.atomic():
        one_allocation_at_a_time()
        close = _counting(period, currency, "final")
        if close.state == CloseState.FINAL.value:
            raise CloseRefusedError(f"{period} is final already, as number {number_of(close)}.")
        if disputed := open_disputes(period, close.currency):
            text = f"{disputed} line{'s are' if disputed > 1 else ' is'} in dispute. Answer first."
            _refuse((Blocker("open_disputes", text, may_be_forced=True),), step)
        close.account_codes = account_codes().kept
        _number(close, period)
        _note(close, "final", step)
    return close


def reopen_month(period: BillingPeriod, step: CloseStep, *, currency: str = "") -> Close:
    """Open a month again. Its statements stay as they are and count no more; closing makes the next version.

    Disputes stay as well: those that are open wait for their answer, and the next version is not final before.
    Raises CloseRefusedError, without a reason too.
    """
    if not step.reason.strip():
        raise CloseRefusedError("Reopening needs a reason. Say why (--reason).")
    with transaction.atomic():
        one_allocation_at_a_time()
        close = _counting(period, currency, "reopened")
        close.state = CloseState.REOPENED.value
        close.save(update_fields=["state"])
        _note(close, "reopened", step)
        reallocate([period])
    return close


def _currency(period: BillingPeriod, currency: str) -> str:
    return currency or reach(EVERYTHING, (period,)).currency


def _counting(period: BillingPeriod, currency: str, wanted: str) -> Close:
    chosen = _currency(period, currency)
    close = close_of(period, chosen)
    if close is None:
        raise CloseRefusedError(f"{period} in {chosen} is open: it has to be closed before it can be {wanted}.")
    return close


def _refuse(blockers: Iterable[Blocker], step: CloseStep) -> None:
    for blocker in blockers:
        if not blocker.may_be_forced:
            raise CloseRefusedError(blocker.text)
        if not step.force:
            raise CloseRefusedError(f"{blocker.text} To go on anyway: --force with a --reason.")
        if not step.reason.strip():
            raise CloseRefusedError(f"{blocker.text} Going on anyway needs a reason (--reason).")


def _note(close: Close, what: str, step: CloseStep) -> None:
    forced = " (forced)" if step.force else ""
    CloseEvent.objects.create(close=close, what=what, by=step.by, reason=f"{step.reason.strip()}{forced}", at=step.now)


def _store(draft: MonthDraft, step: CloseStep) -> Close:
    months = Close.objects.filter(period=draft.period.start, currency=draft.currency)
    close = Close(
        period=draft.period.start,
        currency=draft.currency,
        version=(months.aggregate(last=Max("version"))["last"] or 0) + 1,
        basis=draft.metric.value,
        frozen_rules=stored_rules(draft.period),
        texts=_texts(draft),
        bills=[_version(version) for version in draft.versions],
        closed_at=step.now,
    )
    fields = _line_fields(draft)
    head = (str(draft.period), draft.currency, str(close.version), *(version.label for version in draft.versions))
    ours = suggested_lines(reach(EVERYTHING, (draft.period,), draft.currency))
    close.data_hash = digest(head, canonical_rows(fields, ours))
    close.save()
    close.imports.set([version.pk for version in draft.versions])
    _store_statements(close, draft, fields, ours)
    return close


_Fields = tuple[Owner, tuple[str, ...], Costs]


def _line_fields(draft: MonthDraft) -> list[_Fields]:
    """Every line as it is stored: owner, texts (kind to origin kind), costs."""
    own: list[tuple[LineKey, Carried | None, Costs]] = [(line, None, costs) for line, costs in draft.lines.items()]
    carried = [(item.line, item, costs) for item, costs in sorted(draft.carried.items())]
    accounts = {line.sub_account_id for line, _, _ in (*own, *carried) if line.sub_account_id}
    names = intake.account_names(EVERYTHING, accounts)
    pools = _pool_names(draft)
    found: list[_Fields] = []
    for line, origin, costs in (*sorted(own), *carried):
        kind = line.kind if origin is None else LineKind.ADJUSTMENT.value
        texts = (line.service_name, line.sub_account_id, names.get(line.sub_account_id, ""), line.charge_category)
        pool = (line.pool_key, pools.get(line.pool_key, line.pool_key))
        source = ("", "", "") if origin is None else (origin.origin, str(origin.version), line.kind)
        found.append((line.owner, (kind, *texts, *pool, *source), costs))
    return found


def _pool_names(draft: MonthDraft) -> dict[str, str]:
    """Corrections name pools of the months they put right, which may not be split any more."""
    keys = {line.pool_key for line in (*draft.lines, *(item.line for item in draft.carried)) if line.pool_key}
    if not keys:
        return {}
    origins = {BillingPeriod.parse(item.origin) for item in draft.carried if item.line.pool_key}
    return pool_names_of({draft.period, *origins}, draft.currency, keys)


def _store_statements(close: Close, draft: MonthDraft, fields: list[_Fields], ours: Lines) -> None:
    totals = dict(draft.by_owner)
    cents, names = document_cents(totals), _owner_names(totals)
    centers = dict(Team.objects.values_list("key", "cost_center"))
    by_owner: dict[Owner, list[_Fields]] = {owner: [] for owner in totals}
    for line in fields:
        by_owner[line[0]].append(line)
    statements = {}
    for owner in sorted(totals):
        head = (str(draft.period), draft.currency, str(close.version), owner.kind, owner.key, names[owner])
        statements[owner] = Statement.objects.create(
            close=close,
            owner_kind=owner.kind,
            owner_key=owner.key,
            owner_name=names[owner],
            cost_center=center_of(owner.key, centers),
            cents=cents[owner],
            suggested=suggested_rows(ours, owner),
            data_hash=digest(head, canonical_rows(by_owner[owner], own_part(ours, owner))),
            **dict(zip(COST_COLUMNS, totals[owner], strict=True)),
        )
    copy_rows(StatementLine, _LINE_COLUMNS, (_row(statements[line[0]].pk, line) for line in fields))


def _row(statement_pk: int, line: _Fields) -> tuple[Any, ...]:
    _, texts, costs = line
    *plain_texts, origin, version, origin_kind = texts
    stored_origin = (f"{origin}-01", int(version)) if origin else (None, None)
    return (statement_pk, *plain_texts, *stored_origin, origin_kind, *(to_units(cost) for cost in costs))


def _owner_names(owners: Iterable[Owner]) -> dict[Owner, str]:
    names = labels(EVERYTHING, "team", [owner.key for owner in owners])
    return {owner: UNALLOCATED if owner == NOBODY else names[owner.key] for owner in owners}


def _version(version: intake.ImportVersion) -> dict[str, Any]:
    return {
        "source": version.source_name,
        "import": version.pk,
        "version": version.version_id,
        "label": version.label,
        "totals": {column: plain(cost) for column, cost in zip(COST_COLUMNS, version.totals, strict=True)},
    }


def _texts(draft: MonthDraft) -> Mapping[str, Any]:
    """Rules, policy and teams in words, as they stand at the close."""
    names = team_names([rule.owner_key for rule in rules_in_use()])
    return {
        "rules": [
            f"{place}. {rule.text} → {names.get(rule.owner_key, rule.owner_key) or UNALLOCATED}"
            for place, rule in enumerate((rule for rule in rules_in_use() if rule.holds_in(draft.period)), start=1)
        ],
        "policy": [
            {"key": key.key, "aliases": key.key_aliases, "values": key.allowed_values, "required": key.is_required}
            for key in TagKey.objects.all()
        ],
        "teams": {team.key: [team.name, team.cost_center] for team in Team.objects.order_by("key")},
    }


def _number(close: Close, period: BillingPeriod) -> None:
    year = period.start.year
    last = Close.objects.filter(number_year=year).aggregate(last=Max("number_in_year"))["last"] or 0
    close.state, close.number_year, close.number_in_year = CloseState.FINAL.value, year, last + 1
    close.save(update_fields=["state", "number_year", "number_in_year", "account_codes"])
    for statement in close.statements.filter(owner_kind=OwnerKind.TEAM.value):
        owner = Owner(statement.owner_kind, statement.owner_key)
        own = Statement.objects.filter(owner_kind=owner.kind, owner_key=owner.key, number_year=year)
        place = (own.aggregate(last=Max("number_in_year"))["last"] or 0) + 1
        statement.number, statement.number_year, statement.number_in_year = (
            statement_number(owner, period, place),
            year,
            place,
        )
        statement.save(update_fields=["number", "number_year", "number_in_year"])


def hash_of(close: Close) -> str:
    """The hash of a close's lines as they are stored now; equals `data_hash` as long as nobody touched them."""
    rows = StatementLine.objects.filter(statement__close=close).select_related("statement")
    head = (f"{close.period:%Y-%m}", close.currency, str(close.version), *(bill["label"] for bill in close.bills))
    ours: Lines = {}
    for statement in close.statements.all():
        ours |= suggested_from(statement.suggested or (), Owner(statement.owner_kind, statement.owner_key))
    return digest(head, canonical_rows((stored_fields(row) for row in rows), ours))


def stored_fields(row: StatementLine) -> _Fields:
    """A stored line as the hash takes it; its statement is loaded."""
    names = ("kind", "service_name", "sub_account_id", "sub_account_name", "charge_category", "pool_key", "pool_name")
    origin = (
        ("", "", "")
        if row.origin_period is None
        else (f"{row.origin_period:%Y-%m}", str(row.origin_version), row.origin_kind)
    )
    texts = (*(getattr(row, name) for name in names), *origin)
    costs = tuple(getattr(row, column) for column in COST_COLUMNS)
    return Owner(row.statement.owner_kind, row.statement.owner_key), texts, costs
