"""The money field: exact to ten decimals on PostgreSQL and on SQLite alike."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from costs.money import from_units, round_money, to_units

if TYPE_CHECKING:
    _MoneyBase = models.Field[Decimal | int, Decimal]
else:
    _MoneyBase = models.Field

# What a 64-bit integer of 1e-10 units can hold, in whole currency.
SQLITE_LIMIT = Decimal("922337203")


class MoneyField(_MoneyBase):
    """Decimal money with ten decimals: NUMERIC on PostgreSQL, whole 1e-10 units on SQLite.

    SQLite adds decimals as binary floats; integers it adds exactly, up to $922 million, beyond
    which a clear error points to PostgreSQL. The database may add and compare this field, nothing
    else: Django refuses arithmetic on it unless an output field is given.
    """

    description = "Money, ten decimals, exact"

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        return "bigint" if connection.vendor == "sqlite" else "numeric(28, 10)"

    def get_internal_type(self) -> str:
        return "MoneyField"

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except ArithmeticError as error:
            raise ValidationError(f"'{value}' is not an amount of money.") from error

    def get_prep_value(self, value: Any) -> Any:
        prepared = super().get_prep_value(value)
        return self.to_python(prepared) if isinstance(prepared, int | str | float) else prepared

    def get_db_prep_value(self, value: Any, connection: BaseDatabaseWrapper, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's signature
        value = super().get_db_prep_value(value, connection, prepared)
        if not isinstance(value, Decimal):
            return value
        rounded = round_money(value)
        if connection.vendor != "sqlite":
            return rounded
        if abs(rounded) > SQLITE_LIMIT:
            raise OverflowError(f"{value} is more than SQLite can hold exactly. Set DATABASE_URL to PostgreSQL.")
        return to_units(rounded)

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Any]:
        """None on PostgreSQL, which gives decimals: a page reads thousands of amounts."""
        return [self.from_db_value] if connection.vendor == "sqlite" else []

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Decimal | None:
        return None if value is None else from_units(int(value))

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))


class CostColumns(models.Model):
    """The five cost bases of a rollup row, each exact to ten decimals."""

    billed_cost = MoneyField()
    effective_cost = MoneyField()
    list_cost = MoneyField()
    contracted_cost = MoneyField()
    unblended_cost = MoneyField()

    class Meta:
        abstract = True
