"""Reading an inventory CSV: any spelling of its columns, blanks, tags as text, every number checked."""

import csv
import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pandas as pd

from costs.billing_formats.base import squash
from costs.billing_formats.files import GZIP_MAGIC, PARQUET_MAGIC, line_of_row, magic, open_text
from costs.billing_formats.inventory import FIELDS, NUMBERS
from costs.errors import ImportRejectedError
from costs.tags import BLANKS, clean_tags, parse_tag_text

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LARGEST = Decimal(10) ** 12  # no rate is as high, and a hundred thousand of them can still be added exactly
_CURRENCY = re.compile("[A-Z]{3}")
_LONGEST_ACCOUNT = 255
_SUMS = frozenset({"total", "totals", "grand total", "sum", "subtotal"})


@dataclass(frozen=True)
class Inventory:
    """An inventory's rows as text under the names of `FIELDS`; `tags` and `attributes` are JSON."""

    rows: pd.DataFrame
    read: dict[str, str]
    absent: tuple[str, ...]
    repeated: int = 0  # rows that say again, word for word, what a row before them says; they count once


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
    _require_short_accounts(rows["sub_account_id"], path=path)
    rows["cost"] = rows["cost"].where(rows["cost"] != "", "0")
    rows["currency"] = rows["currency"].str.upper().where(rows["currency"] != "", "USD")
    _require_currencies(rows["currency"], path=path)
    rows["tags"] = [json.dumps(tags_of(text), ensure_ascii=False, sort_keys=True) for text in rows["tags"]]
    rows["attributes"] = _attributes(table, taken=set(names.values()))
    absent = tuple(name for name in FIELDS if name not in names)
    again = rows.duplicated()
    _refuse_second_rows(rows, again, path=path, column=names["resource_id"])
    return Inventory(rows=rows[~again].reset_index(drop=True), read=names, absent=absent, repeated=int(again.sum()))


def tags_of(text: str) -> dict[str, str]:
    """Tags as `Key=Value,Key2=Value2`, as a JSON object, or as a JSON list of pairs of Key and Value."""
    if not text.startswith(("{", "[")):
        return parse_tag_text(text)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return parse_tag_text(text)
    if isinstance(found, list):
        pairs = [
            {str(name).casefold(): value for name, value in item.items()} for item in found if isinstance(item, dict)
        ]
        found = {str(pair.get("key", "")): pair.get("value") for pair in pairs}
    plain = {str(key): value for key, value in found.items() if isinstance(value, str | int | float)}
    return clean_tags(plain) if isinstance(found, dict) else {}


def _read_csv(path: Path) -> pd.DataFrame:
    if magic(path)[:4] == PARQUET_MAGIC:
        raise ImportRejectedError("An inventory is read from CSV, not from Parquet.", "Export it as CSV.", path.name)
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
            if any("\0" in cell for cell in cells):
                raise ImportRejectedError(
                    "The line holds a NUL character.", "Export it again as UTF-8 CSV.", path.name, reader.line_num
                )
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
    return bool(_NUMBER.fullmatch(text)) and abs(Decimal(text)) < _LARGEST


def _require_short_accounts(values: "pd.Series[str]", *, path: Path) -> None:
    for place, text in enumerate(values):
        if len(text) > _LONGEST_ACCOUNT:
            problem = f"The account's id has {len(text)} characters, {_LONGEST_ACCOUNT} are the most."
            raise ImportRejectedError(problem, "Correct it.", path.name, line_of_row(path, place))


def _require_currencies(values: "pd.Series[str]", *, path: Path) -> None:
    for place, text in enumerate(values):
        if not _CURRENCY.fullmatch(text):
            raise ImportRejectedError(
                f"'{text}' is no currency code.", "Write codes like USD.", path.name, line_of_row(path, place)
            )


def _refuse_second_rows(rows: pd.DataFrame, again: "pd.Series[bool]", *, path: Path, column: str) -> None:
    """Refuse a resource that two rows tell different things of: which one holds is a guess, both would count."""
    first: dict[tuple[str, str], int] = {}
    for place, key in enumerate(zip(rows["sub_account_id"], rows["resource_id"], strict=True)):
        if not again.iloc[place] and first.setdefault(key, place) != place:
            raise ImportRejectedError(
                f"{key[1]} is listed twice, first in line {line_of_row(path, first[key])}, and the rows differ.",
                "Remove one of them: each would count.",
                path.name,
                line_of_row(path, place),
                column,
            )


def _require_ids(values: "pd.Series[str]", *, path: Path, column: str) -> None:
    for place, text in enumerate(values):
        if text.casefold() in _SUMS:
            raise ImportRejectedError(
                f"The line '{text}' sums up the others.",
                "Remove it: it would count them twice.",
                path.name,
                line_of_row(path, place),
                column,
            )
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
