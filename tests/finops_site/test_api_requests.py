"""What the API refuses and how: one shape for every error; tokens; no parameter makes it crash."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from knox.models import AuthToken

from costs.queries import DIMENSIONS
from tagging.models import Team
from tests.finops_site.api_world import FEBRUARY, Api, import_month, rule

pytestmark = pytest.mark.django_db

LISTS = ("costs/", "allocations/", "chargeback/", "statements/", "compliance/", "compliance/groups/", "resources/")
ALL = (*LISTS, "statements/payments/", "imports/", "imports/1/", "imports/1/errors/")
BASIC = {"Authorization": "Basic bGVvOnBhc3MtZm9yLXRlc3Rz"}  # leo:pass-for-tests


@pytest.fixture
def february(team: Team, tmp_path: Path) -> None:
    """A month in force, so that odd parameters get all the way to the figures."""
    rule(team, "payments", 1)
    import_month(tmp_path, "2026-02", FEBRUARY)


def error_of(response: Any, status: int) -> dict[str, Any]:
    """The error of an answer in the one shape, and nothing beside it."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    answer = response.json()
    assert list(answer) == ["error"]
    assert list(answer["error"]) == ["code", "message", "fields", "detail"]
    assert answer["error"]["message"]
    error: dict[str, Any] = answer["error"]
    return error


@pytest.mark.parametrize("path", ALL)
def test_anonymous_reader_is_asked_to_log_in(path: str, db: None) -> None:
    response = Client().get(f"/api/v1/{path}")
    assert error_of(response, 401)["code"] == "not_authenticated"
    assert response["WWW-Authenticate"] == "Token"


def test_token_that_is_not_one_is_refused(db: None) -> None:
    headers = {"Authorization": f"Token {'0' * 64}"}
    assert error_of(Client().get("/api/v1/costs/", headers=headers), 401)


def test_token_of_a_user_who_left_is_refused(team_lead: User, lead: Api) -> None:
    team_lead.is_active = False
    team_lead.save()
    assert error_of(lead.get("costs/"), 401)


@pytest.mark.parametrize("path", ALL)
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_method_an_address_does_not_take_is_a_405(path: str, method: str, staff: Api) -> None:
    response = getattr(staff.client, method)(f"/api/v1/{path}", headers=staff.headers({}))
    assert error_of(response, 405)["code"] == "method_not_allowed"
    assert response["Allow"] == "GET, HEAD"


@pytest.mark.parametrize("path", ["nothing/", "costs/1/", "statements/no such team/", "imports/abc/", "imports/-1/"])
def test_unknown_address_is_a_404_in_the_same_shape(path: str, staff: Api) -> None:
    assert error_of(staff.get(path), 404)["code"] == "not_found"


def test_import_that_is_not_there_is_a_404(staff: Api) -> None:
    assert "999" in error_of(staff.get("imports/999/"), 404)["message"]
    assert error_of(staff.get(f"imports/{10**30}/"), 404)


def test_format_nobody_writes_is_refused(lead: Api) -> None:
    assert error_of(lead.get("costs/", accept="application/xml"), 406)["code"] == "not_acceptable"
    assert "json or csv" in error_of(lead.get("costs/", {"format": "xlsx"}), 400)["message"]


