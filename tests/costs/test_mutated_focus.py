"""A small FOCUS file of two bills changed at random: each bill is refused, or counts what a plain reader adds up."""

import csv
import io
import tempfile
from collections import defaultdict
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costs import services as intake
from costs.billing_formats.base import squash
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, DailyCost
from costs.terms import ImportState
from finops_site import pipeline
from tests.costs.bills import TODAY
from tests.costs.focus_bills import DEFAULTS, focus_line, focus_text
from tests.costs.test_mutated_bills import ODD_CELLS, changed_cells, chosen

pytestmark = pytest.mark.django_db(transaction=True)

FOCUS = focus_text(
    [
        focus_line(cost="1.5", Tags='{"team":"a,b"}'),
        focus_line(cost="-0.25", ChargeCategory="Credit", ChargeDescription='two\nlines, "quoted"'),
        focus_line(cost="40", ProviderName="Oracle", BillingAccountId="7", Tags='"team":"c"'),
    ]
).encode()
_KEYS = tuple(map(squash, ("ProviderName", "BillingAccountId", "BillingCurrency")))


def bills_in(content: bytes) -> set[tuple[int, Decimal | None]]:
    """Lines and billed cost of each bill as a plain reader sees them; None where a cost is no number."""
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    try:
        text = io.StringIO(content.decode("utf-8-sig", errors="replace"), newline="")
        rows = [row for row in csv.reader(text, strict=True) if row]
        names = [squash(name) for name in rows[0]]
        for row in rows[1:]:
            cells = {name: _told(cell) for name, cell in zip(names, row, strict=True)}
            provider, account, currency = (cells.get(key, "") for key in _KEYS)
            found[(provider, account, currency.upper())].append(cells["billedcost"])
    except (csv.Error, IndexError, KeyError, ValueError):
        return set()
    return {(len(costs), _sum(costs)) for costs in found.values()}


def _told(cell: str) -> str:
    return "" if cell.strip() in {"NULL", "null"} else cell.strip()


def _sum(costs: list[str]) -> Decimal | None:
    try:
        return sum((Decimal(cost or 0) for cost in costs), Decimal(0))
    except InvalidOperation:
        return None


def check(content: bytes) -> None:
    """Bring the file in and hold every bill of it against the plain reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "focus.csv"
        path.write_bytes(content)
        try:
            queued = intake.prepare_imports([path], today=TODAY)
        except (ImportRejectedError, InvalidRequestError):
            return
        for pk in queued:
            try:
                made = BillImport.objects.filter(pk__in=pipeline.run_import(pk))
            except ImportRejectedError:
                assert BillImport.objects.get(pk=pk).state == ImportState.FAILED
                assert not DailyCost.objects.filter(bill_import=pk).exists()
                continue
            total = sum((item.billed_cost for item in made), Decimal(0))
            expected = bills_in(content)
            assert any(
                rows == sum(item.rows for item in made) and cost is not None and abs(cost - total) <= Decimal("1e-9")
                for rows, cost in expected
            ), (expected, total)


@chosen
@given(
    changes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, len(DEFAULTS) - 1), ODD_CELLS), min_size=1, max_size=3)
)
@example(changes=[])
def test_focus_with_odd_cells_is_refused_or_counts_exactly(changes: list[tuple[int, int, str]]) -> None:
    check(changed_cells(FOCUS, changes))


@chosen
@given(place=st.integers(0, len(FOCUS)), removed=st.integers(0, 40), put=st.binary(max_size=4))
def test_focus_with_broken_bytes_is_refused_or_counts_exactly(place: int, removed: int, put: bytes) -> None:
    check(FOCUS[:place] + put + FOCUS[place + removed :])


@chosen
@given(end=st.integers(0, len(FOCUS)))
def test_focus_cut_short_is_refused_or_counts_exactly(end: int) -> None:
    check(FOCUS[:end])
