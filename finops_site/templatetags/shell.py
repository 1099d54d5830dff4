"""The page shell: which pages the reader may open, and the colours they chose."""

from dataclasses import dataclass

from django import template
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from costs.reading import read_once
from costs.scope import Scope
from tagging import selectors as ownership

register = template.Library()

THEMES = ("light", "dark")
TEAMS_SHOWN = 8


@dataclass(frozen=True)
class NavItem:
    label: str
    url: str
    icon: str
    is_current: bool = False


@dataclass(frozen=True)
class NavSection:
    title: str
    items: tuple[NavItem, ...]


@register.simple_tag(takes_context=True)
def theme(context: template.Context) -> str:
    """`light` or `dark` where the reader chose one, else empty: the system decides."""
    request: HttpRequest | None = context.get("request")
    chosen = request.COOKIES.get("theme", "") if request else ""
    return chosen if chosen in THEMES else ""


@register.simple_tag(takes_context=True)
def navigation(context: template.Context) -> tuple[NavSection, ...]:
    """The pages the reader may open; what has no address is not there."""
    request: HttpRequest | None = context.get("request")
    user = getattr(request, "user", None)
    if request is None or user is None or not user.is_authenticated:
        return ()
    # Twice on a page: in the sidebar, and in the menu of narrow screens.
    kept = (request.path, bool(context.get("is_staff_view")))
    return read_once(("navigation", *kept), lambda: _navigation(request, is_staff=kept[1]))


def _navigation(request: HttpRequest, *, is_staff: bool) -> tuple[NavSection, ...]:
    sections = _for_staff() if is_staff else _for_teams(request)
    current = _current_url(request.path, [item.url for section in sections for item in section.items])
    return tuple(
        NavSection(section.title, tuple(_marked(item, current) for item in section.items))
        for section in sections
        if section.items
    )


def _for_staff() -> tuple[NavSection, ...]:
    costs = _items(
        ("Overview", "overview", "overview"),
        ("Explore", "tagging:explore", "explore"),
        ("Chargeback", "tagging:chargeback", "chargeback"),
        ("Budgets", "budgets:budgets", "budgets"),
        ("Alerts", "budgets:inbox", "alerts"),
        ("Tags", "tagging:tags", "tags"),
        ("Commitments", "ri:commitments", "commitments"),
        ("Findings", "tagging:findings", "findings"),
        ("Programme", "programme", "programme"),
    )
    estate = _items(
        ("Accounts", "estate:accounts", "accounts"),
        ("Resources", "estate:resources", "resources"),
    )
    upkeep = _items(
        ("Imports", "costs:imports", "imports"),
        ("Allocation rules", "tagging:rules", "rules"),
        ("Shared pools", "tagging:pools", "pools"),
        ("Teams", "tagging:teams", "teams"),
        ("People", "tagging:people", "people"),
        ("Admin", "admin:index", "admin"),
        ("API docs", "api:docs", "api"),
    )
    return (NavSection("", costs), NavSection("Estate", estate), NavSection("Upkeep", upkeep))


def _for_teams(request: HttpRequest) -> tuple[NavSection, ...]:
    scope: Scope = request.scope  # type: ignore[attr-defined]
    teams = [
        NavItem(team.name, url, "team")
        for team in ownership.visible_teams(scope)[:TEAMS_SHOWN]
        if (url := _address("team", team.key))
    ]
    pages = _items(
        ("Explore", "tagging:explore", "explore"),
        ("Chargeback", "tagging:chargeback", "chargeback"),
        ("Budgets", "budgets:budgets", "budgets"),
        ("Alerts", "budgets:inbox", "alerts"),
        ("Tags", "tagging:tags", "tags"),
        ("Findings", "tagging:findings", "findings"),
        ("API docs", "api:docs", "api"),
    )
    if len(teams) > 1:
        teams = [*_items(("All my teams", "home", "teams")), *teams]
    return (NavSection("My teams" if len(teams) > 1 else "My team", tuple(teams)), NavSection("Costs", pages))


def _items(*pages: tuple[str, str, str]) -> tuple[NavItem, ...]:
    return tuple(NavItem(label, url, icon) for label, name, icon in pages if (url := _address(name)))


def _address(name: str, *args: str) -> str:
    try:
        return reverse(name, args=args)
    except NoReverseMatch:
        return ""


def _current_url(path: str, urls: list[str]) -> str:
    """The longest address the path lies under; the start page only when it is the path."""
    under = [url for url in urls if path == url or (url != "/" and path.startswith(url))]
    return max(under, key=len, default="")


def _marked(item: NavItem, current: str) -> NavItem:
    return NavItem(item.label, item.url, item.icon, item.url == current)
