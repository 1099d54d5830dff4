"""Tags: how much of the taggable money is compliant, and what to mend next."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlencode

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from costs.adding import InCents, Sums, in_cents
from costs.exports import TitleRows
from costs.money import ZERO, round_to_cents
from costs.pages import request_scope
from costs.terms import CostMetric
from tagging import selectors
from tagging.forms.months import GroupForm
from tagging.line_links import lines_url
from tagging.results import Compliance, GroupCompliance, InvalidValue, PolicyKey, ResourceRow
from tagging.tables.compliance import TARGET, FixTable, GroupTable, InvalidTable, KeyTable, MonthTable, tone_of
from tagging.views.months import NO_COSTS_STAFF, NO_COSTS_TEAM, Month, chosen_month
from tagging.views.tag_parts import tabs

GROUPS = (
    ("team", "Team"),
    ("service", "Service"),
    ("account", "Account"),
    ("region", "Region"),
    ("environment", "Environment"),
)


@login_required
def tags(request: HttpRequest) -> HttpResponseBase:
    """Compliant money of taggable money, the next ten fixes, then keys, groups and values not allowed."""
    scope = request_scope(request)
    month = chosen_month(request, scope, basis=CostMetric.EFFECTIVE)
    policy = selectors.tag_policy()
    if month is None:
        text = NO_COSTS_STAFF if scope.everything else NO_COSTS_TEAM
        return render(
            request, "tagging/tags.html", {"month": None, "empty_text": text, "policy": policy, "tabs": tabs(request)}
        )
    asked = request.GET.get("group", "")
    ask = partial(selectors.compliance, scope, month.period, metric=month.metric, currency=month.currency)
    found = ask(groups=(asked if asked in dict(GROUPS) else "team",))
    if asked not in dict(GROUPS) and len(found.by_team) <= 1:
        found = ask(groups=("team", "service"))
    invalid = selectors.values_not_allowed(scope, month.period, metric=month.metric, currency=month.currency)
    group = asked if asked in dict(GROUPS) else "team" if len(found.by_team) > 1 else "service"
    tables = month_tables(request, month, found, invalid, policy, group)
    chosen = tables.get(request.GET.get("table", ""), tables["keys"])
    name = f"tags-{request.GET.get('table') or 'keys'}-{month.period}"
    if response := chosen.export(name=name, title_rows=[*month.title_rows, *compliance_rows(found)]):
        return response
    context = {
        "month": month,
        "found": found,
        **tile_cents(found, tables),
        "tone": tone_of(found.cost_ratio),
        "target": TARGET,
        "policy": policy,
        "tabs": tabs(request),
        "group": group,
        "group_label": dict(GROUPS)[group],
        "form": group_form(month, group),
        "trust": selectors.trust(scope, month.period, metric=month.metric, currency=month.currency),
        **{f"{name}_table": table for name, table in tables.items()},
        "has_invalid": any(key.invalid for key in found.by_key),
        "resources_url": resources_url(month),
    }
    return render(request, "tagging/tags.html", context)


def group_form(month: Month, group: str) -> GroupForm:
    """The filters of the page of tags."""
    initial = {**month.initial, "group": group}
    return GroupForm(initial=initial, periods=month.periods, currencies=month.currencies, groups=GROUPS)


def month_tables(
    request: HttpRequest,
    month: Month,
    found: Compliance,
    invalid: Sequence[InvalidValue],
    policy: Sequence[PolicyKey],
    group: str,
) -> dict[str, MonthTable]:
    """The page's tables by the name its exports use."""
    allowed = {key.key: key.allowed_values for key in policy}
    common: dict[str, Any] = {"currency": month.currency, "request": request}
    keys = [key_row(row, allowed, month) for row in found.by_key]
    groups = [group_row(row, group, month) for row in getattr(found, f"by_{group}")]
    fixes = [fix_row(row, month) for row in found.fixes]
    values = invalid_rows(invalid, allowed)
    tables: dict[str, MonthTable] = {
        "keys": KeyTable(keys, caption="By key", prefix="k-", **common),
        "groups": GroupTable(groups, caption=f"By {group}", prefix="g-", per_page=15, **common),
        "fixes": FixTable(fixes, caption="Next fixes", prefix="f-", **common),
        "invalid": InvalidTable(values, caption="Values not allowed", prefix="i-", per_page=15, **common),
    }
    tables["groups"].add_up(groups, Sums("taggable_cost", ("compliant_cost", "to_fix_cost")))
    tables["fixes"].add_up(fixes, Sums("cost"))
    return tables


