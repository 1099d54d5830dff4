"""Shared pools: what each got and gave in a month, and how a pool is split."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from costs.errors import InvalidRequestError, NotFoundInScopeError
from costs.exports import ColumnKind, ExportColumn, TitleRow, export_response
from costs.money import ZERO
from costs.pages import current_moment, request_scope, staff_page
from costs.periods import BillingPeriod
from costs.scope import Scope
from tagging import selectors, services
from tagging.forms.months import MonthForm
from tagging.forms.pools import BENEFITS, POLICIES, BenefitForm, DriverForm, PoolForm
from tagging.forms.teams import team_choices
from tagging.owners import pool_owner
from tagging.results import PoolMonth
from tagging.results.pools import PoolRow
from tagging.selectors import pool_pages
from tagging.selectors.closed import first_open_period, is_open
from tagging.terms import OwnerKind
from tagging.views.months import NO_COSTS_STAFF, Month, chosen_month, month_lines
from tagging.views.owner_lines import explore_url, link

SHARE_COLUMNS: tuple[ExportColumn | str, ...] = (
    "Pool",
    "Split",
    "Owner",
    ExportColumn("Weight", ColumnKind.NUMBER),
    ExportColumn("Share", ColumnKind.RATIO),
    ExportColumn("Cost", ColumnKind.MONEY),
)


@staff_page
def pools(request: HttpRequest) -> HttpResponseBase:
    """All pools with what each got and gave in the month, and the policies on charges and commitments."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    found = months_of(scope, month)
    if month and (response := exported(request, month, found)):
        return response
    by_key = {item.key: item for item in found}  # of the setting in force, so of one row of each pool
    period = month.period if month else BillingPeriod.of(current_moment().date())
    context = {
        "month": month,
        "rows": [
            (
                row,
                by_key.get(row.key) if row.holds_in(period) else None,
                standing(row, period),
                row.may_be_dropped_at(period) and is_open(row.from_period or period),
            )
            for row in pool_pages.pool_rows(scope)
        ],
        "stays": sum((item.stays for item in found), start=ZERO),
        "policies": pool_pages.charge_policies(scope, period),
        "policy_choices": POLICIES,
        "benefits": pool_pages.benefit_rows(scope),
        "benefit_names": dict(BENEFITS),
        "benefit_form": BenefitForm(initial={"benefit_from": str(period)}),
        "drivers": pool_pages.driver_rows(scope),
        "driver_form": DriverForm(),
        "period": period,
        "empty_text": NO_COSTS_STAFF,
        "form": month and MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
    }
    return render(request, "tagging/pools.html", context)


def standing(row: PoolRow, period: BillingPeriod) -> str:
    """What a setting is in a month that it does not hold in; '' of the one in force."""
    if row.holds_in(period):
        return ""
    return "Planned" if row.is_planned_at(period) else "Ended"


# An open pool shows its total to who takes part.
PARTS_TO_TELL_APART = 2
ONLY_TWO = "Only two take part in this open pool: each can work out the other's part from the total and its own."


@login_required
def pool_month(request: HttpRequest, key: str) -> HttpResponseBase:
    """One pool's split of a month: for staff, and for a team that has a part of it where it is open."""
    scope = request_scope(request)
    month = chosen_month(request, scope)
    if month is None:
        raise NotFoundInScopeError("Nothing here.")
    found = pool_pages.pool_month(scope, month.period, key, metric=month.metric, currency=month.currency)
    if response := exported(request, month, [found]):
        return response
    context = {
        "month": month,
        "pool": found,
        "form": MonthForm(initial=month.initial, periods=month.periods, currencies=month.currencies),
        "lines_url": link("tagging:pool_why", month.params, key) if scope.everything else "",
        "bill_lines_url": month_lines(month, ("team", pool_owner(key))),
        "costs_url": explore_url(month, "team", pool_owner(key)) if scope.everything else "",
        "changes": pool_pages.pool_changes(scope, key) if scope.everything else (),
    }
    return render(request, "tagging/pool_month.html", context)


