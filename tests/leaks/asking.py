"""Asking every address in every way as a team lead, and what of an answer is compared."""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus

from django.test import Client

from tests.leaks.urls import addresses

# Every way a page or endpoint may be asked: files, bases, groupings, filters, sorting, pages, another team's keys.
# The API refuses parameters an endpoint does not have, so most stand alone; pages leave unknown ones aside.
QUERIES = (
    "format=csv",
    "format=xlsx",
    "format=parquet",
    "sort=-cost",
    "text=beta",
    "day=2026-02-01",
    "taggable=yes",
    "source=beta",
    "period=2026-01",
    "period=2026-02&currency=EUR",
    "period=2026-03",
    "basis=effective",
    "per=day",
    "page_size=1",
    "sort=-cost&page=2",
    "q=beta",
    "by=team",
    "by=account&format=csv",
    "by=tag:Secret",
    "by=tag:Owner&period=2026-01",
    "by=usage_type&from=2026-01&to=2026-02",
    "by=service&then=owner&per=day",
    "team=alpha&by=owner",
    "team=beta",
    "account=222222222222",
    "resource=i-beta-1",
    "tag:Team=Beta",
    "tag:Secret=plans&format=csv",
    "lines=",
    "lines=&format=csv",
    "table=groups&group=account&format=csv",
    "table=groups&group=team&format=csv",
    "table=fixes&format=csv",
    "table=values&format=csv",
    "table=rules&format=csv",
    "search=hush",
    "state=done",
    "problem=",
    "problem=missing&format=csv",
    "problem=exempt",
    "table=announced&format=csv",
    "state=all&format=csv",
    "kind=dear_storage&team=beta",
    "period=2026-01&search=hush",
    "period=2026-01&table=fixes&format=csv",
    "tag:CostObject=co-1",
    "tag:CostObject=co-1&format=csv",
    "tag:CostObject=co-1&lines=",
    "tag:NoSuchKey=x",
    "by=tag:CostObject",
    "then=tag:CostObject",
    "then=tag:CostObject&format=csv",
    "by=tag:CostObject&then=service",
    "by=service&then=tag:Secret",
    "closed=yes",
    "closed=yes&team=beta&format=csv",
    "ce_service=EC2-Other&ce_type=Usage",
    "version=1",
    "decision=1",
    "team=pool:common&format=csv",
    "team=pool:quiet",
    "team=pool:hushed&format=csv",
)
TIMES = re.compile(
    rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?|\d{1,2} \w{3,9} \d{4},? \d\d:\d\d|"
    rb"\d+\xc2?\xa0?\s?(second|minute|hour)s?( ago)?|\d\d:\d\d(:\d\d)?( UTC)?"
)
NONCES = re.compile(rb'nonce="[^"]*"|nonce-[A-Za-z0-9+/=_-]+|csrfmiddlewaretoken"? value="[^"]*"|csrftoken=[^;]*')
HEADERS_OF_THE_MOMENT = {"Date", "Expires", "Content-Security-Policy"}


@dataclass(frozen=True)
class Answer:
    """What a team lead got, with everything of the moment taken out."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def ask_everything(client: Client, token: str) -> Iterator[tuple[str, Answer]]:
    """Every address asked every way; one that is closed to the reader (404, 403, 405) is asked once more as a file."""
    for address in addresses():
        if address.name == "account_logout":
            continue  # would end the session that asks; it holds no data
        plain = answer(client.get(address.path))
        yield address.path, plain
        is_open = plain.status == HTTPStatus.OK and not address.path.startswith("/accounts/")
        if "?" in address.path:  # a page in one state of it, asked once more as a file
            yield f"{address.path}&format=csv", answer(client.get(f"{address.path}&format=csv"))
            continue
        for query in QUERIES if is_open else QUERIES[:1]:
            url = f"{address.path}?{query}"
            yield url, answer(client.get(url))
            if address.path.startswith("/api/"):
                api = {"Authorization": f"Token {token}", "Accept": "text/csv"}
                yield f"{url} (token, CSV)", answer(Client().get(url, headers=api))


def answer(response: "object") -> Answer:
    status = response.status_code  # type: ignore[attr-defined]
    body = response.getvalue()  # type: ignore[attr-defined]
    headers = {
        name: NONCES.sub(b"", value.encode()).decode()
        for name, value in response.headers.items()  # type: ignore[attr-defined]
        if name not in HEADERS_OF_THE_MOMENT
    }
    return Answer(status, tuple(sorted(headers.items())), without_the_moment(body))


def without_the_moment(body: bytes) -> bytes:
    if body[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(body)) as book:
            body = b"".join(book.read(name) for name in sorted(book.namelist()))
    return TIMES.sub(b"(time)", NONCES.sub(b"(nonce)", body))


def show_difference(url: str, before: Answer, after: Answer) -> None:
    """The first bytes that differ, for the person who has to mend it."""
    print(f"\n{url}: {before.status} → {after.status}")  # noqa: T201
    if before.headers != after.headers:
        print(set(before.headers) ^ set(after.headers))  # noqa: T201
    for place, (one, two) in enumerate(zip(before.body, after.body, strict=False)):
        if one != two:
            print(before.body[max(0, place - 200) : place + 200])  # noqa: T201
            print(after.body[max(0, place - 200) : place + 200])  # noqa: T201
            return
