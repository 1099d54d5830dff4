"""A demo company from nothing: data, import by the real worker, report, and then serve it."""

import errno
import time
from argparse import SUPPRESS, ArgumentParser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError
from django.utils import timezone

from costs.errors import FinopsError
from costs.periods import BillingPeriod
from costs.scope import Scope
from costs.terms import CostMetric
from finops_site import demo, demo_budgets, demo_finance, demo_programme, demo_report, env, pipeline
from finops_site.embedded import ServiceError
from finops_site.findings_report import SHOWN, findings_as_text
from finops_site.preflight import check_folder, check_port
from finops_site.supervisor import Services, running_services
from ri import selectors as commitments
from ri.answers import run_as_text
from ri.services import recommend
from tagging import selectors as ownership


class Command(BaseCommand):
    help = "Make the demo company, import its bills with the real worker, print its month, then serve it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--no-serve", action="store_true", help="stop after the report; leave no process behind")
        parser.add_argument("--host", default=env.text("HOST", "127.0.0.1"), help="address to listen on")
        parser.add_argument("--port", type=int, default=env.whole_number("PORT", 8000), help="port to listen on")
        parser.add_argument("--data-dir", type=Path, help="where everything is kept (instead of DATA_DIR)")
        parser.add_argument("--size", choices=sorted(demo.SCALES), default="full", help=SUPPRESS)

    def handle(self, *, data_dir: Path | None, **options: Any) -> None:
        if data_dir is not None and data_dir.expanduser().resolve() != settings.DATA_DIR:
            raise CommandError("--data-dir is read by manage.py before the settings; from code, set DATA_DIR.")
        self._started_at = time.monotonic()
        try:
            self._run(**options)
        except (FinopsError, ServiceError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(_about_disk(error)) from error
        except DatabaseError as error:
            raise CommandError(_about_database(error)) from error
        except KeyboardInterrupt as error:
            raise CommandError("Stopped. Run it again to go on.", returncode=130) from error

    def _run(self, *, no_serve: bool, host: str, port: int, size: str, **_: Any) -> None:
        check_folder(settings.DATA_DIR)
        if not no_serve:
            check_port(host, port)
            _collect_static_files()
        call_command("migrate", verbosity=0, interactive=False)
        with running_services(log=self._say) as services:
            logins = self._fill(size)
            self._print_logins(logins)
            if not no_serve:
                self._serve(services, host, port)

    def _fill(self, size: str) -> tuple[demo.Login, ...]:
        today = timezone.now().date()
        exports = demo.write_files(settings.DATA_DIR, today=today, size=size)
        months = ", ".join(str(month.period) for month, _files in exports.bills)
        self._say(f"{exports.company.name}: bills of {months} and inventories in {settings.DATA_DIR / 'demo'}")
        made = demo.set_up_company(exports.company)
        demo_finance.set_up_pool(exports.company)
        logins = demo.set_up_people(demo.demo_password(settings.DATA_DIR))
        self._say(f"{made} teams with their rules made" if made else "teams and rules kept as they are")
        queued = demo.queue_imports(exports, today=today)
        self._say(f"{len(queued)} imports handed to the worker")
        demo.wait_for_imports(queued, clock=timezone.now, say=self._say)
        self._do_the_books([month.period for month, _files in exports.bills])
        planned = demo_budgets.set_up_budgets(today=today)
        self._say(f"{planned} budgets made" if planned else "budgets kept as they are")
        begun = demo_programme.set_up_programme(today=today)
        self._say("programme made" if begun else "programme kept as it is")
        pipeline.evaluate_budgets(now=timezone.now())
        pipeline.detect_findings(now=timezone.now())
        pipeline.measure_metrics(now=timezone.now())
        period = demo.latest_full_month(today)
        chargeback = ownership.chargeback(Scope.all(), period, by="team", metric=CostMetric.BILLED)
        self.stdout.write("\n" + demo_report.chargeback_report(chargeback))
        self.stdout.write("\n" + demo_report.compliance_report(ownership.compliance(Scope.all(), period)) + "\n")
        self.stdout.write("\n" + demo_budgets.budget_report(today=today) + "\n")
        self.stdout.write("\n" + demo_finance.finance_report(today=today) + "\n")
        found = ownership.findings(Scope.all())
        self.stdout.write("\n" + findings_as_text(found, shown=SHOWN) + "\n")
        run = commitments.run_by_pk(Scope.all(), recommend(demo.SOURCE))
        self.stdout.write("\nWhat to commit to: " + run_as_text(run) + "\n")
        self.stdout.write("\n" + demo_programme.programme_report(today=today) + "\n")
        return logins

    def _do_the_books(self, periods: Sequence[BillingPeriod]) -> None:
        """Close what is over, excuse a resource, accept a suggested tag and wait for what that rolls up again."""
        closed = demo_finance.close_months(periods[:-1], now=timezone.now())
        self._say(f"{closed} months closed" if closed else "closed months kept as they are")
        demo_finance.grant_one_exemption(now=timezone.now())
        if accepted := demo_finance.accept_one_suggestion(now=timezone.now()):
            self._say(f"suggested tag accepted: {accepted}")
            again = demo_finance.imports_under_way(now=timezone.now())
            demo.wait_for_imports(again, clock=timezone.now, say=self._say)

    def _print_logins(self, logins: tuple[demo.Login, ...]) -> None:
        rows = [[each.person.username, each.password or "(changed since)", each.person.does] for each in logins]
        self.stdout.write("\nLog-ins of the demo (made-up data; do not put this installation on a network as it is)\n")
        self.stdout.write("\n".join(demo_report.aligned(["User", "Password", "Is"], rows, text_columns=3)) + "\n")

    def _serve(self, services: Services, host: str, port: int) -> None:
        services.serve(
            host=host,
            port=port,
            on_ready=lambda: self._say(f"Serving on http://{host}:{port}/ (end with Ctrl+C)"),
        )

    def _say(self, text: str) -> None:
        self.stdout.write(f"[{time.monotonic() - self._started_at:5.1f} s] {text}")
        self.stdout.flush()


def _collect_static_files() -> None:
    """Pages need them; `make` has collected them already, a bare `manage.py demo` has not."""
    if not (Path(settings.STATIC_ROOT) / "staticfiles.json").exists():
        call_command("collectstatic", verbosity=0, interactive=False)


def _about_disk(error: OSError) -> str:
    where = error.filename or settings.DATA_DIR
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk of {where} is full. Free some room, or choose another place with --data-dir."
    return f"Cannot use {where} ({error.strerror or error}). Correct that, or choose another place with --data-dir."


def _about_database(error: DatabaseError) -> str:
    text = (str(error).splitlines() or [type(error).__name__])[0]
    cure = "Free some room" if "full" in text else "Check DATABASE_URL"
    return f"Cannot use the database ({text}). {cure}, or choose another place with --data-dir."
