"""The processes of one worker share the memory that imports may use."""

from types import SimpleNamespace

import pytest
from pytest_django.fixtures import Settings

from finops_site.celery import share_memory


@pytest.mark.parametrize(("processes", "each"), [(1, 1000), (2, 500), (3, 333)])
def test_each_process_of_a_worker_has_its_part_of_the_limit(processes: int, each: int, settings: Settings) -> None:
    settings.IMPORT_MEMORY_LIMIT_MB = 1000
    share_memory(SimpleNamespace(concurrency=processes))
    assert each == settings.IMPORT_MEMORY_LIMIT_MB