def tile_cents(found: Compliance, tables: Mapping[str, MonthTable]) -> dict[str, InCents]:
    """The tiles in the cents that the tables below add up to."""
    parts = (found.compliant_cost, found.taggable_cost - found.compliant_cost)
    taggable = InCents(found.taggable_cost, round_to_cents(found.taggable_cost))
    compliant, to_fix = in_cents(parts, taggable.cents)
    if foot := tables["groups"].foot:  # of more groups than a page can show there is none
        compliant = InCents(parts[0], foot["compliant_cost"])
        to_fix = InCents(parts[1], foot["to_fix_cost"])
    fixes = sum((row.cost for row in found.fixes), ZERO)
    return {
        "taggable_cost": taggable,
        "compliant_cost": compliant,
        "to_fix_cost": to_fix,
        "fixes_cost": InCents(fixes, round_to_cents(fixes)),
    }


def key_row(row: Any, allowed: Mapping[str, tuple[str, ...]], month: Month) -> dict[str, Any]:
    """One key of the policy; it opens the resources that lack it."""
    return {
        "key": row.key,
        "cost_ratio": row.cost_ratio,
        "compliant_cost": row.compliant_cost,
        "present": row.present,
        "missing": row.missing,
        "invalid": row.invalid,
        "exempt": row.exempt,
        "compliant_ratio": row.compliant_ratio,
        "allowed": ", ".join(allowed.get(row.key, ())) or "any text",
        "url": resources_url(month, ("missing", row.key)) if row.missing else "",
    }


def group_row(row: GroupCompliance, group: str, month: Month) -> dict[str, Any]:
    """One service, region, account or team; it opens what is to be mended there."""
    return {
        "label": row.label,
        "cost_ratio": row.cost_ratio,
        "compliant_cost": row.compliant_cost,
        "taggable_cost": row.taggable_cost,
        "to_fix_cost": row.taggable_cost - row.compliant_cost,
        "compliant_resources": row.compliant_resources,
        "resources": row.resources,
        "url": resources_url(month, (group, row.key), ("state", "to_fix")),
        "lines_url": taggable_lines(month, (group, row.key)),
    }


def fix_row(row: ResourceRow, month: Month) -> dict[str, Any]:
    """A resource worth mending, with the keys it lacks or has wrong."""
    return {
        "resource": row.resource_id,
        "name": row.name if row.name != row.resource_id else "",
        "service_name": row.service_name,
        "team_name": row.team_name or "nobody",
        "keys": tuple((key, state.value) for key, state in row.states if key in row.keys_to_fix),
        "cost": row.cost,
        "url": resources_url(month, ("search", row.resource_id)),
        "lines_url": taggable_lines(month, ("account", row.sub_account_id), ("resource", row.resource_id)),
    }


def invalid_rows(found: Sequence[InvalidValue], allowed: Mapping[str, tuple[str, ...]]) -> list[dict[str, Any]]:
    """Every value that is not allowed, with the resources and the money that carry it."""
    return [{**vars(each), "allowed": ", ".join(allowed.get(each.key, ()))} for each in found]


def compliance_rows(found: Compliance) -> TitleRows:
    """The month in figures, for files."""
    return [
        ("Taggable cost", found.taggable_cost),
        ("Compliant cost", found.compliant_cost),
        ("Resources", str(found.resources)),
        ("Compliant resources", str(found.compliant_resources)),
        ("Excused cost", found.exempt_cost),
        ("Cost that cannot be tagged", found.untaggable_cost or ZERO),
    ]


def taggable_lines(month: Month, *filters: tuple[str, str]) -> str:
    """The lines of the month that can carry tags, with these filters."""
    filters = (*filters, ("taggable", "yes"))
    return lines_url(month.period, month.metric, currency=month.currency, filters=filters)


def resources_url(month: Month, *filters: tuple[str, str]) -> str:
    """The resources of the month with these filters."""
    return f"{reverse('tagging:resources')}?{urlencode([*month.params, *filters])}"
