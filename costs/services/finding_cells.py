"""Where in an import's files a value stands that was found to be wrong once its lines had landed."""

from pathlib import Path
from typing import NoReturn

from costs import charge_store
from costs.billing_formats import columns_by_field, detect
from costs.billing_formats.base import literal
from costs.errors import ImportRejectedError
from costs.inventory import read_inventory
from costs.models import BillImport


def refuse_cell(
    import_pk: int, fields: tuple[str, ...], value: str, *, problem: str, cure: str, begins: bool = False
) -> NoReturn:
    """Raise ImportRejectedError that names the first cell of these fields with the value, or one that begins with it.

    '' stands for a cell that is empty.
    One more pass over the files, only after a failure. Where they are gone, or say it otherwise, no line is named.
    """
    files = BillImport.objects.get(pk=import_pk).files
    for described in files:
        path = Path(described["path"])
        if not path.is_file():
            continue
        with charge_store.tables_in(path) as tables:
            for table in tables:
                if place := _place(table, fields, value, begins=begins):
                    line, column = place
                    raise ImportRejectedError(problem, cure, table.name, line, column)
    raise ImportRejectedError(problem, cure, ", ".join(described["name"] for described in files))


def _place(table: Path, fields: tuple[str, ...], value: str, *, begins: bool) -> tuple[int, str] | None:
    """Line and column of the first cell that one of the fields is made from and that holds the value."""
    file = charge_store.open_bill_file(table)
    names = _columns_of(file, fields)
    columns = [column for column in file.columns.columns if column.name in names]
    texts = {column.name: f"coalesce(trim(CAST({column.sql} AS VARCHAR)), '')" for column in columns}
    cells = {name: _is_it(text, value, begins=begins) for name, text in texts.items()}
    found = [(line, name) for name, is_it in cells.items() if (line := charge_store.first_line(file, is_it))]
    return min(found, default=None)


def _is_it(text: str, value: str, *, begins: bool) -> str:
    if not value:
        return f"upper({text}) IN ('', 'NULL')"
    return f"starts_with({text}, {literal(value)})" if begins else f"{text} = {literal(value)}"


def _columns_of(file: charge_store.BillFile, fields: tuple[str, ...]) -> set[str]:
    module = detect(file.columns, file_name=file.path.name).module
    if module.FORMAT.is_inventory:
        read = read_inventory(file.path).read
        return {read[field] for field in fields if field in read}
    used = columns_by_field(module.mapping(file.columns), file.columns)
    return {name for field in fields for name in used.get(field, ())}
