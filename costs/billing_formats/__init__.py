"""Every format this product reads. A new one is a module here and a place in `detect.MODULES`."""

from costs.billing_formats.base import ChargeMapping, Check, Column, Columns, Finding, FormatModule
from costs.billing_formats.detect import MODULES, Detected, detect
from costs.terms import BillingFormat


def module_of(billing_format: str) -> FormatModule:
    """The module that reads a format."""
    by_format = {module.FORMAT: module for module in MODULES}
    return by_format[BillingFormat(billing_format)]


__all__ = [
    "ChargeMapping",
    "Check",
    "Column",
    "Columns",
    "Detected",
    "Finding",
    "FormatModule",
    "detect",
    "module_of",
]
