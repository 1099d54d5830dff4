"""What to do: the steps worth most money a month, each with what it rests on."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from django.urls import reverse
from django.utils.http import urlencode

from costs import figures
from costs.money import ZERO
from costs.scope import Scope
from finops_site.panels.parts import MonthChoice, panel
from ri import selectors as commitments
from ri.selectors import Advised
from ri.terms import RunKind
from tagging import selectors as ownership
from tagging.results import FindingTable, KindTotal

SHOWN = 3
MONTHS_OF_A_YEAR = 12


@dataclass(frozen=True)
class Action:
    """One step: what it saves in a month, and what that figure rests on."""

    title: str
    url: str
    monthly: Decimal
    currency: str
    rests_on: str


@dataclass(frozen=True)
class Actions:
    """The steps worth most; without any, `why_none` says why."""

    rows: tuple[Action, ...]
    why_none: str


@dataclass(frozen=True)
class BestFinding:
    """The largest finding (None without any), and the rest of them together."""

    action: Action | None
    more: int
    more_monthly: Decimal
    currency: str


@panel
def best_actions(scope: Scope, month: MonthChoice) -> Actions:
    """Findings by kind and advice on commitments by source, in the page's currency."""
    advice = commitments.advised(scope)
    wasted = ownership.findings(scope, currency=month.currency)
    found = [*_fixes(wasted), *_purchases(advice, month.currency)]
    ranked = sorted(found, key=lambda row: (-row.monthly, row.title))
    return Actions(tuple(ranked[:SHOWN]), "" if ranked else _why_none(advice))


@panel
def best_finding(scope: Scope, month: MonthChoice) -> BestFinding:
    """The reader's largest finding that is still to be acted on, and how many more there are."""
    found = ownership.findings(scope, currency=month.currency)
    live = [row for row in found.rows if row.is_live and row.monthly_saving > 0]
    if not live:
        return BestFinding(None, 0, ZERO, found.currency)
    first, rest = live[0], live[1:]
    action = Action(
        title=first.name,
        url=reverse("tagging:finding", args=[first.ref]),
        monthly=first.monthly_saving,
        currency=first.currency,
        rests_on=f"{first.kind.heading}: {first.reason} Effective cost of {first.period.label}.",
    )
    return BestFinding(action, len(rest), sum((row.monthly_saving for row in rest), ZERO), found.currency)


def _fixes(found: FindingTable) -> Iterable[Action]:
    for total in found.by_kind:
        if total.count and total.monthly_saving > 0:
            params = {"kind": total.kind.value, "currency": found.currency}
            yield Action(
                title=total.kind.heading,
                url=f"{reverse('tagging:findings')}?{urlencode(params)}",
                monthly=total.monthly_saving,
                currency=found.currency,
                rests_on=_findings_text(total, found.currency),
            )


def _findings_text(total: KindTotal, currency: str) -> str:
    some = f"{total.count} finding{'' if total.count == 1 else 's'}"
    return f"{some}, open or accepted, on {figures.money(total.monthly_cost, currency)} of effective cost a month"


def _purchases(advice: Iterable[Advised], currency: str) -> Iterable[Action]:
    for run in advice:
        if run.purchases and run.net_savings_annual > 0 and run.currency == currency:
            yield Action(
                title=f"Buy {run.purchases} recommended commitment{'' if run.purchases == 1 else 's'}",
                url=f"{reverse('ri:commitments')}?{urlencode({'source': run.source_name})}#advice",
                monthly=run.net_savings_annual / MONTHS_OF_A_YEAR,
                currency=run.currency,
                rests_on=_rests_on(run),
            )


def _rests_on(run: Advised) -> str:
    kind = "inventories" if run.kind is RunKind.SCREEN else "hourly usage"
    upfront = f", {figures.money(run.upfront_cost, run.currency)} upfront" if run.upfront_cost else ""
    return (
        f"{run.source_name}, {run.lookback_days} days of {kind} to {figures.day(run.as_of)}, price book"
        f" {run.price_book}; {figures.money(run.net_savings_annual, run.currency)} net a year ÷ 12{upfront}"
    )


def _why_none(advice: Iterable[Advised]) -> str:
    if not list(advice):
        return "No finding is open, and nobody has asked for advice on commitments yet."
    return "No finding is open, and the newest advice recommends no purchase."
