"""A character that no text of a bill has (NUL): PostgreSQL takes it for an error, and pages for a bad request."""

from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from tagging.middleware import PLAIN_FORM
from tagging.models import Team
from tests.conftest import ClientFor
from tests.tagging.page_world import two_months

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]


@pytest.mark.parametrize(
    "address",
    [
        "/explore/?service=a%00b",
        "/explore/?team=a%00b",
        "/explore/?tag:a%00b=x",
        "/explore/?by=tag:a%00b",
        "/explore/?currency=a%00b",
        "/tags/findings/?search=a%00b",
        "/tags/findings/?team=a%00b",
        "/resources/?search=a%00b",
        "/lines/?service=a%00b",
        "/lines/?search=a%00b",
        "/why/payments/?service=a%00b",
        "/findings/?team=a%00b",
        "/statements/a%00b/",
        "/chargeback/?by=tag:a%00b",
        "/tags/suggestions/?key=a%00b&currency=%00",
    ],
)
def test_no_page_breaks_on_it(
    address: str, finops_lead: User, team: Team, other_team: Team, client_for: ClientFor
) -> None:
    two_months()
    answer = client_for(finops_lead).get(address)
    assert answer.status_code in (400, 404)
    assert answer.status_code == 404 or b"NUL character" in answer.content


@pytest.mark.parametrize("path", ["/tags/suggestions/decide/", "/explore/views/", "/tags/exemptions/", "/rules/new/"])
def test_no_form_breaks_on_it(
    path: str, finops_lead: User, team: Team, other_team: Team, client_for: ClientFor
) -> None:
    two_months()
    given = {
        "action": "dismiss",
        "row": "s" + "0" * 32,
        "reason": "a\0b",
        "name": "a\0b",
        "query": "by=team",
        "tag_key": "x",
    }
    answer = client_for(finops_lead).post(path, urlencode(given), content_type=PLAIN_FORM)
    assert (answer.status_code, b"NUL character" in answer.content) == (400, True)


def test_a_file_is_sent_as_before(finops_lead: User, team: Team, other_team: Team, client_for: ClientFor) -> None:
    """Its form is not read by the way: uploads read their own."""
    two_months()
    given = {"file": SimpleUploadedFile("policy.json", b'{"tags": {}}'), "preview": "1"}
    assert client_for(finops_lead).post("/tags/policy/import/", given).status_code == 200
