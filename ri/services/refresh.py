"""Advice worked out again where its data or prices have changed. Safe to repeat, and with several at once."""

import logging
from collections.abc import Collection
from dataclasses import dataclass

from django.db import DatabaseError

from costs import selectors as intake
from costs.errors import FinopsError
from costs.scope import Scope
from ri import selectors
from ri.results import BookRow, Run
from ri.services.recommend import Choices, recommend

logger = logging.getLogger(__name__)
# Another import may come in force while advice is worked out; it is then worked out again, so often at most.
MOST_ROUNDS = 3


@dataclass(frozen=True)
class Refreshed:
    """Sources whose advice is new, and those without, each with the reason."""

    sources: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]


def refresh_advice(sources: Collection[str] | None = None) -> Refreshed:
    """Work out advice on these sources (default: all with instances) on the newest data there is.

    Each keeps the limits and the price book of its newest run; the first run takes the settings' limits and the
    book of choice. A source that cannot be advised on stops no other, and keeps the advice it has.
    """
    known = intake.advisable_sources(Scope.all())
    wanted = [name for name in known if sources is None or name in sources]
    done: list[str] = []
    failed: list[tuple[str, str]] = []
    for name in wanted:
        try:
            _refresh(name)
        except FinopsError as error:  # like a bill without a single instance
            logger.info("No new advice on %s: %s", name, error)
            failed.append((name, str(error)))
        except (DatabaseError, OSError) as error:
            logger.exception("Advice on %s could not be worked out", name)
            failed.append((name, str(error)))
        else:
            done.append(name)
    return Refreshed(tuple(done), tuple(failed))


def reprice(book_name: str) -> Refreshed:
    """Work out again what rests on this book, or would take it now. To be called after its prices changed."""
    scope = Scope.all()
    books = selectors.book_rows(scope)
    concerned = []
    for name in intake.advisable_sources(scope):
        run = selectors.latest_run(scope, name)
        if run and book_name in (run.price_book, _book_for(run, books)):
            concerned.append(name)
    return refresh_advice(concerned)


def _refresh(source_name: str) -> None:
    scope = Scope.all()
    for _ in range(MOST_ROUNDS):
        seen = intake.brought_in_at(scope, source_name)
        recommend(source_name, choices=_choices(selectors.latest_run(scope, source_name)))
        if intake.brought_in_at(scope, source_name) == seen:
            return


def _choices(run: Run | None) -> Choices:
    if run is None:
        return Choices()
    return Choices(
        min_uptime=run.min_uptime,
        coverage_target=run.coverage_target,
        max_payback_months=run.max_payback_months,
        price_book=_book_for(run, selectors.book_rows(Scope.all())),
    )


def _book_for(run: Run, books: Collection[BookRow]) -> str:
    """The run's book while it is there; the built-in one gives way to a company's own."""
    kept = next((book for book in books if book.name == run.price_book), None)
    first = next(iter(books)).name
    return first if kept is None or kept.is_built_in else kept.name
