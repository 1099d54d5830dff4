"""A name of 110 letters without a space: no page gets wider than the phone it is read on."""

from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Browser
from pytest_django.live_server_helper import LiveServer

from tagging.models import Team
from tests.browser import crawl
from tests.browser.test_pages_browser import _database_beside_playwright, company, opened

__all__ = ["_database_beside_playwright", "company", "opened"]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.thorough,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not crawl.CHROMIUM.exists(), reason=f"there is no chromium at {crawl.CHROMIUM}"),
]
PHONE = 390
# What reaches past the right edge, for the message: elements that no scrolling part holds.
WIDE = """() => [...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > 391
  && !e.closest('.table-scroll')).slice(0, 6).map(e => e.tagName + '.' + e.className + ' ' + e.id)"""


@pytest.mark.usefixtures("company")
def test_no_page_is_wider_than_a_phone_for_a_long_unbroken_name(
    opened: Browser, live_server: LiveServer, finops_lead: User, team: Team, tmp_path: Path
) -> None:
    Team.objects.filter(pk=team.pk).update(name="W" * 110)
    key = crawl.session_key_of(finops_lead)
    context = crawl.context_for(opened, live_server.url, session_key=key, size="phone", scheme="light")
    page, faults = context.new_page(), []
    for path in (
        f"/statements/{team.key}/?period=2026-02",
        f"/teams/{team.key}/",
        f"/why/{team.key}/?period=2026-02",
        f"/explore/?group=team&period=2026-02&team={team.key}",
        "/chargeback/?period=2026-02",
        "/",
    ):
        answer = page.goto(path)
        assert answer is not None
        assert answer.status == 200, path
        width = page.evaluate("document.scrollingElement.scrollWidth")
        if width > PHONE:
            faults.append(f"{path} is {width} wide: {page.evaluate(WIDE)}")
        page.screenshot(path=tmp_path / "page.png", full_page=True)
    assert not faults, "\n".join(faults)
