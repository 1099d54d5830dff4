"""Long CSVs of the API: sent as they are made, byte for byte what short ones are, and never half an answer."""

import csv
import io

import pytest

from costs.api_base import views
from costs.errors import InvalidRequestError
from tests.finops_site.api_world import Api

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]


@pytest.mark.parametrize("path", ["resources/", "tag-findings/", "estate/resources/"])
@pytest.mark.parametrize("rows", [1, 2, 500])
def test_a_long_csv_is_sent_as_it_is_made_with_the_same_bytes(
    months: list[int], staff: Api, monkeypatch: pytest.MonkeyPatch, path: str, rows: int
) -> None:
    asked = {"period": "2026-02", "format": "csv"}
    whole = staff.get(path, asked)
    monkeypatch.setattr(views, "LONG", rows)
    long = staff.get(path, asked)
    assert whole.content.count(b"\r\n") > 3
    assert long.streaming == (rows < 500)
    assert (b"".join(long.streaming_content) if long.streaming else long.content) == whole.content
    for name in ("Content-Type", "Content-Disposition", "Cache-Control", "Vary"):
        assert long[name] == whole[name]


def test_a_team_is_sent_its_own_rows_alone_of_a_long_csv(
    months: list[int], lead: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "LONG", 1)
    body = b"".join(lead.get("resources/", {"period": "2026-02", "format": "csv"}).streaming_content).decode()
    assert {row["resource_id"] for row in csv.DictReader(io.StringIO(body))} == {"i-pay-1", "i-pay-2", "bucket-pay"}


def test_what_is_wrong_with_the_first_rows_of_a_long_csv_is_an_error_and_no_half_file(
    months: list[int], staff: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise InvalidRequestError("No rows today.")

    monkeypatch.setattr(views, "LONG", 1)
    monkeypatch.setattr("tagging.api.tags.ResourceList.made", refuse)
    response = staff.get("resources/", {"period": "2026-02", "format": "csv"})
    assert response.status_code == 400
    assert "No rows today." in response.content.decode()
    assert staff.get("resources/", {"state": "odd", "format": "csv"}).status_code == 400
