"""Allocation rules and shared pools: for FinOps staff as they are set up, for everybody their own shares."""

from typing import Any

from rest_framework import serializers

from costs.api_base import Answer, ListView, MoneyText, PageSerializer, Parameters, PeriodText
from costs.money import ZERO
from costs.scope import Scope
from tagging import selectors
from tagging.api.base import MONTH, MonthSerializer, OwnershipList, OwnershipState, RowSerializer, month_of
from tagging.selectors.pool_pages import pool_months, pool_rows
from tagging.selectors.reach import reach
from tagging.selectors.shared import shared_lines

FROM = "The first month it holds in; null from the beginning."
UNTIL = "The first month it no longer holds in; null without an end."


class ShareRowSerializer(RowSerializer):
    """One owner's part of one pool, below zero for the pool itself."""

    pool_key = serializers.CharField()
    pool_name = serializers.CharField()
    method = serializers.CharField(help_text="How it is split, without anybody's weight.")
    owner_kind = serializers.CharField()
    owner_key = serializers.CharField(help_text="A team's key; pools and cost centres with `pool:`, `cost-center:`.")
    cost = MoneyText()


class SharePageSerializer(PageSerializer, MonthSerializer):
    """Parts of shared pools in a month."""

    total_cost = MoneyText(help_text="Of all rows you may see; zero for FinOps staff.")
    results = ShareRowSerializer(many=True)


class ShareList(OwnershipList):
    """What every owner gets of every shared pool in a month, and what left the pools: zero in all. Teams see
    their own parts. The pool `commitment-benefit` holds what the policy on commitments shifts.
    """

    operation, title, section = "shares", "Parts of shared pools", "Chargeback"
    serializer_class = SharePageSerializer
    parameters = MONTH

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters)
        found = reach(scope, (asked.period,), asked.currency)
        column = asked.metric.column
        rows = [
            {**{name: value for name, value in vars(line).items() if name != "costs"}, "cost": line.costs[column]}
            for line in shared_lines(scope, asked.period, found.currency)
            if line.costs[column]
        ]
        beside = {"basis": asked.metric.value, "currency": found.currency}
        head = {
            "period": asked.period,
            "other_currencies": found.other_currencies,
            "total_cost": sum((row["cost"] for row in rows), ZERO),
            **beside,
        }
        return Answer(head, rows, lambda row: (row["pool_key"], -row["cost"], row["owner_key"]), beside)


class PoolRowSerializer(RowSerializer):
    """How a pool is split, and what came of it in the month asked for (null where it does not hold then)."""

    key = serializers.CharField()
    name = serializers.CharField()
    method = serializers.CharField(help_text="even, fixed, proportional, keep.")
    method_text = serializers.CharField()
    summary = serializers.CharField(help_text="Who takes part, in words.")
    charge_kind = serializers.CharField(allow_null=True, help_text="Of ready-made pools: taxes, support, …")
    is_open = serializers.BooleanField(help_text="Whether teams with a part of it see its total, weights and lines.")
    from_period = PeriodText(allow_null=True, help_text=FROM)
    to_period = PeriodText(allow_null=True, help_text=UNTIL)
    reason = serializers.CharField()
    got_cost = MoneyText(allow_null=True, help_text="From rules and from other pools.")
    shared_cost = MoneyText(allow_null=True, help_text="What left it.")
    stays_cost = MoneyText(allow_null=True, help_text="What stays in it.")


class PoolPageSerializer(PageSerializer, MonthSerializer):
    """All pools."""

    results = PoolRowSerializer(many=True)


class PoolList(OwnershipState, ListView):
    """Shared pools with every setting they had, and what each got and gave in the month."""

    operation, title, section = "pools", "Shared pools", "Chargeback"
    serializer_class = PoolPageSerializer
    parameters = MONTH
    staff_only = True

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        asked = month_of(scope, parameters)
        found = reach(scope, (asked.period,), asked.currency)
        months = {
            month.key: month for month in pool_months(scope, asked.period, metric=asked.metric, currency=found.currency)
        }
        rows = []
        for place, row in enumerate(pool_rows(scope)):
            month = months.get(row.key) if row.holds_in(asked.period) else None
            figures = {
                "got_cost": month and month.total,
                "shared_cost": month and month.shared,
                "stays_cost": month and month.stays,
            }
            rows.append({**vars(row), **figures, "place": place})
        beside = {"basis": asked.metric.value, "currency": found.currency}
        head = {"period": asked.period, "other_currencies": found.other_currencies, **beside}
        return Answer(head, rows, lambda row: (row["place"],), beside)


class RuleRowSerializer(serializers.Serializer[Any]):
    """One rule in the order they are tried."""

    position = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField(help_text="The condition in words.")
    kind = serializers.CharField(help_text="condition, tag, name, account, default.")
    tag_key = serializers.CharField()
    tag_values = serializers.ListField(child=serializers.CharField(), help_text="Of rules on names the patterns.")
    sub_account_id = serializers.CharField()
    condition = serializers.JSONField(help_text="The tree of a condition, else empty.")
    owner_key = serializers.CharField(source="team_key", help_text="Empty for nobody.")
    owner_name = serializers.CharField(source="team_name")
    from_period = PeriodText(allow_null=True, help_text=FROM)
    to_period = PeriodText(allow_null=True, help_text=UNTIL)
    is_active = serializers.BooleanField()
    reason = serializers.CharField()


class RulePageSerializer(PageSerializer):
    """All rules."""

    results = RuleRowSerializer(many=True)


class RuleList(OwnershipState, ListView):
    """Allocation rules in the order they are tried, those out of use among them. The first that matches decides."""

    operation, title, section = "rules", "Allocation rules", "Chargeback"
    serializer_class = RulePageSerializer
    parameters = ()
    staff_only = True

    def answer(self, scope: Scope, parameters: Parameters, **_: Any) -> Answer:
        del parameters
        rules = selectors.allocation_rules(scope)
        return Answer({}, rules, lambda rule: (rule.position, rule.pk), {})
