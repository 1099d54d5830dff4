"""The Celery app and the whole schedule in one table."""

import os
from typing import Any

from celery import Celery
from celery.schedules import crontab
from celery.signals import worker_init, worker_process_init
from django.conf import settings

from finops_site.launch import die_with_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "finops_site.settings")

app = Celery("finops_site")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["finops_site"])

# name → (task, every so many seconds or at these times, UTC)
SCHEDULE: dict[str, tuple[str, float | crontab]] = {
    "reap imports whose worker died": ("finops_site.reap_stale_imports", 60.0),
    "hand out imports again": ("finops_site.hand_out_imports", 10.0),
    "look for deliveries": ("finops_site.look_for_deliveries", 60.0),
    "read months for tags tracked since": ("finops_site.retrack", 300.0),
    "remove rows of replaced imports": ("finops_site.remove_replaced_imports", 600.0),
    "evaluate budgets": ("finops_site.evaluate_budgets", crontab(hour=6, minute=15)),
    "work out advice again": ("finops_site.refresh_advice", crontab(hour=6, minute=30)),
    "measure metrics": ("finops_site.measure_metrics", crontab(hour=6, minute=45)),
    "keep tag compliance": ("finops_site.keep_compliance", crontab(hour=6, minute=50)),
    "suggest tags": ("finops_site.suggest_tags", crontab(hour=6, minute=55)),
    "write notes to teams": ("finops_site.write_team_notes", crontab(hour="7,12", minute=0, day_of_week="mon")),
    "send notes to teams": ("finops_site.send_team_notes", 60.0),
    "look for findings": ("finops_site.detect_findings", crontab(hour=6, minute=20)),
    "send statement mails": ("finops_site.send_statement_mails", 60.0),
    "send alert mails": ("finops_site.send_alert_mails", 60.0),
}
app.conf.beat_schedule = {name: {"task": task, "schedule": every} for name, (task, every) in SCHEDULE.items()}


@worker_init.connect  # type: ignore[untyped-decorator]
def share_memory(sender: Any, **_: object) -> None:
    """The processes of a worker share the memory that imports may use on its machine; before they are made."""
    wanted = getattr(sender, "concurrency", None)
    processes = wanted if isinstance(wanted, int) and wanted > 0 else os.cpu_count() or 1
    settings.IMPORT_MEMORY_LIMIT_MB = max(1, settings.IMPORT_MEMORY_LIMIT_MB // processes)


@worker_process_init.connect  # type: ignore[untyped-decorator]
def end_with_worker(**_: object) -> None:
    """Pool processes end with their worker, even when it is killed; their imports are repeated."""
    die_with_parent(os.getppid())
