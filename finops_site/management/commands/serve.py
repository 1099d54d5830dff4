"""Web, worker, beat and the embedded Redis under one supervisor."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from finops_site import env
from finops_site.embedded import ServiceError
from finops_site.preflight import check_folder, check_port
from finops_site.supervisor import running_services


class Command(BaseCommand):
    help = "Serve pages and API, with worker, scheduler and (unless REDIS_URL is set) an embedded Redis."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=env.text("HOST", "127.0.0.1"), help="address to listen on")
        parser.add_argument("--port", type=int, default=env.whole_number("PORT", 8000), help="port to listen on")

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        try:
            check_folder(settings.DATA_DIR)
            check_port(host, port)
            prepare_database()
            with running_services(log=self._say) as services:
                services.serve(host=host, port=port, on_ready=lambda: self._say(f"Serving on http://{host}:{port}/"))
        except ServiceError as error:
            raise CommandError(str(error)) from error

    def _say(self, text: str) -> None:
        self.stdout.write(text)
        self.stdout.flush()


def prepare_database() -> None:
    """Bring SQLite up to date; of a shared database only check that it is, in case others use it."""
    try:
        if connection.vendor == "sqlite":
            call_command("migrate", verbosity=0, interactive=False)
            return
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except OperationalError as error:
        raise ServiceError(f"Cannot use the database ({str(error).splitlines()[0]}). Check DATABASE_URL.") from error
    if behind:
        raise ServiceError(f"The database lacks {len(behind)} migrations. Run: manage.py migrate")
