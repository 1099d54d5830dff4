"""Every format this product reads. A new one is a module here and a place in `detect.MODULES`."""

from costs.billing_formats import cur, focus
from costs.billing_formats.base import (
    ChargeMapping,
    Check,
    Column,
    Columns,
    Finding,
    FormatModule,
    columns_by_field,
)
from costs.billing_formats.detect import MODULES, Detected, detect
from costs.terms import BillingFormat


def module_of(billing_format: str) -> FormatModule:
    """The module that reads a format."""
    by_format = {module.FORMAT: module for module in MODULES}
    return by_format[BillingFormat(billing_format)]


def is_unknown_kind(billing_format: str, kind: str) -> bool:
    """Whether a line's kind is one no rule of its format is known for."""
    if BillingFormat(billing_format).is_inventory:
        return False
    if billing_format == BillingFormat.FOCUS:
        return focus.unknown_kind(kind)
    return cur.unknown_kind(kind)


__all__ = [
    "ChargeMapping",
    "Check",
    "Column",
    "Columns",
    "Detected",
    "Finding",
    "FormatModule",
    "columns_by_field",
    "detect",
    "is_unknown_kind",
    "module_of",
]