@staff_page
@require_http_methods(["GET", "POST"])
def pool_new(request: HttpRequest) -> HttpResponseBase:
    """Make a pool; its split of the newest month is shown before it is kept."""
    return pool_form(request, "", {}, {})


@staff_page
@require_http_methods(["GET", "POST"])
def pool_edit(request: HttpRequest, key: str) -> HttpResponseBase:
    """Change how a pool is split, from a month on."""
    row = pool_pages.pool_setting(request_scope(request), key, asked_setting(request))
    initial = {
        "name": row.pool.name,
        "method": row.pool.method.value,
        "weighing": row.pool.weighing.value,
        "services": "\n".join(row.pool.services),
        "driver_key": row.driver_key,
        "rest_to": row.pool.rest_to,
        "is_open": row.pool.is_open,
        "from_period": str(row.from_period or ""),
        "to_period": str(row.to_period or ""),
    }
    return pool_form(request, key, initial, {target.owner_key: target for target in row.pool.targets})


def asked_setting(request: HttpRequest) -> BillingPeriod | None:
    """The month whose setting is to be changed; None for the newest."""
    asked = request.GET.get("setting", "").strip()
    return BillingPeriod.parse(asked) if asked else None


@staff_page
@require_POST
def pool_switch_off(request: HttpRequest, key: str) -> HttpResponseBase:
    """Stop splitting a pool."""
    services.switch_off_pool(key, reason=request.POST.get("reason", ""))
    messages.success(request, "The pool is not split any more. What rules give it stays in it.")
    return redirect("tagging:pools")


@staff_page
@require_http_methods(["GET", "POST"])
def pool_drop(request: HttpRequest, key: str, period: str) -> HttpResponseBase:
    """Ask why, then drop a setting that was planned from that month on."""
    scope, start = request_scope(request), BillingPeriod.parse(period)
    row = next((row for row in pool_pages.pool_rows(scope) if row.key == key and row.from_period == start), None)
    if row is None:
        raise NotFoundInScopeError("Nothing here.")
    error = ""
    if request.method == "POST":
        try:
            services.drop_planned_pool(key, start, reason=request.POST.get("reason", ""))
        except InvalidRequestError as refused:
            error = str(refused)
        else:
            messages.success(request, f"The setting of {row.name} planned from {start.label} on is dropped.")
            return redirect("tagging:pools")
    before = pool_pages.setting_before(scope, row)
    context = {"row": row, "before": before, "error": error, "max_reason": services.MAX_POOL_REASON}
    return render(request, "tagging/pool_drop.html", context, status=400 if error else 200)


def pool_form(request: HttpRequest, key: str, initial: dict[str, Any], targets: dict[str, Any]) -> HttpResponseBase:
    """The form; `preview` in the POST shows the split, anything else saves."""
    scope = request_scope(request)
    form = PoolForm(
        request.POST or None,
        owners=owner_choices(scope, key, {*targets, initial.get("rest_to", "")}),
        drivers=[(row.key, row.name) for row in pool_pages.driver_rows(scope)],
        targets=targets,
        initial=initial,
    )
    setting = pool_pages.pool_setting(scope, key, asked_setting(request)) if key else None
    kind = setting.charge_kind if setting else ""
    context: dict[str, Any] = {"form": form, "key": key, "name": initial.get("name", "")}
    context |= {"is_used": setting is not None and setting.is_used, "max_reason": services.MAX_POOL_REASON}
    if request.method == "POST" and form.is_valid():
        wanted = form.as_input(key=key, charge_kind=kind)
        begun = setting.from_period if setting else None  # the setting that is changed: it does not stay beside
        try:
            is_trial = "preview" in request.POST
            seen = previewed(request, scope, wanted, begun) if is_trial or wanted.is_open else {"only_two": False}
            if not is_trial:
                services.save_pool(wanted, instead_of=begun)
                if text := taken_over(scope, wanted, begun):
                    messages.info(request, text)
                if seen["only_two"]:
                    messages.warning(request, ONLY_TWO)
                messages.success(request, f"Pool {'changed' if key else 'made. Now add a rule that gives to it'}.")
                return redirect("tagging:pools")
            context |= seen
        except InvalidRequestError as error:
            form.add_error(None, str(error))
    if key:
        context["changes"] = pool_pages.pool_changes(scope, key)
        context["settings"] = [row for row in pool_pages.pool_rows(scope) if row.key == key]
        context["shown_from"] = setting.from_period if setting else None
    return render(request, "tagging/pool_form.html", context, status=400 if form.errors else 200)


