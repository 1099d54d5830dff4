"""Which format a file is, from its header alone."""

from collections import Counter
from dataclasses import dataclass

from costs.billing_formats import cur2, cur_legacy, focus, inventory_compute, inventory_storage
from costs.billing_formats.base import Columns, FormatModule, columns_by_field, squash
from costs.billing_formats.other_exports import other_export
from costs.errors import ImportRejectedError

MODULES: tuple[FormatModule, ...] = (cur2, cur_legacy, focus, inventory_storage, inventory_compute)
_READABLE = (
    "Readable are: legacy Cost and Usage Reports, CUR 2.0 and FOCUS exports (CSV, gz, zip, Parquet) and inventories of"
    " instances or buckets."
)
_OTHER_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "bars"}


@dataclass(frozen=True)
class Detected:
    """The format of a file and why it was taken for it."""

    module: FormatModule
    reason: str


def detect(columns: Columns, *, file_name: str) -> Detected:
    """The format the header speaks of. Raises ImportRejectedError: unknown, or a needed column is missing."""
    _refuse_other_delimiter(columns, file_name)
    _refuse_other_exports(columns, file_name)
    for module in MODULES:
        if reason := module.recognise(columns):
            if lost := module.missing(columns):
                raise ImportRejectedError(
                    f"The file looks like {module.NAME} ({reason}) but has no column {', '.join(lost)}.",
                    "Export it again with these columns; without them it is no bill.",
                    file_name,
                    line=1,
                    column=lost[0],
                )
            _refuse_doubled(module, columns, file_name)
            return Detected(module, reason)
    shown = ", ".join(columns.names[:6])
    raise ImportRejectedError(f"The format is not known: its header begins with {shown}.", _READABLE, file_name, line=1)


def _refuse_other_delimiter(columns: Columns, file_name: str) -> None:
    if len(columns.names) > 2:
        return
    header = ",".join(columns.names)
    for delimiter, name in _OTHER_DELIMITERS.items():
        if header.count(delimiter) >= 2:
            raise ImportRejectedError(
                f"The columns are separated by {name}, not by commas.",
                "Export the file with commas.",
                file_name,
                line=1,
            )


def _refuse_doubled(module: FormatModule, columns: Columns, file_name: str) -> None:
    """A column that nothing is made from may stand there as often as it likes.

    Amounts and times may not even differ in case and punctuation alone: tags may.
    """
    names = [name for name in columns.names if name]
    spellings = Counter(map(squash, names))
    if len(spellings) == len(names):
        return
    read, exact = set(names), set[str]()
    if not module.FORMAT.is_inventory:
        mapping = module.mapping(columns)
        read = {name for found in columns_by_field(mapping, columns).values() for name in found}
        exact = {squash(check.column.name) for check in mapping.checks}
    for name, count in Counter(names).items():
        count = spellings[squash(name)] if squash(name) in exact else count
        if count > 1 and name in read:
            raise ImportRejectedError(
                f"The header has this column {count} times; which one counts is a guess.",
                "Export the file again.",
                file_name,
                line=1,
                column=name,
            )


def _refuse_other_exports(columns: Columns, file_name: str) -> None:
    if kind := other_export(columns):
        raise ImportRejectedError(f"This is {kind.what}.", kind.cure, file_name, line=1)
