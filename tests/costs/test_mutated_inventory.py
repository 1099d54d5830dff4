"""A small inventory changed at random: refused with nothing left behind, or counted as a plain reader adds it up."""

import csv
import io
import re
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from costs import services as intake
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import BillImport, DailyCost, ResourceSnapshot
from costs.tags import BLANKS
from costs.terms import ImportState
from finops_site import pipeline
from tests.costs.bills import TODAY
from tests.costs.test_mutated_bills import ODD_CELLS, changed_cells, chosen

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = 720  # of June, the month of TODAY
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
INVENTORY = (
    b"InstanceId,InstanceType,Region,CostUSD,State,CPUUtilization,Tags\n"
    b"i-1,m5.large,us-east-1,0.5,running,40,Team=a\n"
    b'i-2,m5.large,eu-west-1,1.25,stopped,,"Team=b,Owner=""x"""\n'
    b"i-3,c5.xlarge,us-east-1,-0.1,,3,NULL\n"
)


def expected(content: bytes) -> Decimal | None:
    """The month's cost as a plain reader adds it up, each row once; None where it cannot."""
    try:
        text = io.StringIO(content.decode("utf-8-sig"), newline="")
        rows = [row for row in csv.reader(text) if any(row)]
        head = [re.sub(r"[\W_]", "", name).casefold() for name in rows[0]]
        at = next(head.index(name) for name in ("costusd", "cost") if name in head)
        costs = {tuple(row): row[at].strip() if at < len(row) else "" for row in rows[1:]}
        values = [cost for cost in costs.values() if cost.casefold() not in BLANKS]
        if not all(NUMBER.fullmatch(value) for value in values):
            return None
        return sum((Decimal(value) * HOURS for value in values), Decimal(0))
    except (csv.Error, IndexError, StopIteration, UnicodeDecodeError):
        return None


def check(content: bytes) -> None:
    """Bring it in and hold it against the plain reader."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "inventory.csv"
        path.write_bytes(content)
        try:
            queued = intake.prepare_imports([path], today=TODAY)
        except (ImportRejectedError, InvalidRequestError):
            return
        for pk in queued:
            try:
                pipeline.run_import(pk)
            except ImportRejectedError:
                item = BillImport.objects.get(pk=pk)
                assert item.state == ImportState.FAILED
                assert not DailyCost.objects.filter(bill_import=pk).exists()
                assert not ResourceSnapshot.objects.filter(bill_import=pk).exists()
                continue
            item = BillImport.objects.get(pk=pk)
            if item.state == ImportState.UNCHANGED:
                continue
            total = expected(content)
            assert total is not None
            # What has more than ten decimals is rounded by the day: thirty days, half of the last place each.
            assert abs(item.billed_cost - total) <= Decimal("1e-7"), (item.billed_cost, total)


@chosen
@given(changes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), ODD_CELLS), min_size=1, max_size=3))
@example(changes=[])
@example(changes=[(2, 0, "i-1")])
def test_inventory_with_odd_cells_is_refused_or_counts_exactly(changes: list[tuple[int, int, str]]) -> None:
    check(changed_cells(INVENTORY, changes))


@chosen
@given(place=st.integers(0, len(INVENTORY)), removed=st.integers(0, 40), put=st.binary(max_size=4))
def test_inventory_with_broken_bytes_is_refused_or_counts_exactly(place: int, removed: int, put: bytes) -> None:
    check(INVENTORY[:place] + put + INVENTORY[place + removed :])


@chosen
@given(end=st.integers(0, len(INVENTORY)))
def test_inventory_cut_short_is_refused_or_counts_exactly(end: int) -> None:
    check(INVENTORY[:end])


@chosen
@given(rows=st.lists(st.sampled_from(INVENTORY.decode().splitlines(keepends=True)[1:]), min_size=1, max_size=8))
def test_inventory_with_rows_again_counts_each_once(rows: list[str]) -> None:
    check((INVENTORY.decode().splitlines(keepends=True)[0] + "".join(rows)).encode())
