"""Is a folder of charges what was put there? Files by their checksums, lines by their sums."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from costs.charge_store.connection import Error, connect
from costs.charge_store.folders import RECORDS, ImportFolder
from costs.charge_store.stores import charge_store
from costs.money import round_money
from costs.terms import COST_COLUMNS

_BLOCK = 1024 * 1024


@dataclass(frozen=True)
class FolderSums:
    """What the lines of a folder add up to, split rows left out of the costs, rounded to ten decimals.

    `resource_costs` are of lines that have a resource,
    `is_rounded` tells whether any line has digits past the tenth, which rollups place in their own rows.
    """

    rows: int
    costs: dict[str, Decimal]
    resource_costs: dict[str, Decimal]
    is_rounded: bool


def damaged_files(folder: ImportFolder) -> list[str]:
    """What is wrong with the files of a folder, a sentence for each. Reads every byte."""
    marks = folder.marks()
    if not marks:
        return ["has no marker with the checksums of its files"]
    store, problems = charge_store(), []
    for mark in marks:
        digest, size = hashlib.sha256(), 0
        try:
            with store.explained(), store.open(f"{folder.name}/{mark.name}") as file:
                while block := file.read(_BLOCK):
                    digest.update(block)
                    size += len(block)
        except FileNotFoundError:
            problems.append(f"{mark.name} is missing")
            continue
        if size != mark.size:
            problems.append(f"{mark.name} has {size:,} bytes instead of {mark.size:,}")
        elif digest.hexdigest() != mark.sha256:
            problems.append(f"{mark.name} is not what was written: its checksum differs")
    known = {mark.name for mark in marks}
    there = sorted(file.name for file in store.files(folder.name))
    problems += [f"{name} was not written by its import: take it out" for name in there if _is_extra(name, known)]
    return problems


def _is_extra(name: str, known: Collection[str]) -> bool:
    """Whether a file would be read as charges, here or by other tools, though it is none of this import's."""
    records = {*RECORDS, "groups.parquet", "resources.parquet", "usage.parquet"}  # as early versions named them, too
    return name not in known and name.endswith(".parquet") and name not in records


def sums_of(folder: ImportFolder) -> FolderSums | str:
    """What a folder's lines add up to, or why they cannot be read."""
    sums = ", ".join(
        f"coalesce(sum({name}) FILTER (NOT is_split_row), 0),"
        f" coalesce(sum({name}) FILTER (NOT is_split_row AND resource_group <> 0), 0)"
        for name in COST_COLUMNS
    )
    digits = " OR ".join(f"{name} <> CAST({name} AS DECIMAL(38,10))" for name in COST_COLUMNS)
    try:
        with connect() as connection:
            row = connection.execute(
                f"SELECT count(*), coalesce(bool_or({digits}), false), {sums} FROM {folder.relation()}"
            ).fetchone()
    except Error as error:
        return f"cannot be read: {str(error).splitlines()[0]}"
    assert row is not None
    amounts = [round_money(amount) for amount in row[2:]]
    costs = dict(zip(COST_COLUMNS, amounts[::2], strict=True))
    with_resource = dict(zip(COST_COLUMNS, amounts[1::2], strict=True))
    return FolderSums(rows=row[0], costs=costs, resource_costs=with_resource, is_rounded=row[1])
