"""Background work: an id in, one call, safe to repeat. Entry points, so they may read the clock."""

import logging

from celery import shared_task
from django.db import transaction
from django.utils import timezone

from costs import services as intake
from costs.errors import FinopsError
from finops_site import pipeline

logger = logging.getLogger(__name__)


def enqueue_import(import_pk: int) -> None:
    """Have a worker run this import, once the transaction that made it is committed."""
    transaction.on_commit(lambda: run_import.delay(import_pk))


@shared_task(name="finops_site.run_import")  # type: ignore[untyped-decorator]
def run_import(import_pk: int) -> None:
    """Bring a queued import into force. A bill that is refused is stored on the import, not raised."""
    try:
        pipeline.run_import(import_pk)
    except FinopsError as error:
        logger.warning("Import %s refused: %s", import_pk, error)


@shared_task(name="finops_site.reap_stale_imports")  # type: ignore[untyped-decorator]
def reap_stale_imports() -> None:
    """Give up imports whose worker died: they fail with a cure, the month in force stays."""
    for import_pk in intake.reap_stale_imports(now=timezone.now()):
        logger.warning("Import %s lost its worker and was given up.", import_pk)


@shared_task(name="finops_site.remove_replaced_imports")  # type: ignore[untyped-decorator]
def remove_replaced_imports() -> None:
    """Remove rows and folders of imports that are no longer in force, one batch at a time."""
    removed = intake.remove_replaced_imports(now=timezone.now())
    if removed:
        logger.info("Removed the rows of %s replaced imports.", removed)
