"""What the store tells beside charges: which import is in force, what every import was, which sources there are.

`in_force/in_force.parquet` is for other tools, the files that begin with `_` are for building a database anew.
"""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from costs.charge_store.folders import ImportFolder
from costs.charge_store.stores import charge_store
from costs.errors import InvalidRequestError

IN_FORCE = "in_force/in_force.parquet"
_CATALOGUE = "_catalogue.json"
_RECORD = "_record.json"
_SNAPSHOTS = "_snapshots.parquet"
_MONEY = pa.decimal128(38, 10)


class DamagedFileError(InvalidRequestError):
    """A file of the store that cannot be read; names it."""


@dataclass(frozen=True)
class InForce:
    """One month of one source, as other tools read it. `counts` is false for an inventory that a bill covers."""

    source: str
    billing_period: str
    import_pk: int
    billing_format: str
    provider: str
    billing_account_id: str
    billing_currency: str
    bill_state: str
    counts: bool
    rows: int
    billed_cost: Decimal
    effective_cost: Decimal
    list_cost: Decimal
    contracted_cost: Decimal
    unblended_cost: Decimal


def _schema() -> pa.Schema:
    kinds: dict[Any, pa.DataType] = {int: pa.int64(), bool: pa.bool_(), str: pa.string(), Decimal: _MONEY}
    return pa.schema([(_column(item.name), kinds[item.type]) for item in fields(InForce)])


def _column(name: str) -> str:
    return "import" if name == "import_pk" else name


def write_in_force(rows: Sequence[InForce]) -> None:
    """Replace the index of what is in force."""
    columns = {_column(item.name): [getattr(row, item.name) for row in rows] for item in fields(InForce)}
    charge_store().write(IN_FORCE, _parquet(pa.table(columns, schema=_schema())))


def read_in_force() -> list[InForce] | None:
    """The index; None where the store has none."""
    content = charge_store().read(IN_FORCE)
    if content is None:
        return None
    rows = _table(content, IN_FORCE).to_pylist()
    return [InForce(**{item.name: row[_column(item.name)] for item in fields(InForce)}) for row in rows]


def write_record(folder: ImportFolder, record: Mapping[str, Any], snapshots: Sequence[Mapping[str, Any]]) -> None:
    """Put what an import was beside its charges; of inventories, the states of its resources."""
    store = charge_store()
    if snapshots:
        names = list(snapshots[0])
        table = pa.table({name: pa.array([row[name] for row in snapshots]) for name in names})
        store.write(f"{folder.name}/{_SNAPSHOTS}", _parquet(table))
    store.write(f"{folder.name}/{_RECORD}", _json(record))


def read_record(folder: ImportFolder) -> dict[str, Any] | None:
    """What an import was; None where the store does not tell."""
    return _read_json(f"{folder.name}/{_RECORD}")


def has_record(folder: ImportFolder) -> bool:
    """Whether the store tells what an import was."""
    return charge_store().has(f"{folder.name}/{_RECORD}")


def read_snapshots(folder: ImportFolder) -> list[dict[str, Any]]:
    """The states of resources an inventory told; empty for bills."""
    name = f"{folder.name}/{_SNAPSHOTS}"
    content = charge_store().read(name)
    return [] if content is None else _table(content, name).to_pylist()


def write_catalogue(catalogue: Mapping[str, Any]) -> bool:
    """Keep sources and accounts in the store; False where it has them as they are."""
    content = _json(catalogue)
    if charge_store().read(_CATALOGUE) == content:
        return False
    charge_store().write(_CATALOGUE, content)
    return True


def read_catalogue() -> dict[str, Any] | None:
    """Sources and accounts; None where the store has none."""
    return _read_json(_CATALOGUE)


def _read_json(name: str) -> dict[str, Any] | None:
    content = charge_store().read(name)
    if content is None:
        return None
    try:
        found: dict[str, Any] = json.loads(content)
    except ValueError as error:
        raise DamagedFileError(f"{name} in the charge store is damaged. Put it back from a backup.") from error
    return found


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False).encode()


def _parquet(table: pa.Table) -> bytes:
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd")
    return out.getvalue()


def _table(content: bytes, name: str) -> pa.Table:
    try:
        return pq.ParquetFile(io.BytesIO(content)).read()  # read_table would load all of Arrow's datasets
    except (pa.ArrowException, OSError) as error:
        raise DamagedFileError(f"{name} in the charge store is damaged. Put it back from a backup.") from error
