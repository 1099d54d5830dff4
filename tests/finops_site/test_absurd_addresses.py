"""No address may end in a 500, whatever stands behind its question mark or in its path.

Every page found in the URL configuration is asked with every absurd parameter, by FinOps staff and by a
team lead whose costs start in the second month of the bill. There is a programme, advice, a finding, a budget.
"""

from collections.abc import Callable, Iterator
from datetime import date
from http import HTTPStatus
from itertools import chain
from pathlib import Path
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from rest_framework.throttling import SimpleRateThrottle

from costs import services as intake
from finops_site import pipeline
from finops_site.panels.parts import UNREADABLE
from tagging import selectors
from tagging.models import AllocationRule, Membership, Team
from tagging.terms import FINOPS_GROUP, MemberRole, RuleKind
from tests.finops_site.advice_world import dear_volumes, put_to_work
from tests.leaks.bills import Line, write_bill
from tests.leaks.urls import ARGUMENTS, addresses

pytestmark = [pytest.mark.django_db, pytest.mark.thorough]
TODAY = date(2026, 3, 10)
HUGE = "9" * 21
LONG = "x" * 3000
MONTHS = ("0001-01", "1999-01", "2026-01", "9999-12", "2026-13", "abc", "-1", HUGE, "\0", "２０２６-０１")
NUMBERS = ("0", "-1", "-5", HUGE, "abc", "\0", "１", "1e9", "²")
TEXTS = ("", "a b", "foo/bar", "\0", "__class__", LONG, "ünï✓", "(none)", "%", "'\"<", "..")
ABSURD: dict[str, tuple[str, ...]] = {
    "period": MONTHS,
    "from": ("0001-01", "9999-12", "1999-01"),
    "to": ("0001-01", "9999-12", HUGE),
    "currency": ("EUR", "\0", LONG, "ß"),
    "basis": ("abc", "\0"),
    "by": ("abc", "tag:", "tag:\0", "tag:__class__", f"tag:{LONG}", 'tag:a"b', "tag:ü", "owner"),
    "then": ("abc", "tag:\0", "tag:a'b"),
    "per": ("abc", "day", "\0"),
    "top": NUMBERS,
    "page": NUMBERS,
    "per_page": ("-5", "0", HUGE, "abc"),
    "page_size": ("-5", HUGE),
    "h-page": ("-5", HUGE),
    "s-per_page": ("-5", HUGE),
    "sort": ("__class__", "-", "-cost,cost", "\0", LONG, "parts", "pk"),
    "i-sort": ("__class__", "-", "-uptime"),
    "o-page": NUMBERS,
    "s-sort": ("__class__", "tags", "-"),
    "team": TEXTS,
    "account": ("\0", LONG, "(none)"),
    "service": ("\0", "__class__"),
    "tag:Team": ("x", "\0", LONG, "(none)"),
    "tag:Nowhere": ("x", "\0", "(none)"),
    "tag:\0": ("x",),
    "q": ("\0", LONG, "%", "\\"),
    "day": ("abc", "0001-01-01", "9999-12-31", "\0", "2026-02-30"),
    "resource": ("\0", LONG),
    "decision": ("\0", "abc"),
    "format": ("csv", "abc", "\0", "xlsx"),
    "table": ("abc", "groups", "\0"),
    "group": ("abc", "tag:x", "\0"),
    "key": ("abc", "\0"),
    "state": ("abc", "all", "\0"),
    "kind": ("abc", "\0", LONG),
    "search": ("\0", LONG, "%"),
    "source": ("\0", LONG, "payer"),
    "region": ("\0", LONG),
    "scenario": ("abc", "\0"),
    "investment": ("-1", HUGE, "abc", "1e9", "NaN", "\0"),
    "discount_pct": ("-1", HUGE, "Infinity"),
    "horizon_years": ("0", HUGE, "abc"),
    "delay_months": ("-1", HUGE),
    "scope": TEXTS,
}  # fmt: skip
TOGETHER = (
    {"period": "2026-12", "tag:Nowhere": "x"},
    {"currency": "EUR", "tag:Nowhere": "x"},
    {"currency": "EUR", "by": "tag:Nowhere"},
    {"period": "1999-01", "by": "tag:Nowhere", "then": "owner"},
    {"period": "1999-01", "format": "csv"},
    {"period": "1999-01", "format": "xlsx"},
    {"lines": "1", "page": HUGE},
    {"lines": "1", "page": "0"},
    {"lines": "1", "page": "²"},
    {"lines": "1", "day": "abc"},
    {"lines": "1", "tag:Nowhere": "(none)"},
    {"lines": "1", "decision": "\0"},
    {"lines": "", "period": "1999-01"},
    {"from": "2026-02", "to": "2026-01"},
    {"from": "1900-01", "to": "2999-12"},
)
# Open only with these parameters.
POOL = "/commitments/pool/?source=payer&region=us-east-1&type=m5.*&platform=Linux/UNIX&tenancy=default"
ENDS_THE_SESSION = {"account_logout"}
# Parameters are thrown at our own pages; those of Django's admin and of the API's documents are others' work.
OF_OTHERS = ("/admin/", "/api/v1/schema", "/api/v1/docs", "/accounts/")


