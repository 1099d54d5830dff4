"""Finds every page a reader can reach by its links, one address for each view."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends.db import SessionStore
from django.urls import Resolver404, resolve
from playwright.sync_api import Browser, BrowserContext, Error, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
SIZES = {"desktop": (1440, 900), "phone": (390, 844)}
SCHEMES = ("light", "dark")
# Pages of others (admin, API docs) are looked at once, at their start; files and actions are no pages.
STARTS_ONLY = ("/admin/", "/api/")
NOT_PAGES = ("format=", "/file/", "/accounts/logout/", "/static/")
ENTRANCE = ("/accounts/login/", "/accounts/password/reset/", "/no/such/page/")
PAGES_LIMIT = 150
HREFS = "links => links.map(link => new URL(link.getAttribute('href'), document.baseURI).href)"


@dataclass(frozen=True)
class Found:
    """One page: the name of its view, for file names and messages, and its address."""

    name: str
    path: str


@contextmanager
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        try:
            yield opened
        finally:
            opened.close()


def session_key_of(user: User) -> str:
    """The key of a session in which this user is logged in."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    assert session.session_key is not None
    return session.session_key


def context_for(opened: Browser, base_url: str, *, session_key: str, size: str, scheme: str) -> BrowserContext:
    """A window of this size and scheme; an empty session key is an anonymous visitor."""
    width, height = SIZES[size]
    context = opened.new_context(
        base_url=base_url,
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    if session_key:
        context.add_cookies([{"name": "sessionid", "value": session_key, "url": base_url}])
    return context


def reachable_pages(page: Page) -> list[Found]:
    """Every view whose page can be reached from the start page, with the first address found for it."""
    waiting, seen, found = ["/"], {"/"}, dict[str, Found]()
    while waiting and len(found) < PAGES_LIMIT:
        path = waiting.pop(0)
        name = view_name(path)
        if name in found:
            continue
        if not opens(page, path):
            continue
        landed = view_name(path_of(page.url)) or name
        found.setdefault(name, Found(landed or "start", path))
        if path.startswith(STARTS_ONLY):
            continue
        for link in page.eval_on_selector_all("a[href]", HREFS):
            target = path_of(link)
            if _is_page(link, page.url) and target not in seen:
                seen.add(target)
                waiting.append(target)
    by_name = dict[str, Found]()
    for item in found.values():
        by_name.setdefault(item.name, item)  # a redirect lands on a page that is known already
    return list(by_name.values())


def opens(page: Page, path: str) -> bool:
    """Go to an address; False where it is a file to be saved and no page."""
    try:
        page.goto(path)
    except Error as error:
        if "Download is starting" not in error.message:
            raise
        return False
    return True


def _is_page(link: str, here: str) -> bool:
    if urlsplit(link).netloc != urlsplit(here).netloc or any(part in link for part in NOT_PAGES):
        return False
    path = urlsplit(link).path
    inside_others = path.startswith(STARTS_ONLY) and path not in ("/admin/", "/api/v1/docs/")
    return bool(view_name(path_of(link))) and not inside_others


def path_of(url: str) -> str:
    parts = urlsplit(urldefrag(url).url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path


def view_name(path: str) -> str:
    try:
        return resolve(urlsplit(path).path).view_name
    except Resolver404:
        return ""
