"""Two teams and two months, small enough to add up by hand; and what API tests share.

February 2026, billed: payments 10 + 5.5 + 0.25 = 15.75, search 20, nobody 4.125, bill 39.875.
January 2026: payments 8, search 30, bill 38.
"""

import json
import os
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.test import Client
from knox.models import AuthToken

from costs import services as intake
from finops_site import pipeline
from tagging.models import AllocationRule, Team
from tagging.terms import RuleKind
from tests.leaks.bills import Line, write_bill

TODAY = date(2026, 3, 10)
GOLDEN = Path(__file__).resolve().parent.parent / "golden"
FULL = (
    ("Team", "payments"),
    ("Environment", "Prod"),
    ("Owner", "ann"),
    ("CostCenter", "CC-100"),
    ("Project", "till"),
)
S3 = {"service": "Amazon Simple Storage Service", "product": "AmazonS3", "usage_type": "TimedStorage-ByteHrs"}
JANUARY = (
    Line("i-pay-1", "8", tags=FULL),
    Line("i-search-1", "30", tags=(("Team", "search"), ("Environment", "Prod"))),
)
FEBRUARY = (
    Line("i-pay-1", "10", day=1, tags=FULL),
    Line("i-pay-2", "5.5", day=2, region="eu-west-1", tags=(("Team", "payments"),)),
    Line("bucket-pay", "0.25", day=3, **S3, operation="PutObject", tags=(("Team", "payments"), ("Environment", "Lab"))),
    Line("i-search-1", "20", day=1, tags=(("Team", "search"), ("Environment", "Prod"))),
    Line("i-lost", "4.125", day=4, account="222222222222"),
)
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


def rule(team: Team, value: str, position: int) -> AllocationRule:
    """The tag Team with this value means the team."""
    return AllocationRule.objects.create(
        name=f"Team tag {value}",
        position=position,
        kind=RuleKind.TAG.value,
        tag_key="Team",
        tag_values=[value],
        team=team,
    )


def two_months(team: Team, other_team: Team, folder: Path) -> list[int]:
    """January and February in force, payments and search by their tags; returns the imports."""
    rule(team, "payments", 1)
    rule(other_team, "search", 2)
    return [*import_month(folder, "2026-01", JANUARY), *import_month(folder, "2026-02", FEBRUARY)]


def import_month(folder: Path, period: str, lines: tuple[Line, ...]) -> list[int]:
    """Bring a month into force the way a command does."""
    path = write_bill(folder / f"{period}.csv", period, lines)
    made = intake.prepare_imports([path], today=TODAY)
    return [pk for item in made for pk in pipeline.run_import(item)]


class Api:
    """The API as one user's program sees it: with a token."""

    def __init__(self, user: User) -> None:
        self.token = str(AuthToken.objects.create(user)[1])
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, params: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """`GET /api/v1/<path>`; keyword arguments are headers with dashes written as underscores."""
        return self.client.get(f"/api/v1/{path}", params or {}, headers=self.headers(headers))

    def post(self, path: str, data: Mapping[str, Any] | None = None, **headers: str) -> Any:
        """A multipart POST."""
        return self.client.post(f"/api/v1/{path}", data or {}, headers=self.headers(headers))

    def send(self, path: str, data: Any = None, *, method: str = "post", **headers: str) -> Any:
        """A POST or PATCH of JSON."""
        ask = getattr(self.client, method)
        body = json.dumps({} if data is None else data)
        return ask(f"/api/v1/{path}", body, content_type="application/json", headers=self.headers(headers))

    def headers(self, more: Mapping[str, str]) -> dict[str, str]:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return {"Authorization": f"Token {self.token}", **named}


def assert_golden(name: str, answer: Any) -> None:
    """Compare a whole JSON answer with tests/golden/<name>.json. `GOLDEN=write` writes it, to be read as a diff."""
    text = json.dumps(answer, indent=2, ensure_ascii=False) + "\n"
    text = _DIGEST.sub("(digest)", _MOMENT.sub("(moment)", text))
    path = GOLDEN / f"{name}.json"
    if os.environ.get("GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