def test_too_many_requests_are_told_when_to_come_back(lead: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    cache.clear()
    monkeypatch.setattr("rest_framework.throttling.UserRateThrottle.get_rate", lambda _: "1/min")
    lead.get("costs/")
    response = lead.get("costs/")
    assert error_of(response, 429)["detail"]["retry_after_seconds"] <= 60
    assert int(response["Retry-After"]) <= 60
    cache.clear()


def test_crash_is_a_500_in_the_same_shape_and_says_nothing_of_its_cause(
    lead: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("secret of the house")

    monkeypatch.setattr("tagging.selectors.chargeback", crash)
    response = lead.get("chargeback/")
    assert error_of(response, 500)["code"] == "server_error"
    assert b"secret" not in response.content


# --- parameters ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "query", "field"),
    [
        ("costs/", "period=2026-13", "period"),
        ("costs/", "from=2026", "from"),
        ("costs/", "to=last", "to"),
        ("costs/", "period=0001-01", "period"),
        ("costs/", "to=9999-12", "to"),
        ("costs/", "by=colour", "by"),
        ("costs/", "per=hour", "per"),
        ("costs/", "basis=blended", "basis"),
        ("costs/", "currency=dollars", "currency"),
        ("costs/", "sevice=EC2", "sevice"),
        ("costs/", "by=team&by=service", "by"),
        ("costs/", "service=%00", "service"),
        ("costs/", "cursor=abc", "cursor"),
        ("costs/", "cursor=W10", "cursor"),
        ("chargeback/", "tag:Team=x", "tag:Team"),
        ("chargeback/", "per=day", "per"),
        ("compliance/groups/", "by=tag:Team", "by"),
        ("resources/", "state=broken", "state"),
        ("resources/", "missing=Shoe size", "missing"),
        ("statements/payments/", "team=search", "team"),
    ],
)
def test_parameter_that_cannot_be_used_is_named(path: str, query: str, field: str, lead: Api) -> None:
    assert list(error_of(lead.get(f"{path}?{query}"), 400)["fields"]) == [field]


def test_range_that_ends_before_it_starts_is_refused(lead: Api) -> None:
    assert "Swap" in error_of(lead.get("costs/?from=2026-02&to=2026-01"), 400)["message"]


def test_range_of_too_many_months_is_refused(lead: Api) -> None:
    assert "36" in error_of(lead.get("costs/?from=2000-01&to=2026-01"), 400)["message"]


NAMES = (
    *("from", "to", "period", "by", "per", "basis", "currency", "cursor", "page_size", "format", "state", "missing"),
    *("invalid", "search", "tag:Team", "tag:Odd", "tag:", "tag:é", "", *DIMENSIONS),
)
NAN_CURSOR = "WyJhZnRlciIsW1siRGVjaW1hbCIsIk5hTiJdXV0"  # ["after",[["Decimal","NaN"]]]
VALUES = (
    *("2026-02", "2025-11", "0000-00", "9999-12", "٢٠٢٦-٠٢", "team", "tag:Team", "tag:Odd", "tag:x'y\"z", "(none)"),
    *("NaN", "-0", "1e9", "csv", "effective", "day", "EUR", "W10", NAN_CURSOR, "' OR 1=1 --", "\x00", "\ud800", "%"),
)
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(VALUES))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(path=st.sampled_from(ALL), params=st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=3))
def test_no_parameter_makes_the_api_crash(
    path: str, params: list[tuple[str, str]], february: None, staff: Api, lead: Api
) -> None:
    asked: dict[str, list[str]] = {}
    for name, text in params:
        asked.setdefault(name, []).append(text.encode("utf-8", "surrogatepass").decode("utf-8", "replace"))
    for api in (staff, lead):
        response = api.get(path, asked)
        if response.status_code != 200:
            error_of(response, 404 if response.status_code == 404 else 400)


# --- tokens ----------------------------------------------------------------------------------------


def test_token_is_made_with_name_and_password_and_ends_with_the_logout(team_lead: User) -> None:
    client = Client()
    answer = client.post("/api/v1/auth/login/", headers=BASIC).json()
    assert set(answer) == {"token", "expiry"}
    headers = {"Authorization": f"Token {answer['token']}"}
    assert client.get("/api/v1/costs/", headers=headers).status_code == 200
    assert client.post("/api/v1/auth/logout/", headers=headers).status_code == 204
    assert client.get("/api/v1/costs/", headers=headers).status_code == 401


def test_token_is_stored_as_a_digest_only(team_lead: User) -> None:
    token = Client().post("/api/v1/auth/login/", headers=BASIC).json()["token"]
    stored = AuthToken.objects.get(user=team_lead)
    assert token not in {stored.digest, stored.token_key}


def test_logoutall_ends_every_token_of_the_user_and_no_other(team_lead: User, lead: Api, staff: Api) -> None:
    second = Api(team_lead)
    assert second.post("auth/logoutall/").status_code == 204
    assert lead.get("costs/").status_code == second.get("costs/").status_code == 401
    assert staff.get("costs/").status_code == 200


def test_login_with_a_wrong_password_is_refused(team_lead: User) -> None:
    wrong = {"Authorization": "Basic bGVvOndyb25n"}
    response = Client().post("/api/v1/auth/login/", headers=wrong)
    assert error_of(response, 401)
    assert response["WWW-Authenticate"].startswith("Basic")


def test_guessing_passwords_is_throttled_by_address(team_lead: User) -> None:
    cache.clear()
    wrong = {"Authorization": "Basic bGVvOndyb25n"}
    statuses = [
        Client(REMOTE_ADDR="192.0.2.7").post("/api/v1/auth/login/", headers=wrong).status_code for _ in range(21)
    ]
    assert statuses == [401] * 20 + [429]
    assert Client(REMOTE_ADDR="192.0.2.8").post("/api/v1/auth/login/", headers=BASIC).status_code == 200
    cache.clear()


def test_session_works_too_and_needs_its_csrf_token_to_write(team_lead: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(team_lead)
    assert client.get("/api/v1/costs/").status_code == 200
    assert "CSRF" in error_of(client.post("/api/v1/auth/login/"), 403)["message"]


def test_password_in_the_header_is_for_the_login_alone(team_lead: User) -> None:
    assert error_of(Client().get("/api/v1/costs/", headers=BASIC), 401)
