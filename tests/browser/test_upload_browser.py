"""A large file in a real browser: pieces, a lost connection, a reload in the middle, cancelling, and the plain form."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect
from pytest_django.fixtures import Settings
from pytest_django.live_server_helper import LiveServer

from costs.models import BillImport, PartialUpload
from finops_site import tasks
from tests.browser import crawl
from tests.costs.bills import DEFAULTS

MEGABYTES = 30
PIECE = 8 * 1024 * 1024
ADDRESS = re.compile(r"/api/v1/uploads/files/[0-9a-f]+/$")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not crawl.CHROMIUM.exists(), reason=f"there is no chromium at {crawl.CHROMIUM}"),
]


@pytest.fixture(autouse=True)
def _beside_playwright(monkeypatch: pytest.MonkeyPatch) -> None:
    """Playwright keeps an event loop in this thread; no worker runs here."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    monkeypatch.setattr(tasks.run_import, "delay", lambda _: None)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """A bill of thirty megabytes: one line, many times."""
    head, row = ",".join(DEFAULTS), ",".join(DEFAULTS.values())
    path = tmp_path / "large.csv"
    count = MEGABYTES * 1024 * 1024 // (len(row) + 1)
    path.write_text(f"{head}\n" + f"{row}\n" * count, encoding="utf-8")
    return path


@pytest.fixture
def page(live_server: LiveServer, finops_lead: User) -> Iterator[Page]:
    key = crawl.session_key_of(finops_lead)
    with crawl.browser() as opened:
        context = crawl.context_for(opened, live_server.url, session_key=key, size="desktop", scheme="light")
        yield context.new_page()


def send(page: Page, path: Path) -> None:
    page.set_input_files('input[type="file"]', str(path))
    page.click('button:has-text("Upload and import")')


def refuse_after(page: Page, pieces: int) -> list[str]:
    """Let so many pieces through, then cut the connection; returns what was tried."""
    tried: list[str] = []

    def decide(route: Route) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        tried.append(route.request.url)
        if len(tried) > pieces:
            route.abort("internetdisconnected")
        else:
            route.continue_()

    page.route(ADDRESS, decide)
    return tried


def test_a_large_file_goes_on_after_a_lost_connection(page: Page, large: Path) -> None:
    page.goto("/imports/upload/")
    refuse_after(page, 1)
    send(page, large)
    expect(page.locator("[data-progress] [data-text]")).to_have_text("The connection was lost. Trying again.")
    assert PartialUpload.objects.get().offset == PIECE
    page.unroute(ADDRESS)
    page.wait_for_url(re.compile(r"/imports/\d+/$"), timeout=60_000)
    (made,) = BillImport.objects.all()
    assert made.files[0]["size"] == large.stat().st_size
    assert Path(made.files[0]["path"]).read_bytes() == large.read_bytes()


def test_a_large_file_goes_on_after_a_reload(page: Page, large: Path) -> None:
    page.goto("/imports/upload/")
    refuse_after(page, 2)
    send(page, large)
    expect(page.locator("[data-progress] [data-text]")).to_have_text("The connection was lost. Trying again.")
    page.unroute(ADDRESS)
    page.reload()
    # Two pieces of 8 MB of 30 are there: 53 %.
    expect(page.locator("[data-unfinished] [data-text]")).to_contain_text("large.csv (53 %)")
    tried = refuse_after(page, 99)
    send(page, large)
    page.wait_for_url(re.compile(r"/imports/\d+/$"), timeout=60_000)
    assert len(tried) == 2  # the two pieces that were missing
    assert PartialUpload.objects.get().upload is not None
    assert BillImport.objects.count() == 1


def test_a_large_file_can_be_cancelled(page: Page, large: Path) -> None:
    page.goto("/imports/upload/")
    refuse_after(page, 1)
    send(page, large)
    expect(page.locator("[data-progress] [data-text]")).to_have_text("The connection was lost. Trying again.")
    page.click("[data-cancel]")
    expect(page.locator("[data-progress]")).to_be_hidden()
    for _ in range(50):
        if not PartialUpload.objects.exists():
            break
        time.sleep(0.1)
    assert not PartialUpload.objects.exists()
    expect(page.locator('button:has-text("Upload and import")')).to_be_enabled()


def test_what_the_server_refuses_is_told_on_the_page(page: Page, large: Path, settings: Settings) -> None:
    settings.UPLOAD_QUOTA_MB = 1
    page.goto("/imports/upload/")
    send(page, large)
    expect(page.locator("[data-progress] [data-text]")).to_contain_text("raise UPLOAD_QUOTA_MB")


def test_without_scripts_the_form_sends_its_files_itself(
    live_server: LiveServer, finops_lead: User, large: Path
) -> None:
    with crawl.browser() as opened:
        plain = opened.new_context(base_url=live_server.url, java_script_enabled=False)
        key = crawl.session_key_of(finops_lead)
        plain.add_cookies([{"name": "sessionid", "value": key, "url": live_server.url}])
        page = plain.new_page()
        page.goto("/imports/upload/")
        send(page, large)
        page.wait_for_url(re.compile(r"/imports/\d+/$"), timeout=60_000)
    assert not PartialUpload.objects.exists()
    assert BillImport.objects.count() == 1
