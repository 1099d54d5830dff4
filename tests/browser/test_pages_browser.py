"""Every page in a real browser: accessible, no wider than a phone, nothing refused by the CSP."""

import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import User
from playwright.sync_api import Browser, Page
from pytest_django.live_server_helper import LiveServer

from costs import services as intake
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site import pipeline
from tagging.models import AllocationRule, OwnershipDoubt, Team
from tagging.selectors import decisions
from tagging.terms import RuleKind
from tests.browser import crawl
from tests.finops_site.advice_world import TODAY, dear_volumes, put_to_work
from tests.leaks.bills import Line, write_bill

TAGS = (("Team", "Payments"), ("Environment", "Prod"), ("Owner", "leo"))
Way = tuple[str, str]
# A page is looked at in one of these pairs, so in both sizes and both schemes; over the run all four ways are met,
# and what both staff and a team lead come to is seen in all four.
PAIRS: tuple[tuple[Way, Way], ...] = (
    (("desktop", "light"), ("phone", "dark")),
    (("desktop", "dark"), ("phone", "light")),
)
BOTH_SIZES = ("desktop", "phone")
# What others' pages have of their own: Django's inline forms with select2, and Swagger UI.
DJANGOS_OWN = {"aria-input-field-name", "empty-table-header", "label", "select-name"}
SWAGGERS_OWN = {"color-contrast", "heading-order", "nested-interactive", "region"}

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not crawl.CHROMIUM.exists(), reason=f"there is no chromium at {crawl.CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def _database_beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright keeps an event loop in this thread; Django may read its database here all the same."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")


@pytest.fixture
def company(team: Team, other_team: Team, tmp_path: Path) -> None:
    """Two months of bills, two teams, and costs nobody owns."""
    for position, owner in enumerate((team, other_team), start=1):
        AllocationRule.objects.create(
            name=f"Tag Team is {owner.name}", position=position, kind=RuleKind.TAG.value, tag_key="Team",
            tag_values=[owner.name], team=owner,
        )  # fmt: skip
    for number, period in enumerate(("2026-01", "2026-02")):
        lines = [
            Line(f"i-{at}", f"{(at + 1) * (7 + number)}.25", day=at + 1, tags=TAGS if at % 3 else ())
            for at in range(12)
        ]
        lines += [
            Line("bucket-search", "14.10", day=2, service="Amazon Simple Storage Service", product="AmazonS3",
                 usage_type="TimedStorage-ByteHrs", operation="StandardStorage", tags=(("Team", "Search"),)),
            *dear_volumes(team.name),
            Line("", "3.00", kind="Tax", usage_type="", operation=""),
            Line("", "-2.50", kind="Credit", usage_type="", operation=""),
        ]  # fmt: skip
        for pk in intake.prepare_imports([write_bill(tmp_path / f"{period}.csv", period, lines)], today=TODAY):
            pipeline.run_import(pk)


@pytest.fixture
def company_at_work(company: None, team: Team, tmp_path: Path) -> None:
    """The same with advice, a price book, budgets, alerts, findings and a programme."""
    put_to_work(tmp_path, team_key=team.key)


@pytest.fixture
def opened() -> Iterator[Browser]:
    with crawl.browser() as browser:
        yield browser


