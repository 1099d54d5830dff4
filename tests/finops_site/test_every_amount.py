"""Every amount on every page opens the lines behind it, and they add up to it; what does not, says why."""

import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import Resolver404, resolve

from costs.money import QUANTUM
from costs.scope import Scope
from tagging import selectors
from tagging.access import scope_of
from tagging.views.lines import lines_asked
from tests.conftest import ClientFor
from tests.finops_site.amounts import Amount, amounts_of, links_of
from tests.leaks import test_nothing_leaks
from tests.leaks.world import NOW

pytestmark = pytest.mark.django_db

first_world = test_nothing_leaks.first_world
STARTS = (
    "/",
    "/explore/?period=2026-02&by=team&then=service",
    "/explore/?period=2026-02&by=service&then=tag:Environment&basis=effective",
    "/chargeback/?period=2026-01",
    "/chargeback/?period=2026-02&by=service",
    "/chargeback/?period=2026-02&by=cost_center",
    "/imports/cost-explorer/?from=2026-01&to=2026-02",
    "/imports/cost-explorer/?period=2026-02&per=day&without=taxes",
    "/imports/cost-explorer/?period=2026-02&basis=effective",
    "/statements/alpha/?period=2026-01",
)
# Guards against pages that were not reached: views that had links when this was written, and links checked then.
LINKED = {
    "overview", "team", "budgets:budgets", "budgets:budget", "costs:imports", "costs:import", "costs:bill",
    "costs:source", "costs:cost_explorer", "estate:accounts", "estate:account", "estate:resources", "estate:resource",
    "tagging:explore", "tagging:chargeback", "tagging:statement", "tagging:close", "tagging:resources", "tagging:tags",
    "tagging:tag_findings", "tagging:fixes", "tagging:pool_month", "tagging:why",
}  # fmt: skip
LINKED_FOR_A_LEAD = {
    "team", "budgets:budgets", "budgets:budget", "tagging:explore", "tagging:chargeback", "tagging:statement",
    "tagging:resources", "tagging:tags", "tagging:tag_findings", "tagging:fixes", "tagging:pool_month", "tagging:why",
}  # fmt: skip
MOST_KNOWN, MOST_KNOWN_FOR_A_LEAD = 250, 80
OTHERS = ("/admin/", "/api/", "/accounts/", "/static/")
EACH = 3  # addresses of one view; those after it differ in their filters
DELTA = "a difference of two figures, each of which opens its lines"
EXPECTED = "an expectation or a saving: no line says it"
POOLS = "pools move it between owners: no line of the bill is it"
LISTED = "the sum of a list, each row of which opens its lines"
THEN = "as it stood at that moment; the budget's page opens today's"
BOOKED = "in whole cents, or with parts of pools and corrections; Direct beside it opens the lines"
# (view, place on its page, why no lines are behind it): patterns, the first that fits counts.
EXCEPTIONS: tuple[tuple[str, str, str], ...] = (
    (".*", "trust strip", "a difference that has to be zero"),
    (".*", "(total of )?(Change|Variance|Against the month before|Difference)", DELTA),
    ("tagging:lines", "(Billed|Effective|List|Contracted|Unblended) cost|text of lines-title", "these are the lines"),
    ("programme.*", ".*", EXPECTED),
    ("budgets:.*", "Plan|Expected.*|note of .*|Over plan by|text of plan-title|Left", EXPECTED),
    ("budgets:budgets", "text of .*", EXPECTED),
    ("budgets:.*", "Cost then|text of open-title", THEN),
    ("overview|team", "text of (Where the month lands|Worth most|Do this)", EXPECTED),
    ("overview|team", "text of (Budgets|Imports|page)", "of budgets and imports, whose own pages open their lines"),
    ("team", "text of Tag compliance", LISTED),
    ("ri:price_book.*", ".*", "a price"),
    ("ri:pool|ri:commitments", "Saves.*|Net saving.*|Gross.*|Upfront|Worst.*|text of .*", EXPECTED),
    ("ri:commitments", "Unused this month|note of .*", LISTED),
    ("team|tagging:(chargeback|statement|close)", "(total of )?(Shared|Adjustments|Your part)|Carried in", POOLS),
    ("tagging:chargeback", "Total|(total of )?January 2026.*|Has an? .*|Unallocated|text of page", BOOKED),
    ("tagging:close", "Booked|Statements|Unallocated|total of (Direct|Booked|Total)", BOOKED),
    ("tagging:(statement|dispute_new|disputes|close_step)", "Total|Cost|At list price|text of .*", BOOKED),
    ("tagging:statement", "total of (Cost|At list price)", BOOKED),
    ("tagging:pools|tagging:pool_month", "Cost|From other pools|Left it|Stays|Got|total of Cost|text of .*", POOLS),
    ("tagging:center_shares", "(total of )?Shared", POOLS),
    ("tagging:(why|why_nobody|pool_why)", "text of page", LISTED),
    ("tagging:(why|why_nobody|pool_why)", "Cost", "of a slice; the decision above opens its lines"),
    ("tagging:(resources|fixes|suggestions)", "(Billed|Effective) cost|Money to fix|text of .*", LISTED),
    ("estate:resources", "Billed cost|total of Cost", LISTED),
    ("estate:resource", "Rate|text of findings-title", "a price an hour, a saving"),
    (
        "tagging:(tags|tag_trend|tag_findings)",
        "Set aside|Ten next fixes|To fix|(note|text) of .*|Compliant cost",
        LISTED,
    ),
    ("tagging:findings?", "Saving a month|Saved so far|To be saved.*|(note|text) of .*|Dear .*|Idle|Not.*", EXPECTED),
    ("tagging:(findings|suggestions)", "(total of )?Cost a month", "scaled to a month; its page opens the lines"),
    ("tagging:finance", ".*", "booked for the ledger: invoices as entered, accruals, fees spread over their term"),
    ("tagging:rules", "text of order-title", "of several months, open beside it by rule"),
    ("costs:cost_explorer", "Amount here", "of charge types, whose tiles open their lines, or not in the table"),
)


