"""Background work: an id in, one call, safe to repeat. Entry points, so they may read the clock."""

import logging
from collections.abc import Sequence
from typing import Any

import redis
from celery import chain, shared_task
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import OperationalError as QueueError
from redis.backoff import NoBackoff
from redis.retry import Retry

from budgets import notifications
from costs import services as intake
from costs.errors import FinopsError
from finops_site import pipeline
from tagging import notifications as team_mails

logger = logging.getLogger(__name__)

RETRY_MEMORY_SECONDS = 7 * 24 * 3600


def enqueue_import(import_pk: int) -> None:
    """Have a worker run this import, once the transaction that made it is committed."""
    intake.mark_handed_out(import_pk, now=timezone.now())
    transaction.on_commit(lambda: send_import(import_pk))


def send_import(import_pk: int) -> None:
    """Have a worker run this import now; where the queue is away, as soon as it is back."""
    if not handed_out(run_import, import_pk):
        intake.mark_not_handed_out(import_pk, now=timezone.now())


def send_files(file_pks: Sequence[int]) -> None:
    """Have workers land these files; where the queue is away, as soon as it is back."""
    left = [pk for pk in file_pks if not handed_out(land_file, pk)]
    intake.mark_files_not_handed_out(left)


def send_finish(import_pk: int) -> None:
    """Have a worker finish this import; where the queue is away, as soon as it is back."""
    if not handed_out(finish_import, import_pk):
        intake.mark_not_handed_out(import_pk, now=timezone.now())


def handed_out(task: Any, pk: int) -> bool:
    """Whether the queue took the task."""
    try:
        task.delay(pk)
    except (QueueError, redis.RedisError, OSError) as error:
        logger.warning("The queue is away: %s.", error)
        return False
    return True


@shared_task(name="finops_site.run_import")  # type: ignore[untyped-decorator]
def run_import(import_pk: int) -> None:
    """Bring a queued import into force, or have each of its files landed. A refusal is stored on it, not raised."""
    try:
        run = pipeline.begin_import(import_pk, now=timezone.now())
    except FinopsError as error:
        logger.warning("Import %s stopped: %s", import_pk, error)
        pipeline.settle_delivery(import_pk)
    else:
        send_files(run.files)
        if not run.files:
            follow_up(import_pk, run.made)


@shared_task(name="finops_site.land_file")  # type: ignore[untyped-decorator]
def land_file(file_pk: int) -> None:
    """Land one file of an import; after the last one the import is to be finished."""
    try:
        whole = pipeline.land_file(file_pk, now=timezone.now())
    except FinopsError as error:
        logger.warning("File %s of an import stopped: %s", file_pk, error)
    else:
        if whole is not None:
            send_finish(whole)


@shared_task(name="finops_site.finish_import", bind=True)  # type: ignore[untyped-decorator]
def finish_import(self: Any, import_pk: int) -> None:
    """Put the landed files of an import together and into force."""
    if (self.request.delivery_info or {}).get("redelivered"):
        reap_stale_imports()  # the process that began is gone: from the files, then
    try:
        made = pipeline.finish_import(import_pk, now=timezone.now())
    except FinopsError as error:
        logger.warning("Import %s stopped: %s", import_pk, error)
        pipeline.settle_delivery(import_pk)
    else:
        if made:
            follow_up(import_pk, made)


def follow_up(import_pk: int, made: Sequence[int]) -> None:
    """Have workers do what follows an import: budgets, findings, metrics, advice. Each morning does it too."""
    pipeline.settle_delivery(import_pk)
    try:
        then = (
            evaluate_budgets.si(),
            detect_findings.si(),
            measure_metrics.si(list(made)),
            keep_compliance.si(list(made)),
            suggest_tags.si(),
        )
        chain(*then).delay()
        refresh_advice.delay(import_pk)
    except (QueueError, redis.RedisError) as error:
        logger.warning("The queue is away, what follows import %s waits for the morning: %s.", import_pk, error)


