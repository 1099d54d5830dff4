"""How values are written: money and ratios as exact text, months as YYYY-MM."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from costs.money import plain, round_money
from costs.periods import BillingPeriod

DECIMAL_PATTERN = r"^-?\d+(\.\d+)?$"


@extend_schema_field({"type": "string", "pattern": DECIMAL_PATTERN, "examples": ["1234.56", "-0.0000000001", "0"]})
class MoneyText(serializers.Field[Decimal, Any, str, Any]):
    """Money, exact, without exponent, thousands marks or trailing zeros."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Decimal) -> str:
        return plain(value)


@extend_schema_field({"type": "number", "examples": [0.9512, 1.0]})
class RatioNumber(serializers.Field[Decimal, Any, float, Any]):
    """A ratio (1 is all of it) to ten decimals; null where there is nothing to divide by."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, allow_null=True, **options)

    def to_representation(self, value: Decimal) -> float:
        return float(round_money(value))


@extend_schema_field({"type": "string", "pattern": r"^\d{4}-\d{2}$", "examples": ["2026-02"]})
class PeriodText(serializers.Field[BillingPeriod, Any, str, Any]):
    """A billing period, `2026-02`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: BillingPeriod) -> str:
        return str(value)


@extend_schema_field({"type": "string", "examples": ["USD"]})
class CurrencyText(serializers.Field[str, Any, str, Any]):
    """The currency of every figure beside it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class PairsField(serializers.Field[Iterable[tuple[str, str]], Any, dict[str, str], Any]):
    """Pairs of key and value as an object."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {key: str(text) for key, text in value}


class PageSerializer(serializers.Serializer[Any]):
    """The links of a page; what stands above the rows and the rows themselves are the endpoint's."""

    next = serializers.URLField(allow_null=True, help_text="The page after this one; null on the last.")
    previous = serializers.URLField(allow_null=True, help_text="The page before this one; null on the first.")

    def get_fields(self) -> dict[str, Any]:
        return last(super().get_fields(), "next", "previous", "results")


def last(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    """The fields with these at the end: what a row is about comes first."""
    return {name: field for name, field in fields.items() if name not in names} | {
        name: fields[name] for name in names if name in fields
    }
