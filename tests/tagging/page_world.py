"""Two small months that tests of pages share, and readers of what pages answer."""

import csv
import io

from django.http import HttpResponse

from tagging.services import RuleInput, save_rule
from tagging.terms import RuleKind
from tests.tagging.builders import OCTOBER, Spend, month

QUERIES = 20


def two_months() -> None:
    """Teams payments and search exist. October: payments 12, search 5, in all 17.

    November: payments 30 (10 i-1 in Prod, 20 a bucket in Moon), search 5 (i-2), nobody 7 (tax 4, i-3 3), in all 42.
    """
    for name in ("payments", "search"):
        save_rule(RuleInput(RuleKind.TAG, tag_key="Team", tag_values=(name,), team_key=name))
    pay, search = {"Team": "payments", "Environment": "Prod"}, {"Team": "search"}
    month([Spend("12", tags=pay), Spend("5", tags=search)], period=OCTOBER)
    month(
        [
            Spend("10", tags=pay, resource="i-1", effective="8"),
            Spend("20", tags={"Team": "payments", "Environment": "Moon"}, service="Storage", resource="bucket"),
            Spend("5", tags=search, account="222222222222", resource="i-2"),
            Spend("4", category="Tax"),
            Spend("3", day=2, resource="i-3"),
        ]
    )


def text_of(response: HttpResponse) -> str:
    """The page as text, without the exact amounts that stand beside those for people."""
    return response.content.decode()


def file_of(response: HttpResponse) -> tuple[dict[str, str], list[list[str]]]:
    """A CSV answer: its head as pairs, then the rows with their header first."""
    text = b"".join(response.streaming_content).decode()  # type: ignore[attr-defined]
    rows = list(csv.reader(io.StringIO(text)))
    cut = rows.index([])
    return {row[0]: row[1] for row in rows[:cut]}, rows[cut + 1 :]
