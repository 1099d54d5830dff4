"""Costs in doubt, as their reader may see them, and the rule each could become."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from costs.errors import NotFoundInScopeError
from costs.money import ZERO
from costs.periods import BillingPeriod
from costs.queries import NOT_SET, tag_key_of
from costs.scope import Scope
from costs.tags import canonical_key
from costs.terms import CostMetric
from tagging.models import Allocation, AllocationRule, OwnershipDoubt
from tagging.results import SliceRow
from tagging.results.doubts import DoubtRow, Filters, RuleProposal
from tagging.selectors.reach import reach
from tagging.selectors.why import ON_LINES, decision_slices
from tagging.terms import DisputeState, RuleKind

MOST_PLACES = 50
MOST_VALUES = 50  # a test with more of them says nothing to its reader
_OF_RULES = ("region", "category", "usage_type")  # filters that rules see by the same name


def doubt_ref(team_key: str, filters: Filters) -> str:
    """Names what is doubted: a team's costs of one decision under these filters."""
    return hashlib.sha256(json.dumps([team_key, sorted(map(list, filters))]).encode()).hexdigest()[:32]


def doubts(scope: Scope, *, team_key: str = "", only_open: bool = False) -> tuple[DoubtRow, ...]:
    """Costs in doubt, open ones first, then the newest: all for FinOps staff, a team's own for it."""
    rows = OwnershipDoubt.objects.select_related("raised_by", "answered_by")
    if not scope.everything:
        rows = rows.filter(team_key__in=scope.team_keys)
    if team_key:
        rows = rows.filter(team_key=team_key)
    if only_open:
        rows = rows.filter(state=DisputeState.OPEN.value)
    found = [_row(item, staff=scope.everything) for item in rows]
    return tuple(sorted(found, key=lambda row: (row.state != DisputeState.OPEN.value, -row.raised_at.timestamp())))


def rule_proposal(scope: Scope, pk: int) -> RuleProposal:
    """The narrowest rule over what was doubted. Staff only. Raises NotFoundInScopeError."""
    scope.require_everything()
    item = OwnershipDoubt.objects.select_related("raised_by", "answered_by", "decided_by").filter(pk=pk).first()
    if item is None:
        raise NotFoundInScopeError("Nothing here.")
    doubt = _row(item, staff=True)
    asked = tuple(pair for pair in doubt.filters if pair[0] not in ON_LINES)
    try:
        slices = decision_slices(
            scope,
            doubt.period,
            metric=doubt.metric,
            currency=doubt.currency,
            filters=(*asked, ("team", doubt.team_key)),
        )
    except NotFoundInScopeError:  # the decision is not made any more
        slices = ()
    rule = _now(item.decided_by)
    return RuleProposal(
        doubt=doubt,
        condition={"all": [*_places(item.places), *_tests(slices, asked, rule)]},
        before=None if rule is None else rule.pk,
        cost=sum((row.cost for row in slices), ZERO),
        left_out=tuple(f"{name} {value}" for name, value in doubt.filters if name in ON_LINES),
    )


def deciding_rule_pk(doubt: OwnershipDoubt) -> int | None:
    """The rule that decided what is doubted, in its month as it is now. Names no costs and no owner."""
    imports = [item.pk for item in reach(Scope.all(), (BillingPeriod(doubt.period),), doubt.currency).imports]
    decided = Allocation.objects.filter(
        bill_import_id__in=imports, owner_key=doubt.team_key, rule_text=doubt.rule_text, matched_text=doubt.matched_text
    )
    return decided.values_list("rule_id", flat=True).first()


def _places(places: Sequence[Sequence[str]]) -> list[dict[str, Any]]:
    """Tests of account and service that hold for these pairs and for no other; looser where there are very many."""
    accounts, services = {account for account, _ in places}, {service for _, service in places}
    together = [_test("account", accounts), _test("service", services)]
    if len(places) == len(accounts) * len(services) or len(places) > MOST_PLACES:
        return [test for test in together if test]
    by_account = {account: {service for own, service in places if own == account} for account in sorted(accounts)}
    branches = [[_test("account", {account}), _test("service", own)] for account, own in by_account.items()]
    return [{"any": [{"all": [test for test in branch if test]} for branch in branches]}]


def _tests(slices: Sequence[SliceRow], filters: Filters, rule: AllocationRule | None) -> list[dict[str, Any]]:
    """What else holds for every doubted slice: the rule's own tag, and the filters beyond account and service."""
    tests = []
    if rule is not None and rule.kind == RuleKind.TAG.value:
        wanted = canonical_key(rule.tag_key)
        values = {value for row in slices for key, value in row.tags if canonical_key(key) == wanted}
        tests.append(_test(f"tag:{rule.tag_key}", values or set(rule.tag_values)))
    for name, value in filters:
        if tag_key_of(name):
            tests.append({"field": name, "op": "absent"} if value == NOT_SET else _test(name, {value}))
        elif name in _OF_RULES and value != NOT_SET:
            tests.append(_test(name, {value}))
    return [test for test in tests if test]


def _test(field: str, values: set[str]) -> dict[str, Any]:
    """One test; empty where it has no value to name, or too many."""
    named = sorted(value for value in values if value)
    if not named or len(named) != len(values) or len(named) > MOST_VALUES:
        return {}
    return {"field": field, "op": "is", "values": named}


def _now(rule: AllocationRule | None) -> AllocationRule | None:
    """What followed a rule that was changed after a close; None where it is out of use."""
    while rule is not None and (later := rule.later.order_by("-pk").first()) is not None:
        rule = later
    return rule if rule is not None and rule.is_active else None


def _row(item: OwnershipDoubt, *, staff: bool) -> DoubtRow:
    return DoubtRow(
        pk=item.pk if staff else 0,
        ref=item.ref,
        period=BillingPeriod(item.period),
        currency=item.currency,
        metric=CostMetric(item.basis),
        team_key=item.team_key,
        team_name=item.team_name,
        rule_text=item.rule_text,
        matched_text=item.matched_text,
        filters=tuple((name, value) for name, value in item.filters),
        cost=item.cost,
        text=item.text,
        belongs_to=item.belongs_to,
        state=item.state,
        raised_by=str(item.raised_by or "a deleted user"),
        raised_at=item.raised_at,
        answer=item.answer,
        answered_by=str(item.answered_by or "") if staff else "",
        answered_at=item.answered_at,
    )
