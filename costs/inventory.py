"""Reading an inventory CSV: any spelling of its columns, blanks, tags as text, every number checked."""

import csv
import json
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import pandas as pd

from costs.billing_formats.base import squash
from costs.billing_formats.files import GZIP_MAGIC, line_of_row, magic, open_text
from costs.billing_formats.inventory import FIELDS, NUMBERS
from costs.errors import ImportRejectedError
from costs.tags import BLANKS, parse_tag_text


@dataclass(frozen=True)
class Inventory:
    """An inventory's rows as text under the names of `FIELDS`; `tags` and `attributes` are JSON."""

    rows: pd.DataFrame
    read: dict[str, str]
    absent: tuple[str, ...]


def read_inventory(path: Path) -> Inventory:
    """Read and check one inventory. Raises ImportRejectedError naming line and column."""
    table = _read_csv(path)
    names = _field_columns(list(table.columns))
    rows = pd.DataFrame(index=table.index)
    for name in FIELDS:
        rows[name] = _clean(table[names[name]]) if name in names else ""
    for name in NUMBERS:
        if name in names:
            rows[name] = _numbers(rows[name], path=path, column=names[name])
    _require_ids(rows["resource_id"], path=path, column=names["resource_id"])
    rows["cost"] = rows["cost"].where(rows["cost"] != "", "0")
    rows["currency"] = rows["currency"].str.upper().where(rows["currency"] != "", "USD")
    rows["tags"] = [json.dumps(parse_tag_text(text), ensure_ascii=False, sort_keys=True) for text in rows["tags"]]
    rows["attributes"] = _attributes(table, taken=set(names.values()))
    absent = tuple(name for name in FIELDS if name not in names)
    return Inventory(rows=rows, read=names, absent=absent)


def _read_csv(path: Path) -> pd.DataFrame:
    try:
        _refuse_long_rows(path)
        packing: Literal["gzip"] | None = "gzip" if magic(path)[:2] == GZIP_MAGIC else None
        return pd.read_csv(
            path, dtype=str, keep_default_na=False, encoding="utf-8-sig", index_col=False, compression=packing
        )
    except (UnicodeDecodeError, EOFError, OSError, csv.Error, pd.errors.ParserError) as error:
        raise ImportRejectedError(
            f"The file cannot be read ({error}).", "Export it again as UTF-8 CSV.", path.name
        ) from error


def _refuse_long_rows(path: Path) -> None:
    """Refuse rows with more cells than the header: which cell would be which is a guess."""
    with open_text(path) as text:
        reader = csv.reader(text)
        width = len(next(reader, []))
        for cells in reader:
            if len(cells) > width:
                raise ImportRejectedError(
                    f"The line has {len(cells)} columns, the header {width}.",
                    "Quote text that holds commas, or export again.",
                    path.name,
                    reader.line_num,
                )


def _field_columns(columns: list[str]) -> dict[str, str]:
    by_name = {squash(column): column for column in reversed(columns)}
    found: dict[str, str] = {}
    for name, spellings in FIELDS.items():
        for spelling in map(squash, spellings):
            if spelling in by_name and by_name[spelling] not in found.values():
                found[name] = by_name[spelling]
                break
    return found


def _clean(column: "pd.Series[str]") -> "pd.Series[str]":
    text = column.fillna("").str.strip()
    return text.where(~text.str.casefold().isin(BLANKS), "")


def _numbers(values: "pd.Series[str]", *, path: Path, column: str) -> "pd.Series[str]":
    for place, text in enumerate(values):
        if text and not _is_number(text):
            raise ImportRejectedError(
                f"'{text}' is not a number.",
                "Write it with a point and without currency sign or thousands separator, like 1234.56.",
                path.name,
                line=line_of_row(path, place),
                column=column,
            )
    return values


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _require_ids(values: "pd.Series[str]", *, path: Path, column: str) -> None:
    for place, text in enumerate(values):
        if not text:
            raise ImportRejectedError(
                "The resource has no id.", "Fill it in or remove the row.", path.name, line_of_row(path, place), column
            )


def _attributes(table: pd.DataFrame, *, taken: set[str]) -> list[str]:
    others = [column for column in table.columns if column not in taken]
    cleaned = {column: _clean(table[column]).tolist() for column in others}
    return [
        json.dumps({column: values[place] for column, values in cleaned.items() if values[place]}, ensure_ascii=False)
        for place in range(len(table))
    ]
