"""Every page as a picture: for staff, a team lead and a visitor; desktop and phone; light and dark.

make screenshots                                    the data of DATA_DIR (after `make demo`), own server
make screenshots ARGS="--url http://127.0.0.1:8000" a server that is already running on that data
make screenshots ARGS="--only team"                 pages whose view's name holds this text
"""

import argparse
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")
# Playwright keeps an event loop running in this thread; Django may still read its database here.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler  # noqa: E402
from playwright.sync_api import Browser  # noqa: E402

from finops_site.wsgi import application  # noqa: E402
from tagging.terms import FINOPS_GROUP, MemberRole  # noqa: E402
from tests.browser import crawl  # noqa: E402


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def main() -> None:
    options = read_options()
    if not crawl.CHROMIUM.exists():
        sys.exit(f"There is no chromium at {crawl.CHROMIUM}; screenshots need one.")
    options.out.mkdir(parents=True, exist_ok=True)
    readers = {"staff": options.staff or first_staff(), "lead": options.lead or first_lead()}
    with server(options.url) as base_url, crawl.browser() as opened:
        count = take(opened, base_url, role="visitor", key="", options=options)
        for role, username in readers.items():
            if username:
                key = crawl.session_key_of(User.objects.get(username=username))
                count += take(opened, base_url, role=role, key=key, options=options)
    sys.stdout.write(f"{count} screenshots in {options.out}\n")


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="", help="address of a running server on the same data")
    parser.add_argument("--out", type=Path, default=Path("screenshots"))
    parser.add_argument("--staff", default="", help="user name (default: the first of the FinOps group)")
    parser.add_argument("--lead", default="", help="user name (default: the first team lead)")
    parser.add_argument("--only", default="", help="only pages whose view's name holds this text")
    return parser.parse_args()


def first_staff() -> str:
    user = User.objects.filter(groups__name=FINOPS_GROUP, is_active=True).order_by("pk").first()
    return user.username if user else ""


def first_lead() -> str:
    leads = User.objects.filter(memberships__role=MemberRole.LEAD.value, is_active=True)
    user = leads.exclude(groups__name=FINOPS_GROUP).order_by("pk").first()
    return user.username if user else ""


def take(opened: Browser, base_url: str, *, role: str, key: str, options: argparse.Namespace) -> int:
    """Picture every page of one reader in all four ways; returns how many pictures were made."""
    pages = [crawl.Found(f"entrance{path.replace('/', '-')}".strip("-"), path) for path in crawl.ENTRANCE]
    if key:
        context = crawl.context_for(opened, base_url, session_key=key, size="desktop", scheme="light")
        pages = crawl.reachable_pages(context.new_page())
        context.close()
    pages = [page for page in pages if options.only in page.name]
    for size in crawl.SIZES:
        for scheme in crawl.SCHEMES:
            context = crawl.context_for(opened, base_url, session_key=key, size=size, scheme=scheme)
            window = context.new_page()
            for page in pages:
                window.goto(page.path, wait_until="networkidle" if page.path.startswith("/api/") else "load")
                name = f"{role}-{page.name.replace(':', '-')}-{size}-{scheme}.png"
                window.screenshot(path=str(options.out / name), full_page=True)
            context.close()
    return len(pages) * len(crawl.SIZES) * len(crawl.SCHEMES)


@contextmanager
def server(url: str) -> Iterator[str]:
    """The address given, or a server of our own on a free port for as long as it is needed."""
    if url:
        yield url.rstrip("/")
        return
    own = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    own.set_app(application)
    thread = threading.Thread(target=own.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{own.server_port}"
    finally:
        own.shutdown()
        own.server_close()


if __name__ == "__main__":
    main()
