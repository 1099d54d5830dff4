"""A small bill changed at random: it is refused with a reason, or it counts exactly what a plain reader adds up."""

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from costs import services as intake
from costs.billing_formats.base import squash
from costs.errors import ImportRejectedError, InvalidRequestError
from costs.models import Bill, BillImport, DailyCost
from costs.terms import ImportState
from finops_site import pipeline
from tests.costs.bills import TODAY, csv_text, cur2_line, cur2_text, line, write_parquet
from tests.costs.corpus import gzipped, zipped

pytestmark = pytest.mark.django_db(transaction=True)

LINES = [
    line(cost="1.5", resource="i-1", team="a,b"),
    line(kind="RIFee", cost="40"),
    line({"lineItem/LineItemDescription": 'two\nlines, "quoted"'}, cost="-0.25"),
]
LEGACY = csv_text(LINES).encode()
CUR2 = cur2_text([cur2_line(row, resource_tags='{"user_team": "a"}', product="{}") for row in LINES]).encode()
COST = squash("lineItem/UnblendedCost")
EXAMPLES = int(os.environ.get("MUTATED_BILLS", "15"))

chosen = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
ODD_CELLS = st.one_of(
    st.sampled_from(
        (
            *("", "NULL", "nan", "inf", "-1e-10", "1e25", "0x1", "1,5", "2026-05", "2026-06-01T00:00:00Z", "usage"),
            *("Tax", "EUR", '{"a":', "{}", "[]", '"', "\\", "\0", "null", "true", "é", "'", "${x}", "=1+1", "9" * 30),
        )
    ),
    st.text(max_size=12),
    st.decimals(allow_nan=False, allow_infinity=False, places=12).map(str),
)


def counted(content: bytes) -> tuple[int, Decimal] | None:
    """Lines and the sum of their cost as a plain reader sees them; None where it cannot."""
    try:
        rows = [
            row
            for row in csv.reader(io.StringIO(content.decode("utf-8-sig", errors="replace"), newline=""), strict=True)
            if row
        ]
        place = [squash(name) for name in rows[0]].index(COST)
        return len(rows) - 1, sum((_amount(row[place]) for row in rows[1:]), Decimal(0))
    except (csv.Error, InvalidOperation, IndexError, ValueError):
        return None


def _amount(text: str) -> Decimal:
    return Decimal(0) if text in {"", "NULL"} else Decimal(text.strip())


def bring_in_bytes(content: bytes) -> list[BillImport] | None:
    """The imports in force that the bytes became; None where they were refused."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bill.csv"
        path.write_bytes(content)
        try:
            queued = intake.prepare_imports([path], source_name="mutated", today=TODAY)
            made = [pk for import_pk in queued for pk in pipeline.run_import(import_pk)]
        except ImportRejectedError:
            return None
        except InvalidRequestError as error:
            if "Name another one" not in str(error):  # the source holds bills of another payer or format
                raise
            return None
    return [BillImport.objects.get(pk=pk) for pk in made]


def check(content: bytes, *, packed: bytes | None = None) -> None:
    """The property of this file, for one content, or for `packed`, which is that content or damaged."""
    before = in_force()
    made = bring_in_bytes(content if packed is None else packed)
    if made is None:
        assert in_force() == before
    else:
        expected = counted(content)
        total = sum((item.unblended_cost for item in made), Decimal(0))
        assert expected is not None
        assert (sum(item.rows for item in made), total) == (expected[0], rounded(expected[1], total))
        assert {item.state for item in made} <= {ImportState.IN_FORCE, ImportState.UNCHANGED}
    unread = BillImport.objects.filter(state=ImportState.FAILED.value)
    assert not DailyCost.objects.filter(bill_import__in=unread).exists()


def rounded(exact: Decimal, total: Decimal) -> Decimal:
    """The exact sum as months keep it: each rounded to ten decimals, so several may differ by a hair."""
    return total if abs(exact - total) <= Decimal("1e-9") else exact


def in_force() -> dict[int, int | None]:
    return dict(Bill.objects.exclude(import_in_force=None).values_list("pk", "import_in_force"))


def changed_cells(content: bytes, changes: Iterable[tuple[int, int, str]]) -> bytes:
    """The CSV with some cells replaced; row 0 is the header."""
    rows = list(csv.reader(io.StringIO(content.decode(), newline="")))
    for row, column, text in changes:
        rows[row % len(rows)][column % len(rows[0])] = text
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows(rows)
    return out.getvalue().encode("utf-8", errors="replace")


@chosen
@given(
    content=st.sampled_from([LEGACY, CUR2]),
    changes=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), ODD_CELLS), min_size=1, max_size=3),
)
@example(content=LEGACY, changes=[])
@example(content=CUR2, changes=[])
def test_bill_with_odd_cells_is_refused_or_counts_exactly(content: bytes, changes: list[tuple[int, int, str]]) -> None:
    check(changed_cells(content, changes))


@chosen
@given(
    content=st.sampled_from([LEGACY, CUR2]),
    place=st.integers(0, len(LEGACY)),
    removed=st.integers(0, 40),
    put=st.binary(max_size=4),
)
def test_bill_with_broken_bytes_is_refused_or_counts_exactly(
    content: bytes, place: int, removed: int, put: bytes
) -> None:
    check(content[:place] + put + content[place + removed :])


@chosen
@given(content=st.sampled_from([LEGACY, CUR2]), end=st.integers(0, len(LEGACY)))
def test_bill_cut_short_is_refused_or_counts_exactly(content: bytes, end: int) -> None:
    check(content[:end])


@chosen
@given(
    packed=st.sampled_from([gzipped(LEGACY), gzipped(*LEGACY.splitlines(keepends=True)), zipped({"a.csv": LEGACY})]),
    place=st.integers(0, 1200),
    removed=st.integers(0, 3),
    put=st.binary(max_size=3),
)
def test_damaged_archive_is_refused_or_counts_as_if_it_were_not(
    packed: bytes, place: int, removed: int, put: bytes
) -> None:
    place %= len(packed)
    check(LEGACY, packed=packed[:place] + put + packed[place + removed :])


@chosen
@given(place=st.integers(0, 20_000), removed=st.integers(0, 3), put=st.binary(max_size=3))
def test_damaged_parquet_is_refused_or_in_force_whole(parquet: bytes, place: int, removed: int, put: bytes) -> None:
    # Parquet has no checksum over its values, so which value a changed byte makes is nobody's to know.
    place %= len(parquet)
    before = in_force()
    if bring_in_bytes(parquet[:place] + put + parquet[place + removed :]) is None:
        assert in_force() == before


@pytest.fixture(scope="module")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bill as Parquet, costs as binary numbers and tags as a map."""
    path = tmp_path_factory.mktemp("parquet") / "bill.parquet"
    rows = [cur2_line(row) for row in LINES]
    columns: dict[str, Sequence[object]] = {name: [row.get(name, "") for row in rows] for name in rows[0]}
    columns["line_item_unblended_cost"] = [1.5, 40.0, -0.25]
    columns["resource_tags"] = pa.array([[("user_team", "a")], None, []], pa.map_(pa.string(), pa.string()))
    return write_parquet(path, columns).read_bytes()