def faults_of(page: Page, path: str) -> list[str]:
    """What is wrong with the page: accessibility, width, refused or broken parts."""
    heard: list[str] = []
    page.on("console", lambda message: heard.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.goto(path)
    faults = [text for text in heard if "404 (Not Found)" not in text]
    width, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    if width > window:
        faults.append(f"is {width} wide in a window of {window}")
    faults += [f"{name}: {places}" for name, places in violations_of(page).items()]
    return [f"{path}: {fault}" for fault in faults]


def violations_of(page: Page) -> dict[str, str]:
    """What axe finds, by rule: the first places."""
    found = Axe().run(page).response["violations"]
    return {rule["id"]: "; ".join(node["html"][:120] for node in rule["nodes"][:3]) for rule in found}


def ways_of(found: crawl.Found, turn: int) -> tuple[Way, Way]:
    """The two ways this page is looked at; the other two in the other turn."""
    return PAIRS[(zlib.crc32(found.name.encode()) + turn) % 2]


def faults_for(
    opened: Browser, base_url: str, user: User, *, turn: int, sizes: tuple[str, ...] = BOTH_SIZES
) -> tuple[list[str], set[str]]:
    """All faults this reader meets, and the names of the views they came to."""
    key = crawl.session_key_of(user)
    faults: list[str] = []
    pages: list[crawl.Found] = []
    for size, scheme in (way for pair in PAIRS for way in pair if way[0] in sizes):
        context = crawl.context_for(opened, base_url, session_key=key, size=size, scheme=scheme)
        pages = pages or crawl.reachable_pages(context.new_page())
        for found in pages:
            is_ours = not found.path.startswith(crawl.STARTS_ONLY)  # others' pages have a test of their own
            if is_ours and (size, scheme) in ways_of(found, turn):
                faults += [f"{size}, {scheme}: {fault}" for fault in faults_of(context.new_page(), found.path)]
        context.close()
    return faults, {found.name for found in pages}


@pytest.mark.usefixtures("company_at_work")
def test_every_page_of_staff_is_free_of_faults(opened: Browser, live_server: LiveServer, finops_lead: User) -> None:
    faults, views = faults_for(opened, live_server.url, finops_lead, turn=0)
    assert not faults, "\n".join(faults)
    assert {"overview", "team", "tagging:explore", "tagging:chargeback", "tagging:tags", "costs:imports"} <= views
    assert {
        "tagging:finding",
        "budgets:budget",
        "ri:pool",
        "ri:price_book",
        "programme_case",
        "programme_part",
    } <= views


@pytest.mark.usefixtures("company_at_work")
def test_every_page_of_a_team_lead_is_free_of_faults(opened: Browser, live_server: LiveServer, team_lead: User) -> None:
    faults, views = faults_for(opened, live_server.url, team_lead, turn=1)
    assert not faults, "\n".join(faults)
    assert {
        "team",
        "tagging:explore",
        "tagging:statement",
        "tagging:tags",
        "tagging:finding",
        "budgets:budget",
    } <= views
    assert not {"overview", "costs:imports", "admin:index"} & views


@pytest.mark.usefixtures("company")
def test_doubts_their_proposals_and_the_steps_of_rules_are_free_of_faults(
    opened: Browser, live_server: LiveServer, finops_lead: User, team_lead: User, team: Team
) -> None:
    month = BillingPeriod.parse("2026-02")
    ref = decisions(Scope.all(), month, team_key=team.key, metric=CostMetric.BILLED).rows[0].ref
    for size, scheme in (("desktop", "dark"), ("phone", "light")):
        key = crawl.session_key_of(team_lead)
        page = crawl.context_for(opened, live_server.url, session_key=key, size=size, scheme=scheme).new_page()
        if not OwnershipDoubt.objects.exists():
            page.goto(f"/why/{team.key}/?period={month}&decision={ref}")
            page.get_by_text("This is not ours").click()
            page.locator("textarea[name=text]").fill("We only lent our tag to the machines of others.")
            page.get_by_role("button", name="Tell the FinOps lead").click()
        assert faults_of(page, "/disputes/") == []
        assert page.get_by_text("We only lent our tag").count() == 1
        key = crawl.session_key_of(finops_lead)
        page = crawl.context_for(opened, live_server.url, session_key=key, size=size, scheme=scheme).new_page()
        for path in ("/disputes/", f"/doubts/{OwnershipDoubt.objects.get().pk}/rule/", "/rules/"):
            assert faults_of(page, path) == []
        page.locator(".rule-step > summary").first.click()
        assert violations_of(page) == {}
        page.locator(".rule-step[open] select").select_option("down" if size == "desktop" else "off")
        page.locator(".rule-step[open] input[name=reason]").fill("Agreed with both leads")
        page.get_by_role("button", name="Do it").click()
        page.wait_for_selector(".rule-undo")
        assert violations_of(page) == {}


def test_the_pages_of_a_visitor_are_free_of_faults(opened: Browser, live_server: LiveServer) -> None:
    for turn, pair in enumerate(PAIRS):
        for size, scheme in pair:
            context = crawl.context_for(opened, live_server.url, session_key="", size=size, scheme=scheme)
            for path in crawl.ENTRANCE[turn:]:
                assert faults_of(context.new_page(), path) == []
            context.close()


def test_an_empty_installation_is_free_of_faults(
    opened: Browser, live_server: LiveServer, finops_lead: User, viewer: User
) -> None:
    for turn, user in enumerate((finops_lead, viewer)):
        faults, _ = faults_for(opened, live_server.url, user, turn=turn, sizes=("phone",))
        assert not faults, "\n".join(faults)


@pytest.mark.usefixtures("company")
def test_the_admin_and_the_api_docs_have_no_faults_but_their_makers(
    opened: Browser, live_server: LiveServer, finops_lead: User, team: Team
) -> None:
    key = crawl.session_key_of(finops_lead)
    for path, size, scheme, their_own in (
        ("/admin/", "phone", "dark", set()),
        (f"/admin/tagging/team/{team.pk}/change/", "desktop", "light", DJANGOS_OWN),
        ("/api/v1/docs/", "desktop", "dark", SWAGGERS_OWN),
    ):
        context = crawl.context_for(opened, live_server.url, session_key=key, size=size, scheme=scheme)
        page = context.new_page()
        page.goto(path)
        if path.startswith("/api/"):
            page.wait_for_selector(".opblock")
        found = violations_of(page)
        assert found.keys() <= their_own, f"{path}: {found}"
        context.close()


@pytest.mark.usefixtures("company")
def test_the_menu_of_a_phone_opens_without_javascript(
    opened: Browser, live_server: LiveServer, finops_lead: User
) -> None:
    context = opened.new_context(
        base_url=live_server.url, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    key = crawl.session_key_of(finops_lead)
    context.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
    page = context.new_page()
    page.goto("/")
    page.locator(".drawer summary").click()
    page.get_by_role("link", name="Explore", exact=True).click()
    assert crawl.view_name(crawl.path_of(page.url)) == "tagging:explore"


@pytest.mark.usefixtures("company")
def test_a_sort_swaps_the_table_and_the_address(opened: Browser, live_server: LiveServer, finops_lead: User) -> None:
    key = crawl.session_key_of(finops_lead)
    page = crawl.context_for(opened, live_server.url, session_key=key, size="desktop", scheme="light").new_page()
    page.goto("/")
    page.evaluate("window.isSamePage = true")
    page.locator(".table-block a.sort").first.click()
    page.wait_for_url("**sort=**")
    page.wait_for_selector("th[aria-sort]")
    assert page.evaluate("window.isSamePage") is True


@pytest.mark.usefixtures("company")
def test_the_keyboard_skips_to_the_page_past_a_chart_and_through_menus(
    opened: Browser, live_server: LiveServer, finops_lead: User
) -> None:
    key = crawl.session_key_of(finops_lead)
    page = crawl.context_for(opened, live_server.url, session_key=key, size="desktop", scheme="light").new_page()
    page.goto("/explore/?from=2026-02&to=2026-02")
    page.keyboard.press("Tab")
    assert focused(page) == "Skip to the page"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("Boolean(document.activeElement.closest('main'))")

    page.locator(".chart-skip").first.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page).startswith("Show as table")

    menu = page.locator(".sidebar .user-menu > summary")
    menu.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert focused(page) == "Change password"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    assert menu.locator("..").get_attribute("open") is None


def focused(page: Page) -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.textContent")).strip()