def taken_over(scope: Scope, wanted: services.PoolInput, begun: BillingPeriod | None) -> str:
    """That a setting planned for later stays as it is, where one does; '' where none does."""
    if not wanted.key:
        return ""
    later = pool_pages.planned_setting(scope, wanted.key, wanted.from_period or first_open_period())
    if later is None or later.from_period is None or later.from_period == begun:
        return ""
    return (
        f"From {later.from_period.label} on the setting planned for then holds ({later.split_text})."
        " Change that one, too, if it is to be otherwise."
    )


def previewed(
    request: HttpRequest, scope: Scope, wanted: services.PoolInput, begun: BillingPeriod | None
) -> dict[str, Any]:
    """The split as it would be in the newest month the setting holds in."""
    month = chosen_month(request, scope)
    later = {"later": taken_over(scope, wanted, begun)}
    if month is None:
        return later | {
            "preview": None,
            "previewed": True,
            "only_two": wanted.is_open and len(wanted.targets) == PARTS_TO_TELL_APART,
        }
    period = max(month.period, wanted.from_period or month.period)
    found = services.preview_pool(scope, wanted, period, metric=month.metric, currency=month.currency, instead_of=begun)
    taking = len(wanted.targets)
    if wanted.is_open and not taking:  # nobody is named: who has direct costs
        rows = selectors.statements(scope, period, metric=month.metric, currency=month.currency).rows
        taking = sum(bool(row.direct_cost) for row in rows if row.owner_kind is not OwnerKind.POOL)
    told = {"preview": found, "previewed": True, "month": month, "preview_period": period}
    return told | later | {"only_two": wanted.is_open and taking == PARTS_TO_TELL_APART}


def owner_choices(scope: Scope, key: str, chosen: set[str]) -> list[tuple[str, str]]:
    """Who can take part: teams in use or that take part already, then pools other than this one."""
    teams = team_choices(selectors.visible_teams(scope), chosen=chosen)
    others = {row.key: row.name for row in pool_pages.pool_rows(scope) if row.key != key}
    return [*teams, *((pool_owner(other), f"Pool {name}") for other, name in others.items())]


def months_of(scope: Scope, month: Month | None) -> tuple[PoolMonth, ...]:
    """The pools as the month splits them."""
    if month is None:
        return ()
    return pool_pages.pool_months(scope, month.period, metric=month.metric, currency=month.currency)


def exported(request: HttpRequest, month: Month, found: Sequence[PoolMonth]) -> HttpResponseBase | None:
    """Every share as a file, with the pool's own line, so that each pool sums to zero."""
    rows = [
        (pool.name, pool.method, view.owner_name, view.weight, view.ratio, view.cost)
        for pool in found
        for view in pool.shares
    ]
    rows += [(pool.name, pool.method, f"Pool {pool.name}", None, None, -pool.shared) for pool in found]
    stays = sum((pool.stays for pool in found), start=ZERO)
    head: list[TitleRow] = [
        ("Shared pools", "every share, and what left each pool"),
        *month.title_rows,
        ("Stays", stays),
    ]
    name = f"pools-{month.period}" if len(found) != 1 else f"pool-{found[0].key}-{month.period}"
    return export_response(request, name=name, title_rows=head, columns=SHARE_COLUMNS, rows=rows)
