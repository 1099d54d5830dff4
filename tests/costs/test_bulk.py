"""Bulk loading: every row arrives once and whole, whatever number of them there is."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from django.db import connection, transaction

from costs import bulk
from costs.fields import SQLITE_LIMIT
from costs.models import BillImport, BillSource, CostSlice, DailyCost
from costs.money import from_units, to_units

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]

UNIT = 10**10
COLUMNS = (
    *("bill_import_id", "slice_id", "charge_date"),
    *("billed_cost", "effective_cost", "list_cost", "contracted_cost", "unblended_cost", "consumed_quantity"),
)
SLICE_COLUMNS = (
    *("key", "billing_account_id", "sub_account_id", "service_name", "region_id", "usage_type", "operation"),
    *("charge_category", "line_kind", "pricing_category", "commitment_discount_status", "is_taggable", "tags"),
)


@pytest.fixture
def owner() -> int:
    source = BillSource.objects.create(name="any", billing_format="legacy_cur")
    return BillImport.objects.create(source=source).pk


def slices(keys: Sequence[int], *, service: str) -> Iterator[tuple[Any, ...]]:
    for key in keys:
        yield (key, "1", "2", service, *[""] * 7, True, "{}")


def days(owner: int, count: int, *, units: int = UNIT) -> Iterator[tuple[Any, ...]]:
    for number in range(count):
        yield (owner, 7, "2026-05-01", units * number, 0, 0, 0, 0, float(number))


# 9 columns make statements of 11 rows on SQLite, from 500 rows on, 200 of them at once: below, at and above each.
@pytest.mark.parametrize("count", [0, 1, 11, 499, 500, 505, 506, 507, 2_199, 2_200, 2_201, 2_211, 2_212, 2_705])
def test_every_row_arrives_once(owner: int, count: int) -> None:
    bulk.copy_rows(CostSlice, SLICE_COLUMNS, slices([7], service="S3"))
    assert bulk.copy_rows(DailyCost, COLUMNS, days(owner, count)) == count
    stored = DailyCost.objects.order_by("consumed_quantity").values_list("consumed_quantity", "billed_cost")
    assert list(stored) == [(float(number), from_units(UNIT * number)) for number in range(count)]


def test_rows_that_are_there_stay_as_they_are() -> None:
    bulk.copy_rows(CostSlice, SLICE_COLUMNS, slices(range(5), service="first"))
    bulk.copy_rows(CostSlice, SLICE_COLUMNS, slices(range(20), service="second"), skip_existing=True)
    services = list(CostSlice.objects.order_by("key").values_list("service_name", flat=True))
    assert services == ["first"] * 5 + ["second"] * 15


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("place", [0, 999, 1_000, 1_500])
def test_an_amount_sqlite_cannot_hold_is_told_wherever_it_stands(owner: int, place: int, sign: int) -> None:
    rows = [list(row) for row in days(owner, 1_501, units=0)]
    rows[place][5] = sign * (to_units(SQLITE_LIMIT) + 1)
    bulk.copy_rows(CostSlice, SLICE_COLUMNS, slices([7], service="S3"))
    if connection.vendor == "sqlite":
        with pytest.raises(OverflowError, match="PostgreSQL"), transaction.atomic():
            bulk.copy_rows(DailyCost, COLUMNS, rows)
        assert not DailyCost.objects.exists()
    else:
        assert bulk.copy_rows(DailyCost, COLUMNS, rows) == 1_501


def test_the_largest_amount_sqlite_holds_is_kept(owner: int) -> None:
    rows = [list(row) for row in days(owner, 2, units=0)]
    rows[0][3], rows[1][7] = to_units(SQLITE_LIMIT), -to_units(SQLITE_LIMIT)
    bulk.copy_rows(CostSlice, SLICE_COLUMNS, slices([7], service="S3"))
    bulk.copy_rows(DailyCost, COLUMNS, rows)
    first, second = DailyCost.objects.order_by("consumed_quantity")
    assert (first.billed_cost, second.unblended_cost) == (SQLITE_LIMIT, -SQLITE_LIMIT)