# A team's total has its parts of pools in it, which sum to zero for staff alone.
FOR_A_LEAD = (
    ("tagging:chargeback", "total of Total", BOOKED),
    ("tagging:chargeback", "Without .*", POOLS),  # lines where no parts of pools are in it
)


def pages(client: Client) -> Iterator[tuple[str, str, str]]:
    """(name of the view, address, HTML) of the pages there are links to, some of each view."""
    waiting, known, count = list(STARTS), set(STARTS), Counter[str]()
    while waiting:
        url = waiting.pop(0)
        name = name_of(url)
        if not name or (count[name] >= EACH and url not in STARTS):
            continue
        count[name] += 1
        response = client.get(url)
        if response.status_code in {301, 302}:
            waiting.insert(0, response["Location"])
        if response.status_code != 200 or not response["Content-Type"].startswith("text/html"):
            continue
        html = response.content.decode()
        yield name, url, html
        found = dict.fromkeys(urldefrag(urljoin(url, link))[0] for link in links_of(html))
        new = [link for link in found if link.startswith("/") and link not in known]
        known.update(new)
        waiting += new


def name_of(url: str) -> str:
    """The view's name; empty where it is none of ours, or a file."""
    if url.startswith(OTHERS) or "format=" in url:
        return ""
    try:
        return resolve(urlsplit(url).path).view_name
    except Resolver404:
        return ""


def why_not(name: str, amount: Amount, scope: Scope) -> str:
    """Why an amount has no lines; empty where it should."""
    known = EXCEPTIONS if scope.everything else (*EXCEPTIONS, *FOR_A_LEAD)
    found = (why for view, place, why in known if re.fullmatch(view, name) and re.fullmatch(place, amount.place))
    return next(found, "")


def difference(scope: Scope, amount: Amount) -> str:
    """What is wrong with the lines behind an amount; empty where they add up to it to the last digit."""
    request = RequestFactory().get(amount.lines_url)
    found = selectors.lines_behind(scope, lines_asked(request, scope))
    if found.figure is not None:
        shown = found.figure
        return "" if shown == amount.value and found.ties_out else f"{shown} (lines {found.total})"
    # Only lines know these filters: pages keep ten decimals of each of them.
    is_same = abs(found.total - amount.value) <= QUANTUM * max(found.sums.count, 1)
    return "" if is_same else f"lines {found.total}"


def check_all(client: Client, scope: Scope) -> tuple[set[str], int]:
    """The views that had links, and how many links were checked; fails on the first view's amounts that do not hold."""
    checked = dict[tuple[str, object], str]()
    unlinked, wrong, views = Counter[str](), list[str](), set[str]()
    for name, url, html in pages(client):
        for amount in amounts_of(html):
            if not amount.lines_url:
                if not why_not(name, amount, scope):
                    unlinked[f"{name}: {amount.place} ({url}: {amount.row} {amount.value})"] += 1
                continue
            views.add(name)
            key = (amount.lines_url, amount.value)
            if key not in checked and urlsplit(amount.lines_url).path == "/lines/":
                checked[key] = difference(scope, amount)
                if checked[key]:
                    wrong.append(
                        f"{url}: {amount.place}, {amount.row} {amount.value}: {checked[key]} at {amount.lines_url}"
                    )
    assert wrong == []
    assert sorted({text.partition(" (")[0] for text in unlinked}) == [], sorted(unlinked)
    return views, len(checked)


@pytest.fixture(autouse=True)
def _moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_module("budgets.views.budgets"), "current_moment", lambda: NOW)


def test_every_amount_opens_lines_that_add_up_to_it(
    first_world: User, finops_lead: User, client_for: ClientFor
) -> None:
    views, checked = check_all(client_for(finops_lead), Scope.all())
    assert checked > MOST_KNOWN
    assert views >= LINKED


def test_every_amount_a_lead_sees_opens_the_leads_own_lines(first_world: User, client_for: ClientFor) -> None:
    views, checked = check_all(client_for(first_world), scope_of(first_world))
    assert checked > MOST_KNOWN_FOR_A_LEAD
    assert views >= LINKED_FOR_A_LEAD