@shared_task(name="finops_site.hand_out_imports")  # type: ignore[untyped-decorator]
def hand_out_imports() -> None:
    """Hand out what is to be tried again by now, and what a queue that lost its tasks has forgotten."""
    work = intake.work_to_hand_out(now=timezone.now())
    for import_pk in work.imports:
        send_import(import_pk)
    send_files(work.files)
    for import_pk in work.finishes:
        send_finish(import_pk)


def enqueue_look(source_pk: int) -> None:
    """Have a worker look at this source, once the transaction is committed."""
    transaction.on_commit(lambda: look_at_source.delay(source_pk))


def enqueue_delivery(delivery_pk: int) -> None:
    """Have a worker fetch and import this delivery, once the transaction is committed."""
    transaction.on_commit(lambda: bring_in_delivery.delay(delivery_pk))


@shared_task(name="finops_site.look_for_deliveries")  # type: ignore[untyped-decorator]
def look_for_deliveries() -> None:
    """Have workers look at every source whose turn it is; finish what dead workers left."""
    now = timezone.now()
    intake.finish_left_deliveries(now=now)
    for source_pk in intake.due_sources(now=now):
        look_at_source.delay(source_pk)


@shared_task(name="finops_site.look_at_source")  # type: ignore[untyped-decorator]
def look_at_source(source_pk: int) -> None:
    """Look at one source; what is new is fetched by tasks of its own. A look that fails says why on the source."""
    for delivery_pk in intake.look_at_source(source_pk, now=timezone.now()):
        bring_in_delivery.delay(delivery_pk)


@shared_task(name="finops_site.bring_in_delivery", bind=True)  # type: ignore[untyped-decorator]
def bring_in_delivery(self: Any, delivery_pk: int) -> None:
    """Fetch one delivery and run its imports, the first one here. A fetch is handed out again only once."""
    if (self.request.delivery_info or {}).get("redelivered") and not take_retry(f"delivery-{delivery_pk}"):
        give_up_dead_imports()
        return
    queued = pipeline.fetch(delivery_pk, now=timezone.now())
    for import_pk in queued:
        intake.mark_handed_out(import_pk, now=timezone.now())
    for import_pk in queued[1:]:
        send_import(import_pk)
    for import_pk in queued[:1]:
        run_import(import_pk)


@shared_task(name="finops_site.evaluate_budgets")  # type: ignore[untyped-decorator]
def evaluate_budgets() -> None:
    """After every import and every day: measure all budgets, raise new alerts, send their mails."""
    found = pipeline.evaluate_budgets(now=timezone.now())
    if found.alerts:
        logger.info("%s new budget alerts.", len(found.alerts))


@shared_task(name="finops_site.refresh_advice")  # type: ignore[untyped-decorator]
def refresh_advice(import_pk: int | None = None) -> None:
    """After every import, on its source, and every day, on all: work out again what to commit to."""
    found = pipeline.refresh_advice(import_pk)
    for source_name, reason in found.failed:
        logger.warning("No new advice on %s: %s", source_name, reason)


@shared_task(name="finops_site.measure_metrics")  # type: ignore[untyped-decorator]
def measure_metrics(import_pks: list[int] | None = None) -> None:
    """After every import its months and the running one, every day all months: measure what success is judged by."""
    pipeline.measure_metrics(now=timezone.now(), import_pks=import_pks)


@shared_task(name="finops_site.keep_compliance")  # type: ignore[untyped-decorator]
def keep_compliance(import_pks: list[int] | None = None) -> None:
    """After every import its months, every day the newest: keep tag compliance, look at announced fixes again."""
    pipeline.keep_compliance(now=timezone.now(), import_pks=import_pks)


@shared_task(name="finops_site.suggest_tags")  # type: ignore[untyped-decorator]
def suggest_tags() -> None:
    """After every import and every day: learn from tagged resources what the others of the newest month lack."""
    pipeline.suggest_tags(now=timezone.now())


