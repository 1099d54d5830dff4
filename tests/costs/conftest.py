"""Places for sources: a real S3 API, and a folder that sources may read."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from costs.places import S3Place
from tests.real_parts.object_store import ObjectStore, object_store


@pytest.fixture(scope="session")
def store_server() -> Iterator[ObjectStore]:
    with object_store() as store:
        yield store


@pytest.fixture
def store(store_server: ObjectStore, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """An empty bucket that sources reach with credentials of the environment; reads of its objects are counted."""
    settings.S3_ENDPOINT_URL = store_server.url
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    store_server.clear()
    client = S3Place._client.func  # type: ignore[attr-defined]

    def counted(place: S3Place) -> object:
        made = client(place)
        made.meta.events.register("provide-client-params.s3.GetObject", store_server.count)
        return made

    monkeypatch.setattr(S3Place, "_client", property(counted))
    return store_server


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    """A folder that sources may read."""
    settings.SOURCE_FOLDERS = [str(tmp_path)]
    return tmp_path
