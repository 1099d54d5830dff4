"""System checks: what an installation should be told."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from finops_site import checks
from tests.real_parts.object_store import BUCKET, ObjectStore


def test_nothing_is_said_of_one_machine_with_sqlite(settings: Settings, tmp_path: Path) -> None:
    settings.REDIS_URL = f"redis+socket://{tmp_path}/redis.sock"
    settings.CHARGE_STORE = str(tmp_path / "charges")
    assert checks.check_database_is_shared() == []
    assert checks.check_charge_store() == []


@pytest.mark.parametrize("local", ["redis://127.0.0.1:6379/0", "redis://localhost/1", "redis+socket:///run/redis.sock"])
def test_queue_is_not_shared_when_redis_is_on_this_machine(settings: Settings, local: str) -> None:
    settings.REDIS_URL = local
    assert not checks.queue_is_shared()


def test_sqlite_is_warned_about_when_the_queue_is_on_another_machine(settings: Settings) -> None:
    settings.REDIS_URL = "redis://queue.example.com:6379/0"
    settings.DATABASES["default"]["ENGINE"] = "django.db.backends.sqlite3"
    assert [message.id for message in checks.check_database_is_shared()] == ["finops_site.W001"]


def test_local_charge_store_is_warned_about_when_the_queue_is_on_another_machine(
    settings: Settings, tmp_path: Path
) -> None:
    settings.REDIS_URL = "redis://queue.example.com:6379/0"
    settings.CHARGE_STORE = str(tmp_path)
    assert [message.id for message in checks.check_charge_store()] == ["finops_site.W002"]


def test_object_store_is_right_and_uploads_are_warned_about_when_the_queue_is_shared(settings: Settings) -> None:
    settings.CHARGE_STORE = "s3://bucket/charges"
    settings.REDIS_URL = "redis://localhost/0"
    assert checks.check_charge_store() == []
    settings.REDIS_URL = "redis://queue.example.com:6379/0"
    assert [message.id for message in checks.check_charge_store()] == ["finops_site.W003"]


@pytest.mark.parametrize("address", ["s3://", "gs://bucket/charges"])
def test_charge_store_is_an_error_when_its_address_is_none(settings: Settings, address: str) -> None:
    settings.CHARGE_STORE = address
    (message,) = checks.check_charge_store()
    assert message.id == "finops_site.E002"
    assert f"CHARGE_STORE={address}" in message.msg


def test_object_store_that_does_not_answer_is_an_error_of_a_deployment(
    settings: Settings, store: ObjectStore, tmp_path: Path
) -> None:
    settings.CHARGE_STORE = str(tmp_path)
    assert checks.check_object_store() == []
    settings.CHARGE_STORE = f"s3://{BUCKET}/charges"
    assert checks.check_object_store() == []
    settings.CHARGE_STORE = "s3://no-such-bucket/charges"
    (message,) = checks.check_object_store()
    assert (message.id, "There is no bucket no-such-bucket." in message.msg) == ("finops_site.E003", True)
    assert store.url


def test_charge_store_is_an_error_when_it_cannot_be_written(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    settings.CHARGE_STORE = str(tmp_path / "file" / "charges")
    settings.REDIS_URL = "redis://localhost/0"
    (message,) = checks.check_charge_store()
    assert message.id == "finops_site.E001"
    assert message.hint is not None
    assert str(tmp_path / "file") in message.hint


def test_mail_is_noted_when_it_is_not_configured(settings: Settings) -> None:
    settings.MAIL_IS_CONFIGURED = False
    assert [message.id for message in checks.check_mail()] == ["finops_site.I001"]
    settings.MAIL_IS_CONFIGURED = True
    assert checks.check_mail() == []


def test_a_folder_of_fonts_that_is_none_or_holds_none_is_warned_about_with_the_cure(
    settings: Settings, tmp_path: Path
) -> None:
    settings.PDF_FONTS = ""
    assert checks.check_pdf_fonts() == []
    (tmp_path / "readme.txt").write_text("fonts come here")
    for folder, told in (
        (tmp_path / "missing", "is no folder"),
        (tmp_path / "readme.txt", "is no folder"),
        (tmp_path, "holds no font"),
    ):
        settings.PDF_FONTS = str(folder)
        (message,) = checks.check_pdf_fonts()
        assert f"PDF_FONTS={folder}" in message.msg
        assert told in message.msg
        assert "leave PDF_FONTS out" in str(message.hint)
    (tmp_path / "noto").mkdir()
    (tmp_path / "noto" / "Noto.TTF").write_bytes(b"x")
    assert checks.check_pdf_fonts() == []
