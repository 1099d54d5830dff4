"""The OpenAPI document is valid, complete and true; documents and pages are for those who logged in."""

import io
from collections.abc import Callable, Generator
from typing import Any

import pytest
import schemathesis
import yaml
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from django.urls import get_resolver
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from schemathesis import GenerationMode

from finops_site.wsgi import application
from tests.finops_site.api_world import Api

ClientFor = Callable[[User], Client]
CHECKS = [
    getattr(schemathesis.checks, name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]


@pytest.fixture(scope="module")
def document() -> Any:
    """The document as the command writes it; a warning fails."""
    out = io.StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return yaml.safe_load(out.getvalue())


def test_document_is_valid_openapi_3_1_without_warnings(document: Any) -> None:
    assert document["openapi"].startswith("3.1")
    validate(document)


def test_document_names_every_address_of_the_api(document: Any) -> None:
    (api,) = [entry for entry in get_resolver().url_patterns if str(entry.pattern) == "api/v1/"]
    routes = {f"/api/v1/{entry.pattern}" for entry in api.url_patterns}  # type: ignore[union-attr]
    slugs = ("team_key", "budget_key", "alert_ref", "finding_ref", "source", "upload_ref", "period", "step")
    arguments = {f"{{{name}}}": f"<slug:{name}>" for name in slugs} | {"{id}": "<int:pk>"}
    arguments["{resource_key}"] = "<int:resource_key>"
    described = set()
    for path in document["paths"]:
        for name, converter in arguments.items():
            path = path.replace(name, converter)
        described.add(path)
    assert routes - described == {"/api/v1/schema/", "/api/v1/docs/"}


def test_document_says_that_lists_come_as_csv_and_errors_in_one_shape(document: Any) -> None:
    costs = document["paths"]["/api/v1/costs/"]["get"]["responses"]
    assert set(costs["200"]["content"]) == {"application/json", "text/csv"}
    for status in ("400", "401", "404", "405", "406", "429"):
        assert costs[status]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Error"}


@pytest.mark.django_db
def test_document_and_its_pages_are_for_readers_who_logged_in(team_lead: User, client_for: ClientFor) -> None:
    anonymous = Client()
    assert anonymous.get("/api/v1/schema/").status_code == 401
    page = anonymous.get("/api/v1/docs/")
    assert (page.status_code, page["Location"]) == (302, "/accounts/login/?next=/api/v1/docs/")
    client = client_for(team_lead)
    assert client.get("/api/v1/schema/?format=json").json()["info"]["title"] == "FinOps API"
    assert client.get("/api/v1/docs/").status_code == 200


@pytest.mark.django_db
def test_docs_page_runs_no_script_of_strangers_and_none_in_line(team_lead: User, client_for: ClientFor) -> None:
    response = client_for(team_lead).get("/api/v1/docs/")
    policy = response["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    assert "unsafe-eval" not in policy
    body = response.content.decode()
    assert "<script>" not in body
    assert "http://" not in body
    assert "https://" not in body


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["finops_lead", "team_lead"])
def test_answers_are_what_the_document_says(who: str, document: Any, request: pytest.FixtureRequest) -> None:
    api = Api(request.getfixturevalue(who))
    for path in ("costs", "allocations", "chargeback", "statements", "compliance", "compliance/groups", "resources"):
        content = document["paths"][f"/api/v1/{path}/"]["get"]["responses"]["200"]["content"]
        schema = content["application/json"]["schema"]
        OAS31Validator({**schema, "components": document["components"]}).validate(api.get(f"{path}/").json())


@pytest.fixture
def kept_connection() -> Generator[None, None, None]:
    """The test's own database connection lives through requests that come in by WSGI."""
    request_started.disconnect(close_old_connections)
    request_finished.disconnect(close_old_connections)
    yield
    request_started.connect(close_old_connections)
    request_finished.connect(close_old_connections)


@pytest.mark.django_db
@settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(data=st.data())
def test_no_read_made_up_from_the_document_crashes_or_answers_outside_it(
    data: st.DataObject, finops_lead: User, document: Any, kept_connection: None
) -> None:
    schema = schemathesis.openapi.from_dict(document)
    schema.app = application
    reads = [item.ok() for item in schema.get_all_operations() if item.ok().method == "get"]
    operation = data.draw(st.sampled_from(reads))
    mode = data.draw(st.sampled_from([GenerationMode.POSITIVE, GenerationMode.NEGATIVE]))
    case = data.draw(operation.as_strategy(generation_mode=mode))
    response = case.call(headers={"Authorization": f"Token {Api(finops_lead).token}"})
    case.validate_response(response, checks=CHECKS)
