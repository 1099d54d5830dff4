"""What answers to staff depend on, and who owns what: read by the API."""

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db.models import Max, Model, TextField, Value

from costs import selectors as intake
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from tagging.models import (
    Allocation,
    AllocationRule,
    CloseEvent,
    CommitmentBenefit,
    Dispute,
    Exemption,
    PoolDriver,
    SharedPool,
    TagKey,
    Team,
    UntaggableCharge,
)
from tagging.selectors.labels import labels
from tagging.selectors.reach import reach
from tagging.selectors.shown_tags import shown_tags
from tagging.selectors.sums import Ask, Filters, slice_figures

# What decides who owns a cost, beside the imports; each with its history.
_KEPT: tuple[type[Model], ...] = (
    AllocationRule,
    Team,
    TagKey,
    SharedPool,
    PoolDriver,
    CommitmentBenefit,
    Exemption,
    UntaggableCharge,
)
_DIMENSIONS = {
    "service_name": "slice__service_name",
    "sub_account_id": "slice__sub_account_id",
    "region_id": "slice__region_id",
    "usage_type": "slice__usage_type",
    "operation": "slice__operation",
    "charge_category": "slice__charge_category",
    "line_kind": "slice__line_kind",
    "team_key": "owned__owner_key",
    "rule_text": "owned__rule_text",
    "matched_text": "owned__matched_text",
}


@dataclass(frozen=True)
class AllocationRow:
    """One slice of costs, its owner (empty for nobody) and the rule that decided. `ref` is a hash of what is shown."""

    ref: str
    team_key: str
    team_name: str
    rule_text: str
    matched_text: str
    service_name: str
    sub_account_id: str
    sub_account_name: str
    region_id: str
    usage_type: str
    operation: str
    charge_category: str
    line_kind: str
    tags: tuple[tuple[str, str], ...]
    cost: Decimal


@dataclass(frozen=True)
class AllocationTable:
    """A month's slices that the reader may see. Σ rows = total."""

    period: BillingPeriod
    metric: CostMetric
    currency: str
    other_currencies: tuple[str, ...]
    rows: tuple[AllocationRow, ...]
    total: Decimal


def allocations(
    scope: Scope, period: BillingPeriod, *, metric: CostMetric, currency: str = "", filters: Filters = ()
) -> AllocationTable:
    """Who owns what and why. `filters` are (dimension, value) pairs as in `CostQuery`."""
    found = reach(scope, (period,), currency)
    rows = _rows(Ask(found, metric, filters)) if found.imports else []
    teams = labels(scope, "team", {row["team_key"] for row in rows})
    accounts = intake.account_names(scope, {row["sub_account_id"] for row in rows})
    table = tuple(_allocation(row, teams, accounts) for row in rows)
    return AllocationTable(
        period=period,
        metric=metric,
        currency=found.currency,
        other_currencies=found.other_currencies,
        rows=table,
        total=sum((row.cost for row in table), Decimal(0)),
    )


def answer_state(scope: Scope) -> str:
    """A text that changes whenever an answer to staff could: imports in force, owners, rules, teams, policy,
    closes, disputes, names that staff gave to accounts.

    Empty before the first import, when answers follow the clock. Staff only. Reads no rollup.
    """
    scope.require_everything()
    imports = [f"{item.pk} {item.version_id} {item.finished_at}" for item in intake.active_imports(scope)]
    if not imports:
        return ""
    newest = [str(Allocation.objects.aggregate(pk=Max("pk"))["pk"])]
    histories: list[Any] = [_newest(model) for model in _KEPT]
    newest += [f"{name} {pk}" for name, pk in histories[0].union(*histories[1:]).order_by("model")]
    newest.append(str(CloseEvent.objects.aggregate(pk=Max("pk"))["pk"]))
    newest.append(str(Dispute.objects.aggregate(pk=Max("pk"), answered=Max("answered_at"))))
    return "\n".join([*imports, *newest, *intake.given_names(scope)])


def _newest(model: type[Model]) -> Any:
    """The newest row of a model's history; none where nothing was changed yet."""
    history: Any = model.history  # type: ignore[attr-defined]
    named = history.order_by().annotate(model=Value(model.__name__, output_field=TextField()))
    return named.values_list("model").annotate(pk=Max("history_id"))


def _rows(ask: Ask) -> list[dict[str, Any]]:
    """What the reader is shown of the slices; those that differ in nothing shown are one."""
    shown = shown_tags(ask.reach.scope)
    costs: dict[tuple[Any, ...], Decimal] = defaultdict(lambda: ZERO)
    for *place, tags, cost in slice_figures(ask, *_DIMENSIONS.values(), "slice__tags"):
        costs[*place, shown.of(tags)] += cost
    names = (*_DIMENSIONS, "tags", "cost")
    return [dict(zip(names, (*row, cost), strict=True)) for row, cost in costs.items()]


def _allocation(row: dict[str, Any], teams: dict[str, str], accounts: dict[str, str]) -> AllocationRow:
    shown = repr([row[name] for name in (*_DIMENSIONS, "tags")])
    return AllocationRow(
        ref=hashlib.sha256(shown.encode()).hexdigest()[:16],
        team_name=teams.get(row["team_key"], "") if row["team_key"] else "",
        sub_account_name=accounts.get(row["sub_account_id"], ""),
        **row,
    )