@shared_task(name="finops_site.write_team_notes")  # type: ignore[untyped-decorator]
def write_team_notes() -> None:
    """On Mondays: a note about its tags to every team's people; to leads what stayed open. Once a week each."""
    made = pipeline.write_notes(now=timezone.now())
    if made:
        logger.info("%s notes to teams.", made)


@shared_task(name="finops_site.send_team_notes")  # type: ignore[untyped-decorator]
def send_team_notes() -> None:
    """Send notes that are due: those the mail server refused before, and those whose sender died."""
    team_mails.send_due_notes(now=timezone.now())


def enqueue_findings() -> None:
    """Have a worker look for findings again. Without a queue the next import or morning does it."""
    try:
        with _queue(retry=Retry(NoBackoff(), 0), socket_connect_timeout=2) as queue:
            queue.ping()
    except redis.RedisError:
        return
    detect_findings.delay()


@shared_task(name="finops_site.detect_findings")  # type: ignore[untyped-decorator]
def detect_findings() -> None:
    """After every import, change of rules and day: look for money spent on nothing, measure what became of it."""
    found = pipeline.detect_findings(now=timezone.now())
    if found.opened or found.reopened or found.gone:
        logger.info("Findings: %s new, %s again, %s gone.", len(found.opened), len(found.reopened), len(found.gone))


@shared_task(name="finops_site.send_alert_mails")  # type: ignore[untyped-decorator]
def send_alert_mails() -> None:
    """Send alert mails that are due: new ones and those the mail server refused before."""
    notifications.send_due(now=timezone.now())


@shared_task(name="finops_site.send_statement_mails")  # type: ignore[untyped-decorator]
def send_statement_mails() -> None:
    """Send mails of closed months that are due: new ones and those the mail server refused before."""
    team_mails.send_due_statements(now=timezone.now())


def enqueue_retracking() -> None:
    """Have workers roll up again every month in force that lacks a tag to track. Nothing is sent where none does."""
    for import_pk in pipeline.queue_retracking():
        intake.mark_handed_out(import_pk, now=timezone.now())
        send_import(import_pk)


@shared_task(name="finops_site.retrack")  # type: ignore[untyped-decorator]
def retrack() -> None:
    """What a change of rules asks for at once, again: for months that came in meanwhile or found no worker."""
    enqueue_retracking()


@shared_task(name="finops_site.reap_stale_imports")  # type: ignore[untyped-decorator]
def reap_stale_imports() -> None:
    """Imports whose worker died fail with a cure, the month in force stays; each gets one more run by itself.

    Files whose worker died are given back and handed out again.
    """
    for import_pk in give_up_dead_imports():
        if intake.requeue_lost(import_pk):
            logger.warning("Import %s is run once more.", import_pk)
            send_import(import_pk)
        else:
            pipeline.settle_delivery(import_pk)
    hand_out_imports()


@shared_task(name="finops_site.remove_replaced_imports")  # type: ignore[untyped-decorator]
def remove_replaced_imports() -> None:
    """Remove rows and folders of imports that are no longer in force, one batch at a time."""
    removed = pipeline.remove_replaced_imports(now=timezone.now())
    if removed:
        logger.info("Removed the rows of %s replaced imports.", removed)


def give_up_dead_imports() -> list[int]:
    """Mark imports failed whose worker is gone; returns them."""
    dead: list[int] = intake.reap_stale_imports(now=timezone.now())
    for import_pk in dead:
        logger.warning("Import %s lost its worker.", import_pk)
    return dead


def take_retry(name: str) -> bool:
    """Whether this (`delivery-…`) still had its one automatic retry; from now on it has not."""
    with _queue() as queue:
        return bool(queue.set(f"finops:import-retried:{name}", 1, nx=True, ex=RETRY_MEMORY_SECONDS))


def _queue(**options: Any) -> "redis.Redis":
    return redis.Redis.from_url(settings.REDIS_URL.replace("redis+socket://", "unix://", 1), **options)