@pytest.fixture(autouse=True)
def _no_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of requests are meant here."""
    monkeypatch.setattr(SimpleRateThrottle, "allow_request", lambda *_: True)


@pytest.fixture
def company(db: None, tmp_path: Path) -> None:
    """January: Beta and nobody have costs. February: Alpha too."""
    alpha = Team.objects.create(key="alpha", name="Alpha")
    Team.objects.create(key="alpha-mobile", name="Alpha Mobile", parent=alpha)
    beta = Team.objects.create(key="beta", name="Beta")
    for position, team in enumerate((alpha, beta), start=1):
        AllocationRule.objects.create(
            name=f"Tag Team is {team.name}", position=position, kind=RuleKind.TAG.value, tag_key="Team",
            tag_values=[team.name], team=team,
        )  # fmt: skip
    lines = [Line("i-beta-1", "3.00", tags=(("Team", "Beta"),)), Line("i-nobody", "1.00", day=2)]
    own = [Line("i-alpha-1", "2.00", tags=(("Team", "Alpha"), ("Owner", "ada"))), *dear_volumes("Alpha")]
    for period, found in (("2026-01", lines), ("2026-02", [*lines, *own])):
        path = write_bill(tmp_path / f"{period}.csv", period, found)
        for pk in intake.prepare_imports([path], today=TODAY):
            pipeline.run_import(pk)
    put_to_work(tmp_path, team_key="alpha")


@pytest.fixture
def staff(company: None) -> User:
    user = User.objects.create_user("fin", "fin@example.com", "pass-for-tests")
    user.groups.add(Group.objects.get_or_create(name=FINOPS_GROUP)[0])
    return user


@pytest.fixture
def lead(company: None) -> User:
    user = User.objects.create_user("ada", "ada@example.com", "pass-for-tests")
    Membership.objects.create(team=Team.objects.get(key="alpha"), user=user, role=MemberRole.LEAD.value)
    return user


def questions() -> Iterator[str]:
    """Every absurd query string."""
    single = ({name: value} for name, values in ABSURD.items() for value in values)
    for pairs in chain(single, TOGETHER):
        yield "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs.items())


def open_paths(client: Client) -> list[str]:
    """One open address of every view; those that are closed to the reader are left out."""
    found: dict[str, str] = {}
    for address in addresses():
        if address.name in found or address.path.startswith(OF_OTHERS):
            continue
        if client.get(address.path).status_code == HTTPStatus.OK:
            found[address.name] = address.path
    if client.get(POOL).status_code == HTTPStatus.OK:
        found["ri:pool"] = POOL
    return list(found.values())


def broken(client: Client, paths: list[str]) -> list[str]:
    """The addresses that end in a 500 or hide a panel that could not be read, shortened."""
    client.raise_request_exception = False
    faults = []
    asked = list(questions())
    for place, path in enumerate(paths):
        # Every page gets every other question, its neighbour the rest: pages are built from the same parts.
        for question in asked[place % 2 :: 2]:
            answer = client.get(f"{path}{'&' if '?' in path else '?'}{question}")
            body = answer.getvalue()
            if answer.status_code >= 500 or UNREADABLE.encode() in body:
                faults.append(f"{answer.status_code} {path}?{question[:100]}")
    return faults


@pytest.mark.parametrize("reader", ["staff", "lead"])
def test_no_absurd_parameter_breaks_any_page(
    reader: str, request: pytest.FixtureRequest, client_for: Callable[[User], Client]
) -> None:
    client = client_for(request.getfixturevalue(reader))
    paths = open_paths(client)
    assert {"/explore/", "/findings/"} <= set(paths)
    assert ({"/programme/", POOL} <= set(paths)) is (reader == "staff")
    assert broken(client, paths) == []


@pytest.mark.parametrize("reader", ["staff", "lead"])
def test_no_absurd_path_breaks_any_page(
    reader: str, request: pytest.FixtureRequest, client_for: Callable[[User], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = client_for(request.getfixturevalue(reader))
    client.raise_request_exception = False
    strange = {
        **dict.fromkeys(("pk", "id", "user_pk", "import_pk", "rule_pk", "object_id"), (HUGE, "0", "77")),
        **dict.fromkeys(("team_key", "key"), ("__class__", "-", LONG)),
        "period": ("0001-01", "9999-12", "2026-13", "abc"),
    }
    for name, values in strange.items():
        monkeypatch.setitem(ARGUMENTS, name, values)
    asked = [address.path for address in addresses() if address.name not in ENDS_THE_SESSION]
    faults = [path[:80] for path in asked if client.get(path).status_code >= 500]
    assert faults == []


def test_a_panel_that_fails_in_any_way_leaves_the_page_standing(
    client_for: Callable[[User], Client], lead: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("nobody expected this")

    monkeypatch.setattr(selectors, "costliest", fail)
    answer = client_for(lead).get("/teams/alpha/")
    assert answer.status_code == HTTPStatus.OK
    assert UNREADABLE in answer.content.decode()
    assert "nobody expected this" in caplog.text


def test_a_team_is_asked_for_a_month_before_its_first_costs(client_for: Callable[[User], Client], lead: User) -> None:
    answer = client_for(lead).get("/teams/alpha/?period=2026-01")
    assert answer.status_code == HTTPStatus.OK
    assert UNREADABLE not in answer.content.decode()
