"""Decimals of more than 38 digits in Parquet: every digit of the bill is kept, as far as the store has room."""

import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from costs.charge_store import ImportFolder, query_charges
from costs.models import BillImport
from costs.periods import BillingPeriod
from tests.costs.bills import bring_in, write_parquet
from tests.costs.focus_bills import DEFAULTS

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]
COSTS = ("BilledCost", "EffectiveCost", "ListCost", "ContractedCost")
# As doubles by way of ten decimals the second would be 0.0000000000, and the third lose its last eight digits.
AMOUNTS = ("1234567.125", "0.000000000012345678", "0.123456789123456789", "-98765432.000000000000000001", None)


def write_wide(path: Path, *, scale: int = 38, amounts: tuple[str | None, ...] = AMOUNTS) -> Path:
    cells = {name: pa.array([value] * len(amounts)) for name, value in DEFAULTS.items()}
    told = [None if amount is None else Decimal(amount) for amount in amounts]
    cells |= {name: pa.array(told, pa.decimal256(76, scale)) for name in COSTS}
    cells["ConsumedQuantity"] = pa.array([Decimal(2)] * len(amounts), pa.decimal256(50, 9))
    return write_parquet(path, cells)


def stored(made: BillImport) -> list[Decimal]:
    assert made.billing_period is not None
    folder = ImportFolder(made.source.name, BillingPeriod(made.billing_period), made.pk)
    rows = query_charges([folder], "SELECT billed_cost, list_cost, consumed_quantity FROM charges ORDER BY billed_cost")
    assert all(row[0] == row[1] and row[2] == 2 for row in rows)
    return [row[0] for row in rows]


@pytest.mark.parametrize("packed", [False, True], ids=["file", "zip"])
def test_every_digit_is_kept(tmp_path: Path, packed: bool) -> None:
    path = write_wide(tmp_path / "f.parquet")
    if packed:
        with zipfile.ZipFile(tmp_path / "f.zip", "w") as archive:
            archive.write(path, "f.parquet")
        path = tmp_path / "f.zip"
    (made,) = bring_in(path)
    assert stored(made) == sorted(Decimal(amount or 0) for amount in AMOUNTS)
    # 1234567.125 + 0.000000000012345678 + 0.123456789123456789 - 98765432.000000000000000001
    # = -97530864.751543210864197534, which is -97530864.7515432109 at ten decimals.
    assert made.billed_cost == Decimal("-97530864.7515432109")


def test_digits_past_the_eighteenth_are_rounded(tmp_path: Path) -> None:
    (made,) = bring_in(write_wide(tmp_path / "f.parquet", amounts=("0.1234567891234567895", "1")))
    assert stored(made) == [Decimal("0.123456789123456790"), Decimal(1)]
