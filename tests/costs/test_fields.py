"""The money field keeps ten decimals and adds exactly, on SQLite and on PostgreSQL."""

from decimal import Decimal

import pytest
from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from django.db.models import F, Sum

from costs.fields import SQLITE_LIMIT, MoneyField
from costs.models import BillImport, BillSource

pytestmark = [pytest.mark.django_db, pytest.mark.real_parts]


def stored(*amounts: str) -> None:
    source = BillSource.objects.create(name="any", billing_format="legacy_cur")
    for amount in amounts:
        BillImport.objects.create(source=source, billed_cost=Decimal(amount))


def total() -> Decimal | None:
    found: Decimal | None = BillImport.objects.aggregate(total=Sum("billed_cost"))["total"]
    return found


def test_tenths_add_up_exactly() -> None:
    stored("0.1", "0.2", "0.0000000001")
    assert total() == Decimal("0.3000000001")


def test_the_sum_of_nothing_is_none_and_not_zero() -> None:
    assert total() is None


def test_negative_amounts_and_comparisons_are_exact() -> None:
    stored("-5.5", "5.4999999999", "7")
    assert total() == Decimal("6.9999999999")
    assert BillImport.objects.filter(billed_cost__lt=Decimal(0)).count() == 1
    assert BillImport.objects.filter(billed_cost=Decimal("5.4999999999")).exists()
    assert [row.billed_cost for row in BillImport.objects.order_by("billed_cost")][-1] == Decimal(7)


def test_the_eleventh_decimal_is_rounded_half_up_on_the_way_in() -> None:
    stored("0.00000000005")
    assert BillImport.objects.get().billed_cost == Decimal("0.0000000001")


def test_the_database_does_not_multiply_money() -> None:
    with pytest.raises(FieldError):
        BillImport.objects.annotate(double=F("billed_cost") * F("billed_cost")).first()


def test_what_sqlite_cannot_hold_says_to_move_to_postgresql() -> None:
    huge = SQLITE_LIMIT + 1
    if connection.vendor == "sqlite":
        with pytest.raises(OverflowError, match="PostgreSQL"):
            stored(str(huge))
    else:
        stored(str(huge))
        assert total() == huge


def test_text_that_is_no_amount_is_refused() -> None:
    with pytest.raises(ValidationError, match="not an amount"):
        MoneyField().to_python("ten")
