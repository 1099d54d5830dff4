"""System checks: what an installation should be told."""

from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from finops_site import checks


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


def test_charge_store_is_an_error_when_it_is_a_url(settings: Settings) -> None:
    settings.CHARGE_STORE = "s3://bucket/charges"
    assert [message.id for message in checks.check_charge_store()] == ["finops_site.E002"]


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
